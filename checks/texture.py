"""Do grain and sharpness inside an edit look like those around it, or like the original's?"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from .bands import BLOCK_PX, MID_PX, RING_LEAST_PX, RING_SHARE, TOO_FEW, block_mean, split_bands
from .blind_texture import blind_texture
from .finding import Finding
from .report import Measurement, Report
from .texture_original import grain_of_new, grain_of_pair, powers_of, sharpness_of_new, sharpness_of_pair
from .thresholds import threshold
from .view import View, make_view

GAP_PX = 2.0  # pixels this close to the edge belong to neither side
SAME_CONTENT = 0.75  # correlation of structure above which the original's own pixels are the reference
FADED = 0.5  # of the original's structure left; with less, forms may tell what the picture shows
SAME_FORMS, FORMS_BLOCKS = 0.9, (1.6, 4.0)  # correlation of forms, and the blurs in blocks between which they lie


def texture_findings(view: View) -> tuple[Finding, Finding]:
    """Grain and sharpness of what changed, against the original where it shows the same.

    What shows something else is compared with the ring around it and with what the original had in its place: both are
    of the same plate. Without an original there is the ring alone, and measures of their own: `blind_texture`.
    """
    if view.before is None:
        return blind_texture(view)
    bands, told = split_bands(view.luma[1]), "than its surroundings"
    whole, changed = block_mean(view.distance > GAP_PX), block_mean(view.changed)
    inside = _wholly(whole, changed)
    if same_content(view) >= SAME_CONTENT:
        original, told = split_bands(view.luma[0]), "than the original there"
        grain, sharp = grain_of_pair(bands, original, inside), sharpness_of_pair(bands, original, inside)
    else:
        powers = powers_of(bands)
        reference = powers.at(_ring(view)).joined(powers_of(split_bands(view.luma[0])).at(whole > 0.999))
        grain, sharp = grain_of_new(powers, inside, reference), sharpness_of_new(powers, inside, reference)
    return (
        _finding(view, "grain_log2_ratio", grain, ("grainier", "cleaner"), told),
        _finding(view, "sharpness_log2_ratio", sharp, ("sharper", "softer"), told),
    )


def _ring(view: View) -> np.ndarray:
    """Blocks around the edit."""
    reach = max(RING_SHARE * max(view.region.shape), RING_LEAST_PX)
    return (block_mean(view.distance < -GAP_PX) > 0.999) & (block_mean(view.distance) > -reach)


def same_content(view: View) -> float:
    """Correlation of the structure of both pictures where they differ: 1 = the same content, whatever its color.

    A strong blur leaves forms alone: if they agree well, it is the same too.
    """
    if view.changed.sum() < (2 * BLOCK_PX) ** 2:
        return 1.0
    bands = [_band(luma, MID_PX, 4 * MID_PX)[view.changed] for luma in view.luma]
    detail = _correlation(*bands)
    if detail >= SAME_CONTENT or bands[1].std() > FADED * bands[0].std():
        return detail
    where = block_mean(view.changed) > 0.5
    forms = _correlation(*(_band(block_mean(luma), *FORMS_BLOCKS)[where] for luma in view.luma))
    return forms if forms >= SAME_FORMS else detail


def _band(plane: np.ndarray, less: float, more: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), less) - cv2.GaussianBlur(plane, (0, 0), more)


def _correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of two (n,) arrays; 0 where one is even."""
    if not ours.size:
        return 0.0
    return float(((ours - ours.mean()) * (theirs - theirs.mean())).mean() / max(ours.std() * theirs.std(), 1e-9))


def _wholly(whole: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Blocks that lie inside, and most of which changed."""
    return (whole > 0.999) & (changed > 0.5)


def _finding(view: View, metric: str, found: tuple | None, ways: tuple[str, str], told: str) -> Finding:
    if found is None:
        return Finding(Measurement(metric, None, None, TOO_FEW))
    value, difference = found
    heat = _local(view, difference * math.copysign(1, value)) / (threshold(metric).production or 1.0)
    detail = f"the edit is {ways[0] if value > 0 else ways[1]} {told} by a factor of {2 ** abs(value):.2f}"
    where = view.place((heat >= 1) & view.changed) or view.place(view.changed) or view.place(view.region)
    return Finding(Measurement(metric, abs(value), where, detail), heat)


def _local(view: View, difference: np.ndarray) -> np.ndarray:
    """A block statistic, 0 where a block says nothing, as the mean over neighbors that do, on what changed: (h, w)."""
    known = (difference != 0).astype(np.float32)
    around = (9, 9)  # blocks
    smooth = cv2.blur(difference.astype(np.float32), around) / np.maximum(cv2.blur(known, around), 1e-3)
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
        Without a plate `blind_grain` and `blind_sharpness`.
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
