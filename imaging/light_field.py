"""Low-frequency light: a smooth field of gains fitted to scattered evidence, in stops."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

GRID = 48  # cells along the longer side; a field of few waves needs no more
MAX_WAVES = 6  # half waves along the longer side at `local` = 1
BENDING = 3e-3  # pull of a wave of frequency 1 toward zero; grows with the fourth power (bending energy)
IRLS_STEPS = 4
FLOOR = 0.004  # linear light under which a ratio is noise


def fit_light_field(edited: Tensor, original: Tensor, weight: Tensor, local: float) -> Tensor:
    """The smooth gain that takes the light of one rendering to that of another, extended to where there is no evidence.

    Args:
        edited, original: linear light (1, 3, H, W).
        weight: (1, 1, H, W), > 0 where both show the same thing.
        local: 0 = no variation at all (a zero field); 1 = up to `MAX_WAVES` half waves along the longer side.

    Returns:
        Coarse field (1, 3, h, w) in stops; `sample_field` brings it to the frame's size.

    Source: weighted ridge regression on a cosine basis with a bending-energy penalty (a low-rank thin-plate spline),
    Cauchy weights. Chosen over a membrane because it continues a gradient of light into the region instead of
    flattening it.
    """
    height, width = edited.shape[2:]
    scale = GRID / max(height, width)
    size = max(2, round(height * scale)), max(2, round(width * scale))
    known = F.adaptive_avg_pool2d((weight > 0).float(), size)
    if local <= 0 or float(known.max()) == 0:
        return torch.zeros(1, 3, *size, device=edited.device)
    evidence = (weight > 0).float()
    means = [F.adaptive_avg_pool2d(image * evidence, size) / known.clamp(min=1e-6) for image in (edited, original)]
    stops = torch.log2((means[1] + FLOOR) / (means[0] + FLOOR))
    trust = known * (means[0].amin(1, keepdim=True) / (means[0].amin(1, keepdim=True) + 2 * FLOOR))
    basis, frequency = _cosines(size, 1 + local * (MAX_WAVES - 1), edited.device)
    penalty = BENDING / max(local, 1e-3) * float(known.sum()) * (frequency**4).clamp(min=1e-6)
    coefficients = _ridge(basis, stops[0].flatten(1), trust.flatten(), penalty)
    return (coefficients @ basis).float().view(1, 3, *size)


def sample_field(field: Tensor, height: int, width: int) -> Tensor:
    """A coarse field (1, 3, h, w) at a frame's size; one of that size already is returned."""
    if field.shape[2:] == (height, width):
        return field
    return F.interpolate(field, (height, width), mode="bicubic", align_corners=False)


def _cosines(size: tuple[int, int], waves: float, device) -> tuple[Tensor, Tensor]:
    """Cosine basis (K, h * w) with at most so many half waves along the longer side, and the frequency of each."""
    height, width = size
    unit = max(height, width)
    y = (torch.arange(height, device=device) + 0.5) / unit * math.pi
    x = (torch.arange(width, device=device) + 0.5) / unit * math.pi
    rows, frequencies = [], []
    for v in range(int(waves) + 1):
        for u in range(int(waves) + 1):
            if math.hypot(u, v) <= waves:
                rows.append((torch.cos(v * y)[:, None] * torch.cos(u * x)[None]).flatten())
                frequencies.append(math.hypot(u, v))
    return torch.stack(rows).double(), torch.tensor(frequencies, dtype=torch.float64, device=device)


def _ridge(basis: Tensor, target: Tensor, trust: Tensor, penalty: Tensor) -> Tensor:
    """Robust coefficients (3, K) of target (3, N)."""
    target, trust = target.double(), trust.double()
    weight = trust
    for _ in range(IRLS_STEPS):
        weighted = basis * weight
        coefficients = torch.linalg.solve(weighted @ basis.T + penalty.diag(), weighted @ target.T).T
        residual = (target - coefficients @ basis).norm(dim=0)
        scale = (2 * residual[trust > 0].median()).clamp(min=0.02)
        weight = trust / (1 + (residual / scale) ** 2)
    return coefficients
