"""What an edit really changed: found on two frames of the same picture, whatever drift, noise or compression did.

A pixel's difference is judged against the usual difference of unchanged pixels of like texture, so that a redrawn
lawn is no edit and a faint stain on a wall is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
import torch
from torch import Tensor

from . import masks

DETECT_PIXELS = 1.0e6  # detection runs at this many pixels
SCALES_PX = (1.0, 3.0)  # fine scale: outline and detail; coarse scale: faint changes of a whole surface
DETAIL_PX = (1.0, 4.0)  # detail is what lies between these blurs; below is noise, beyond is tone
TEXTURE_PX = 4.0  # window in which the energy of lost or new detail is gathered
MOST_DETAIL = 30.0  # energy of one pixel's detail, over the usual, beyond which it says no more: specks are no texture
TEXTURE_SEED, TEXTURE_REACH = 15.0, 10.0  # energies that count like SEED and REACH; unchanged pixels have 1
OUTLINE_PX = 6  # near a strong change its own outline is better than the window's
TEXTURE_SPREAD_PX = 3  # by which the window carries texture beyond its border
ACTIVITY_BINS = 12
LEAST_DIFFERENCE = 0.0025  # OKLab; half an 8-bit level: a usual difference below it says nothing
SAME_COLOR = 0.03  # sRGB; leaves room for uneven light, which is fitted only after the first guess
OUTLINE = 0.2  # near a strong change, what is weaker than this share of it is its blurred edge
CLIPPED = 0.985  # sRGB value from which (and below 1 - which) a channel may have lost what it held
NEARLY_CLIPPED = 0.85  # of the brightest channel: the other frame may well show the same there
NEARLY_BLACK = 0.06
DARK = 0.2  # sRGB value below which OKLab makes ever more of an 8-bit level that nobody sees
CLIPPED_TRUST = 0.25  # share of a difference that counts there: white for pale still shows, a tint does not
BLACK_TRUST = 0.1  # share at the least where both frames are nearly black
LOWEST_LAB = np.array((0, -0.4, -0.4), np.float32)
COLOR_CELL, COLOR_CELLS = 0.04, 26  # OKLab; cells of the colors that unchanged pixels have
LEAST_COLOR_SHARE = 1e-4  # of the unchanged pixels, from which a color counts as known
MISFIT, MOST_MISFIT = 0.15, 0.012  # error of the color match by distance to a known color, and at most; OKLab
SEED, REACH = 10.0, 4.0  # hysteresis at sensitivity 0.5, in units of the usual difference of unchanged pixels
SENSITIVITY_FACTOR = 4.0  # from sensitivity 0 to 1 the limits fall by this factor
CLOSE_SHARE = 0.012  # gaps up to this share of the shorter side are closed
HOLE_SHARE = 0.01  # holes up to this share of the frame are filled
LEAST_SHARE = 0.0004  # islands below this share of the frame are dropped
THIN_PX = 2.0  # islands nowhere wider than twice this are edges that resampling drew anew
GROW_SHARE = 0.005  # margin around what was found, share of the shorter side; the blend needs a rim that both share


@dataclass(frozen=True)
class Evidence:
    """How far each pixel's difference is beyond the usual one, on a reduced grid. 1 = as unchanged pixels."""

    ratio: np.ndarray  # (h, w) float32
    covered: np.ndarray  # (h, w) bool: both frames have data
    size: tuple[int, int]  # (width, height) of the full frame


