"""Grain of a picture, measured from the picture itself: how strong at which brightness, and how coarse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .color import luma
from .spectrum import BLOCK, block_window, detrend, frequency_copies, mean_power, normalize_power, pixels_at

NODES = 33  # brightness values at which the level is tabulated
BINS = 16  # brightness bins in which flat blocks are looked for
FRAMES = 8  # of a clip, evenly spaced, that are measured: the level is one for the whole clip
STRIDE = 8  # px between blocks
MAX_BLOCKS = 8000  # looked at in all; more adds time, not accuracy
FLAT_SHARE = 0.05  # of a bin's blocks, the flattest, that start the search for blocks of pure grain
NEIGHBOURS = 48  # blocks that settle the level at one brightness
CLIPPED = 1.5 / 255  # nearer to black or white than this a pixel is clipped and says nothing about grain
CLIPPED_SHARE = 0.02  # of a block's pixels, above which it is left out
GRAINLESS = 0.5 / 255  # a level below half an 8-bit step is none: drawings and renders keep their clean look
MIN_BLOCKS = 8  # in a brightness bin, below which nothing can be said of it
MAX_PEAK = 3.3  # median kurtosis above which a bin shows texture: grain measured 2.9 to 3.2, textures 3.4 to 8
MODE_CONTRAST = 1.0  # how many times more blocks must lie at the level than just beyond it


@dataclass(frozen=True)
class Grain:
    """Grain of a picture: how strong at which brightness, and how coarse.

    `level` (3, NODES): standard deviation in [0, 1] units of each channel where that channel's brightness is 0 … 1.
    `spectrum` (3, 3, BLOCK, BLOCK // 2 + 1): cross power of the channels at unit variance, as `torch.fft.rfft2` lays
    frequencies out; it sums to each channel's 1.
    `blocks`: how many blocks of pure grain it was measured on; 0 is no grain at all.
    `measured_to_the_ends`: whether the level at black and white was measured there, and not read off other brightnesses.
    """

    level: Tensor
    spectrum: Tensor
    blocks: int = 0
    measured_to_the_ends: bool = False

    def sigma(self, image: Tensor) -> Tensor:
        """Level at each pixel of (B, 3, H, W), by the pixel's own channel values."""
        position = image.clamp(0, 1) * (NODES - 1)
        low = position.long().clamp(max=NODES - 2)
        level = self.level.to(image.device)
        planes = [
            torch.lerp(level[c][low[:, c]], level[c][low[:, c] + 1], position[:, c] - low[:, c]) for c in range(3)
        ]
        return torch.stack(planes, 1)


def no_grain() -> Grain:
    """A clean picture."""
    spectrum = torch.eye(3)[:, :, None, None].expand(3, 3, BLOCK, BLOCK // 2 + 1) / BLOCK**2
    return Grain(torch.zeros(3, NODES), spectrum)


@dataclass(frozen=True)
class _Blocks:
    """Measured blocks: mean (n, 3), energy (n, 3) as variance, place (n, 3) as frame, y, x; and peakedness (n)."""

    mean: Tensor
    energy: Tensor
    place: Tensor
    peak: Tensor

    def __len__(self) -> int:
        return len(self.mean)

    def select(self, chosen: Tensor) -> _Blocks:
        return _Blocks(self.mean[chosen], self.energy[chosen], self.place[chosen], self.peak[chosen])

    @property
    def brightness(self) -> Tensor:
        return luma(self.mean[:, :, None, None])[:, 0, 0, 0]


def estimate_grain(image: Tensor, region: Tensor) -> Grain:
    """Measure level against brightness, channel correlation and spectrum of the grain within a region.

    Blocks of `BLOCK` px that hold nothing but grain are found for each brightness: the flattest ones give a first
    level, then every block that this level explains joins (so that choosing the flattest does not bias it). Texture
    is not explained by it and stays out. Shading is removed by a quadratic fit in every block.

    Args:
        image: (B, 3, H, W) in [0, 1]; a batch is measured as one clip.
        region: (B or 1, 1, H, W), > 0 where to measure.

    Returns:
        The grain; `no_grain()` when no block fits into the region, when its blocks show texture only, or when they
        are cleaner than `GRAINLESS`.

    Source: after Liu, Tanaka and Okutomi 2013, "Single-image noise level estimation for blind denoising" (weak-texture
        blocks, iterated); spectrum as the mean of Hann-windowed periodograms (Welch 1967).
    """
    blocks, spread, grain = measure_blocks(image, region), 0.25, no_grain()
    for _ in range(2):  # choose pure blocks, measure their spectrum, and choose again with what it says
        pure = blocks.select(_pure_grain(blocks, spread)) if len(blocks) else blocks
        if not len(pure):
            return no_grain()
        power = mean_power(image, pure.place)
        spectrum, gain = normalize_power(power)
        spread = _energy_spread(spectrum)
        grain = Grain(_level_curve(pure, gain), spectrum, len(pure))
    return without_traces(grain)


def measure_blocks(image: Tensor, region: Tensor) -> _Blocks:
    """Blocks that lie within the region and are not clipped, evenly picked where there are more than `MAX_BLOCKS`."""
    frames = sorted({round(i) for i in torch.linspace(0, len(image) - 1, min(FRAMES, len(image))).tolist()})
    place = torch.cat([usable_places(image[f], region[min(f, len(region) - 1)], f) for f in frames])
    if len(place) > MAX_BLOCKS:
        place = place[torch.linspace(0, len(place) - 1, MAX_BLOCKS).long()]
    mean, energy, peak = torch.empty(len(place), 3), torch.empty(len(place), 3), torch.empty(len(place))
    for index, pixels in pixels_at(image, place):
        mean[index] = pixels.mean(2).cpu()
        energy[index] = _energy(pixels).cpu()
        peak[index] = _peakedness(pixels).cpu()
    return _Blocks(mean, energy, place, peak)


def usable_places(image: Tensor, region: Tensor, frame: int) -> Tensor:
    """Frame, y and x (n, 3) of the blocks of an image (3, H, W) that lie within the region and are not clipped."""
    if min(image.shape[1:]) < BLOCK:
        return torch.empty(0, 3, dtype=torch.long)
    clipped = ((image < CLIPPED) | (image > 1 - CLIPPED)).any(0, keepdim=True)
    share = F.avg_pool2d(torch.stack((region > 0, clipped)).float().movedim(1, 0), BLOCK, STRIDE)[0]
    y, x = ((share[0] > 1 - 1e-4) & (share[1] <= CLIPPED_SHARE)).nonzero(as_tuple=True)
    return torch.stack((torch.full_like(y, frame), y * STRIDE, x * STRIDE), 1).cpu()


def _peakedness(pixels: Tensor) -> Tensor:
    """Kurtosis (n) of the blocks' second differences: 3 for grain of any coarseness, more for texture and edges."""
    plane = pixels.mean(1).unflatten(1, (BLOCK, BLOCK))
    ends = plane[:, :-2, 1:-1] + plane[:, 2:, 1:-1] + plane[:, 1:-1, :-2] + plane[:, 1:-1, 2:]
    second = (4 * plane[:, 1:-1, 1:-1] - ends).flatten(1)
    return second.pow(4).mean(1) / second.square().mean(1).square().clamp(min=1e-20)


def _energy(pixels: Tensor) -> Tensor:
    """Variance (n, 3) of blocks without their shading, under the window."""
    tapered = detrend(pixels) * block_window().flatten().to(pixels)
    return tapered.square().sum(2) / block_window().square().sum().to(pixels)


def _brightness_bins(blocks: _Blocks) -> list[Tensor]:
    """Indices of the blocks in each brightness bin that holds any."""
    number = (blocks.brightness * BINS).long().clamp(0, BINS - 1)
    return [(number == b).nonzero()[:, 0] for b in number.unique()]


def _pure_grain(blocks: _Blocks, spread: float) -> Tensor:
    """Indices of blocks that hold nothing but grain, given the relative spread of a pure block's energy."""
    energy, chosen = blocks.energy.sum(1), []
    for members in _brightness_bins(blocks):
        own = energy[members]
        level = _grain_mode(own.sort().values, spread)
        if level is None:
            continue
        pure = members[own <= level * (1 + 2.5 * spread)]
        if blocks.peak[pure].median() <= MAX_PEAK:
            chosen.append(pure)
    return torch.cat(chosen) if chosen else torch.empty(0, dtype=torch.long)


def _grain_mode(energy: Tensor, spread: float) -> float | None:
    """Mean energy of the pure blocks among sorted energies; None when they do not gather about any value.

    Grain makes blocks of equal energy, texture makes all energies: where their number still rises beyond the level,
    the flattest blocks are merely the flattest of a texture.
    """
    if len(energy) < MIN_BLOCKS:
        return None
    # The 5 % quantile of pure grain lies 1.6 spreads below its mean.
    start = level = float(energy[int(len(energy) * FLAT_SHARE)]) / max(1 - 1.645 * spread, 0.3)
    for _ in range(6):
        pure = energy[energy <= level * (1 + 2.5 * spread)]
        # Without the bound, texture of all strengths would join step by step.
        level = min(float(pure.mean()), 1.5 * start) if len(pure) else level
    near = ((energy > level * (1 - spread)) & (energy <= level * (1 + spread))).sum()
    beyond = ((energy > level * (1 + 2 * spread)) & (energy <= level * (1 + 4 * spread))).sum()
    return level if bool(near > MODE_CONTRAST * beyond) else None


def _energy_spread(spectrum: Tensor) -> float:
    """Relative standard deviation of a pure block's energy: the coarser the grain, the fewer independent samples."""
    power = spectrum.diagonal(dim1=0, dim2=1).mean(2)
    window = block_window()
    concentration = float((power.square() * frequency_copies()).sum() / (power * frequency_copies()).sum().square())
    taper = float(window.pow(4).sum() / window.square().sum().square()) * BLOCK**2
    return min(math.sqrt(2 * concentration * taper), 0.5)


def _level_curve(blocks: _Blocks, gain: Tensor) -> Tensor:
    """Level (3, NODES) of each channel against its brightness; nearest blocks speak where a brightness is missing."""
    nodes = torch.linspace(0, 1, NODES)
    curves = []
    for channel in range(3):
        away = (blocks.mean[:, channel][None] - nodes[:, None]).abs()
        reach = away.kthvalue(min(NEIGHBOURS, len(blocks)), 1).values.clamp(min=0.03)[:, None]
        weight = (1 - away / (1.25 * reach)).clamp(min=0)
        curves.append((weight @ blocks.energy[:, channel] / weight.sum(1) * gain[channel]).clamp(min=0).sqrt())
    return torch.stack(curves)


def without_traces(grain: Grain) -> Grain:
    """Levels below `GRAINLESS` are none."""
    if float(grain.level.max()) < GRAINLESS:
        return no_grain()
    return replace(grain, level=torch.where(grain.level < GRAINLESS, 0.0, grain.level))
