"""Spectrum of grain from what a rendering leaves unexplained of its original, without the texture in it."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .spectrum import BLOCK, block_window, frequency_copies, kept_power, shading_basis

FINE = 2 * BLOCK  # frequencies per side on which a model is brought through the window
TRUSTED, UNTRUSTED = (
    0.6,
    0.3,
)  # share of grain in the residual from which, and up to which, a frequency is (not) believed
BARELY = 1e-3  # trust in the others, so that there is always something to fit
SEEN = 0.3  # share of a frequency's power that detrending must leave
CHANCE = 2.0  # a squared slope, in its own variances, that chance explains
ROUNDS = 8  # of reweighting, after which estimates move by less than their error
STEPS = 20  # of the fit
DOUBT = 0.3  # weight, in frequencies, of there being no white noise but the rounding's
LARGEST_STEP = 4.0  # of the logarithm of the level, and in px²
WIDEST_BLUR = 9.0  # px², of grain that a block still tells
LEAST_SHARE = 1e-4  # of the residual's power, that counts as none
SMOOTHING = (1.0, 2.0, 1.0)  # over neighboring frequencies, of what the model leaves over
FEW = 0.05  # trust in no excess at all


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
    least = (LEAST_SHARE * own.mean(0)).clamp(min=1e-12)
    grain, slope = own.mean(0).clamp(min=1e-12), torch.zeros_like(least)
    for _ in range(ROUNDS):
        weight = (grain + slope * texture + known).pow(-2)
        middle, height, slope, certainty = _line(weight, texture, own - known)
        slope = slope.clamp(min=0)
        slope = slope * (1 - CHANCE / (slope.square() * certainty).clamp(min=1e-20)).clamp(min=0)
        grain = (height - slope * middle).clamp(min=least)
    share = grain / (grain + (slope * texture + known).mean(0))
    cross = torch.diag_embed(grain.movedim(0, -1)).movedim((-2, -1), (0, 1))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both, rise = ((values[:, first] * values[:, second]).sqrt() for values in (weight, texture))
        middle, height, slope, _ = _line(both, rise, power[:, first, second])
        limit = (grain[first] * grain[second]).sqrt()
        cross[first, second] = cross[second, first] = (height - slope * middle).clamp(-limit, limit)
    return cross, share


def _line(weight: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weighted regression over blocks: means of x and y, slope, and the slope's inverse variance."""
    total = weight.sum(0)
    middle, height = (weight * x).sum(0) / total, (weight * y).sum(0) / total
    certainty = (weight * (x - middle).square()).sum(0).clamp(min=1e-20)
    return middle, height, (weight * (x - middle) * (y - height)).sum(0) / certainty, certainty


def fit_spectrum(power: Tensor, share: Tensor, floor: Tensor) -> Tensor:
    """Power density (3, 3, BLOCK, BLOCK // 2 + 1) of grain; white grain of variance 1 has 1 everywhere.

    A blurred noise and a white one are fitted first. The window, which smears steep slopes, and the detrending act on it as on the
    measurement, and what the two differ by is smoothed and multiplied on (prewhitening). Where texture hides the grain
    they speak alone.

    Args:
        power: (3, 3, BLOCK, BLOCK // 2 + 1), measured under the window.
        share: (3, …), of grain in the residual.
        floor: (3), density of the original's own rounding, which no blur has touched.

    Source: Blackman and Tukey 1958, prewhitening; the fit is a Whittle likelihood's by Gauss-Newton steps.
    """
    own = power.diagonal(dim1=0, dim2=1).movedim(2, 0)
    trust = ((share - UNTRUSTED) / (TRUSTED - UNTRUSTED)).clamp(0, 1) * (kept_power() > SEEN)
    density = torch.empty_like(own)
    for channel in range(3):
        model = _fit_two_noises(own[channel], trust[channel], floor[channel])
        shown = _seen() @ _density(model, FINE)[0].flatten().float()
        excess = _smooth(trust[channel] * own[channel] / shown, trust[channel], 1.0)
        density[channel] = _density(model, BLOCK)[0][:, : BLOCK // 2 + 1].float() * excess
    both = (trust[:, None] * trust[None]).sqrt()
    shared = both * power / (own[:, None] * own[None]).sqrt()
    usual = shared.sum((2, 3), keepdim=True) / both.sum((2, 3), keepdim=True).clamp(min=BARELY)
    coherence = _smooth(shared, both, usual)
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


def _density(model: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Power density (side, side) of a model, and its derivatives (side, side, 4)."""
    (down, by_down), (across, by_across) = (_log_blur(side, variance) for variance in model[1:3])
    blurred = (model[0] + down[:, None] + across[None]).exp()
    white = model[3].exp().expand_as(blurred)
    return blurred + white, torch.stack((blurred, blurred * by_down[:, None], blurred * by_across[None], white), 2)


def _fit_two_noises(power: Tensor, trust: Tensor, floor: Tensor) -> Tensor:
    """Log density of a blurred noise, variances of its blur in px², down and across, log density of a white one (4).

    The white one is the rounding's where nothing else is to be seen.
    """
    seen = _seen().flatten(0, 1).double()
    power, least = power.flatten().double(), floor.double().log()
    weight = (trust.clamp(min=BARELY) * frequency_copies()).flatten().double()
    level = (weight * power).sum() / (weight * seen.sum(1)).sum()
    model = torch.stack((level.log() - 4 * math.log(3), 0 * level, 0 * level, least))  # of three aliases each
    for _ in range(STEPS):
        density, change = _density(model, FINE)
        shown = seen @ density.flatten()
        change = seen @ change.flatten(0, 1) / shown[:, None]
        normal = change.T @ (weight[:, None] * change)
        rise = change.T @ (weight * (power / shown).log())
        normal += 1e-9 * normal.diagonal().mean() * torch.eye(4)
        normal[3, 3] += DOUBT
        rise[3] -= DOUBT * (model[3] - least)
        model = model + torch.linalg.solve(normal, rise).clamp(-LARGEST_STEP, LARGEST_STEP)
        model[1:3] = model[1:3].clamp(0, WIDEST_BLUR)
        model[3] = model[3].clamp(min=least)
    return model


def _smooth(weighted: Tensor, weight: Tensor, otherwise: Tensor | float) -> Tensor:
    """Weighted mean (…, BLOCK, BLOCK // 2 + 1) over neighboring frequencies; where nothing has weight, `otherwise`."""
    line = torch.tensor(SMOOTHING) / sum(SMOOTHING)
    pad = len(SMOOTHING) // 2

    def blur(half: Tensor) -> Tensor:
        mirrored = half[..., 1 : BLOCK // 2].flip(-2, -1).roll(1, -2)  # power at -f is that at f
        whole = torch.cat((half, mirrored), -1).view(-1, 1, BLOCK, BLOCK)
        blurred = F.conv2d(F.pad(whole, (pad,) * 4, mode="circular"), (line[:, None] * line)[None, None])
        return blurred[..., : BLOCK // 2 + 1].reshape(half.shape)

    return (blur(weighted) + FEW * otherwise) / (blur(weight) + FEW)
