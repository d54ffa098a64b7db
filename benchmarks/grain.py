"""Does a patch get the plate's grain? Plates of known grain, patches without; against other packs' grain.

    python benchmarks/grain.py

RIVALS_PATH names a folder with a checkout `NKD`; absent rivals are left out. PHOTOS_PATH names more photographs. Grain
that a method adds is found without touching the picture: half the difference of two seeds. Writes
benchmarks/results/<version>/grain.json.
"""

# ruff: noqa: I001
from __future__ import annotations

import importlib.util
import os
import resource
import statistics
import sys
from pathlib import Path

import torch
from harness import load_photos, median_seconds, save  # first: it loads the pack as `edit_first`

from edit_first.imaging import grain, masks

BINS = 8
BLOCK = 16
PLATES = {"correlated, stronger in shadows": (0.8, 6.0, True), "white": (0.0, 4.0, False)}


def make_plate(photo: torch.Tensor, blur_px: float, level: float, shadows: bool, seed: int) -> torch.Tensor:
    """A photograph with known grain, stored in 8 bits."""
    noise = masks.gaussian_blur(torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed)), blur_px)
    sigma = level / 255 * ((1.5 - 1.1 * photo) if shadows else 1.0)
    return ((photo + sigma * noise / noise.std()).clamp(0, 1) * 255).round() / 255


def white_noise(plate: torch.Tensor, patch: torch.Tensor, mask: torch.Tensor, seed: int) -> torch.Tensor:
    """What many do: white Gaussian noise of the level that Immerkaer's estimator finds in the surroundings."""
    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]).expand(3, 1, 3, 3)
    response = torch.nn.functional.conv2d(plate, kernel, padding=1, groups=3).abs()
    sigma = response[(mask <= 0).expand_as(plate)].mean() * (torch.pi / 2) ** 0.5 / 6
    return patch + sigma * torch.randn(patch.shape, generator=torch.Generator().manual_seed(seed))


def methods() -> dict:
    """Functions (plate, patch, mask, seed) -> image by name."""
    found = {
        "Edit First, paired": lambda plate, patch, mask, seed: grain.match_grain(
            patch, mask, original=plate, seed=seed
        ),
        "Edit First, unpaired": lambda plate, patch, mask, seed: grain.match_grain(
            torch.where(mask > 0, patch, plate), mask, seed=seed
        ),
        "white noise, estimated level": white_noise,
    }
    helpers = Path(os.environ.get("RIVALS_PATH", "/nonexistent")) / "NKD/helpers.py"
    if helpers.is_file():
        sys.path.append(str(helpers.parent))
        spec = importlib.util.spec_from_file_location("nkd_helpers", helpers)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found["NKD Film Grain, defaults"] = lambda plate, patch, mask, seed: module._film_grain(
            patch.movedim(1, 3), 25.0, 25.0, 50.0, 0.0, seed, True
        ).movedim(3, 1)
    return found


def periodogram(noise: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean power (BLOCK, BLOCK // 2 + 1) of the blocks within a mask."""
    cut = noise.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)
    whole = mask.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK).amin((4, 5))[0, 0] > 0
    blocks = cut[0][:, whole]
    line = torch.hann_window(BLOCK, periodic=False)
    return (
        torch.fft.rfft2((blocks - blocks.mean((2, 3), keepdim=True)) * line[:, None] * line).abs().square().mean((0, 1))
    )


def compare(added: torch.Tensor, wanted: torch.Tensor, photo: torch.Tensor, mask: torch.Tensor) -> tuple[list, float]:
    """Ratio of the levels in every brightness bin that holds patch pixels, and log-spectral distance in dB."""
    brightness, ratios = photo.mean(1, keepdim=True), []
    for number in range(BINS):
        here = (mask > 0) & (brightness >= number / BINS) & (brightness < (number + 1) / BINS)
        if here.sum() >= 500:
            here = here.expand_as(added)
            ratios.append(float(added[here].std() / wanted[here].std()))
    power = [periodogram(noise, mask) + 1e-9 for noise in (added, wanted)]
    distance = 10 * torch.log10(power[0] / power[1])
    return ratios, float(distance.flatten()[1:].square().mean().sqrt())


def quality() -> list[dict]:
    """Level and spectrum of the grain that each method adds."""
    rows = []
    for kind, (blur_px, level, shadows) in PLATES.items():
        gathered: dict[str, list] = {name: [] for name in methods()}
        for photo in load_photos():
            photo = masks.gaussian_blur(photo, 0.5)[:, :, :400, :512]  # less grain of its own
            height, width = photo.shape[2:]
            y, x = torch.arange(height)[:, None] / height - 0.5, torch.arange(width)[None] / width - 0.5
            mask = ((x / 0.3) ** 2 + (y / 0.35) ** 2 < 1).float()[None, None]
            plates = [make_plate(photo, blur_px, level, shadows, seed) for seed in (1, 2)]
            patch = (masks.gaussian_blur(photo, 0.7) * 255).round() / 255
            wanted = (plates[0] - plates[1]) / 2**0.5
            for name, method in methods().items():
                runs = [method(plates[0], patch, mask, seed) for seed in (1, 2)]
                gathered[name].append(compare((runs[0] - runs[1]) / 2**0.5, wanted, photo, mask))
        for name, values in gathered.items():
            ratios = [ratio for own, _ in values for ratio in own]
            rows.append(
                {
                    "plate": kind,
                    "method": name,
                    "bins": len(ratios),
                    "within_10_percent": round(sum(abs(r - 1) <= 0.1 for r in ratios) / len(ratios), 3),
                    "median_ratio": round(statistics.median(ratios), 3),
                    "worst_ratio": round(max(ratios, key=lambda r: abs(r - 1)), 3),
                    "median_lsd_db": round(statistics.median(distance for _, distance in values), 2),
                }
            )
    return rows


def speed() -> list[dict]:
    """Seconds for a 10 % edit."""
    rows = []
    for megapixels, (width, height) in {1: (1024, 1024), 4: (2304, 1792), 8: (3840, 2160)}.items():
        plain = masks.gaussian_blur(torch.rand(1, 3, height, width), 6) * 0.5 + 0.25
        plate, mask = make_plate(plain, 0.8, 5, False, 1), torch.zeros(1, 1, height, width)
        mask[:, :, height // 3 : height // 3 + int(height * 0.316), width // 3 : width // 3 + int(width * 0.316)] = 1
        seconds = median_seconds(lambda p=plain, m=mask, o=plate: grain.match_grain(p, m, original=o), 3)
        rows.append({"megapixels": megapixels, "seconds": seconds})
    return rows


if __name__ == "__main__":
    result = {"photographs": len(load_photos()), "quality": quality(), "speed": speed()}
    result["peak_memory_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    save("grain", result)
