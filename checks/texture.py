"""Do grain and sharpness inside an edit look like those around it, or like the original's?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from .finding import Finding
from .report import Measurement, Report
from .thresholds import threshold
from .view import View, make_view

BLOCK_PX = 8
GAP_PX = 2.0  # pixels this close to the edge belong to neither side
RING_SHARE = 0.06  # of the longer side: how far around the edit the picture is compared
FINE_PX, MID_PX, COARSE_PX = 0.8, 1.6, 4.0  # blurs between which the bands of detail lie
BAND_FLOOR = 0.001  # a quarter of an 8-bit level, below which a band holds nothing
GRAIN_FLOOR = 2 / 255  # grain of less is hardly seen, and ratios of nothing mean nothing
LEAST_STRUCTURE = 0.003  # mean mid detail of a block, below which there is nothing to be sharp or soft
BINS, MIN_BIN = 6, 3  # of like structure, and blocks that one needs on either side
FLAT_SHARE = 0.35  # of the blocks, the least structured, where grain shows and texture does not
FLAT_LIMIT = 6 / 255  # coarse detail of a block, beyond which what looks like grain is texture
MIN_BLOCKS = 12  # on either side
CLIPPED = 0.03  # nearer to black or white than this a block says nothing of grain
SAME_CONTENT = 0.75  # correlation of structure above which the original's own pixels are the reference
IMMERKAER = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32) / 6


@dataclass(frozen=True)
class Blocks:
    """Statistics of a picture's blocks, (rows, columns) each."""

    fine: np.ndarray  # mean detail finer than FINE_PX
    mid: np.ndarray  # mean detail between FINE_PX and MID_PX
    coarse: np.ndarray  # mean detail between MID_PX and COARSE_PX: structure, whatever the grain
    grain: np.ndarray  # standard deviation of noise
    mean: np.ndarray

    @property
    def sharpness(self) -> np.ndarray:
        """Doublings of fine over mid detail; blur lowers it, whatever the content's contrast."""
        return np.log2((self.fine + BAND_FLOOR) / (self.mid + BAND_FLOOR))

    @property
    def acuity(self) -> np.ndarray:
        """Doublings of fine over coarse detail, to compare like with like: coarse detail survives more blur."""
        return np.log2((self.fine + BAND_FLOOR) / (self.coarse + BAND_FLOOR))


def measure_blocks(luma: np.ndarray) -> Blocks:
    """Detail and noise of every block of a picture (h, w).

    Source: bands as differences of Gaussians; noise after Immerkaer 1996, "Fast Noise Variance Estimation".
    """
    fine, mid, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (FINE_PX, MID_PX, COARSE_PX))
    noise = math.sqrt(math.pi / 2) * np.abs(cv2.filter2D(luma, -1, IMMERKAER))
    planes = (np.abs(luma - fine), np.abs(fine - mid), np.abs(mid - coarse), noise, luma)
    return Blocks(*(block_mean(plane) for plane in planes))


def block_mean(plane: np.ndarray) -> np.ndarray:
    """Mean of every whole block of (h, w)."""
    rows, columns = (max(1, side // BLOCK_PX) for side in plane.shape)
    part = plane[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float32)
    return cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)


def texture_findings(view: View) -> tuple[Finding, Finding]:
    """Grain and sharpness of what changed, against the original where it shows the same, else against the ring."""
    blocks = measure_blocks(view.luma[1])
    inside = (block_mean(view.distance > GAP_PX) > 0.999) & (block_mean(view.changed) > 0.5)
    if view.before is not None and same_content(view) >= SAME_CONTENT:
        reference, ring, told = measure_blocks(view.luma[0]), inside, "than the original there"
    else:
        far = block_mean(view.distance) > -max(RING_SHARE * max(view.region.shape), 6 * BLOCK_PX)
        ring, told = (block_mean(view.distance < -GAP_PX) > 0.999) & far, "than its surroundings"
        reference = blocks
    return (
        _finding(view, "grain_log2_ratio", _grain(blocks, inside, reference, ring), ("grainier", "cleaner"), told),
        _finding(view, "sharpness_log2_ratio", _sharp(blocks, inside, reference, ring), ("sharper", "softer"), told),
    )


def same_content(view: View) -> float:
    """Correlation of the structure of both pictures where they differ: 1 = the same content, whatever its color."""
    if view.changed.sum() < BLOCK_PX**2:
        return 1.0
    bands = []
    for luma in view.luma:
        mid, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (MID_PX, 4 * MID_PX))
        band = (mid - coarse)[view.changed]
        bands.append(band - band.mean())
    return float((bands[0] * bands[1]).mean() / max(bands[0].std() * bands[1].std(), 1e-9))


