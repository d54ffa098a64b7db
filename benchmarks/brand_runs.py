"""Logos and brand colors of products seated in photographs, with light and shadow at their defaults.

python benchmarks/brand_runs.py

PHOTOS_PATH names more photographs, RIVALS_PATH a folder with a checkout `NKD`.

A run is one product in one scene. Measured on the 8-bit result with scikit-image, not with our own code:
- SSIM of the logo's box against the product's own pixels at the same place, on luma as Wang et al. 2004 define it;
- the same on RGB after a gain and an offset for each channel, fitted by least squares: structure without light;
- CIEDE2000 between the medians of each brand color's pixels, before and after.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import harness
import numpy as np
import scipy.ndimage
import skimage.color
import skimage.metrics
import torch
from edit_first.imaging import color, product
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

LONGEST = 400  # px of the scenes
CATCH = 10.0  # CIEDE2000: pixels this near are meant as the color
BUDGET = 2.0
LUMA = np.array([0.2126, 0.7152, 0.0722])
SUB_PIXEL = (0.37, 0.61)
SIZE = (130, 230)
LOGO = (28, 80, 102, 150)  # left, top, right, bottom of the printed logo on a rendered product
CANS = {  # label and print
    "red can": ("#c8102e", "#ffffff"),
    "blue can": ("#0057b8", "#ffd100"),
    "green can": ("#00704a", "#f2f0eb"),
    "black can": ("#1a1a1a", "#c9a227"),
}


@dataclass(frozen=True)
class Item:
    """A product: sRGB (1, 3, h, w), alpha (1, 1, h, w), brand colors, and the logo's box."""

    name: str
    image: Tensor
    alpha: Tensor
    colors: tuple[str, ...]
    logo: tuple[int, int, int, int]


def can(name: str, label: str, ink: str) -> Item:
    """A lit can with a printed name, a ring and fine lines, drawn at four samples per pixel and axis."""
    width, height = SIZE[0] * 4, SIZE[1] * 4
    flat = Image.new("RGB", (width, height), label)
    draw = ImageDraw.Draw(flat)
    left, top, right, bottom = (4 * value for value in LOGO)
    draw.ellipse((left, top, right, bottom), outline=ink, width=14)
    draw.text((width / 2, (top + bottom) / 2), "BRIO", fill=ink, font=ImageFont.load_default(96), anchor="mm")
    for row in range(bottom + 30, bottom + 110, 20):
        draw.line((left, row, right, row), fill=ink, width=8)
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((8, 8, width - 9, height - 9), 60, fill=255)
    pixels = torch.from_numpy(np.array(flat)).movedim(2, 0)[None] / 255
    across = torch.linspace(-1, 1, width).view(1, 1, 1, width)
    light = 0.55 + 0.45 * (1 - (across * 0.92 + 0.15) ** 2).clamp(min=0).sqrt()  # the middle of the label is fully lit
    shown = torch.nn.functional.avg_pool2d(color.srgb_to_linear(pixels) * light, 4)
    alpha = torch.nn.functional.avg_pool2d(torch.from_numpy(np.array(mask))[None, None] / 255, 4)
    return Item(name, eight_bit(color.linear_to_srgb(shown)), alpha, (label, ink), LOGO)


