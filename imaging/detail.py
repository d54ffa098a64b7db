"""Detail that a model's frame lost, brought back as far as pixels that both frames hold prove it.

What the model did to the sharpness of unchanged pixels, it did to the edit as well. The linear filter that takes the
first back is fitted on them; noise and compression limit its gain by themselves, as in Wiener's filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from .change import activity

BLURS_PX = (0.6, 1.0, 1.7, 3.0)  # each band of detail is what the next blur takes off
CLASSES = 4  # of local activity, each with gains of its own: edges are sharpened where flat areas are not
TILE_PX, TILES = 256, 16  # parts of the frame that are fitted on; more change the gains by less than their error
MARGIN_PX = 32  # around a tile: reach of the blurs
MAX_SAMPLES = 40_000
MIN_SAMPLES = 2000
FOLD_PX = 32  # side of the blocks that are left out in turn
IRLS_STEPS = 3
RIDGE = 1e-3  # relative to the mean energy of the bands
LEAST_GAIN, MOST_GAIN = -0.6, 1.5  # added to a band's own amplitude
MIN_IMPROVEMENT = 0.02  # share of the left-out squared error that the filter must take off, for each channel
OPPONENT = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)  # JPEG's axes


@dataclass(frozen=True)
class DetailFit:
    """What is added to each band of detail, by local activity."""

    centers: np.ndarray  # (CLASSES,) activity of each class
    gains: np.ndarray  # (3, bands, CLASSES): luma and both color differences

    def apply(self, image: Tensor) -> Tensor:
        """Restore the detail of an image (1, 3, H, W), a band of rows at a time; clamped to [0, 1]."""
        frame = _array(image)
        result = np.empty_like(frame)
        for first in range(0, len(frame), TILE_PX):
            top = max(0, first - MARGIN_PX)
            rows = frame[top : first + TILE_PX + MARGIN_PX]
            result[first : first + TILE_PX] = self._restored(rows)[first - top : first - top + TILE_PX]
        return torch.from_numpy(result).movedim(-1, 0)[None].to(image)

    def _restored(self, rows: np.ndarray) -> np.ndarray:
        bands, level = _bands(rows)
        share = _class_shares(level, self.centers)
        missing = np.zeros_like(rows)
        for band, gain in zip(bands, np.moveaxis(self.gains, 1, 0), strict=True):
            missing += band * (share @ gain.T)
        return np.clip(rows + missing @ np.linalg.inv(OPPONENT).T, 0, 1)


def fit_detail(edited: Tensor, original: Tensor, unchanged: Tensor) -> DetailFit | None:
    """Fit the filter that takes the edited rendering's detail to the original's.

    Args:
        edited, original: (1, 3, H, W) sRGB in [0, 1], in register and in the same colors.
        unchanged: (1, 1, H, W), > 0 where both show the same thing.

    Returns:
        The filter, or None where there is too little to fit on, or it does not pay on blocks left out of the fit.

    Source: local linear regression by classes of structure, after RAISR (Romano, Isidoro and Milanfar 2017), with the
        picture's own unchanged pixels in the place of a training set; Cauchy weights.
    """
    samples = _samples(_array(edited), _array(original), unchanged[0, 0].cpu().numpy() > 0)
    if samples is None:
        return None
    bands, level, missing, fold = samples
    centers = np.array([np.median(part) for part in np.array_split(np.sort(level), CLASSES)], np.float32)
    centers = centers + 1e-6 * np.arange(CLASSES, dtype=np.float32)
    share = _class_shares(level, centers)
    gains = np.zeros((3, len(BLURS_PX), CLASSES), np.float32)
    for channel in range(3):
        design = (bands[:, channel, :, None] * share[:, None, :]).reshape(len(bands), -1)
        target = missing[:, channel]
        left = np.concatenate([target[~own] - design[~own] @ _solve(design[own], target[own]) for own in (fold, ~fold)])
        if (left**2).sum() < (1 - MIN_IMPROVEMENT) * (target**2).sum():
            gains[channel] = _solve(design, target).reshape(gains.shape[1:])
    return DetailFit(centers, gains.clip(LEAST_GAIN, MOST_GAIN)) if gains.any() else None


def _samples(edited: np.ndarray, original: np.ndarray, unchanged: np.ndarray):
    """Bands (N, 3, bands), activity (N,), missing (N, 3) and fold (N,) bool of unchanged pixels; None for too few."""
    height, width = unchanged.shape
    corners = [(y, x) for y in range(0, height, TILE_PX) for x in range(0, width, TILE_PX)]
    shares = np.array([unchanged[y : y + TILE_PX, x : x + TILE_PX].mean() for y, x in corners])
    usable = np.flatnonzero(shares > 0.1)
    usable = usable[np.unique(np.linspace(0, len(usable) - 1, min(TILES, len(usable))).astype(int))]
    parts = []
    for y, x in (corners[index] for index in usable):
        top, left = max(0, y - MARGIN_PX), max(0, x - MARGIN_PX)
        window = np.s_[top : y + TILE_PX + MARGIN_PX, left : x + TILE_PX + MARGIN_PX]
        bands, level = _bands(edited[window])
        rows, columns = unchanged[y : y + TILE_PX, x : x + TILE_PX].nonzero()
        step = max(1, len(rows) * len(usable) // MAX_SAMPLES)
        rows, columns = rows[::step], columns[::step]
        fold = (rows // FOLD_PX + columns // FOLD_PX) % 2 == 0
        rows, columns = rows + y - top, columns + x - left
        missing = (original[window][rows, columns] - edited[window][rows, columns]) @ OPPONENT.T
        parts.append((np.stack([band[rows, columns] for band in bands], -1), level[rows, columns], missing, fold))
    if sum(len(part[1]) for part in parts) < MIN_SAMPLES:
        return None
    joined = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    return joined if 0.1 < joined[3].mean() < 0.9 else None


def _bands(frame: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Bands of detail (h, w, 3) of an sRGB frame in opponent colors, fine first, and its local activity (h, w)."""
    plane = frame @ OPPONENT.T
    blurred = [plane, *(cv2.GaussianBlur(plane, (0, 0), sigma) for sigma in BLURS_PX)]
    return [fine - soft for fine, soft in zip(blurred, blurred[1:], strict=False)], activity(plane[..., 0])


def _class_shares(level: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Membership (..., CLASSES) of an activity in the two nearest classes; sums to 1."""
    position = np.interp(level, centers, np.arange(CLASSES)).astype(np.float32)
    return np.maximum(0, 1 - np.abs(position[..., None] - np.arange(CLASSES, dtype=np.float32)))


def _solve(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Ridge regression toward no gain, with Cauchy weights."""
    weight = np.ones(len(target), np.float32)
    for _ in range(IRLS_STEPS):
        normal = (design.T * weight) @ design
        normal += (RIDGE * np.trace(normal) / len(normal) + 1e-9) * np.eye(len(normal), dtype=np.float32)
        gains = np.linalg.solve(normal, design.T @ (weight * target))
        residual = target - design @ gains
        weight = 1 / (1 + (residual / (4.5 * np.median(np.abs(residual)) + 1e-4)) ** 2)
    return gains


def _array(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) as float32 (H, W, 3)."""
    return image[0].float().movedim(0, -1).contiguous().cpu().numpy()