def _sharp(blocks: Blocks, inside: np.ndarray, reference: Blocks, ring: np.ndarray) -> tuple | None:
    """Difference in sharpness at like structure, and that of every block."""
    if ring is inside:  # block by block: the same content in both
        structured = inside & (reference.mid >= LEAST_STRUCTURE)
        if structured.sum() < MIN_BLOCKS // 2:
            return None
        structured &= reference.mid >= np.median(reference.mid[structured])
        difference = np.where(structured, blocks.acuity - reference.acuity, 0.0)
        return float(np.median(difference[structured])), difference
    structure = np.log2(blocks.mid + BAND_FLOOR)
    inside, ring = inside & (blocks.mid >= LEAST_STRUCTURE), ring & (blocks.mid >= LEAST_STRUCTURE)
    if min(inside.sum(), ring.sum()) < MIN_BLOCKS:
        return None
    edges = np.quantile(structure[inside | ring], np.linspace(0, 1, BINS + 1))
    number = np.searchsorted(edges[1:-1], structure)
    difference, bins = np.zeros_like(structure), []
    for index in range(BINS):
        here = number == index
        sides = [blocks.sharpness[here & side] for side in (inside, ring)]
        if min(map(len, sides)) < MIN_BIN:
            continue
        usual = float(np.median(sides[1]))
        bins.append((float(np.median(sides[0])) - usual, len(sides[0])))
        difference[here & inside] = blocks.sharpness[here & inside] - usual
    if not bins:
        return None
    return float(np.average([value for value, _ in bins], weights=[count for _, count in bins])), difference


def _grain(blocks: Blocks, inside: np.ndarray, reference: Blocks, ring: np.ndarray) -> tuple | None:
    """Doublings of the grain in the least structured blocks, and those of every such block."""
    usable = (np.abs(blocks.mean - 0.5) < 0.5 - CLIPPED) & (np.abs(reference.mean - 0.5) < 0.5 - CLIPPED)
    same = ring is inside
    inside, ring = inside & usable, ring & usable
    if not (inside | ring).any():
        return None
    structure = np.maximum(blocks.coarse, reference.coarse)
    flat = structure <= min(FLAT_LIMIT, np.quantile(structure[inside | ring], FLAT_SHARE))
    inside, ring = inside & flat, ring & flat
    if min(inside.sum(), ring.sum()) < MIN_BLOCKS:
        return None
    usual = reference.grain if same else np.median(reference.grain[ring])  # block by block: the same content in both
    difference = np.where(inside, np.log2((blocks.grain + GRAIN_FLOOR) / (usual + GRAIN_FLOOR)), 0.0)
    return float(np.median(difference[inside])), difference


def _finding(view: View, metric: str, found: tuple | None, ways: tuple[str, str], told: str) -> Finding:
    if found is None:
        return Finding(Measurement(metric, None, None, "too few blocks inside or around the edit are alike"))
    value, difference = found
    heat = _local(view, difference * math.copysign(1, value)) / (threshold(metric).production or 1.0)
    detail = f"the edit is {ways[0] if value > 0 else ways[1]} {told} by a factor of {2 ** abs(value):.2f}"
    where = view.place((heat >= 1) & view.changed) or view.place(view.changed) or view.place(view.region)
    return Finding(Measurement(metric, abs(value), where, detail), heat)


def _local(view: View, difference: np.ndarray) -> np.ndarray:
    """A block statistic, 0 where a block says nothing, as the mean over neighbors that do, on what changed: (h, w)."""
    known = (difference != 0).astype(np.float32)
    smooth = cv2.blur(difference.astype(np.float32), (5, 5)) / np.maximum(cv2.blur(known, (5, 5)), 1e-3)
    height, width = view.region.shape
    rows, columns = difference.shape
    plane = cv2.resize(smooth, (columns * BLOCK_PX, rows * BLOCK_PX), interpolation=cv2.INTER_LINEAR)
    below, right = max(0, height - plane.shape[0]), max(0, width - plane.shape[1])
    plane = cv2.copyMakeBorder(plane, 0, below, 0, right, cv2.BORDER_REPLICATE)[:height, :width]
    # Single pixels that happen to be equal are no holes.
    changed = cv2.morphologyEx(view.changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.maximum(plane, 0) * (changed * view.region)


def texture_report(image: Tensor, edit: Tensor, *, plate: Tensor | None = None, before: Tensor | None = None) -> Report:
    """Compare grain and sharpness inside an edit with its surroundings, or with the original where it shows the same.

    Args:
        image: (B, 3, H, W) in [0, 1]; the first frame is measured.
        edit: (B or 1, 1, H, W), > 0 inside the edit.
        plate: the original of `image`; its surroundings count instead of `image`'s own.
        before: an earlier state of `image`, whose values the details tell.

    Returns:
        `grain_log2_ratio` and `sharpness_log2_ratio`, both as distances from 0 in doublings; the detail says which way.
    """

    def measure(picture: Tensor) -> list[Measurement]:
        around = picture if plate is None else plate
        joined = torch.where(edit[:1] > 0, picture[:1], around[:1]).float()
        original = None if plate is None else plate[:1].float()
        return [finding.measurement for finding in texture_findings(make_view(original, joined, edit[:1]))]

    measurements = measure(image)
    if before is not None:
        measurements = [_with_earlier(now, then) for now, then in zip(measurements, measure(before), strict=True)]
    return Report(tuple(measurements), {"width": image.shape[3], "height": image.shape[2]})


def _with_earlier(now: Measurement, then: Measurement) -> Measurement:
    if now.value is None or then.value is None:
        return now
    return replace(now, detail=f"{now.detail} ({then.value:.2f} before)")
