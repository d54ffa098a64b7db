"""The placement nodes that people use, run from their own code.

RIVALS_PATH names a folder with checkouts `LayerStyle`, `efficiency` and `WAS`; COMFYUI_PATH a ComfyUI. What is absent is
left out. Functions are taken out of the files by name, because the packs import models and ComfyUI as a whole.
"""

from __future__ import annotations

import ast
import copy
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from torch import Tensor

# (scene, product, alpha, x, y, side) -> image; all as ComfyUI has them, the product a square placed at side x side
Placer = Callable[[Tensor, Tensor, Tensor, int, int, int], Tensor]


def definitions(path: Path, names: set[str], given: dict) -> dict:
    """Functions and classes of a file by name, compiled as they are, with `given` as their globals."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if getattr(node, "name", "") in names]
    missing = names - {node.name for node in tree.body}
    if missing:
        raise LookupError(f"{path.name} has no {', '.join(sorted(missing))}")
    space = dict(given)
    exec(compile(tree, str(path), "exec"), space)  # noqa: S102 - a rival's own code, from a checkout we were given
    return space


PIL_NAMES = {"Image": Image, "ImageOps": ImageOps, "ImageDraw": ImageDraw, "ImageFilter": ImageFilter}
GIVEN = {**PIL_NAMES, "torch": torch, "np": np, "copy": copy}


def core(folder: Path) -> dict[str, Placer]:
    """Scale with one of core's filters, then Image Composite Masked."""
    utils = definitions(folder / "comfy" / "utils.py", {"common_upscale", "lanczos", "repeat_to_batch_size"}, GIVEN)
    comfy = type(
        "comfy", (), {"utils": type("utils", (), {k: staticmethod(v) for k, v in utils.items() if callable(v)})}
    )
    annotations = {"comfy": comfy}
    composite = definitions(folder / "comfy_extras" / "nodes_mask.py", {"composite"}, {**GIVEN, **annotations})[
        "composite"
    ]

    def make(method: str) -> Placer:
        def place(scene, product, alpha, x, y, side):
            planes = torch.cat((product.movedim(3, 1), alpha[:, None]), 1)
            if side != product.shape[1]:
                scaled = [
                    utils["common_upscale"](part, side, side, method, "disabled")
                    for part in (planes[:, :3], planes[:, 3:].expand(-1, 3, -1, -1))
                ]
                planes = torch.cat((scaled[0], scaled[1][:, :1]), 1)
            return composite(scene.movedim(3, 1).clone(), planes[:, :3], x, y, planes[:, 3], 1).movedim(1, 3)

        return place

    return {f"core scale ({method}) and composite": make(method) for method in ("bicubic", "area", "lanczos")}


def layer_style(folder: Path) -> dict[str, Placer]:
    """LayerStyle's ImageBlendAdvance V3; its position is given in percent, to two digits."""
    from blend_modes import normal  # pip install blend_modes, as the pack asks for

    names = {"tensor2pil", "pil2tensor", "image2mask", "chop_image_v2", "image_rotate_extend_with_alpha", "RGB2RGBA"}
    helpers = definitions(
        folder / "py" / "imagefunc.py", names | {"__rotate_expand"}, {**GIVEN, "BLEND_MODES": {"normal": normal}}
    )
    helpers |= {"log": lambda *_, **__: None, "chop_mode_v2": ["normal"], "mask2image": None}
    node = definitions(folder / "py" / "image_blend_advance_v3.py", {"ImageBlendAdvanceV3"}, helpers)[
        "ImageBlendAdvanceV3"
    ]()

    def place(scene, product, alpha, x, y, side):
        height, width = scene.shape[1:3]
        percent = [round((start + side / 2 + 0.3) / full * 100, 2) for start, full in ((x, width), (y, height))]
        scale = side / product.shape[1] + 1e-6
        return node.image_blend_advance_v2(
            product, False, "normal", 100, *percent, "None", scale, 1, 0, "lanczos", 0, scene, alpha
        )[0][..., :3]

    return {"LayerStyle ImageBlendAdvance V3": place}


def efficiency(folder: Path) -> dict[str, Placer]:
    """Efficiency Nodes' Image Overlay; its mask is 1 = transparent."""
    pil = definitions(folder / "tsc_utils.py", {"tensor2pil", "pil2tensor"}, {**GIVEN})
    comfyui = Path(os.environ["COMFYUI_PATH"])
    utils = definitions(comfyui / "comfy" / "utils.py", {"common_upscale", "lanczos"}, GIVEN)
    comfy = type("comfy", (), {"utils": type("utils", (), {"common_upscale": staticmethod(utils["common_upscale"])})})
    given = {**GIVEN, **pil, "comfy": comfy, "MAX_RESOLUTION": 16384}
    node = definitions(folder / "efficiency_nodes.py", {"TSC_ImageOverlay"}, given)["TSC_ImageOverlay"]()

    def make(method: str) -> Placer:
        def place(scene, product, alpha, x, y, side):
            return node.apply_overlay_image(
                scene, product, "Resize to width & heigth", method, 1.0, side, side, x, y, 0, 0, 1 - alpha
            )[0].reshape(scene.shape)

        return place

    return {f"Efficiency Image Overlay ({method})": make(method) for method in ("bilinear", "area")}


def was(folder: Path) -> dict[str, Placer]:
    """WAS Image Paste Crop by Location, without its border blend; the product's alpha goes in as RGBA."""
    names = {"tensor2pil", "pil2tensor", "WAS_Image_Paste_Crop_Location"}
    node = definitions(folder / "WAS_Node_Suite.py", names, GIVEN)["WAS_Image_Paste_Crop_Location"]()

    def place(scene, product, alpha, x, y, side):
        cut = torch.cat((product, alpha[..., None]), 3)
        return node.image_paste_crop_location(scene, cut, y, x, x + side, y + side, 0.0, 0)[0][..., :3]

    return {"WAS Image Paste Crop by Location": place}


PACKS = {"LayerStyle": layer_style, "efficiency": efficiency, "WAS": was}


def find() -> tuple[dict[str, Placer], list[str]]:
    """Rivals that are at hand, and the names of those that are not."""
    folder, comfyui = (Path(os.environ.get(name, "/nonexistent")) for name in ("RIVALS_PATH", "COMFYUI_PATH"))
    found, absent = {}, []
    packs = {"ComfyUI": (core, comfyui), **{name: (build, folder / name) for name, build in PACKS.items()}}
    for name, (build, path) in packs.items():
        try:
            found |= build(path)
        except (OSError, LookupError, ImportError) as error:
            absent.append(f"{name}: {error}")
    return found, absent
