"""A cut-out from a green studio, placed by Edit First and by the placement nodes of other packs.

python benchmarks/placing.py        with RIVALS_PATH and COMFYUI_PATH as placement_rivals.py says
"""

from __future__ import annotations

import functools
import importlib
import sys

import harness
import placement_rivals
import torch
from torch import Tensor

sys.path.insert(0, str(harness.ROOT / "tests" / "imaging"))
scenes = importlib.import_module("test_placement")
from edit_first.imaging import color, product  # noqa: E402

CANVAS = 320
PRODUCT = 256
SIDES = (256, 168, 84, 43)  # what LayerStyle's scale, in hundredths, makes of 256: 1, 0.66, 0.33, 0.17
AT = (27, 43)
GREEN = (0.1, 0.8, 0.2)
SOLID = 0.999


def ours(scene, cut, alpha, x, y, side):
    """SKU Swap without light and shadow, on the same rectangle."""
    box = (alpha[0] > 1 / 255).nonzero()
    (top, left), (bottom, right) = box.min(0).values.tolist(), (box.max(0).values + 1).tolist()
    scale = side / cut.shape[1]
    corners = [(x + u * scale, y + v * scale) for u, v in ((left, top), (right, top), (right, bottom), (left, bottom))]
    text = ",".join(f"[{u / scene.shape[2]:.9f},{v / scene.shape[1]:.9f}]" for u, v in corners)
    options = {"fit": "perspective", "corners": text, "harmonize_strength": 0.0, "shadow": 0.0}
    image = product.swap(scene.movedim(3, 1), cut.movedim(3, 1), alpha[:, None], **options).image
    return image.movedim(1, 3)


def to_comfy(image: Tensor) -> Tensor:
    return image.movedim(1, 3).contiguous()


def eight_bit(image: Tensor) -> Tensor:
    return (image * 255).round() / 255


def shown_alpha(place, alpha: Tensor, side: int, decode) -> Tensor:
    """The alpha with which a placer composites, by difference matting: a gray product on black and on white."""
    gray = torch.full((1, PRODUCT, PRODUCT, 3), 0.5)
    results = [place(torch.full((1, CANVAS, CANVAS, 3), level), gray, alpha, *AT, side) for level in (0.0, 1.0)]
    black, white = (decode(eight_bit(result.float())) for result in results)
    return (1 - (white - black).mean(3)).clamp(0, 1)


@functools.cache
def studio() -> tuple[Tensor, Tensor, Tensor]:
    """The product as photographed in front of green, its own colors, and its alpha."""
    clean, alpha = scenes.label(PRODUCT)
    green = torch.tensor(GREEN).view(1, 3, 1, 1)
    return eight_bit(alpha * clean + (1 - alpha) * green), clean, alpha


@functools.cache
def truth_at(side: int) -> tuple[Tensor, Tensor]:
    """The product warped at eight samples per pixel and axis, at its own size its own pixels: sRGB and alpha."""
    _, clean, alpha = studio()
    x, y = AT
    if side == PRODUCT:
        margins = (x, CANVAS - x - side, y, CANVAS - y - side)
        return torch.nn.functional.pad(clean, margins), torch.nn.functional.pad(alpha, margins)
    quad = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    truth = scenes.supersampled_truth(clean, alpha, quad, CANVAS, CANVAS)
    true_alpha = truth[:, 3:].clamp(0, 1)
    return color.linear_to_srgb((truth[:, :3] / true_alpha.clamp(min=1e-3)).clamp(0, 1)), true_alpha


def judge(place, scene: Tensor, side: int, *, linear: bool) -> dict:
    """Errors against the truth, composited in the placer's own light, linear or display."""
    photo, _, alpha = studio()
    true_color, true_alpha = truth_at(side)
    encode, decode = (color.linear_to_srgb, color.srgb_to_linear) if linear else (lambda v: v, lambda v: v)
    ideal = encode(torch.lerp(decode(scene), decode(true_color), true_alpha)).clamp(0, 1)
    arguments = (to_comfy(scene), to_comfy(photo), alpha[:, 0], *AT, side)
    image = eight_bit(place(*arguments).float()).movedim(3, 1)
    error = color.delta_e00(color.srgb_to_lab(image), color.srgb_to_lab(ideal))
    inside, rim = true_alpha > SOLID, (true_alpha > 0.02) & (true_alpha < 0.98)
    excess = (image - ideal)[:, 1:2] - (image - ideal)[:, ::2].amax(1, keepdim=True)
    placed = shown_alpha(place, alpha[:, 0], side, decode)
    return {
        "edge alpha error": round(float((placed[:, None] - true_alpha).abs()[rim].mean()), 4),
        "interior dE00 mean": round(float(error[inside].mean()), 3),
        "interior dE00 99 %": round(float(error[inside].quantile(0.99)), 2),
        "rim dE00 mean": round(float(error[rim].mean()), 2),
        "green fringe, levels": round(255 * float(excess[rim].clamp(min=0).mean()), 2),
        "scene changed px": int(((image != scene).any(1) & (true_alpha[:, 0] == 0)).sum()),
        "seconds": harness.median_seconds(lambda: place(*arguments), 3),
    }


def placements() -> dict:
    """Every placer on every size."""
    rivals, absent = placement_rivals.find()
    photo = harness.files.read_image(harness.ROOT / "assets" / "photos" / "brick.png")[0].movedim(3, 1)
    scene = eight_bit(torch.nn.functional.interpolate(photo, (CANVAS, CANVAS), mode="area"))
    rows = []
    for side in SIDES:
        for name, place in {"Edit First": ours, **rivals}.items():
            rows.append({"side": side, "method": name, **judge(place, scene, side, linear=place is ours)})
    return {"rows": rows, "not at hand": absent}


if __name__ == "__main__":
    torch.set_num_threads(1)
    harness.save("product_placing", placements())
