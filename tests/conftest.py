"""Photographs, masks and a real ComfyUI for the tests."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
import torch
from edit_first.headless import comfy_api, files

comfy_api.install()
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the workers share the cores

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ROOT / "assets" / "photos"


def _load(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


comfyui = _load("comfyui_server", ROOT / "tests" / "comfyui" / "server.py")
_load("hostile_zones", ROOT / "tests" / "hostile_zones.py")
_load("hostile_inputs", ROOT / "tests" / "hostile_inputs.py")


def pytest_collection_modifyitems(items):
    """Tests of one kind stay in one worker: they share a ComfyUI, or a browser."""
    for item in items:
        if item.get_closest_marker("comfyui"):
            item.add_marker(pytest.mark.xdist_group("comfyui"))
        elif "js" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("browser"))


def load_photo(name: str) -> torch.Tensor:
    """A sample photograph as a library image (1, 3, H, W)."""
    return files.read_image(PHOTOS / name)[0].movedim(3, 1).contiguous()


@pytest.fixture(scope="session")
def chelsea() -> torch.Tensor:
    """451x300 photograph; an odd width."""
    return load_photo("chelsea.png")


@pytest.fixture(scope="session")
def coffee() -> torch.Tensor:
    """600x400 photograph."""
    return load_photo("coffee.png")


@pytest.fixture(scope="session")
def astronaut() -> torch.Tensor:
    """512x512 photograph."""
    return load_photo("astronaut.png")


def disc(image: torch.Tensor, radius: float = 0.25) -> torch.Tensor:
    """A centered disc as a mask (1, 1, H, W); the radius is a fraction of the shorter side."""
    height, width = image.shape[2:]
    y, x = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None, :] + 0.5
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 <= (radius * min(height, width)) ** 2
    return inside.float()[None, None]


@pytest.fixture(scope="session")
def make_disc():
    """Makes a centered disc mask for an image."""
    return disc


@pytest.fixture(scope="session")
def comfy(tmp_path_factory):
    """A running ComfyUI with this checkout as its only pack; skips where there is none."""
    found = comfyui.find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    with comfyui.Server(tmp_path_factory.mktemp("comfyui")) as server:
        yield server


@pytest.fixture
def comfy_image(comfy):
    """Puts an image (1, C, H, W) into ComfyUI's input folder and returns its name."""

    def put(image: torch.Tensor, name: str) -> str:
        files.write_png(comfy.base / "input" / name, image.movedim(1, 3)[0])
        return name

    return put
