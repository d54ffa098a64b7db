"""Does a patch get the plate's grain? Plates of known grain, patches without; against other packs' grain.

    python benchmarks/grain.py

RIVALS_PATH names a folder with checkouts `NKD` (ComfyUI-NKD-Basic-Tools) and `ComfyUI-Image-Filters`; absent rivals are
named in the result. Grain that a method adds is found without touching the picture: the difference of two runs over the
root of 2, in three pairs of runs, so that a bin of few pixels tells the method and not its luck. The plate's own is found
from as many pairs of draws, and as many again say how near the truth itself comes. PHOTOS_PATH names more photographs:
every third of their verifying half, on which nothing was chosen, is measured apart. Writes
benchmarks/results/grain.json.
"""

# ruff: noqa: I001
from __future__ import annotations

import ast
import copy
import importlib.util
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from harness import ROOT, photo_paths, save  # first: it loads the pack as `edit_first`
import calibration

from edit_first.imaging import grain, masks

BINS = 8
BLOCK = 16
LEAST_PX = 500  # of a bin; with as many, the plate's own grain drawn anew comes within 6 %
SEPARATION_PX = 2.0
PAIRS = 3  # of draws; their noise is not the plates' own, or white noise would be found to be the very same
FIRST_SEED = 101
HELD_OUT = ("truth, drawn anew", "Edit First, paired", "white noise, estimated level", "frequency separation, 2 px")
PLATES = {"correlated, stronger in shadows": (0.8, 6.0, True), "white": (0.0, 4.0, False)}


def make_plate(photo: torch.Tensor, blur_px: float, level: float, shadows: bool, seed: int) -> torch.Tensor:
    """A photograph with known grain, stored in 8 bits."""
    noise = masks.gaussian_blur(torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed)), blur_px)
    sigma = level / 255 * ((1.5 - 1.1 * photo) if shadows else 1.0)
    return ((photo + sigma * noise / noise.std()).clamp(0, 1) * 255).round() / 255


def white_noise(plates: list, patch: torch.Tensor, mask: torch.Tensor, seed: int) -> torch.Tensor:
    """What many do: white Gaussian noise of the level that Immerkaer's estimator finds in the surroundings."""
    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]).expand(3, 1, 3, 3)
    response = torch.nn.functional.conv2d(plates[0], kernel, padding=1, groups=3).abs()
    sigma = response[(mask <= 0).expand_as(patch)].mean() * (torch.pi / 2) ** 0.5 / 6
    return patch + sigma * torch.randn(patch.shape, generator=torch.Generator().manual_seed(seed))


