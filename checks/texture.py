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

BLOCK_PX = 4
GAP_PX = 2.0  # pixels this close to the edge belong to neither side
RING_SHARE, RING_LEAST_PX = 0.06, 48  # of the longer side: how far around the edit the picture is compared
FINE_PX, MID_PX, COARSE_PX = 0.8, 1.6, 4.0  # blurs between which the bands of detail lie
BAND_FLOOR = 0.0005  # an eighth of an 8-bit level, below which a band holds nothing
GRAIN_FLOOR = 2 / 255  # grain of less is hardly seen, and ratios of nothing mean nothing
LEAST_STRUCTURE = 0.003  # mean mid detail of a block, below which there is nothing to be sharp or soft
LEAST_COARSE = 2 / 255  # coarse detail of a block in which there was something that blur may have taken
BINS, MIN_BIN = 6, 6  # of like structure, and blocks that one needs on either side
FLAT_SHARE = 0.35  # of the blocks, the least structured, where grain shows and texture does not
FLAT_LIMIT = 6 / 255  # coarse detail of a block, beyond which what looks like grain is texture
MIN_BLOCKS, MIN_STRUCTURED = 12, 24  # on either side
MIN_FLAT = 0.05  # of the blocks; a few flat ones in what is textured throughout are chance
CLIPPED = 0.03  # nearer to black or white than this a block says nothing of grain
CLIPPED_PAIR = 0.01  # the same where both pictures are clipped alike
SAME_CONTENT = 0.75  # correlation of structure above which the original's own pixels are the reference
# How much more blur takes from what the noise operator sees than from the mid band, as an exponent: frequencies squared.
# Measured on photographs blurred by 0.6 and 1 px: 5.9 and 6.0.
NOISE_OVER_MID = 6
SOFTENED = 0.9  # of the mid band left; above, what is missing may be grain that was in the band
LEAST_GAIN = 0.3  # of fine texture; with less it is not told what blur took from what was grain
LOST_TEXTURE = 4 / 255  # detail that fine in flat parts, with less left than that: texture, and grain has no number
MASKING = 0.15  # of the texture in a block: grain of less is not seen in it
KEPT_GRAIN = 0.5 / 255  # of grain that both pictures share and that is not told from texture
BLIND_SPREAD = 0.25  # doublings by which the grain of two parts of a picture differs anyhow, where no original tells it
IMMERKAER = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32) / 6


@dataclass(frozen=True)
class Bands:
    """A picture's luma split by fineness, (h, w) each, signed."""

    fine: np.ndarray  # finer than FINE_PX
    mid: np.ndarray  # between FINE_PX and MID_PX
    coarse: np.ndarray  # between MID_PX and COARSE_PX: structure, whatever the grain
    noise: np.ndarray  # Immerkaer's operator
    luma: np.ndarray


def split_bands(luma: np.ndarray) -> Bands:
    """Differences of Gaussians, and the operator of Immerkaer 1996, "Fast Noise Variance Estimation"."""
    fine, mid, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (FINE_PX, MID_PX, COARSE_PX))
    return Bands(luma - fine, fine - mid, mid - coarse, cv2.filter2D(luma, -1, IMMERKAER), luma)


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

    @property
    def acuity(self) -> np.ndarray:
        """Doublings of fine over coarse detail, to compare like with like: coarse detail survives more blur."""
        return np.log2((self.fine + BAND_FLOOR) / (self.coarse + BAND_FLOOR))

    def at(self, chosen: np.ndarray) -> Blocks:
        """The chosen blocks alone, (n,)."""
        return Blocks(*(plane[chosen] for plane in vars(self).values()))

    def joined(self, other: Blocks) -> Blocks:
        """Both, (n,) each."""
        return Blocks(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))

    def doubled(self) -> Blocks:
        """Blocks of twice the side."""
        return Blocks(*(_quarters(plane) for plane in vars(self).values()))


def measure_blocks(bands: Bands) -> Blocks:
    """Detail and noise of every block of a picture."""
    noise = math.sqrt(math.pi / 2) * np.abs(bands.noise)
    planes = (np.abs(bands.fine), np.abs(bands.mid), np.abs(bands.coarse), noise, bands.luma)
    fine, mid, coarse, grain, mean = (block_mean(plane) for plane in planes)
    return Blocks(fine, mid, coarse, _around(coarse), grain, mean)