def unchanged_start(original: np.ndarray, aligned: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Pixels whose surroundings show the same structure in both frames, whatever their colors: (h, w) bool.

    Local correlation of luma where there is texture; flat areas count when a robust global tone map explains them.
    """
    a, b = (cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0) for image in (original, aligned))

    def window(image):
        return cv2.GaussianBlur(image, (0, 0), 6)

    mean_a, mean_b = window(a), window(b)
    var_a, var_b = window(a * a) - mean_a**2, window(b * b) - mean_b**2
    correlation = (window(a * b) - mean_a * mean_b) / np.sqrt((var_a + 1e-5).clip(1e-5) * (var_b + 1e-5).clip(1e-5))
    alike = (correlation > 0.8) & covered
    if alike.mean() < 0.02:
        return covered
    flat = (np.maximum(var_a, var_b) < 2e-4) & covered
    chosen = _same_color_map(original, aligned, alike | flat, alike)
    return chosen if chosen.mean() > 0.02 else covered


def _same_color_map(
    original: np.ndarray, aligned: np.ndarray, candidates: np.ndarray, fitted: np.ndarray
) -> np.ndarray:
    """Those candidates whose colors one affine map, that of the majority of `fitted`, explains (IRLS, Cauchy)."""
    a, b = (cv2.GaussianBlur(image, (0, 0), 1.5) for image in (original, aligned))
    known = np.flatnonzero(fitted.ravel())
    known = known[:: max(1, len(known) // 20_000)]
    target, source = a.reshape(-1, 3)[known], b.reshape(-1, 3)[known]
    design = np.hstack((source, np.ones((len(source), 1), np.float32)))
    shift = np.median(target - source, 0)
    matrix = np.vstack((np.eye(3), shift))
    pull = 1e-3 * len(design) * np.eye(4)
    for _ in range(20):
        residual = np.linalg.norm(target - design @ matrix, axis=1)
        weight = 1 / (1 + (residual / max(float(np.median(residual)), 1e-3)) ** 2)[:, None]
        matrix = np.linalg.solve(
            design.T @ (weight * design) + pull, design.T @ (weight * target) + pull @ np.vstack((np.eye(3), shift))
        )
    residual = np.linalg.norm(a - b @ matrix[:3].astype(np.float32) - matrix[3].astype(np.float32), axis=-1)
    return candidates & (residual < 3 * np.median(residual[fitted]) + SAME_COLOR)


def clipping_trust(original: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """How far a difference can be trusted, (h, w): less where both frames are dark, or so bright or dark that one clips.

    A clipped channel has lost what it held, and matching the colors spreads the loss to the other channels. `raw` is
    the aligned frame before its colors were matched, as matching moves a clipped 1.0 elsewhere.
    """
    brightest = reduce(cv2.max, cv2.split(original))  # NumPy reduces a short last axis twenty times slower
    highest, lowest = (reduce(of, cv2.split(raw)) for of in (cv2.max, cv2.min))
    bright = (cv2.dilate(highest, np.ones((3, 3))) >= CLIPPED) & (brightest >= NEARLY_CLIPPED)
    dark = (cv2.erode(lowest, np.ones((3, 3))) <= 1 - CLIPPED) & (brightest <= NEARLY_BLACK)
    visible = (cv2.max(brightest, highest) / np.float32(DARK)).clip(BLACK_TRUST, 1)
    return np.where(bright | dark, np.minimum(visible, np.float32(CLIPPED_TRUST)), visible)


def evidence(
    original: np.ndarray, aligned: np.ndarray, trust: np.ndarray, covered: np.ndarray, unchanged: np.ndarray
) -> np.ndarray:
    """Trusted difference of two (h, w, 3) OKLab images over the usual difference at like texture, (h, w).

    The fine scale draws the outline. The coarse one averages noise away and sees a faint change of a whole surface;
    it counts only where no strong fine change is near, whose edge it would smear. Texture that was lost or drawn over
    at the same color has too few strong pixels for either; its energy in a window tells it.
    """
    level = np.minimum(activity(original), activity(aligned))
    difference = (original - aligned) * trust[..., None]
    misfit = _misfit(aligned, unchanged & covered)
    fine, coarse = (_ratio(difference, level, misfit, covered, unchanged & covered, sigma) for sigma in SCALES_PX)
    fine = np.where(fine > OUTLINE * _largest_near(fine, 6), fine, np.minimum(fine, 1))
    texture = _texture(difference, level, covered, unchanged & covered)
    ratio = np.where(_largest_near(fine, 9) < SEED, np.maximum(fine, coarse), fine)
    return np.where(_largest_near(fine, OUTLINE_PX) < SEED, np.maximum(ratio, texture), ratio) * covered


def _texture(difference: np.ndarray, level: np.ndarray, covered: np.ndarray, unchanged: np.ndarray) -> np.ndarray:
    """Energy of lost or new detail over what the drift costs detail of like activity level, on the scale of the ratios."""
    narrow, wide = (cv2.GaussianBlur(difference * covered[..., None], (0, 0), sigma) for sigma in DETAIL_PX)
    energy = _squared_length(narrow - wide)
    window = cv2.GaussianBlur(energy, (0, 0), TEXTURE_PX)
    usual = _usual(window, level, unchanged, LEAST_DIFFERENCE**2)
    gathered = cv2.GaussianBlur(np.minimum(energy / usual, MOST_DETAIL), (0, 0), TEXTURE_PX)
    scaled = REACH + (gathered - TEXTURE_REACH) * np.float32((SEED - REACH) / (TEXTURE_SEED - TEXTURE_REACH))
    return cv2.erode(scaled, masks.disc(TEXTURE_SPREAD_PX))


def _ratio(difference, level, misfit, covered: np.ndarray, unchanged: np.ndarray, sigma: float) -> np.ndarray:
    # Normalized blur: nothing bleeds in from where the edited frame has no data.
    share = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), sigma)
    smooth = cv2.GaussianBlur(difference * covered[..., None], (0, 0), sigma) / np.maximum(share, 0.1)[..., None]
    length = np.sqrt(_squared_length(smooth))
    return length / (_usual(length, level, unchanged, LEAST_DIFFERENCE) + misfit)


def _misfit(aligned: np.ndarray, unchanged: np.ndarray) -> np.ndarray:
    """By how much the color match may be off at each pixel, (h, w): it is extrapolated to colors nothing unchanged has."""
    from scipy import ndimage  # here: its import takes longer than the pack's

    index = color_cells(aligned)
    count = np.bincount(index[unchanged], minlength=COLOR_CELLS**3)
    unknown = (count < LEAST_COLOR_SHARE * max(1, unchanged.sum())).reshape((COLOR_CELLS,) * 3)
    if unknown.all():
        return np.zeros(index.shape, np.float32)
    distance = COLOR_CELL * ndimage.distance_transform_edt(unknown)
    return np.minimum(MISFIT * distance, MOST_MISFIT).astype(np.float32).ravel()[index]


def color_cells(lab: np.ndarray) -> np.ndarray:
    """Index of the cell of its color, 0 to `COLOR_CELLS` ** 3 - 1, of each pixel of OKLab (..., 3)."""
    cell = ((lab - LOWEST_LAB) / COLOR_CELL).astype(np.int32).clip(0, COLOR_CELLS - 1)
    return (cell[..., 0] * COLOR_CELLS + cell[..., 1]) * COLOR_CELLS + cell[..., 2]


def _squared_length(image: np.ndarray) -> np.ndarray:
    return sum(plane * plane for plane in cv2.split(image))


def _largest_near(image: np.ndarray, radius: int) -> np.ndarray:
    return cv2.dilate(image, masks.disc(radius))


def activity(image: np.ndarray) -> np.ndarray:
    """Local standard deviation (h, w) of a plane (h, w), or of all planes of (h, w, 3) together."""
    high = image - cv2.GaussianBlur(image, (0, 0), 2.5)
    energy = high * high if high.ndim == 2 else _squared_length(high)
    return np.sqrt(cv2.GaussianBlur(energy, (0, 0), 2.5))


def _usual(values: np.ndarray, level: np.ndarray, unchanged: np.ndarray, least: float) -> np.ndarray:
    """Median of unchanged pixels with the same activity, at every pixel; at least `least`, and growing with activity.

    An edit that is not yet told from them may outnumber the unchanged pixels where there is little activity, so that a
    median is cut to those of higher activity rather than these raised to it.
    """
    if unchanged.sum() < 1000:
        return np.full_like(values, 2 * least)
    known, at = values[unchanged], level[unchanged]
    step = max(1, len(known) // 50_000)
    known, at = known[::step], at[::step]
    parts = np.array_split(np.argsort(at, kind="stable"), ACTIVITY_BINS)
    centers = [float(np.median(at[part])) for part in parts]
    medians = [max(float(np.median(known[part])), least) for part in parts]
    usual = np.minimum.accumulate(medians[::-1])[::-1]
    return np.interp(level, centers, usual).astype(np.float32)


def find(found: Evidence, sensitivity: float = 0.5) -> Tensor:
    """The edit mask: connected, closed, without specks, grown to a safe border. Larger sensitivity never finds less.

    Args:
        found: from `imaging.lock`.
        sensitivity: 0..1; from 0 to 1 the least difference that counts falls by `SENSITIVITY_FACTOR`.

    Returns:
        (1, 1, H, W) float32, 0 or 1.
    """
    factor = SENSITIVITY_FACTOR ** (0.5 - sensitivity)
    width, height = found.size
    grid_h, grid_w = found.ratio.shape
    side = min(grid_h, grid_w)
    mask = close_gaps(islands(found.ratio, factor))
    mask = _fill_holes(mask, HOLE_SHARE * mask.size)
    mask = _grown(_extend_to_border(mask, found.covered), max(1.0, GROW_SHARE * side))
    if (grid_w, grid_h) != (width, height):
        mask = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0
    return torch.from_numpy(mask.astype(np.float32))[None, None]


def islands(ratio: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """Connected pixels with a difference beyond the usual, without specks and thin lines: (h, w) bool."""
    mask = masks.connected_to(ratio > SEED * factor, ratio > REACH * factor)
    return _drop_small(mask, LEAST_SHARE * mask.size)


def close_gaps(mask: np.ndarray) -> np.ndarray:
    """A mask (h, w) with its narrow gaps closed, so that the parts of one edit are one."""
    return _close(mask, CLOSE_SHARE * min(mask.shape))


def margin_px(mask: Tensor) -> float:
    """Width of the margin that `find` leaves around a change, in px of the full frame."""
    return max(1.0, GROW_SHARE * min(mask.shape[2:])) + 1


def _drop_small(mask: np.ndarray, area: float) -> np.ndarray:
    """Drop islands below an area, and thin ones."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    inner = np.zeros(len(stats), bool)
    inner[labels[cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > THIN_PX]] = True
    kept = (stats[:, cv2.CC_STAT_AREA] >= area) & inner
    kept[0] = False
    return kept[labels]


def _fill_holes(mask: np.ndarray, area: float) -> np.ndarray:
    """Fill holes up to an area; what touches the frame's border is no hole."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    filled = stats[:, cv2.CC_STAT_AREA] <= area
    filled[np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))] = False
    filled[0] = False
    return mask | filled[labels]


def _grown(mask: np.ndarray, radius: float) -> np.ndarray:
    return masks.grow(torch.from_numpy(mask)[None, None], radius)[0, 0].numpy()


def _close(mask: np.ndarray, radius: float) -> np.ndarray:
    """Morphological closing with a disc; the frame's border does not eat into the mask."""
    grown = _grown(mask, radius)
    if grown.all() or not grown.any():
        return grown
    return mask | (cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > radius)


def _extend_to_border(mask: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Carry the mask outward over border pixels of which the edited frame shows nothing."""
    if covered.all() or not covered.any() or not mask.any():
        return mask
    _, labels = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(labels.max() + 1, bool)
    nearest[labels[covered]] = mask[covered]
    return np.where(covered, mask, nearest[labels])
