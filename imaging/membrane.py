"""Smooth surfaces through known values: the correction that gradient-domain blending adds, solved by multigrid."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# A known value is a weight so large that the solution cannot be told from it in float32.
FIXED_WEIGHT = 1e4
# Jacobi damping that removes the high frequencies of the 5-point Laplacian fastest (Briggs et al. 2000, chapter 2).
DAMPING = 0.8
SMOOTHING_SWEEPS = 2
COARSEST_PX = 4


def solve_membrane(weight: Tensor, value: Tensor, *, iterations: int = 12, tolerance: float = 1e-3) -> Tensor:
    """The smoothest surface through weighted values: minimizes sum(weight * (h - value)^2) + sum(|gradient h|^2).

    Where the weight is 0 the surface is a membrane (its Laplacian is 0); where it is `FIXED_WEIGHT` it is the value.
    The frame's border is free (no flow across it). Solved by conjugate gradients preconditioned with one multigrid
    V-cycle, so that the number of iterations does not depend on the size.

    Args:
        weight: (B, 1, H, W), at least 0. At least one weight per frame above 0, else the surface is 0.
        value: (B, C, H, W); read only where the weight is above 0.
        iterations: most conjugate-gradient steps.
        tolerance: stops when no pixel of the preconditioned residual, an estimate of the error, is larger.

    Returns:
        (B, C, H, W) float32.

    Source: Perez et al. 2003, "Poisson Image Editing" (the membrane); Tatebe 1993 (multigrid as a preconditioner).
    """
    height, width = value.shape[2:]
    weight, value = _pad_even(weight.float()), _pad_even(value.float())
    value = torch.where(weight > 0, value, torch.zeros_like(value))
    levels = _coarsen(weight)
    target = weight * value
    surface = _full_multigrid(levels, target)
    residual = target - _apply(weight, surface)
    direction, energy = None, None
    for _ in range(iterations):
        step = _v_cycle(levels, residual)
        if float(step.abs().amax()) < tolerance:
            surface = surface + step
            break
        new_energy = (residual * step).sum((2, 3), keepdim=True)
        # The V-cycle is only nearly symmetric at odd borders; restarting on a poor step keeps it convergent.
        ratio = 0 if energy is None else new_energy / energy.clamp(min=1e-20)
        direction = step if direction is None else step + ratio * direction
        image = _apply(weight, direction)
        length = new_energy / (direction * image).sum((2, 3), keepdim=True).clamp(min=1e-20)
        surface, residual, energy = surface + length * direction, residual - length * image, new_energy
    return surface[:, :, :height, :width]


def _pad_even(image: Tensor) -> Tensor:
    """Pad at the right and the bottom until the size halves down to the coarsest grid; padding carries no weight."""
    height, width = image.shape[2:]
    factor = 1
    while min(height, width) // factor > COARSEST_PX:
        factor *= 2
    return F.pad(image, (0, -width % factor, 0, -height % factor))


def _coarsen(weight: Tensor) -> list[Tensor]:
    """Weights of all grids, finest first. In units of the coarse grid four fine weights add up."""
    levels = [weight]
    while min(levels[-1].shape[2:]) > COARSEST_PX and not any(side % 2 for side in levels[-1].shape[2:]):
        levels.append(F.avg_pool2d(levels[-1], 2) * 4)
    return levels


def _apply(weight: Tensor, surface: Tensor) -> Tensor:
    """The operator weight - Laplacian; a neighbor beyond the frame is the pixel itself, which is the free border."""
    result = (weight + 4) * surface
    result[:, :, 1:] -= surface[:, :, :-1]
    result[:, :, :-1] -= surface[:, :, 1:]
    result[..., 1:] -= surface[..., :-1]
    result[..., :-1] -= surface[..., 1:]
    result[:, :, 0] -= surface[:, :, 0]
    result[:, :, -1] -= surface[:, :, -1]
    result[..., 0] -= surface[..., 0]
    result[..., -1] -= surface[..., -1]
    return result


def _smooth(weight: Tensor, surface: Tensor, target: Tensor, sweeps: int) -> Tensor:
    inverse = DAMPING / (weight + 4)
    for _ in range(sweeps):
        surface = torch.addcmul(surface, inverse, _apply(weight, surface).neg_().add_(target))
    return surface


def _up(surface: Tensor) -> Tensor:
    return F.interpolate(surface, scale_factor=2, mode="bilinear", align_corners=False)


def _down(residual: Tensor) -> Tensor:
    """Adjoint of `_up`: each coarse pixel gathers its fine pixels with weights 1, 3, 3, 1 (over 4) along each axis."""
    padded = F.pad(residual, (1, 1, 1, 1), mode="replicate")
    rows = (padded[:, :, 0:-2:2] + padded[:, :, 3::2] + 3 * (padded[:, :, 1:-1:2] + padded[:, :, 2:-1:2])) / 4
    return (rows[..., 0:-2:2] + rows[..., 3::2] + 3 * (rows[..., 1:-1:2] + rows[..., 2:-1:2])) / 4


def _v_cycle(levels: list[Tensor], target: Tensor, start: int = 0) -> Tensor:
    weight = levels[start]
    if start == len(levels) - 1:
        return _smooth(weight, torch.zeros_like(target), target, 60)
    free = (weight < FIXED_WEIGHT / 2).to(weight)  # a coarse grid must not move values that are known on the fine one
    surface = _smooth(weight, target * (DAMPING / (weight + 4)), target, SMOOTHING_SWEEPS - 1)
    coarse = _v_cycle(levels, _down(free * (target - _apply(weight, surface))), start + 1)
    return _smooth(weight, surface + free * _up(coarse), target, SMOOTHING_SWEEPS)


def _full_multigrid(levels: list[Tensor], target: Tensor) -> Tensor:
    """A first surface: solve the coarse grid, refine upwards with one V-cycle on each grid."""
    targets = [target]
    for _ in levels[1:]:
        targets.append(F.avg_pool2d(targets[-1], 2) * 4)
    surface = torch.zeros_like(targets[-1])
    for index in range(len(levels) - 1, -1, -1):
        if surface.shape[2:] != targets[index].shape[2:]:
            surface = _up(surface)
        known = levels[index] >= FIXED_WEIGHT / 2
        surface = torch.where(known, targets[index] / levels[index].clamp(min=1), surface)
        surface = surface + _v_cycle(levels, targets[index] - _apply(levels[index], surface), index)
    return surface