def block_mean(plane: np.ndarray) -> np.ndarray:
    """Mean of every whole block of (h, w)."""
    rows, columns = (max(1, side // BLOCK_PX) for side in plane.shape)
    part = plane[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float32)
    return cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)


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
    bands = split_bands(view.luma[1])
    whole, changed = block_mean(view.distance > GAP_PX), block_mean(view.changed)
    inside = _wholly(whole, changed)
    if view.before is not None and same_content(view) >= SAME_CONTENT:
        original, told = split_bands(view.luma[0]), "than the original there"
        grain = _grain_of_pair(bands, original, inside)
        # In blocks of twice the side: the edge that a block holds lies in it in both pictures.
        larger = [measure_blocks(picture).doubled() for picture in (bands, original)]
        sharp = _sharpness_of_pair(*larger, _wholly(_quarters(whole), _quarters(changed)))
    else:
        blocks, told = measure_blocks(bands), "than its surroundings"
        reach = max(RING_SHARE * max(view.region.shape), RING_LEAST_PX)
        ring = (block_mean(view.distance < -GAP_PX) > 0.999) & (block_mean(view.distance) > -reach)
        reference = blocks.at(ring)
        if view.before is None:
            grain = _grain(blocks, inside, reference, BLIND_SPREAD)
            # In larger blocks, as in the pair: what is out of focus has a few small sharp ones.
            larger, around = blocks.doubled(), _quarters(ring) > 0.999
            sharp = _sharpness(larger, _wholly(_quarters(whole), _quarters(changed)), larger.at(around), blind=True)
        else:
            reference = reference.joined(measure_blocks(split_bands(view.luma[0])).at(inside))
            grain = _grain(blocks, inside, reference, 0.0)
            sharp = _sharpness(blocks, inside, reference, blind=False)
    return (
        _finding(view, "grain_log2_ratio", grain, ("grainier", "cleaner"), told),
        _finding(view, "sharpness_log2_ratio", sharp, ("sharper", "softer"), told),
    )


def same_content(view: View) -> float:
    """Correlation of the structure of both pictures where they differ: 1 = the same content, whatever its color."""
    if view.changed.sum() < (2 * BLOCK_PX) ** 2:
        return 1.0
    bands = []
    for luma in view.luma:
        mid, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (MID_PX, 4 * MID_PX))
        band = (mid - coarse)[view.changed]
        bands.append(band - band.mean())
    return float((bands[0] * bands[1]).mean() / max(bands[0].std() * bands[1].std(), 1e-9))


