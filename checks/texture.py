"""Do grain and sharpness inside an edit look like those around it, or like the original's?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from .bands import BLOCK_PX, MID_PX, MIN_BIN, Bands, at_like_structure, block_mean, split_bands
from .finding import Finding
from .report import Measurement, Report
from .texture_original import grain_of_new, grain_of_pair, powers_of, sharpness_of_new, sharpness_of_pair
from .thresholds import threshold
from .view import View, make_view

GAP_PX = 2.0  # pixels this close to the edge belong to neither side
RING_SHARE, RING_LEAST_PX = 0.06, 48  # of the longer side: how far around the edit the picture is compared
SAME_CONTENT = 0.75  # correlation of structure above which the original's own pixels are the reference
FADED = 0.5  # of the original's structure left; with less, forms may tell what the picture shows
SAME_FORMS, FORMS_BLOCKS = 0.9, (1.6, 4.0)  # correlation of forms, and the blurs in blocks between which they lie

# Without an original:
BAND_FLOOR = 0.0005  # an eighth of an 8-bit level, below which a band holds nothing
GRAIN_FLOOR = 2 / 255  # grain of less is hardly seen, and ratios of nothing mean nothing
LEAST_STRUCTURE = 0.003  # mean mid detail of a block, below which there is nothing to be sharp or soft
FLAT_SHARE = 0.35  # of the blocks, the least structured, where grain shows and texture does not
FLAT_LIMIT = 6 / 255  # coarse detail of a block, beyond which what looks like grain is texture
MIN_BLOCKS, MIN_STRUCTURED = 12, 12  # on either side
MIN_FLAT = 0.05  # of the blocks; a few flat ones in what is textured throughout are chance
CLIPPED = 0.03  # nearer to black or white than this a block says nothing of grain
SPREAD = 0.25  # doublings by which the grain of two parts of a picture differs anyhow


@dataclass(frozen=True)
class Blocks:
    """Statistics of a picture's blocks: (rows, columns) each, or (n,) of chosen ones."""

    fine: np.ndarray  # mean detail
    mid: np.ndarray
    coarse: np.ndarray
    nearby: np.ndarray  # coarse detail of the block and those around it: a flat block among textured ones is chance
    grain: np.ndarray  # standard deviation of noise
    mean: np.ndarray

    @property
    def sharpness(self) -> np.ndarray:
        """Doublings of fine over mid detail; blur lowers it, whatever the content's contrast."""
        return np.log2((self.fine + BAND_FLOOR) / (self.mid + BAND_FLOOR))

    def at(self, chosen: np.ndarray) -> Blocks:
        """The chosen blocks alone, (n,)."""
        return Blocks(*(plane[chosen] for plane in vars(self).values()))

    def doubled(self) -> Blocks:
        """Blocks of twice the side."""
        return Blocks(*(_quarters(plane) for plane in vars(self).values()))


def measure_blocks(bands: Bands) -> Blocks:
    """Detail and noise of every block of a picture."""
    noise = math.sqrt(math.pi / 2) * np.abs(bands.noise)
    planes = (np.abs(bands.fine), np.abs(bands.mid), np.abs(bands.coarse), noise, bands.luma)
    fine, mid, coarse, grain, mean = (block_mean(plane) for plane in planes)
    return Blocks(fine, mid, coarse, _around(coarse), grain, mean)


def _around(plane: np.ndarray) -> np.ndarray:
    """Means of three by three values."""
    return cv2.blur(plane, (3, 3))


def _quarters(plane: np.ndarray) -> np.ndarray:
    """Means of two by two values."""
    rows, columns = (max(1, side // 2) for side in plane.shape)
    return cv2.resize(
        plane[: 2 * rows, : 2 * columns].astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
    )


def texture_findings(view: View) -> tuple[Finding, Finding]:
    """Grain and sharpness of what changed, against the original where it shows the same.

    What shows something else is compared with the ring around it and with what the original had in its place: both are
    of the same plate.
    """
    bands, told = split_bands(view.luma[1]), "than its surroundings"
    whole, changed = block_mean(view.distance > GAP_PX), block_mean(view.changed)
    inside = _wholly(whole, changed)
    if view.before is None:
        blocks, ring = measure_blocks(bands), _ring(view)
        grain = _grain(blocks, inside, blocks.at(ring))
        # In larger blocks: what is out of focus has a few small sharp ones.
        larger, around = blocks.doubled(), _quarters(ring) > 0.999
        sharp = _sharpness(larger, _wholly(_quarters(whole), _quarters(changed)), larger.at(around))
    elif same_content(view) >= SAME_CONTENT:
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


def _sharpness(blocks: Blocks, inside: np.ndarray, reference: Blocks) -> tuple | None:
    """Difference in sharpness from blocks of twice the side and of like structure, and that of every block."""
    here, there = inside & (blocks.mid >= LEAST_STRUCTURE), reference.mid >= LEAST_STRUCTURE
    if min(here.sum(), there.sum()) < MIN_STRUCTURED:
        return None
    usual = reference.at(there)
    found = at_like_structure(blocks.mid, blocks.sharpness, here, usual.mid, usual.sharpness, MIN_BIN // 2)
    return found and (found[0], np.kron(found[1], np.ones((2, 2))))


def _grain(blocks: Blocks, inside: np.ndarray, reference: Blocks) -> tuple | None:
    """Doublings of the grain of the least structured blocks over that of others' such blocks, and those of each."""
    inside = inside & (np.abs(blocks.mean - 0.5) < 0.5 - CLIPPED)
    reference = reference.at(np.abs(reference.mean - 0.5) < 0.5 - CLIPPED)
    if min(inside.sum(), len(reference.mean)) < MIN_BLOCKS:
        return None
    # Grain itself adds structure: with one limit for both together the side that lacks it would be all there is.
    limit = min(FLAT_LIMIT, max(_flattest(blocks.nearby[inside]), _flattest(reference.nearby)))
    if min(_enough(blocks.nearby[inside] <= limit), _enough(reference.nearby <= limit)) < 1:
        return None
    inside, reference = inside & (blocks.nearby <= limit), reference.at(reference.nearby <= limit)
    difference = np.log2((blocks.grain + GRAIN_FLOOR) / (np.median(reference.grain) + GRAIN_FLOOR))
    difference = np.sign(difference) * np.maximum(np.abs(difference) - SPREAD, 0)
    return float(np.median(difference[inside])), np.where(inside, difference, 0.0)


def _enough(flat: np.ndarray) -> float:
    """1 and more: there are enough flat blocks."""
    return flat.sum() / max(MIN_BLOCKS, MIN_FLAT * len(flat))


def _flattest(structure: np.ndarray) -> float:
    """The structure that `FLAT_SHARE` of the blocks, and enough to measure, do not exceed."""
    return float(np.quantile(structure, min(1.0, max(FLAT_SHARE, MIN_BLOCKS / len(structure)))))


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
