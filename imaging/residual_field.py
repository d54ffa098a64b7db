"""Smooth local motion that a homography leaves, as far as parts of the picture left out of the fit confirm it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .frame_pair import MIN_GAIN, FramePair, weighted_median
from .registration import Registration

FIELD_CELL_PX = 8  # grid of the residual field, in px of the estimation grid
FIELD_BLOCK_CELLS = 4  # side of the blocks left out when a field is put to the test
FIELD_MIN_PX = 0.12  # median local motion below which it is noise of the measurement
FIELD_MAX_ERROR = 0.7  # a field must predict left-out blocks with at most this share of the motion left


def add_field(pair: FramePair, found: Registration) -> Registration:
    """Add a smooth residual motion, as far as left-out data and the agreement confirm it."""
    matrix = pair.from_full(found.matrix)
    left = pair.residual(matrix)
    if left is None or left * pair.template.shape[1] / pair.full_size[0] < FIELD_MIN_PX:
        return found
    cells = tuple(-(-side // FIELD_CELL_PX) for side in pair.template.shape[::-1])
    field, agreement = None, pair.agreement(matrix)
    for level in (2, 1, 1, 0, 0, 0):
        if level >= len(pair.levels):
            continue
        step = _confirmed_smooth(*_to_cells(*pair.motion(matrix, field, level), cells))
        if step is None:
            continue
        candidate = step if field is None else field + step
        score = pair.agreement(matrix, candidate)
        remaining = pair.residual(matrix, candidate)
        # An edit's windows gain agreement from any motion that happens to fit them; the residual does not read them.
        if score > agreement + MIN_GAIN and remaining is not None and remaining < 0.9 * left:
            field, agreement, left = candidate, score, remaining
    if field is None:
        return found
    field = field * np.float32(pair.full_size[0] / pair.template.shape[1])
    reason = f"{found.reason} and a smooth local motion of up to {np.hypot(*field.reshape(-1, 2).T).max():.1f} px"
    return replace(found, field=field, agreement=agreement, reason=reason)


def _to_cells(motion: np.ndarray, weight: np.ndarray, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over a (columns, rows) grid of cells; no cell outweighs another more than a few times."""
    total = cv2.resize(weight, cells, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(motion * weight[..., None], cells, interpolation=cv2.INTER_AREA)
    mean = mean / np.maximum(total, 1e-9)[..., None]
    if total.any():
        total = np.minimum(total, np.median(total[total > 0]))
    return mean, total


def _confirmed_smooth(motion: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """Smooth the motion at the scale that best predicts left-out blocks; None where nothing predicts them."""
    if (weight > 0).mean() < 0.05:
        return None
    rows, columns = np.indices(weight.shape) // FIELD_BLOCK_CELLS
    even = (rows + columns) % 2 == 0
    longest = max(weight.shape)
    length = weighted_median(np.hypot(*motion[weight > 0].T), weight[weight > 0])
    if length < FIELD_MIN_PX:
        return None
    best, best_error = None, FIELD_MAX_ERROR * length
    for share in (0.2, 0.1, 0.05, 0.025):
        errors, weights = [], []
        for fold in (even, ~even):
            left_out = fold & (weight > 0)
            predicted = _smooth(motion, weight * ~fold, share * longest)
            errors.append(np.hypot(*(predicted - motion)[left_out].T))
            weights.append(weight[left_out])
        error = weighted_median(np.concatenate(errors), np.concatenate(weights))
        if error < best_error:
            best, best_error = share, error
    return None if best is None else _smooth(motion, weight, best * longest)


def _smooth(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Weighted Gaussian means; where data are thin, the means of ever larger windows take over."""
    result = np.zeros_like(values)
    trust = 0.05 * float(weight.mean()) + 1e-12
    for wide in (4 * sigma, 2 * sigma, sigma):
        around = cv2.GaussianBlur(weight, (0, 0), wide, borderType=cv2.BORDER_REPLICATE)[..., None]
        total = cv2.GaussianBlur(values * weight[..., None], (0, 0), wide, borderType=cv2.BORDER_REPLICATE)
        result = (total + trust * result) / (around + trust)
    return result