def _wholly(whole: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Blocks that lie inside, and most of which changed."""
    return (whole > 0.999) & (changed > 0.5)


def _sharpness_of_pair(blocks: Blocks, original: Blocks, inside: np.ndarray) -> tuple | None:
    """Difference in sharpness block by block, as both show the same: its median, and that of every block."""
    structured = inside & (original.mid >= LEAST_STRUCTURE)
    if structured.sum() < MIN_STRUCTURED // 4:
        structured = inside & (original.coarse >= LEAST_COARSE)
    if structured.sum() < MIN_STRUCTURED // 4:
        return None
    structured &= original.mid >= np.median(original.mid[structured])
    difference = np.where(structured, blocks.acuity - original.acuity, 0.0)
    return float(np.median(difference[structured])), np.kron(difference, np.ones((2, 2)))


def _sharpness(blocks: Blocks, inside: np.ndarray, reference: Blocks, *, blind: bool) -> tuple | None:
    """Difference in sharpness from blocks of like structure, and that of every block.

    Where nothing has mid detail any more, but there are forms, the coarse detail says what is alike: it is out of focus
    as the original is, or blurred. Without an original that is not told.
    """
    ways = (("mid", "sharpness", LEAST_STRUCTURE), ("coarse", "acuity", LEAST_COARSE))
    fewer = 2 if blind else 1
    for detail, sharpness, least in ways[:1] if blind else ways:
        structure, structures = getattr(blocks, detail), getattr(reference, detail)
        here, there = inside & (structure >= least), structures >= least
        if min(here.sum(), there.sum()) >= MIN_STRUCTURED // fewer:
            values, usual = getattr(blocks, sharpness), getattr(reference, sharpness)[there]
            value = _at_like_structure(structure, values, here, structures[there], usual, MIN_BIN // fewer)
            return (value[0], np.kron(value[1], np.ones((2, 2)))) if blind and value else value
    return None


def _at_like_structure(
    structure: np.ndarray,
    values: np.ndarray,
    inside: np.ndarray,
    structures: np.ndarray,
    usual: np.ndarray,
    least: int,
) -> tuple | None:
    """How far values lie from the usual ones at like structure: the mean of the bins' medians, and every block's.

    Args:
        structure, values, inside: of the blocks that are judged, (rows, columns).
        structures, usual: of those they are compared with, (n,).
        least: blocks that a bin needs on either side.
    """
    edges = np.quantile(np.concatenate((structure[inside], structures)), np.linspace(0, 1, BINS + 1))[1:-1]
    number, numbers = np.searchsorted(edges, structure), np.searchsorted(edges, structures)
    difference, bins = np.zeros_like(structure), []
    for index in range(BINS):
        here, there = inside & (number == index), numbers == index
        if min(here.sum(), there.sum()) < least:
            continue
        difference[here] = values[here] - np.median(usual[there])
        bins.append((float(np.median(difference[here])), int(here.sum())))
    if not bins:
        return None
    return float(np.average([value for value, _ in bins], weights=[count for _, count in bins])), difference


def _grain_of_pair(bands: Bands, original: Bands, inside: np.ndarray) -> tuple | None:
    """Doublings of the grain where both show the same, and those of every block.

    What both pictures have in common is texture, so that the rest is the one's and the other's own grain, also where
    no part is flat: with t the original's texture and g t what is left of it, the covariance of both is g t^2.
    """
    usable = inside.copy()
    for picture in (bands, original):
        usable &= np.abs(block_mean(picture.luma) - 0.5) < 0.5 - CLIPPED_PAIR
    if usable.sum() < MIN_BLOCKS:
        return None
    structure = np.maximum(*(_around(block_mean(np.abs(picture.coarse))) for picture in (bands, original)))
    flat = usable & (structure <= _flattest(structure[usable]))
    gain = _fine_gain(bands, original, usable)
    common, before = block_mean(bands.noise * original.noise), block_mean(original.noise**2)
    if gain <= LEAST_GAIN and np.median(before[flat]) > LOST_TEXTURE**2:
        return None
    texture = math.sqrt(max(0.0, float(np.median(common[flat])) / gain))
    own = [block_mean(bands.noise**2) - gain * common, before - common / gain]
    unseen = max(min(KEPT_GRAIN, texture), MASKING * texture)

    def doublings(ours, theirs):
        levels = [np.sqrt(np.maximum(power, 0) + unseen**2) + GRAIN_FLOOR for power in (ours, theirs)]
        return np.log2(levels[0] / levels[1])

    value = float(doublings(*(np.median(power[flat]) for power in own)))
    return value, np.where(flat, doublings(*own), 0.0)


def _fine_gain(bands: Bands, original: Bands, inside: np.ndarray) -> float:
    """What is left of the original's finest texture, 1 = all: told from the mid band, in which noise counts little."""
    power = block_mean(original.mid**2)
    strong = inside & (power >= np.quantile(power[inside], 0.75))
    left = float(block_mean(bands.mid * original.mid)[strong].sum()) / max(float(power[strong].sum()), 1e-12)
    return max(LEAST_GAIN, max(left, 0.0) ** NOISE_OVER_MID) if left < SOFTENED else 1.0


def _grain(blocks: Blocks, inside: np.ndarray, reference: Blocks, spread: float) -> tuple | None:
    """Doublings of the grain of the least structured blocks over that of others' such blocks, and those of each.

    Args:
        spread: doublings that mean nothing, taken off.
    """
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
    difference = np.sign(difference) * np.maximum(np.abs(difference) - spread, 0)
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
