"""What the benchmarks share: photographs, timing, and results with date and versions."""

from __future__ import annotations

import datetime
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # loads the pack as `edit_first`
from edit_first import __version__  # noqa: E402
from edit_first.headless import files  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"


def photo_paths() -> list[Path]:
    """The sample photographs and those of PHOTOS_PATH."""
    more = Path(os.environ.get("PHOTOS_PATH", "/nonexistent"))
    return sorted((ROOT / "assets" / "photos").iterdir()) + (sorted(more.glob("*.png")) if more.is_dir() else [])


def load_photos() -> list[torch.Tensor]:
    """Photographs as library images (1, 3, H, W)."""
    return [files.read_image(path)[0].movedim(3, 1).contiguous() for path in photo_paths()]


def median_seconds(call: Callable, repeats: int = 5) -> float:
    """Median time of a call after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 4)


def save(name: str, result: dict, *, show: bool = True) -> None:
    """Write benchmarks/results/<name>.json, and show it."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "date": datetime.date.today().isoformat(),
        "version": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": "cpu",
    }
    path.write_text(json.dumps({**about, **result}, indent=1) + "\n", encoding="utf-8")
    if show:
        sys.stdout.write(path.read_text(encoding="utf-8"))
