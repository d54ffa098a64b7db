"""What does a patch lose that a model left alone? Crop, resize, resize back, stitch; against other packs' resampling.

    python benchmarks/crop.py

RIVALS_PATH names a folder with checkouts `CropAndStitch` and `NKD`; a rival that is absent or does not import is left
out. PHOTOS_PATH names a folder with more photographs. Writes benchmarks/results/crop.json.
"""

# ruff: noqa: I001
from __future__ import annotations

import importlib.util
import os
import resource
import sys
import types
from pathlib import Path

import torch
from harness import load_photos, median_seconds, save  # first: it loads the pack as `edit_first`

from edit_first.imaging import crop, masks, resample

SCALES = (2.0, 0.5)
HIGH_PASS_PX = 1.5


def rivals() -> dict:
    """Functions (image (1, 3, H, W), width, height) -> image that resize as the other packs do, by name."""
    found, folder = {}, Path(os.environ.get("RIVALS_PATH", "/nonexistent"))
    try:
        for name in ("comfy", "comfy.utils", "comfy.model_management", "nodes"):
            sys.modules.setdefault(name, types.ModuleType(name))
        spec = importlib.util.spec_from_file_location(
            "cropandstitch", folder / "CropAndStitch/inpaint_cropandstitch.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        logic = module.CPUProcessorLogic()

        def with_filters(up: str, down: str):
            def resize(image, width, height):
                kind = up if width > image.shape[3] else down
                return logic.rescale_i(image.movedim(1, 3), width, height, kind).movedim(3, 1)

            return resize

        found["CropAndStitch, its defaults (bicubic, bilinear)"] = with_filters("bicubic", "bilinear")
        found["CropAndStitch, lanczos"] = with_filters("lanczos", "lanczos")
    except (ImportError, OSError) as error:
        found["CropAndStitch"] = str(error)
    try:
        sys.path.append(str(folder / "NKD"))
        spec = importlib.util.spec_from_file_location("nkd_helpers", folder / "NKD/helpers.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        def nkd(image):
            height, width = image.shape[2:]
            picture, mask = image.movedim(1, 3), torch.ones(1, height, width)
            pixels = int(nkd.scale**2 * width * height)
            patch, _, box, size = module._crop_by_mask(picture, mask, 0, pixels)
            return module._uncrop(patch, picture, box, size, mask, 0)[0].movedim(3, 1)

        found["NKD Basic Tools"] = nkd
    except (ImportError, OSError) as error:
        found["NKD Basic Tools"] = str(error)
    return found


def detail(image: torch.Tensor) -> float:
    """Standard deviation of what a blur takes away."""
    return float((image - masks.gaussian_blur(image, HIGH_PASS_PX)).std())


def round_trip(name: str, method, image: torch.Tensor, scale: float) -> torch.Tensor:
    """Resize and resize back."""
    height, width = image.shape[2:]
    if name.startswith("NKD"):
        method.scale = scale
        return method(image)
    return method(method(image, round(width * scale), round(height * scale)), width, height)


def quality() -> list[dict]:
    """Mean absolute error in 8-bit levels and share of fine detail kept, mean over the photographs."""
    rows = []
    methods = {"Edit First": resample.resize, **{name: m for name, m in rivals().items() if callable(m)}}
    photos = load_photos()
    for scale in SCALES:
        for name, method in methods.items():
            errors, kept = [], []
            for image in photos:
                image = image[:, :, :256, :256]
                back = round_trip(name, method, image, scale)
                errors.append(float((back - image).abs().mean()) * 255)
                kept.append(detail(back) / detail(image))
            mean = [sum(values) / len(values) for values in (errors, kept)]
            rows.append({"scale": scale, "method": name, "mae_levels": round(mean[0], 4), "detail": round(mean[1], 4)})
    return rows


def speed() -> list[dict]:
    """Seconds of crop and of stitch for a 10 % edit delivered at 1 megapixel."""
    rows = []
    for megapixels, (width, height) in {1: (1024, 1024), 4: (2304, 1792), 8: (3840, 2160)}.items():
        image, mask = torch.rand(1, 3, height, width), torch.zeros(1, 1, height, width)
        mask[:, :, height // 3 : height // 3 + int(height * 0.316), width // 3 : width // 3 + int(width * 0.316)] = 1
        for resize in ("native", "megapixels"):
            plan = crop.plan_crop(mask, resize=resize)
            patch = crop.crop(image, plan)
            rows.append(
                {
                    "megapixels": megapixels,
                    "resize": resize,
                    "crop": f"{plan.crop_width}x{plan.crop_height}",
                    "crop_s": median_seconds(lambda image=image, plan=plan: crop.crop(image, plan)),
                    "stitch_s": median_seconds(lambda i=image, p=patch, plan=plan: crop.stitch(i, p, plan)),
                }
            )
    return rows


if __name__ == "__main__":
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    missing = {name: reason for name, reason in rivals().items() if isinstance(reason, str)}
    result = {"photographs": len(load_photos()), "left_out": missing, "no_op": quality(), "speed": speed()}
    result["peak_memory_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    result["memory_before_gib"] = round(peak / 2**20, 2)
    save("crop", result)
