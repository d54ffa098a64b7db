"""Islands of a change mask that the color match alone explains: their structure is unchanged, and the match is off.

The match is fitted on unchanged pixels. A small object of a color that nothing else has is extrapolated to, and may look
edited although nothing but the global recoloring befell it. Such an island differs by a smooth function of its colors,
a little at most; new content does not, and a recolored region contradicts its unchanged neighbors of the same color.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import change

LEAST_DOUBT = 0.02  # OKLab; by so much the match may be off at colors that it was not fitted on
DOUBT = 0.5  # and by this share of what it did to them
MOST_BEYOND = 0.45  # share of an island's pixels that may be off by more
STEEPEST = 1.0  # change of the misfit along the colors; a map this steep turns one content into another
LIKE_SHARE = 0.03  # share of an island that makes a color its own
RING_PX = 8.0  # least width of the surroundings that must agree with an island
GAP_PX = 3.0  # blurred rim between both
BLUR_PX = 1.0
POSITION = 0.3  # weight of position against color: uneven light bends slowly
RIDGE = 1e-5
IRLS_STEPS = 4
LEAST_RESIDUAL = 1e-3  # OKLab
MAX_SAMPLES = 6000
EXPLAINED, MOST_EXPLAINED = 3.2, 5.5  # ratio of an explained island's pixels: median and 90th percentile
RING_FACTOR, RING_OFFSET = 1.2, 0.2  # by which the mean ratio of its surroundings may rise
# Share of the frame up to which an island that shows the same structure is no edit: of colors that are found elsewhere,
# and of its own. A recolored object shows the same structure too.
SMALL, SMALL_OF_OWN_COLOR = 0.002, 0.015
OWN_SHARE = 5e-4  # of the unchanged pixels, below which a color is an island's own
LIKENESS, LIKENESS_MARGIN_PX = 0.985, 4  # correlation of lightness in an island and its rim
SMALL_DOUBT, TEXTURE_DOUBT = 0.01, 0.25  # OKLab, and share of the activity, by which a small island may be off


def discount(
    ratio: np.ndarray,
    original: np.ndarray,
    aligned: np.ndarray,
    raw: np.ndarray,
    trust: np.ndarray,
    covered: np.ndarray,
    unchanged: np.ndarray,
) -> np.ndarray:
    """The evidence without those islands that a local error of the color match explains.

    Args:
        ratio: (h, w), from `change.evidence` of the other arguments.
        original, aligned: (h, w, 3) OKLab; `aligned` with its colors matched.
        raw: like `aligned`, before the match.
        trust, covered, unchanged: (h, w), as for `change.evidence`.

    Returns:
        (h, w); at most 1 on islands that are explained, elsewhere the same.
    """
    islands = change.islands(ratio)
    if not islands.any():
        return ratio
    smooth = [cv2.GaussianBlur(image, (0, 0), BLUR_PX) for image in (original, aligned, raw)]
    moved = np.linalg.norm(smooth[1] - smooth[2], axis=-1)
    steady = unchanged & covered & ~islands
    slight = _slight(islands, smooth, moved, change.activity(original), steady)
    ratio, islands = np.where(slight, np.minimum(ratio, 1), ratio), islands & ~slight
    doubt = LEAST_DOUBT + DOUBT * moved
    # The parts of an edit are judged together: a speck alone is easily explained.
    joined = change.close_gaps(islands).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = (_suspect((labels == k) & islands, stats[k], smooth, doubt, steady) for k in range(1, len(stats)))
    suspects = [suspect for suspect in found if suspect is not None]
    # One content for another may be a smooth function of the new colors or of the old ones, but not of both.
    for source in (0, 1):
        if not suspects:
            return ratio
        corrected = aligned.copy()
        for suspect in suspects:
            corrected[suspect.window][suspect.near] += suspect.misfits[source][suspect.near]
        judged = change.evidence(original, corrected, trust, covered, unchanged)
        suspects = [suspect for suspect in suspects if suspect.explained(ratio, judged)]
    cleared = ratio.copy()
    for suspect in suspects:
        cleared[suspect.window][suspect.island] = np.minimum(ratio[suspect.window][suspect.island], 1)
    return cleared


def _slight(islands, smooth, moved: np.ndarray, activity: np.ndarray, steady: np.ndarray) -> np.ndarray:
    """Small islands of the same structure that are off by little against what the match and texture leave: (h, w) bool."""
    allowed = SMALL_DOUBT + DOUBT * moved + TEXTURE_DOUBT * activity
    beyond = np.linalg.norm(smooth[0] - smooth[1], axis=-1) > allowed
    own = _rare(smooth[0], steady) & _rare(smooth[1], steady)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(change.close_gaps(islands).astype(np.uint8), connectivity=8)
    slight = np.zeros_like(islands)
    for k in range(1, len(stats)):
        window = _window(stats[k], LIKENESS_MARGIN_PX, islands.shape)
        island = (labels[window] == k) & islands[window]
        limit = SMALL_OF_OWN_COLOR if own[window][island].mean() > 0.5 else SMALL
        if island.sum() > limit * islands.size or beyond[window][island].mean() > MOST_BEYOND:
            continue
        near = cv2.dilate(island.astype(np.uint8), np.ones((2 * LIKENESS_MARGIN_PX + 1,) * 2, np.uint8)) > 0
        lightness = [image[window][near][:, 0] for image in smooth[:2]]
        if min(map(np.std, lightness)) > 0 and np.corrcoef(*lightness)[0, 1] > LIKENESS:
            slight[window] |= island
    return slight


def _rare(lab: np.ndarray, steady: np.ndarray) -> np.ndarray:
    """Pixels of colors that hardly any unchanged pixel has."""
    cells = change.color_cells(lab)
    count = np.bincount(cells[steady], minlength=change.COLOR_CELLS**3)
    return (count < OWN_SHARE * max(1, steady.sum()))[cells]


@dataclass(frozen=True)
class _Suspect:
    """An island that an error of the color match may explain. Arrays are those of a window around it."""

    window: tuple[slice, slice]
    island: np.ndarray  # bool
    alike: np.ndarray  # bool: unchanged surroundings of the island's colors
    near: np.ndarray  # bool: where the misfit may be taken off
    misfits: tuple[np.ndarray, np.ndarray]  # by how much the match is off, told by the aligned and the original colors

    def explained(self, before: np.ndarray, after: np.ndarray) -> bool:
        """Whether the evidence after its misfit was taken off is usual, in the island and around it."""
        before, after = before[self.window], after[self.window]
        median, high = np.percentile(after[self.island], (50, 90))
        if median > EXPLAINED or high > MOST_EXPLAINED:
            return False
        if not self.alike.any():
            return True
        return after[self.alike].mean() < RING_FACTOR * before[self.alike].mean() + RING_OFFSET


def _suspect(labeled: np.ndarray, stats: np.ndarray, smooth, doubt: np.ndarray, steady: np.ndarray) -> _Suspect | None:
    """An island with the misfit that would explain it; None where that is more than the match may be off."""
    ring = max(RING_PX, float(stats[cv2.CC_STAT_AREA]) ** 0.5)
    window = _window(stats, ring, labeled.shape)
    island, doubt, steady = labeled[window], doubt[window], steady[window]
    original, aligned, _ = (image[window] for image in smooth)
    distance = cv2.distanceTransform((~island).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    alike = (distance > GAP_PX) & (distance <= ring) & steady & (_like(original, island) | _like(aligned, island))
    misfits = []
    for colors in (aligned, original):
        misfit, steepness = _explain(original - aligned, colors, island, alike)
        beyond = np.linalg.norm(misfit[island], axis=-1) > doubt[island]
        if steepness > STEEPEST or beyond.mean() > MOST_BEYOND:
            return None
        misfits.append(misfit)
    near = cv2.dilate((island | alike).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return _Suspect(window, island, alike, near, tuple(misfits))


def _window(stats: np.ndarray, ring: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The bounding box of an island and its surroundings."""
    left, top, width, height = (int(value) for value in stats[:4])
    margin = int(ring) + 6
    return (
        slice(max(0, top - margin), min(shape[0], top + height + margin)),
        slice(max(0, left - margin), min(shape[1], left + width + margin)),
    )