def frequency_separation(plates: list, patch: torch.Tensor, mask: torch.Tensor, seed: int) -> torch.Tensor:
    """What retouchers do: the high frequencies of a neighboring place of the plate on the low ones of the patch.

    It draws nothing, so each run is given another plate.
    """
    plate = plates[seed - FIRST_SEED]
    high = plate - masks.gaussian_blur(plate, SEPARATION_PX)
    return masks.gaussian_blur(patch, SEPARATION_PX) + high.roll(patch.shape[3] // 2, 3)


def methods() -> tuple[dict, dict]:
    """Functions (plates, patch, mask, seed) -> image by name, and why others are absent."""
    found = {
        "Edit First, paired": lambda plates, patch, mask, seed: grain.match_grain(
            patch, mask, original=plates[0], seed=seed
        ),
        "Edit First, unpaired": lambda plates, patch, mask, seed: grain.match_grain(
            torch.where(mask > 0, patch, plates[0]), mask, seed=seed
        ),
        "white noise, estimated level": white_noise,
        "frequency separation, 2 px": frequency_separation,
    }
    folder, absent = Path(os.environ.get("RIVALS_PATH", "/nonexistent")), {}
    for name, make in {"NKD Film Grain, defaults": nkd, "BetterFilmGrain, defaults": better_film_grain}.items():
        try:
            found[name] = make(folder)
        except Exception as error:  # whatever a foreign pack raises, the rest is still measured
            absent[name] = f"{type(error).__name__}: {error}"[:200]
    return found, absent


def nkd(folder: Path):
    sys.path.append(str(folder / "NKD"))
    module = load(folder / "NKD/helpers.py", "nkd_helpers")
    return lambda plates, patch, mask, seed: module._film_grain(
        patch.movedim(1, 3), 25.0, 25.0, 50.0, 0.0, seed, True
    ).movedim(3, 1)


def better_film_grain(folder: Path):
    """Only the node and the helpers it calls are run; the rest of its module imports ComfyUI and models."""
    tree = ast.parse((folder / "ComfyUI-Image-Filters/nodes.py").read_text(encoding="utf-8"))
    wanted = {"BetterFilmGrain", "RGB2YCbCr", "YCbCr2RGB", "cv_blur_tensor"}
    tree.body = [node for node in tree.body if getattr(node, "name", None) in wanted]
    scope = {"torch": torch, "F": torch.nn.functional, "np": np, "cv2": cv2, "copy": copy}
    exec(compile(tree, "BetterFilmGrain", "exec"), scope)  # noqa: S102
    node = scope["BetterFilmGrain"]()
    return lambda plates, patch, mask, seed: node.grain(patch.movedim(1, 3), 0.5, 0.5, 0.7, 0.0, seed)[0].movedim(3, 1)


def load(path: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def periodogram(noise: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean power (BLOCK, BLOCK // 2 + 1) of the blocks within a mask."""
    cut = noise.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)
    whole = mask.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK).amin((4, 5))[0, 0] > 0
    blocks = cut[0][:, whole]
    line = torch.hann_window(BLOCK, periodic=False)
    return (
        torch.fft.rfft2((blocks - blocks.mean((2, 3), keepdim=True)) * line[:, None] * line).abs().square().mean((0, 1))
    )


def levels(pairs: list, photo: torch.Tensor, mask: torch.Tensor) -> list[float]:
    """Standard deviation of the grain by which pairs of images differ, in every bin that holds patch pixels."""
    brightness, found = photo.mean(1, keepdim=True), []
    for number in range(BINS):
        here = (mask > 0) & (brightness >= number / BINS) & (brightness < (number + 1) / BINS)
        if here.sum() >= LEAST_PX:
            here = here.expand_as(photo)
            found.append(statistics.mean(float((a - b)[here].var() / 2) for a, b in pairs) ** 0.5)
    return found


def spectral_distance(added: list, wanted: list, mask: torch.Tensor) -> float:
    """Log-spectral distance in dB of the grain by which pairs of images differ."""
    power = [sum(periodogram(a - b, mask) for a, b in pairs) / len(pairs) + 1e-9 for pairs in (added, wanted)]
    return float((10 * torch.log10(power[0] / power[1])).flatten()[1:].square().mean().sqrt())


def cut_photos(paths: list[Path], *, middle: bool) -> dict[str, torch.Tensor]:
    """512 x 400 px of photographs of at most 1024 px, by name; softened, so that they have less grain of their own."""
    cut = {}
    for path in paths:
        photo = calibration.Photo(path, "").load(1024)
        top, left = (
            middle * max(0, (side - most) // 2) for side, most in zip(photo.shape[2:], (400, 512), strict=True)
        )
        cut[path.stem] = masks.gaussian_blur(photo, 0.5)[:, :, top : top + 400, left : left + 512]
    return cut


def quality(photos: dict[str, torch.Tensor], run_by: dict) -> list[dict]:
    """Level and spectrum of the grain that each method adds; the first method is the plate's own grain, drawn anew."""
    rows = []
    for kind, (blur_px, level, shadows) in PLATES.items():
        gathered: dict[str, dict] = {name: {} for name in run_by}
        for title, photo in photos.items():
            height, width = photo.shape[2:]
            y, x = torch.arange(height)[:, None] / height - 0.5, torch.arange(width)[None] / width - 0.5
            mask = ((x / 0.3) ** 2 + (y / 0.35) ** 2 < 1).float()[None, None]
            plates = [make_plate(photo, blur_px, level, shadows, seed) for seed in range(1, 4 * PAIRS + 1)]
            patch = (masks.gaussian_blur(photo, 0.7) * 255).round() / 255
            own = in_pairs(plates[: 2 * PAIRS])
            wanted = levels(own, photo, mask)
            for name, method in run_by.items():
                seeds = range(FIRST_SEED, FIRST_SEED + 2 * PAIRS)
                runs = plates[2 * PAIRS :] if method is None else [method(plates, patch, mask, seed) for seed in seeds]
                pairs = in_pairs(runs)
                ratios = [a / b for a, b in zip(levels(pairs, photo, mask), wanted, strict=True)]
                gathered[name][title] = (ratios, spectral_distance(pairs, own, mask))
        rows += [{"plate": kind, "method": name, **summary(values)} for name, values in gathered.items()]
    return rows


def in_pairs(images: list) -> list[tuple]:
    return list(zip(images[::2], images[1::2], strict=True))


def summary(values: dict[str, tuple[list[float], float]]) -> dict:
    ratios = [ratio for own, _ in values.values() for ratio in own]
    distances = {title: round(distance, 2) for title, (_, distance) in values.items()}
    return {
        "bins": len(ratios),
        "within_10_percent": round(sum(abs(r - 1) <= 0.1 for r in ratios) / len(ratios), 3),
        "median_ratio": round(statistics.median(ratios), 3),
        "lowest_ratio": round(min(ratios), 3),
        "highest_ratio": round(max(ratios), 3),
        "median_lsd_db": round(statistics.median(distances.values()), 2),
        "highest_lsd_db": max(distances.values()),
        "ratios": {title: [round(ratio, 3) for ratio in own] for title, (own, _) in values.items()},
        "lsd_db": distances,
    }


def speed() -> list[dict]:
    """Processor seconds on one thread for a 10 % edit, the least of two runs: a busy machine leaves them comparable."""
    rows = []
    for megapixels, (width, height) in {1: (1024, 1024), 4: (2304, 1792), 8: (3840, 2160)}.items():
        plain = masks.gaussian_blur(torch.rand(1, 3, height, width), 6) * 0.5 + 0.25
        plate, mask = make_plate(plain, 0.8, 5, False, 1), torch.zeros(1, 1, height, width)
        mask[:, :, height // 3 : height // 3 + int(height * 0.316), width // 3 : width // 3 + int(width * 0.316)] = 1
        spent = []
        for _ in range(2):
            start = time.process_time()
            grain.match_grain(plain, mask, original=plate)
            spent.append(time.process_time() - start)
        rows.append({"megapixels": megapixels, "cpu_seconds": round(min(spent), 2)})
    return rows


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    samples = {path.stem: path for path in photo_paths() if path.parent.name == "photos" and path.is_relative_to(ROOT)}
    verifying = [photo for photo in calibration.photo_set() if photo.half == "verify" and not photo.drawing]
    others = [photo.path for photo in verifying if photo.name not in samples][::3]
    found, absent = methods()
    run_by = {"truth, drawn anew": None, **found}
    result = {
        "photographs": len(samples),
        "absent": absent,
        "quality": quality(cut_photos(list(samples.values()), middle=False), run_by),
    }
    if others:
        few = {name: run_by[name] for name in HELD_OUT}
        result["held_out"] = {"photographs": len(others), "quality": quality(cut_photos(others, middle=True), few)}
    result["speed"] = speed()
    result["peak_memory_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    save("grain", result)
