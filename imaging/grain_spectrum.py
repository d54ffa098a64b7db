"""Spectrum of grain from what a rendering leaves unexplained of its original, without the texture in it."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .spectrum import BLOCK, block_window, frequency_copies, shading_basis

FINE = 2 * BLOCK  # frequencies per side on which a model is brought through the window
CHANCE = 2.0  # squared slope, in its variances, that means nothing
STEPS = 12  # of the fit
WIDEST_BLUR = 9.0  # px², of grain that a block still tells
ROUNDS = 8  # of reweighting, after which estimates move by less than their error
TRUSTED, UNTRUSTED = 0.6, 0.3  # share of grain in the residual above and below which a frequency is, and is not, believed
SEEN = 0.3  # share of a frequency's power that detrending must leave
LEAST_SHARE = 1e-4  # of the residual's power, that counts as none
SMOOTHING = (1.0, 2.0, 1.0)  # over neighboring frequencies, of what the model leaves over


def separate_texture(power: Tensor, texture: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Split the residual's power into what every block has, which is grain, and what grows with its texture.

    Args:
        power: (n, 3, 3, BLOCK, BLOCK // 2 + 1), cross power of n blocks.
        texture: (n, 3), energy of the rendering's own detail.
        known: (n, 3, BLOCK, BLOCK // 2 + 1), power of rounding, which is known and taken off.

    Returns:
        The grain's cross power (3, 3, …) and its share of each channel's residual (3, …).

    Source: gamma regression with identity link by iterated reweighting (McCullagh and Nelder 1989): the power of noise is
        distributed exponentially, so that its variance is its squared mean.
    """
    own = power.diagonal(dim1=1, dim2=2).movedim(3, 1)
    texture = texture[:, :, None, None].expand_as(own)
    floor = LEAST_SHARE * own.mean(0)
    grain, slope = own.mean(0), torch.zeros_like(floor)
    for _ in range(ROUNDS):
        weight = (grain + slope * texture + known).clamp(min=1e-20).pow(-2)
        one, x, xx = ((weight * texture**order).sum(0) for order in range(3))
        y, xy = ((weight * (own - known) * texture**order).sum(0) for order in range(2))
        spread = (one * xx - x * x).clamp(min=1e-20 * one * xx) / one  # the slope's inverse variance
        slope = ((one * xy - x * y) / one / spread).clamp(min=0)
        slope = slope * (1 - CHANCE / (slope.square() * spread).clamp(min=1e-20)).clamp(min=0)
        grain = ((y - slope * x) / one).clamp(min=floor)
    share = grain / (grain + (slope * texture + known).mean(0))
    return _cross(power, grain, weight, texture), share


def _cross(power: Tensor, grain: Tensor, weight: Tensor, texture: Tensor) -> Tensor:
    """Cross power of the grain: the channels' own on the diagonal, beside it what does not grow with texture."""
    result = torch.diag_embed(grain.movedim(0, -1)).movedim((-2, -1), (0, 1))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both, rise = (weight[:, first] * weight[:, second]).sqrt(), (texture[:, first] * texture[:, second]).sqrt()
        one, x, xx = ((both * rise**order).sum(0) for order in range(3))
        y, xy = ((both * power[:, first, second] * rise**order).sum(0) for order in range(2))
        slope = (one * xy - x * y) / (one * xx - x * x).clamp(min=1e-20 * one * xx)
        limit = (grain[first] * grain[second]).sqrt()
        result[first, second] = result[second, first] = ((y - slope * x) / one).clamp(-limit, limit)
    return result


