"""Seating a product: the warp against supersampled truth and plain resizing, and recoloring against rendered truth.

python benchmarks/product.py
"""

from __future__ import annotations

import importlib
import math
import sys

import cv2
import harness
import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(harness.ROOT / "tests" / "imaging"))
scenes = importlib.import_module("test_placement")  # the printed label and the supersampled truth
balls = importlib.import_module("test_recolor")  # rendered balls of known color
from edit_first.imaging import color, placement, recolor  # noqa: E402

CANVAS = 220
MINIFICATIONS = (1.5, 3.0, 5.7, 9.3)


def square(side: float) -> placement.Quad:
    return ((20.3, 20.7), (20.3 + side, 20.7), (20.3 + side, 20.7 + side), (20.3, 20.7 + side))


def edit_first_warp(product, alpha, quad):
    shown, placed = placement.warp(placement.Cutout(color.srgb_to_linear(product), alpha), quad, CANVAS, CANVAS)
    return color.srgb_to_linear(shown), placed


def opencv_warp(flags):
    """Straight alpha in display values, as resize-and-paste nodes do it."""

    def warp(product, alpha, quad):
        planes = np.ascontiguousarray(torch.cat((product, alpha), 1)[0].movedim(0, 2).numpy())
        height, width = planes.shape[:2]
        source = np.float32([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
        transform = cv2.getPerspectiveTransform(source, np.float32(quad) - 0.5)
        result = torch.from_numpy(cv2.warpPerspective(planes, transform, (CANVAS, CANVAS), flags=flags))
        result = result.movedim(2, 0)[None].clamp(0, 1)
        return color.srgb_to_linear(result[:, :3]), result[:, 3:]

    return warp


METHODS = {
    "Edit First": edit_first_warp,
    "resize and paste, bilinear": opencv_warp(cv2.INTER_LINEAR),
    "resize and paste, Lanczos": opencv_warp(cv2.INTER_LANCZOS4),
}


def warps() -> list[dict]:
    product, alpha = scenes.label()
    quads = {f"{m}x smaller": square(512 / m) for m in MINIFICATIONS} | {"perspective": scenes.QUADS["perspective"]}
    rows = []
    for name, quad in quads.items():
        truth = scenes.supersampled_truth(product, alpha, quad, CANVAS, CANVAS)
        for method, warp in METHODS.items():
            light, placed = warp(product, alpha, quad)
            premultiplied = torch.cat((light * placed, placed), 1)
            inside = truth[:, 3:] > 0.999
            labs = [
                color.srgb_to_lab(color.linear_to_srgb(value.clamp(0, 1)))
                for value in (light, truth[:, :3] / truth[:, 3:].clamp(min=1e-3))
            ]
            edge = (truth[:, 3:] > 0.01) & (truth[:, 3:] < 0.99)
            rows.append(
                {
                    "case": name,
                    "method": method,
                    "psnr": round(-10 * math.log10(float(((premultiplied - truth) ** 2).mean())), 2),
                    "edge alpha error": round(float((placed - truth[:, 3:]).abs()[edge].mean()), 4),
                    "interior dE00 mean": round(float(color.delta_e00(*labs)[inside].mean()), 3),
                }
            )
    return rows


def supersampling() -> list[dict]:
    """Why three samples per pixel."""
    product, alpha = scenes.label()
    quad = square(512 / 3.0)
    truth = scenes.supersampled_truth(product, alpha, quad, CANVAS, CANVAS)
    rows, usual = [], placement.SUPERSAMPLING
    for samples in (1, 2, 3, 4):
        placement.SUPERSAMPLING = samples
        light, placed = edit_first_warp(product, alpha, quad)
        error = float(((torch.cat((light * placed, placed), 1) - truth) ** 2).mean())
        seconds = harness.median_seconds(lambda: edit_first_warp(product, alpha, quad))
        rows.append({"samples": samples, "psnr": round(-10 * math.log10(error), 2), "seconds": seconds})
    placement.SUPERSAMPLING = usual
    return rows


def recolors() -> dict:
    """Mean CIEDE2000 to the rendered truth over all pairs of seven colors."""
    ours, rival, saturated = [], [], []
    for source in balls.COLORS:
        image, mask = balls.render(source)
        for target in balls.COLORS:
            if source == target:
                continue
            truth, _ = balls.render(target)
            shown = balls.shown_color(target)
            mine = float(balls.delta_e(recolor.recolor(image, mask, shown), truth, mask).mean())
            ours.append(mine)
            rival.append(float(balls.delta_e(balls.swap_hue(image, shown), truth, mask).mean()))
            if source not in balls.NEUTRAL_OR_DARK:
                saturated.append(mine)
    mean = lambda values: round(sum(values) / len(values), 2)  # noqa: E731
    return {
        "pairs": len(ours),
        "Edit First": mean(ours),
        "Edit First, from saturated colors": mean(saturated),
        "Edit First, worst pair": round(max(ours), 2),
        "HSV hue and saturation replaced": mean(rival),
        "pairs where the rival is nearer": sum(b < a for a, b in zip(ours, rival, strict=True)),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    F.interpolate(torch.zeros(1, 1, 2, 2), (4, 4))  # warm up
    harness.save("product", {"warp": warps(), "supersampling": supersampling(), "recolor": recolors()})
