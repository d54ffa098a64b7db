"""Low-frequency light between two renderings of the same picture: a smooth gain per channel over the frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 48  # samples along the longer side
DEGREES = (1, 2, 3)  # highest total order of the cosines that are tried
OFFSET = 0.02  # keeps the ratio of dark pixels finite; sRGB units
IRLS_STEPS = 8
RIDGE = 1e-3
MIN_GAIN = 0.08  # share of the left-out error that a field must take off
LIMIT = 0.35  # largest log gain; more is not drift


@dataclass(frozen=True)
class LightField:
    """Log gain per channel as a sum of cosines over the frame, in sRGB encoding."""

    weights: Tensor  # (terms, 3)
    degree: int

    def gain(self, height: int, width: int) -> Tensor:
        """(1, 3, height, width)."""
        field = _basis(height, width, self.degree) @ self.weights
        return field.clamp(-LIMIT, LIMIT).exp().view(1, height, width, 3).movedim(-1, 1)

    def apply(self, image: Tensor) -> Tensor:
        """Multiply an image (1, 3, H, W); not clamped."""
        height, width = image.shape[2:]
        coarse = self.gain(min(height, 4 * CELLS), min(width, 4 * CELLS)).to(image.device)
        gain = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
        return ((image.float() + OFFSET) * gain - OFFSET).to(image.dtype)


def fit_light(edited: Tensor, original: Tensor, weight: Tensor) -> LightField | None:
    """Fit the smooth gain that takes the edited rendering to the original one.

    Low-order cosines bend too slowly to explain an edited object away, and stay bounded where an edit leaves no data.

    Args:
        edited, original: (1, 3, H, W).
        weight: (1, 1, H, W), > 0 where both show the same thing.

    Returns:
        The field, or None where no degree pays on blocks left out of the fit.
    """
    height, width = edited.shape[2:]
    scale = CELLS / max(height, width)
    grid = (max(4, round(height * scale)), max(4, round(width * scale)))
    weight = weight.float()
    share = F.adaptive_avg_pool2d(weight, grid)
    a, b = (F.adaptive_avg_pool2d(image * weight, grid) / share.clamp(min=1e-6) for image in (original, edited))
    ratio = ((a + OFFSET) / (b + OFFSET)).log()[0].flatten(1).T
    known = share.flatten() > 0.3
    if known.sum() < 60:
        return None
    rows, columns = torch.meshgrid(*(torch.arange(n) // 4 for n in grid), indexing="ij")
    fold = ((rows + columns) % 2 == 0).flatten()
    before = float(ratio[known].abs().mean(1).median())
    best, best_error = None, (1 - MIN_GAIN) * before
    for degree in DEGREES:
        basis = _basis(*grid, degree)
        error = torch.cat(
            [
                (ratio - basis @ _solve(basis[known & side], ratio[known & side]))[known & ~side].abs().mean(1)
                for side in (fold, ~fold)
            ]
        )
        if float(error.median()) < best_error:
            best, best_error = degree, (1 - MIN_GAIN) * float(error.median())
    if best is None or before < 0.002:
        return None
    basis = _basis(*grid, best)
    return LightField(_solve(basis[known], ratio[known]).float(), best)


def _basis(height: int, width: int, degree: int) -> Tensor:
    """Cosines of total order up to a degree at pixel centers, (height * width, terms)."""
    y = (torch.arange(height) + 0.5) / height * torch.pi
    x = (torch.arange(width) + 0.5) / width * torch.pi
    terms = [torch.outer((k * y).cos(), (j * x).cos()) for k in range(degree + 1) for j in range(degree + 1 - k)]
    return torch.stack(terms, -1).flatten(0, 1)


def _solve(basis: Tensor, values: Tensor) -> Tensor:
    """Least squares with Cauchy weights and a slight pull to no gain."""
    weight = torch.ones(len(basis), 1)
    pull = RIDGE * len(basis) * torch.eye(basis.shape[1])
    for _ in range(IRLS_STEPS):
        solution = torch.linalg.solve(basis.T @ (weight * basis) + pull, basis.T @ (weight * values))
        residual = (values - basis @ solution).norm(dim=1, keepdim=True)
        weight = 1 / (1 + (residual / (2 * residual.median()).clamp(min=1e-4)) ** 2)
    return solution