def cut(name: str, photo: str, box: tuple[int, int, int, int], brand: str) -> Item:
    """An elliptic cut-out of a sample photograph at its own size."""
    left, top, right, bottom = box
    image = harness.files.read_image(harness.ROOT / "assets" / "photos" / photo)[0].movedim(3, 1)
    image = image[:, :, top:bottom, left:right].contiguous()
    mask = Image.new("L", ((right - left) * 4, (bottom - top) * 4), 0)
    ImageDraw.Draw(mask).ellipse((4, 4, mask.width - 5, mask.height - 5), fill=255)
    alpha = torch.nn.functional.avg_pool2d(torch.from_numpy(np.array(mask))[None, None] / 255, 4)
    width, height = right - left, bottom - top
    return Item(name, image, alpha, (brand,), (width // 4, height // 4, 3 * width // 4, 3 * height // 4))


def items() -> list[Item]:
    rendered = [can(name, *colors) for name, colors in CANS.items()]
    return [
        *rendered,
        cut("photographed cup", "coffee.png", (180, 20, 410, 300), "#95280d"),
        cut("photographed suit", "astronaut.png", (60, 260, 260, 500), "#c4714d"),
    ]


def eight_bit(image: Tensor) -> Tensor:
    return (image * 255).round().clamp(0, 255) / 255


def load_scenes(limit: int) -> list[tuple[str, Tensor]]:
    """Photographs at LONGEST px, every n-th of those at hand."""
    paths = [path for path in harness.photo_paths() if not path.stem.startswith("flat_")]
    chosen = paths[:: max(1, len(paths) // limit)][:limit]
    found = []
    for path in chosen:
        image = harness.files.read_image(path)[0].movedim(3, 1)
        factor = LONGEST / max(image.shape[2:])
        size = [max(300, round(side * factor)) for side in image.shape[2:]]
        found.append((path.stem, eight_bit(torch.nn.functional.interpolate(image, size, mode="area"))))
    return found


def to_numpy(image: Tensor) -> np.ndarray:
    return eight_bit(image)[0].movedim(0, 2).double().numpy()


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    axis = 2 if first.ndim == 3 else None
    return float(skimage.metrics.structural_similarity(first, second, channel_axis=axis, **options))


def without_light(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Gain and offset of each channel that bring an image closest to another."""
    fitted = [
        np.polyval(np.polyfit(a.ravel(), b.ravel(), 1), a)
        for a, b in zip(np.moveaxis(image, 2, 0), np.moveaxis(like, 2, 0), strict=True)
    ]
    return np.stack(fitted, 2)


def brand_shift(before: np.ndarray, after: np.ndarray, solid: np.ndarray, name: str) -> float | None:
    """CIEDE2000 between medians of the pixels meant as a color; None where it does not appear."""
    target = skimage.color.rgb2lab(np.array(color.hex_to_rgb(name))[None, None])[0, 0]
    labs = [skimage.color.rgb2lab(image)[solid] for image in (before, after)]
    meant = skimage.color.deltaE_ciede2000(labs[0], np.broadcast_to(target, labs[0].shape)) <= CATCH
    if meant.sum() < 16:
        return None
    medians = [np.median(lab[meant], 0) for lab in labs]
    return float(skimage.color.deltaE_ciede2000(*medians))


def rivals() -> dict:
    """(scene, pasted, mask) -> image, all (H, W, 3) and (H, W): what people put behind a paste to make it sit."""
    helpers = Path(os.environ.get("RIVALS_PATH", "/nonexistent")) / "NKD" / "helpers.py"
    if not helpers.is_file():
        return {}
    sys.path.append(str(helpers.parent))
    spec = importlib.util.spec_from_file_location("nkd_helpers", helpers)
    nkd = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nkd)

    def reinhard(strength):
        return lambda scene, pasted, mask: nkd._reinhard_match(scene, pasted, mask, strength)

    return {
        "paste, NKD match_colors 1": reinhard(1.0),
        "paste, NKD seamless_edges (Poisson)": lambda scene, pasted, mask: nkd._seamless_clone(scene, pasted, mask),
    }


def slot_of(item: Item, scene: Tensor, index: int) -> tuple[int, int]:
    """Where a product's top left goes: whole pixels, another place in every scene."""
    height, width = scene.shape[2:]
    return (17 + 41 * index) % max(1, width - item.image.shape[3]), height - item.image.shape[2] - 7


def extent(alpha: Tensor) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what shows: SKU Swap crops a product to it."""
    shown = (alpha[0, 0] > 1 / 255).nonzero()
    (top, left), (bottom, right) = shown.min(0).values.tolist(), (shown.max(0).values + 1).tolist()
    return left, top, right, bottom


def seat(item: Item, scene: Tensor, x: int, y: int, strength: float) -> Tensor:
    target = torch.zeros_like(scene[:, :1])
    left, top, right, bottom = extent(item.alpha)
    target[..., y + top : y + bottom, x + left : x + right] = 1
    return product.swap(
        scene, item.image, item.alpha, target_mask=target, harmonize_strength=strength, brand_colors=item.colors
    ).image


def seat_between_pixels(item: Item, scene: Tensor, x: int, y: int, strength: float) -> Tensor:
    left, top, right, bottom = extent(item.alpha)
    x, y = x + SUB_PIXEL[0], y + SUB_PIXEL[1]
    quad = ((x + left, y + top), (x + right, y + top), (x + right, y + bottom), (x + left, y + bottom))
    text = ",".join(f"[{u / scene.shape[3]:.9f},{v / scene.shape[2]:.9f}]" for u, v in quad)
    return product.swap(
        scene, item.image, item.alpha, fit="perspective", corners=text, harmonize_strength=strength,
        brand_colors=item.colors,
    ).image  # fmt: skip


def shift_light(image: np.ndarray) -> np.ndarray:
    """The product's own pixels moved by SUB_PIXEL: quintic splines in linear light, not our own kernel."""
    light = color.srgb_to_linear(torch.from_numpy(image)).numpy()
    moved = scipy.ndimage.shift(light, (SUB_PIXEL[1], SUB_PIXEL[0], 0), order=5, mode="nearest").clip(0, 1)
    return color.linear_to_srgb(torch.from_numpy(moved)).numpy()


def measure(item: Item, own: np.ndarray, result: np.ndarray, x: int, y: int) -> dict:
    """Logo and brand colors of a result (H, W, 3); `own` is the product's own pixels, where it stands."""
    height, width = own.shape[:2]
    shown = result[y : y + height, x : x + width]
    left, top, right, bottom = item.logo
    mine, truth = shown[top:bottom, left:right], own[top:bottom, left:right]
    solid = item.alpha[0, 0].numpy() > 0.98
    solid[:2], solid[-2:], solid[:, :2], solid[:, -2:] = False, False, False, False
    shifts = [brand_shift(own, shown, solid, name) for name in item.colors]
    return {
        "ssim": ssim(mine @ LUMA, truth @ LUMA),
        "ssim_without_light": ssim(without_light(mine, truth), truth),
        "shifts": [value for value in shifts if value is not None],
    }


def summarize(rows: list[dict]) -> dict:
    shifts = [value for row in rows for value in row["shifts"]]
    values = {key: [row[key] for row in rows] for key in ("ssim", "ssim_without_light")}
    return {
        "runs": len(rows),
        "logo SSIM, worst": round(min(values["ssim"]), 4),
        "logo SSIM, median": round(float(np.median(values["ssim"])), 4),
        "logo SSIM without light, worst": round(min(values["ssim_without_light"]), 4),
        "runs with SSIM of 0.98": sum(value >= 0.98 for value in values["ssim"]),
        "brand colors measured": len(shifts),
        "brand dE00, worst": round(max(shifts), 2),
        "brand dE00, median": round(float(np.median(shifts)), 2),
        "runs within budget": sum(all(value <= BUDGET for value in row["shifts"]) for row in rows),
    }


def run(limit: int = 8) -> dict:
    """All products in all scenes, by us and by the rivals."""
    scenes, products, others = load_scenes(limit), items(), rivals()
    rows: dict[str, list] = {}
    for index, (_, scene) in enumerate(scenes):
        for item in products:
            x, y = slot_of(item, scene, index)
            own = to_numpy(item.image)
            for strength in (0.5, 1.0):
                result = to_numpy(seat(item, scene, x, y, strength))
                rows.setdefault(f"Edit First, harmonize {strength:g}", []).append(measure(item, own, result, x, y))
            if index % 3 == 0:
                shifted = shift_light(own)
                result = to_numpy(seat_between_pixels(item, scene, x, y, 0.5))
                rows.setdefault("Edit First, between pixels, harmonize 0.5", []).append(
                    measure(item, shifted, result, x, y)
                )
            plate, mask = to_numpy(scene), np.zeros(scene.shape[2:])
            mask[y : y + own.shape[0], x : x + own.shape[1]] = item.alpha[0, 0]
            pasted = plate.copy()
            pasted[mask > 0.98] = own[item.alpha[0, 0].numpy() > 0.98]
            for name, change in others.items():
                result = change(plate.astype(np.float32), pasted.astype(np.float32), mask.astype(np.float32))
                rows.setdefault(name, []).append(measure(item, own, np.asarray(result, float), x, y))
    return {
        "scenes": [name for name, _ in scenes],
        "products": [item.name for item in products],
        "budget dE00": BUDGET,
        "methods": {name: summarize(found) for name, found in rows.items()},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    harness.save("product_brand", run())
