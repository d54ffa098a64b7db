"""Color drift between two renderings of the same picture, fitted on pixels that both hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CURVE_BINS = 16
MAX_SAMPLES = 20_000
MIN_SAMPLES = 200
IRLS_STEPS = 5
RIDGE = 2e-3  # pull of the affine part toward identity, relative to one sample's color variance
# The fit is kept when it takes this share off the error of pixels it has not seen.
MIN_GAIN = 0.05


@dataclass(frozen=True)
class ColorFit:
    """A monotone curve per channel, then an affine map of the channels. sRGB to sRGB."""

    knots: np.ndarray  # (3, bins) input values, increasing
    values: np.ndarray  # (3, bins) output values
    matrix: np.ndarray  # (3, 4): channels and offset

    def __call__(self, colors: np.ndarray) -> np.ndarray:
        """Map colors (N, 3)."""
        return _affine(self.matrix, _curves(self.knots, self.values, colors))

    def apply(self, image: Tensor) -> Tensor:
        """Map an image (1, 3, H, W), not clamped."""
        flat = image[0].reshape(3, -1).T.cpu().numpy()
        mapped = torch.from_numpy(np.ascontiguousarray(self(flat).T, np.float32))
        return mapped.reshape(image.shape).to(image.device)


def fit_color(edited: Tensor, original: Tensor, weight: Tensor) -> ColorFit | None:
    """Fit the color map that takes the edited rendering to the original one.

    Args:
        edited, original: (1, 3, H, W); blur both a little first, so that a small misregistration does not count.
        weight: (1, 1, H, W), > 0 where both show the same thing.

    Returns:
        The map, or None where there is too little to fit on, or the fit does not pay on pixels left out of it.

    Source: per-channel monotone curves and robust ridge regression toward identity (iteratively reweighted, Cauchy
    weights). A free polynomial fits the context better and extrapolates badly to colors that only the edit has.
    """
    index = (weight.flatten() > 0).nonzero()[:, 0]
    if len(index) < MIN_SAMPLES:
        return None
    index = index[:: max(1, len(index) // MAX_SAMPLES)]
    source = edited[0].reshape(3, -1)[:, index].T.cpu().double().numpy()
    target = original[0].reshape(3, -1)[:, index].T.cpu().double().numpy()
    fit, checked = _fit(source[::2], target[::2]), slice(1, None, 2)
    before = np.median(np.abs(source[checked] - target[checked]))
    after = np.median(np.abs(fit(source[checked]) - target[checked]))
    return fit if after < (1 - MIN_GAIN) * before else None


def _fit(source: np.ndarray, target: np.ndarray) -> ColorFit:
    knots, values = zip(*(_fit_curve(source[:, c], target[:, c]) for c in range(3)), strict=True)
    knots, values = np.stack(knots), np.stack(values)
    return ColorFit(knots, values, _fit_affine(_curves(knots, values, source), target))


def _fit_curve(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Knots at equal counts of samples; each value is the knot plus the median difference there."""
    order = np.argsort(source, kind="stable")
    parts = np.array_split(order, CURVE_BINS)
    knots = np.array([np.median(source[part]) for part in parts])
    values = knots + np.array([np.median(target[part] - source[part]) for part in parts])
    knots = np.maximum.accumulate(knots + 1e-6 * np.arange(CURVE_BINS))
    return knots, np.maximum.accumulate(values)


def _curves(knots: np.ndarray, values: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Interpolate each channel; beyond the outer knots the difference to the input stays what it is at the knot."""
    return np.stack(
        [colors[:, c] + np.interp(colors[:, c], knots[c], values[c] - knots[c]) for c in range(3)], 1
    )


def _fit_affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    count = len(source)
    design = np.concatenate((source, np.ones((count, 1))), 1)
    identity = np.eye(3, 4)
    penalty = np.diag([RIDGE * count] * 3 + [0])
    matrix = identity
    for _ in range(IRLS_STEPS):
        residual = np.linalg.norm(target - design @ matrix.T, axis=1)
        scale = max(2 * np.median(residual), 1e-4)
        weight = (1 / (1 + (residual / scale) ** 2))[:, None]
        normal = design.T @ (weight * design) + penalty
        matrix = np.linalg.solve(normal, design.T @ (weight * target) + penalty @ identity.T).T
    return matrix


def _affine(matrix: np.ndarray, colors: np.ndarray) -> np.ndarray:
    return colors @ matrix[:, :3].T + matrix[:, 3]