def fit_spectrum(power: Tensor, share: Tensor, floor: Tensor) -> Tensor:
    """Power density (3, 3, BLOCK, BLOCK // 2 + 1) of grain; white grain of variance 1 has 1 everywhere.

    A blurred white noise is fitted first. The window, which smears steep slopes, and the detrending act on it as on the
    measurement, and what the two differ by is smoothed and multiplied on (prewhitening). Where texture hides the grain
    the blurred noise speaks alone.

    Args:
        power: (3, 3, BLOCK, BLOCK // 2 + 1), measured under the window.
        share: (3, …), of grain in the residual.
        floor: (3), density of the original's own rounding, which no blur has touched.

    Source: Blackman and Tukey 1958, prewhitening; the fit is a Whittle likelihood's by Gauss-Newton steps.
    """
    own = power.diagonal(dim1=0, dim2=1).movedim(2, 0)
    trust = ((share - UNTRUSTED) / (TRUSTED - UNTRUSTED)).clamp(0, 1) * (_seen().sum(2) > SEEN)
    density = torch.empty_like(own)
    for channel in range(3):
        model = _fit_blurred_noise(own[channel], trust[channel], floor[channel])
        shown = _seen() @ (_blurred_density(model, FINE)[0].flatten().float() + floor[channel])
        excess = _smooth(trust[channel] * own[channel] / shown, trust[channel])
        density[channel] = (_blurred_density(model, BLOCK)[0][:, : BLOCK // 2 + 1].float() + floor[channel]) * excess
    coherence = power / (own[:, None] * own[None]).clamp(min=1e-30).sqrt()
    coherence = torch.stack([torch.stack([_smooth(trust[i] * coherence[i, j], trust[i], 0.0) for j in range(3)]) for i in range(3)])
    coherence = (coherence + coherence.movedim(0, 1)) / 2
    coherence = torch.where(torch.eye(3, dtype=torch.bool)[:, :, None, None], 1.0, coherence)
    return coherence * (density[:, None] * density[None]).sqrt()


@lru_cache
def _seen() -> Tensor:
    """(BLOCK, BLOCK // 2 + 1, FINE * FINE): how much of each fine frequency a measured one shows."""
    keep = torch.eye(BLOCK**2) - shading_basis() @ shading_basis().T
    taper = block_window().flatten()
    rows = torch.fft.rfft2((keep * taper).reshape(BLOCK**2, BLOCK, BLOCK)).movedim(0, 2).unflatten(2, (BLOCK, BLOCK))
    return torch.fft.fft2(rows, s=(FINE, FINE)).abs().square().flatten(2) / FINE**2 / taper.square().sum()


def _log_blur(side: int, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Log power (side) that a sampled Gaussian blur of a variance in px² leaves, and its derivative by that variance."""
    alias = 2 * math.pi * (torch.fft.fftfreq(side, dtype=torch.float64)[:, None] + torch.arange(-1, 2))
    parts = (-alias.square() * variance / 2).exp()
    return 2 * parts.sum(1).log(), -(alias.square() * parts).sum(1) / parts.sum(1)


def _blurred_density(model: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Power density (side, side) of a model, and the derivative (side, side, 3) of its logarithm."""
    (down, by_down), (across, by_across) = (_log_blur(side, variance) for variance in model[1:])
    terms = torch.broadcast_tensors(torch.ones(1, 1, dtype=torch.float64), by_down[:, None], by_across[None])
    return (model[0] + down[:, None] + across[None]).exp(), torch.stack(terms, 2)


def _fit_blurred_noise(power: Tensor, trust: Tensor, floor: Tensor) -> Tensor:
    """Log level and the variances in px², down and across, of the blur of white noise that shows a power (3)."""
    seen = _seen().flatten(0, 1).double()
    power, weight, floor = power.flatten().double(), (trust * frequency_copies()).flatten().double(), float(floor)
    level = (weight * power).sum() / (weight * seen.sum(1)).sum()
    model = torch.tensor([float(level.log()) - 4 * math.log(3), 0.0, 0.0], dtype=torch.float64)
    for _ in range(STEPS):
        density, terms = _blurred_density(model, FINE)
        shown = seen @ (density + floor).flatten()
        change = seen @ (density[..., None] * terms).flatten(0, 1) / shown[:, None]
        normal = change.T @ (weight[:, None] * change)
        ridge = 1e-9 * normal.diagonal().mean() * torch.eye(3)
        step = torch.linalg.solve(normal + ridge, change.T @ (weight * (power / shown).log()))
        model = model + step
        model[1:] = model[1:].clamp(0, WIDEST_BLUR)
    return model


def _smooth(weighted: Tensor, weight: Tensor, otherwise: float = 1.0) -> Tensor:
    """Weighted mean over neighboring frequencies; where nothing has weight, `otherwise`."""
    line = torch.tensor(SMOOTHING)
    kernel = (line[:, None] * line)[None, None] / line.sum() ** 2
    pad = len(SMOOTHING) // 2

    def blur(half: Tensor) -> Tensor:
        mirrored = half[:, 1 : BLOCK // 2].flip(0, 1).roll(1, 0)  # power at -f is that at f
        whole = torch.cat((half, mirrored), 1)
        return F.conv2d(F.pad(whole[None, None], (pad,) * 4, mode="circular"), kernel)[0, 0, :, : BLOCK // 2 + 1]

    few = 0.05
    return (blur(weighted) + few * otherwise) / (blur(weight) + few)
