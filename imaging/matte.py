"""Alpha and foreground color of hair, fur, knit and translucent edges, without trained weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5  # guided filter: variance of the guide below which a window counts as flat
REFINE_RADIUS_PX = 4
WINDOW_SHARES = (1.0, 0.5, 0.25, 0.12)  # of the unknown band: from the color of the subject to that of the strand
UNSURE = (0.2, 0.8)
# Germer et al. 2020, the values of their reference implementation.
REGULARIZATION, GRADIENT_WEIGHT = 1e-5, 1.0
SMALL_PX, SMALL_ITERATIONS, BIG_ITERATIONS = 32, 10, 3


def box_mean(image: Tensor, radius_px: int) -> Tensor:
    """Mean of (B, C, H, W) in a square window, cut at the frame's border. The cost does not depend on the radius."""
    for axis in (2, 3):
        size = image.shape[axis]
        # float64: a running sum over thousands of pixels loses the small differences a variance is made of.
        total = F.pad(image.movedim(axis, -1).double().cumsum(-1), (1, 0))
        index = torch.arange(size, device=image.device)
        high, low = (index + radius_px + 1).clamp(max=size), (index - radius_px).clamp(min=0)
        image = ((total[..., high] - total[..., low]) / (high - low)).to(image.dtype).movedim(-1, axis)
    return image


def guided_filter(
    guide: Tensor, target: Tensor, radius_px: int, *, weight: Tensor | None = None, epsilon: float = EPSILON
) -> Tensor:
    """Fit the target as a linear function of the guide's color in every window, and read the mean of all fits.

    Args:
        guide: (1, 3, H, W).
        target: (1, 1, H, W).
        radius_px: half side of the window.
        weight: (1, 1, H, W), at least 0: how much each pixel counts in the fits. With 0 on unknown pixels the fit of
            the known ones is carried to them by color.
        epsilon: added to the guide's variance.

    Returns:
        (1, 1, H, W), not clamped.

    Source: He, Sun and Tang 2013, "Guided Image Filtering", color guide; the weights are ours.
    """
    weight = torch.ones_like(target) if weight is None else weight
    mass = box_mean(weight, radius_px).clamp(min=1e-6)

    def mean(values: Tensor) -> Tensor:
        return box_mean(weight * values, radius_px) / mass

    mean_guide, mean_target = mean(guide), mean(target)
    products = torch.stack([guide[:, i] * guide[:, j] for i in range(3) for j in range(i, 3)], 1)
    upper = mean(products) - torch.stack(
        [mean_guide[:, i] * mean_guide[:, j] for i in range(3) for j in range(i, 3)], 1
    )
    rr, rg, rb, gg, gb, bb = upper[0]
    covariance = torch.stack((rr, rg, rb, rg, gg, gb, rb, gb, bb), -1).unflatten(-1, (3, 3))
    covariance = covariance + epsilon * torch.eye(3, device=guide.device)
    cross = (mean(guide * target) - mean_guide * mean_target)[0].movedim(0, -1)
    slope = torch.linalg.solve(covariance, cross).movedim(-1, 0)[None]
    offset = mean_target - (slope * mean_guide).sum(1, keepdim=True)
    # A window that saw few known pixels says little; its fit counts accordingly.
    share = box_mean(mass, radius_px)
    slope, offset = box_mean(mass * slope, radius_px) / share, box_mean(mass * offset, radius_px) / share
    return (slope * guide).sum(1, keepdim=True) + offset


def estimate_alpha(image: Tensor, foreground: Tensor, background: Tensor, reach_px: float) -> Tensor:
    """Alpha (1, 1, H, W) between surely foreground and surely background pixels, by local color.

    A linear classifier of color is fitted in windows that span the band, then in smaller and smaller ones.

    Args:
        image: (1, 3, H, W), shows the foreground over its own background.
        foreground, background: (1, 1, H, W) bool; everything else is unknown.
        reach_px: width of the unknown band; windows are made to span it.
    """
    known, target = (foreground | background).float(), foreground.float()
    for share in WINDOW_SHARES:
        fitted = guided_filter(image, target, max(2, round(share * reach_px)), weight=known).clamp(0, 1)
        alpha = torch.where(foreground, 1.0, torch.where(background, 0.0, fitted))
        # What is nearly sure serves the next, smaller window as known.
        known = ((alpha < UNSURE[0]) | (alpha > UNSURE[1])).float()
        target = torch.where(known > 0, alpha.round(), alpha)
    refined = guided_filter(image, alpha, REFINE_RADIUS_PX).clamp(0, 1)
    return torch.where(foreground | background, alpha, refined)


def estimate_foreground(image: Tensor, alpha: Tensor) -> Tensor:
    """Color of the foreground alone (1, 3, H, W), free of the background that shows through at partial alpha.

    Solved on a ladder of sizes, from 1 px to the image's, each started from the one before.

    Source: Germer et al. 2020, "Fast Multi-Level Foreground Estimation"; all pixels are updated at once instead of in
    reading order.
    """
    height, width = alpha.shape[2:]
    steps = max(1, (max(height, width) - 1).bit_length())
    front, back = image.mean((2, 3), keepdim=True), image.mean((2, 3), keepdim=True)
    for step in range(steps + 1):
        size = (max(1, round(height ** (step / steps))), max(1, round(width ** (step / steps))))
        small_image, small_alpha = (F.interpolate(tensor, size, mode="area") for tensor in (image, alpha))
        front, back = F.interpolate(front, size, mode="nearest"), F.interpolate(back, size, mode="nearest")
        iterations = SMALL_ITERATIONS if max(size) <= SMALL_PX else BIG_ITERATIONS
        front, back = _solve_level(small_image, small_alpha, front, back, iterations)
    return front


def _solve_level(image: Tensor, alpha: Tensor, front: Tensor, back: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Minimize the error of alpha * front + (1 - alpha) * back plus the difference to the neighbors."""
    rest = 1 - alpha
    weights = [REGULARIZATION + GRADIENT_WEIGHT * (alpha - near).abs() for near in _neighbors(alpha)]
    total = sum(weights)
    a, b, c = alpha**2 + total, alpha * rest, rest**2 + total
    determinant = a * c - b * b
    for _ in range(iterations):
        right = alpha * image + sum(w * near for w, near in zip(weights, _neighbors(front), strict=True))
        left = rest * image + sum(w * near for w, near in zip(weights, _neighbors(back), strict=True))
        front = ((c * right - b * left) / determinant).clamp(0, 1)
        back = ((a * left - b * right) / determinant).clamp(0, 1)
    return front, back


def _neighbors(image: Tensor) -> list[Tensor]:
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    return [padded[..., :-2, 1:-1], padded[..., 2:, 1:-1], padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]]