def _like(lab: np.ndarray, island: np.ndarray) -> np.ndarray:
    """Pixels of the colors that an island has."""
    cells = change.color_cells(lab)
    count = np.bincount(cells[island], minlength=change.COLOR_CELLS**3)
    return (count > LIKE_SHARE * island.sum())[cells]


def _explain(difference: np.ndarray, colors: np.ndarray, island: np.ndarray, alike: np.ndarray):
    """The difference as a smooth function of color and position, fitted on an island and the pixels alike: its values,
    and its steepest change along the colors at the island's mean color. Ridge regression, Cauchy weights."""
    height, width = island.shape
    y, x = np.mgrid[:height, :width].astype(np.float32) * np.float32(POSITION / max(height, width))
    c = colors - colors[island].mean(0)
    squares = [c[..., i] * c[..., j] for i in range(3) for j in range(i, 3)]
    terms = np.dstack((c, *squares, x, y, np.ones_like(x)))
    parts = [np.flatnonzero(part.ravel()) for part in (island, alike)]
    share = min(1.0, len(parts[1]) / len(parts[0]))
    parts = [part[:: max(1, len(part) // MAX_SAMPLES)] for part in parts]
    balance = np.concatenate([np.full(len(p), w / max(1, len(p))) for p, w in zip(parts, (1.0, share), strict=True)])
    at = np.concatenate(parts)
    design, target = (image.reshape(-1, image.shape[-1])[at].astype(np.float64) for image in (terms, difference))
    pull = RIDGE * np.diag([1.0] * (design.shape[1] - 1) + [0.0])
    weight = balance
    for _ in range(IRLS_STEPS + 1):
        weighted = weight[:, None] * design
        solution = np.linalg.solve(weighted.T @ design + pull, weighted.T @ target)
        residual = np.linalg.norm(target - design @ solution, axis=1)
        weight = balance / (1 + (residual / max(2 * float(np.median(residual)), LEAST_RESIDUAL)) ** 2)
    return terms @ solution.astype(np.float32), float(np.linalg.norm(solution[:3], 2))
