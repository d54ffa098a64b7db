"""Seat a cut-out in a slot of a scene: where its corners go, and a warp that keeps edges and fine print."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks

FITS = ("contain", "cover", "stretch", "perspective")
Quad = tuple[tuple[float, float], ...]  # four corners in px, clockwise from top left; pixel edges, not centers

OPAQUE = 0.98  # alpha from which a pixel shows the product alone
MIN_ALPHA = 1 / 512  # less than half an 8-bit step shows nothing
SHARP_MINIFICATION = 1.05  # up to here one sample for each pixel is enough
BAND_SAMPLES = 2**18  # samples taken at once: 4 MB, however large the canvas
SUPERSAMPLING = 4  # per axis, when the product gets smaller; benchmarks/product.py: 62 dB, with 2 46, with 1 31


@dataclass(frozen=True)
class Cutout:
    """A product freed from its old background, cropped to what shows."""

    color: Tensor  # (1, 3, h, w) linear light, valid beyond the edge too
    alpha: Tensor  # (1, 1, h, w)


def cut_out(product: Tensor, mask: Tensor) -> Cutout:
    """Crop a product to its mask and replace the colors of its soft edge, which hold the old background.

    Args:
        product: sRGB (1, 3, H, W).
        mask: (1, 1, H, W), 1 = product.

    Raises:
        ValueError: the mask is empty.
    """
    box = masks.bounding_box((mask > 1 / 255).float())
    if box is None:
        raise ValueError("product_mask is empty: nothing to place; connect the product's mask or its alpha")
    x, y, width, height = box
    inner = (..., slice(y, y + height), slice(x, x + width))
    alpha = mask[inner].clamp(0, 1)
    return Cutout(decontaminate(color.srgb_to_linear(product[inner]), alpha), alpha)


def decontaminate(foreground: Tensor, alpha: Tensor) -> Tensor:
    """Replace colors outside the opaque core by those of the nearest core, smoothly (pull-push interpolation).

    Args:
        foreground: (1, 3, H, W) linear light.
        alpha: (1, 1, H, W).

    Source: Gortler et al. 1996, "The Lumigraph", section 3.4 (pull-push).
    """
    core = (alpha >= OPAQUE).to(foreground.dtype)
    if not core.any():
        core = (alpha >= alpha.max()).to(foreground.dtype)
    filled = _pull_push(foreground * core, core)
    return torch.where(core > 0, foreground, filled)


def _pull_push(premultiplied: Tensor, weight: Tensor) -> Tensor:
    """Fill where the weight is 0 from ever coarser averages of where it is not."""
    if min(weight.shape[2:]) <= 1 or bool((weight > 0).all()):
        return premultiplied / weight.clamp(min=1e-6)
    size = weight.shape[2:]
    coarse_weight = F.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool2d(premultiplied, 2, ceil_mode=True, count_include_pad=False)
    known = coarse_weight.clamp(min=1e-6)
    below = _pull_push(coarse / known * (coarse_weight > 0), (coarse_weight > 0).to(weight.dtype))
    filled = F.interpolate(below, size, mode="bilinear", align_corners=False)
    share = weight.clamp(max=1)
    return premultiplied + (1 - share) * filled


def parse_corners(text: str, width: int, height: int) -> Quad:
    """Four `[x,y]` fractions of the scene, clockwise from top left, as a quad in px.

    Raises:
        ValueError: not four points, or they do not go around a convex area clockwise.
    """
    example = "[[0.2,0.3],[0.6,0.28],[0.62,0.7],[0.18,0.72]]"
    try:
        points = json.loads(text if text.strip().startswith("[[") else f"[{text}]")
        quad = tuple((float(x) * width, float(y) * height) for x, y in points)
    except (ValueError, TypeError):
        raise ValueError(f"corners: expected four [x,y] fractions such as {example}; got '{text[:60]}'") from None
    if len(quad) != 4 or not all(math.isfinite(value) for point in quad for value in point):
        raise ValueError(f"corners: expected four finite [x,y] fractions such as {example}; got {len(quad)} points")
    turns = [_turn(quad[i], quad[(i + 1) % 4], quad[(i + 2) % 4]) for i in range(4)]
    if min(turns) <= 0:
        raise ValueError("corners must go clockwise from the product's top left around a convex area")
    return quad


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def slot_quad(fit: str, size: tuple[int, int], box: tuple[int, int, int, int]) -> Quad:
    """Where a product of a size (width, height) goes in a slot (x, y, width, height), by a fit other than perspective.

    `contain` keeps the aspect, stands on the slot's bottom edge and is centered across; `cover` keeps the aspect, fills
    the slot and is centered both ways; `stretch` takes the slot's aspect.
    """
    x, y, slot_width, slot_height = box
    scale_x, scale_y = slot_width / size[0], slot_height / size[1]
    if fit == "contain":
        scale_x = scale_y = min(scale_x, scale_y)
    elif fit == "cover":
        scale_x = scale_y = max(scale_x, scale_y)
    width, height = size[0] * scale_x, size[1] * scale_y
    left = x + (slot_width - width) / 2
    top = y + slot_height - height if fit == "contain" else y + (slot_height - height) / 2
    if abs(scale_x - 1) < 1e-6 and abs(scale_y - 1) < 1e-6:
        left, top = round(left), round(top)  # at its own size a product lands on whole pixels and stays exact
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def warp_within(cutout: Cutout, quad: Quad, window: masks.Window) -> tuple[Tensor, Tensor]:
    """`warp`, for a window of the canvas alone."""
    _, rows, columns = window
    moved = tuple((x - columns.start, y - rows.start) for x, y in quad)
    return warp(cutout, moved, columns.stop - columns.start, rows.stop - rows.start)


def warp(cutout: Cutout, quad: Quad, width: int, height: int) -> tuple[Tensor, Tensor]:
    """Warp a cut-out onto a quad of a canvas, antialiased, with edges that hold no background.

    The premultiplied product is filtered in linear light: reduced by area to at most twice the size needed, sampled
    several times per pixel, and averaged.

    Args:
        quad: four corners in px of the canvas, clockwise from the product's top left.

    Returns:
        color: sRGB (1, 3, height, width), meaningful where alpha is above 0.
        alpha: (1, 1, height, width).
    """
    source_height, source_width = cutout.alpha.shape[2:]
    minification = _minification(quad, source_width, source_height)
    premultiplied = torch.cat((cutout.color * cutout.alpha, cutout.alpha), 1)
    steps = max(0, math.floor(math.log2(max(minification / 2, 1))))
    if steps:
        premultiplied = F.adaptive_avg_pool2d(
            premultiplied, (max(1, source_height >> steps), max(1, source_width >> steps))
        )
    samples = 1 if minification <= SHARP_MINIFICATION else SUPERSAMPLING
    planes = np.ascontiguousarray(premultiplied[0].movedim(0, 2).cpu().numpy(), np.float32)
    # At about its own size nothing is averaged afterwards: cubic would soften print that lies between pixels.
    kernel = cv2.INTER_LANCZOS4 if samples == 1 else cv2.INTER_CUBIC
    warped = _warp_tight(planes, quad, width, height, samples, kernel)
    result = torch.from_numpy(warped).movedim(2, 0)[None].to(cutout.color)
    alpha = result[:, 3:]  # both filters overshoot in alpha and color alike; only their ratio is the color
    visible = alpha > MIN_ALPHA
    shown = torch.where(visible, result[:, :3].clamp(min=0) / alpha.clamp(min=MIN_ALPHA), 0.0)
    return color.linear_to_srgb(shown).clamp(0, 1), torch.where(visible, alpha, 0.0).clamp(0, 1)


def _minification(quad: Quad, width: int, height: int) -> float:
    """The largest factor by which any edge of the product gets shorter."""
    lengths = [math.dist(quad[i], quad[(i + 1) % 4]) for i in range(4)]
    sides = [width, height, width, height]
    return max(side / max(length, 1e-6) for side, length in zip(sides, lengths, strict=True))


def quad_window(quad: Quad, width: int, height: int) -> masks.Window:
    """The part of a canvas that a warp onto the quad can touch; empty when the quad lies beside the canvas."""
    xs, ys = [point[0] for point in quad], [point[1] for point in quad]
    left, top = max(0, math.floor(min(xs)) - 2), max(0, math.floor(min(ys)) - 2)
    right, bottom = min(width, math.ceil(max(xs)) + 2), min(height, math.ceil(max(ys)) + 2)
    return ..., slice(top, max(top, bottom)), slice(left, max(left, right))


def _warp_tight(
    planes: np.ndarray, quad: Quad, width: int, height: int, samples: int, kernel: int = cv2.INTER_CUBIC
) -> np.ndarray:
    """Warp (h, w, 4) onto the canvas, working in the quad's own box only, a band of rows at a time."""
    canvas = np.zeros((height, width, planes.shape[2]), np.float32)
    _, rows, columns = quad_window(quad, width, height)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return canvas
    columns_shown = columns.stop - columns.start
    band = max(1, BAND_SAMPLES // (columns_shown * samples**2)) if samples > 1 else rows.stop - rows.start
    source_height, source_width = planes.shape[:2]
    source = np.float32([[0, 0], [source_width, 0], [source_width, source_height], [0, source_height]])
    target = (np.float32(quad) - np.float32([columns.start, rows.start])) * samples
    # Corners are pixel edges; OpenCV's coordinates are pixel centers.
    transform = cv2.getPerspectiveTransform(source - 0.5, target.astype(np.float32) - 0.5)
    for top in range(rows.start, rows.stop, band):
        count = min(band, rows.stop - top)
        shift = np.array([[1, 0, 0], [0, 1, (rows.start - top) * samples], [0, 0, 1]], np.float64)
        size = (columns_shown * samples, count * samples)
        part = cv2.warpPerspective(planes, shift @ transform, size, flags=kernel, borderMode=cv2.BORDER_CONSTANT)
        if samples > 1:
            part = cv2.resize(part, (columns_shown, count), interpolation=cv2.INTER_AREA)
        canvas[top : top + count, columns] = part
    return canvas
