"""Grain and sharpness of a picture, measured from the picture itself, and given to a patch that lacks them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from . import masks
from .color import luma

BLOCK = 16  # px; side of a measured block
NODES = 33  # brightness values at which the level is tabulated
BINS = 16  # brightness bins in which flat blocks are looked for
FRAMES = 8  # of a clip, evenly spaced, that are measured: the level is one for the whole clip
STRIDE = 8  # px between blocks
MAX_BLOCKS = 8000  # looked at in all; more adds time, not accuracy
LOW_RADIUS = 2  # periods per block below which shading cannot be told from grain: the spectrum is extrapolated there
FLAT_SHARE = 0.05  # of a bin's blocks, the flattest, that start the search for blocks of pure grain
NEIGHBOURS = 48  # blocks that settle the level at one brightness
CLIPPED = 1.5 / 255  # nearer to black or white than this a pixel is clipped and says nothing about grain
CLIPPED_SHARE = 0.02  # of a block's pixels, above which it is left out
GRAINLESS = 0.5 / 255  # a level below half an 8-bit step is none: drawings and renders keep their clean look
SURROUNDINGS_PX = 384  # how far around the edit the plate is measured
PAIRED_PX = 4096  # re-rendered context from which original and patch are compared
NOISE_PEAK = 4.0  # power above which, in units of the mean noise power, a coefficient counts as picture
EDGE_SCALES = (1.0, 2.0)  # px; the two blurs whose gradients are compared at an edge
MAX_SPECTRUM_BLOCKS = 2048  # their mean is exact to a few percent at every frequency
PAIRED_SHARE = 0.3  # of a bin's blocks, the flattest in a rendering, that are compared with the original
MIN_BLOCKS = 8  # in a brightness bin, below which nothing can be said of it
MAX_PEAK = 3.3  # median kurtosis above which a bin shows texture: grain measured 2.9 to 3.2, textures 3.4 to 8
MODE_CONTRAST = 1.0  # how many times more blocks must lie at the level than just beyond it
EDGE_SHARE = 0.03  # of a region's pixels, those with the largest gradients, that are edges
MIN_EDGE = 0.03  # smallest gradient of an edge whose blur is measured, per 2 px
MIN_EDGES = 30  # edge pixels below which sharpness cannot be told
MIN_GAIN = 0.05  # differences of sharpness below, at any frequency, are not visible
EXCESS = 1.3  # times the plate's power that a patch's grain must have to be reduced
UNPAIRED_SPREAD = 0.6  # log2 of the ratio of edge blurs that regions of one photograph differ by
RENDERED = 0.5 / 255  # a context pixel further than this from the original was rendered anew
MAX_SHARPEN = 2.2  # largest gain: beyond it halos and the codec's own errors are amplified


@dataclass(frozen=True)
class Grain:
    """Grain of a picture: how strong at which brightness, and how coarse.

    `level` (3, NODES): standard deviation in [0, 1] units of each channel where that channel's brightness is 0 … 1.
    `spectrum` (3, 3, BLOCK, BLOCK // 2 + 1): cross power of the channels at unit variance, as `torch.fft.rfft2` lays
    frequencies out; it sums to each channel's 1.
    `blocks`: how many blocks of pure grain it was measured on; 0 is no grain at all.
    """

    level: Tensor
    spectrum: Tensor
    blocks: int = 0

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


# ---------------------------------------------------------------- measuring grain


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
    blocks, spread, grain = _measure_blocks(image, region), 0.25, no_grain()
    for _ in range(2):  # choose pure blocks, measure their spectrum, and choose again with what it says
        pure = blocks.select(_pure_grain(blocks, spread)) if len(blocks) else blocks
        if not len(pure):
            return no_grain()
        power = _mean_power(image, pure.place)
        spectrum, gain = _normalize(power)
        spread = _energy_spread(spectrum)
        grain = Grain(_level_curve(pure, gain), spectrum, len(pure))
    return _without_traces(grain)


@dataclass(frozen=True)
class Pair:
    """What an original and a rendering of it say of each other."""

    response: Tensor  # (BLOCK, BLOCK // 2 + 1): gain that gives the rendering the original's sharpness
    lacking: Grain  # in the original, not explained by the rendering


def compare(original: Tensor, rendering: Tensor, region: Tensor) -> Pair:
    """Measure what a rendering lacks: sharpness, as a frequency response, and grain.

    The best linear filter from rendering to original is found over many blocks; what it cannot explain is the
    original's grain. Texture that the rendering shows softer is explained and is not taken for grain, which comparing
    mere power would do; a shift common to all blocks is explained too.

    Args:
        original, rendering: (B, 3, H, W) in [0, 1], registered to about a pixel.
        region: (B or 1, 1, H, W), > 0 where the picture is unchanged.

    Source: Wiener filter and magnitude-squared coherence from Welch periodograms (Bendat and Piersol, "Random Data").
    """
    flat_response = torch.ones(BLOCK, BLOCK // 2 + 1)
    blocks = _measure_blocks(original, region)
    if len(blocks) < MIN_BLOCKS:
        return Pair(flat_response, no_grain())
    filter_, coherence = _linear_filter(original, rendering, blocks.place)
    rest, shown = _unexplained(original, rendering, blocks.place, filter_)
    unexplained = _Blocks(blocks.mean, _without_leaked_structure(rest, shown, blocks), blocks.place, blocks.peak)
    chosen = _flat_in_rendering(unexplained, shown)
    if not len(chosen):
        return Pair(_response(filter_, coherence), no_grain())
    spectrum, gain = _normalize(_rest_power(original, rendering, blocks.place[chosen], filter_))
    level = _level_curve(unexplained.select(chosen), gain)
    return Pair(_response(filter_, coherence), _without_traces(Grain(level, spectrum, len(chosen))))


def _linear_filter(original: Tensor, rendering: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Filter (3, BLOCK, BLOCK // 2 + 1) from rendering to original, and the coherence of the two."""
    cross = torch.zeros(3, BLOCK, BLOCK // 2 + 1, dtype=torch.complex64)
    power = [torch.zeros(3, BLOCK, BLOCK // 2 + 1) for _ in range(2)]
    for _, first, second in _waves_of_both(original, rendering, place):
        unit = first.abs().square().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
        cross += (first * second.conj() / unit).sum(0).cpu()
        power[0] += (first.abs().square() / unit).sum(0).cpu()
        power[1] += (second.abs().square() / unit).sum(0).cpu()
    coherence = cross.abs().square() / (power[0] * power[1]).clamp(min=1e-20)
    return cross / power[1].clamp(min=1e-20), coherence


def _response(filter_: Tensor, coherence: Tensor) -> Tensor:
    """Radial gain of a filter: 1 where the two pictures have nothing in common to tell it from."""
    ring, gain = _radius().round().long().clamp(max=BLOCK // 2), torch.ones(BLOCK // 2 + 1)
    for radius in range(1, BLOCK // 2 + 1):
        here = ring == radius
        trust = ((coherence[:, here].mean() - 0.3) / 0.4).clamp(0, 1)
        gain[radius] = 1 + trust * (filter_[:, here].abs().mean() - 1).clamp(1 / MAX_SHARPEN - 1, MAX_SHARPEN - 1)
    smooth = F.avg_pool1d(F.pad(gain[None, None], (1, 1), mode="replicate"), 3, 1)[0, 0]
    position = _radius().clamp(max=BLOCK // 2)
    low = position.long().clamp(max=BLOCK // 2 - 1)
    smooth = smooth / smooth[0]  # a gain at frequency 0 would be exposure, which is not ours to change
    return torch.lerp(smooth[low], smooth[low + 1], position - low)


def _waves_of_both(original: Tensor, rendering: Tensor, place: Tensor):
    """Indices and windowed transforms (n, 3, BLOCK, BLOCK // 2 + 1) of the blocks of both, a part at a time."""
    both = zip(_pixels_at(original, place), _pixels_at(rendering, place), strict=True)
    for (index, first), (_, second) in both:
        taper = _window().flatten().to(first)
        yield (
            index,
            *(torch.fft.rfft2((_detrend(p) * taper).unflatten(2, (BLOCK, BLOCK))) for p in (first, second)),
        )


def _unexplained(original: Tensor, rendering: Tensor, place: Tensor, filter_: Tensor) -> tuple[Tensor, Tensor]:
    """Energy (n, 3) of what the filtered rendering does not explain, and of the rendering itself."""
    rest, shown = torch.empty(len(place), 3), torch.empty(len(place), 3)
    scale = BLOCK**2 * _window().square().sum()
    for index, first, second in _waves_of_both(original, rendering, place):
        copies = _copies().to(first.device)
        error = first - filter_.to(first.device) * second
        rest[index] = ((error.abs().square() * copies).sum((2, 3)) / scale).cpu()
        shown[index] = ((second.abs().square() * copies).sum((2, 3)) / scale).cpu()
    return rest, shown


def _without_leaked_structure(rest: Tensor, shown: Tensor, blocks: _Blocks) -> Tensor:
    """Unexplained energy (n, 3) less the share of structure that leaks into it: texture the rendering lost for good.

    Within a brightness, grain does not depend on structure; what grows with it is leaked.
    """
    structure, energy, above, below = shown.sum(1), rest.sum(1), 0.0, 0.0
    for members in _brightness_bins(blocks):
        flatter = members[structure[members] <= structure[members].quantile(0.6)]
        centered = structure[flatter] - structure[flatter].mean()
        above += float((centered * (energy[flatter] - energy[flatter].median())).sum())
        below += float(centered.square().sum())
    leak = min(max(above / max(below, 1e-20), 0.0), 1.0)
    return torch.maximum(rest - leak * shown, 0.3 * rest)


def _rest_power(original: Tensor, rendering: Tensor, place: Tensor, filter_: Tensor) -> Tensor:
    """Mean cross power of what the filtered rendering does not explain, blocks of all levels counting alike."""
    power = torch.zeros(3, 3, BLOCK, BLOCK // 2 + 1)
    for _, first, second in _waves_of_both(original, rendering, place):
        power += _cross_power(first - filter_.to(first.device) * second)
    return power


def _cross_power(waves: Tensor) -> Tensor:
    """Sum over blocks of the channels' cross power, each block at unit energy: it is the shape that is averaged."""
    waves = waves / waves.abs().square().mean((1, 2, 3), keepdim=True).clamp(min=1e-20).sqrt()
    return torch.stack([(waves[:, c : c + 1] * waves.conj()).real.sum(0) for c in range(3)]).cpu()


def _flat_in_rendering(blocks: _Blocks, shown: Tensor) -> Tensor:
    """Indices of blocks from which grain can be read: flat in the rendering, and of like energy."""
    structure, energy, chosen = shown.sum(1), blocks.energy.sum(1), []
    for members in _brightness_bins(blocks):
        if len(members) < MIN_BLOCKS:
            continue
        flat = members[structure[members].argsort()[: max(int(len(members) * PAIRED_SHARE), MIN_BLOCKS)]]
        typical = energy[flat].median()
        chosen.append(flat[(energy[flat] > 0.3 * typical) & (energy[flat] < 1.9 * typical)])
    return torch.cat(chosen) if chosen else torch.empty(0, dtype=torch.long)


def _without_traces(grain: Grain) -> Grain:
    """Levels below `GRAINLESS` are none."""
    if float(grain.level.max()) < GRAINLESS:
        return no_grain()
    return replace(grain, level=torch.where(grain.level < GRAINLESS, 0.0, grain.level))


def _measure_blocks(image: Tensor, region: Tensor) -> _Blocks:
    """Blocks that lie within the region and are not clipped, evenly picked where there are more than `MAX_BLOCKS`."""
    frames = sorted({round(i) for i in torch.linspace(0, len(image) - 1, min(FRAMES, len(image))).tolist()})
    place = torch.cat([_usable_places(image[f], region[min(f, len(region) - 1)], f) for f in frames])
    if len(place) > MAX_BLOCKS:
        place = place[torch.linspace(0, len(place) - 1, MAX_BLOCKS).long()]
    mean, energy, peak = torch.empty(len(place), 3), torch.empty(len(place), 3), torch.empty(len(place))
    for index, pixels in _pixels_at(image, place):
        mean[index] = pixels.mean(2).cpu()
        energy[index] = _energy(pixels).cpu()
        peak[index] = _peakedness(pixels).cpu()
    return _Blocks(mean, energy, place, peak)


def _usable_places(image: Tensor, region: Tensor, frame: int) -> Tensor:
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
    tapered = _detrend(pixels) * _window().flatten().to(pixels)
    return tapered.square().sum(2) / _window().square().sum().to(pixels)


def _cut(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Blocks (n, 3, BLOCK * BLOCK) of an image (3, H, W) at the given corners."""
    offset = torch.arange(BLOCK, device=image.device)
    rows, columns = (y[:, None] + offset)[:, :, None], (x[:, None] + offset)[:, None, :]
    return image[:, rows, columns].movedim(0, 1).flatten(2)


@lru_cache
def _window() -> Tensor:
    """Hann window (BLOCK, BLOCK)."""
    line = torch.hann_window(BLOCK, periodic=False)
    return line[:, None] * line


@lru_cache
def _shading() -> Tensor:
    """Orthonormal basis (BLOCK * BLOCK, 6) of quadratic shading in a block."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, BLOCK, dtype=torch.float64)] * 2, indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y, x * y, x * x, y * y]).flatten(1).T
    return torch.linalg.qr(terms)[0].float()


def _detrend(pixels: Tensor) -> Tensor:
    """Blocks (n, 3, BLOCK * BLOCK) without their quadratic shading."""
    basis = _shading().to(pixels)
    pixels = pixels - pixels.mean(2, keepdim=True)  # first, for float32's sake
    return pixels - (pixels @ basis) @ basis.T


def _pixels_at(image: Tensor, place: Tensor):
    """Pairs of indices and blocks (n, 3, BLOCK * BLOCK) at the given places, a part at a time."""
    for frame in place[:, 0].unique():
        for index in (place[:, 0] == frame).nonzero()[:, 0].split(2048):
            corner = place[index].to(image.device)
            yield index, _cut(image[min(int(frame), len(image) - 1)].float(), corner[:, 1], corner[:, 2])


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


@lru_cache
def _radius() -> Tensor:
    """Periods per block of every frequency of `rfft2`: (BLOCK, BLOCK // 2 + 1)."""
    y, x = torch.fft.fftfreq(BLOCK) * BLOCK, torch.fft.rfftfreq(BLOCK) * BLOCK
    return torch.hypot(y[:, None], x[None])


@lru_cache
def _copies() -> Tensor:
    """How often each frequency of `rfft2` occurs in the full transform: (BLOCK // 2 + 1)."""
    copies = torch.full((BLOCK // 2 + 1,), 2.0)
    copies[0] = copies[-1] = 1.0
    return copies


@lru_cache
def _transfer() -> Tensor:
    """Share of white noise's power that detrending and window leave at every frequency."""
    keep = torch.eye(BLOCK**2) - _shading() @ _shading().T
    rows = (keep * _window().flatten()).reshape(BLOCK**2, BLOCK, BLOCK)
    return torch.fft.rfft2(rows).abs().square().sum(0) / _window().square().sum()


def _mean_power(image: Tensor, place: Tensor) -> Tensor:
    """Mean cross power (3, 3, BLOCK, BLOCK // 2 + 1) of an image's blocks."""
    if len(place) > MAX_SPECTRUM_BLOCKS:
        place = place[torch.linspace(0, len(place) - 1, MAX_SPECTRUM_BLOCKS).long()]
    power = torch.zeros(3, 3, BLOCK, BLOCK // 2 + 1)
    for _, pixels in _pixels_at(image, place):
        tapered = _detrend(pixels) * _window().flatten().to(pixels)
        power += _cross_power(torch.fft.rfft2(tapered.unflatten(2, (BLOCK, BLOCK))))
    return power


def _normalize(power: Tensor) -> tuple[Tensor, Tensor]:
    """Spectrum at unit variance, and for each channel by how much its variance exceeds the blocks' energy."""
    measured = _variance(power).clamp(min=1e-20)
    power = _extrapolate_low(power / _transfer().clamp(min=0.05))
    total = _variance(power).clamp(min=1e-20)
    return power / (total[:, None] * total[None]).sqrt()[:, :, None, None], total / measured


def _variance(power: Tensor) -> Tensor:
    """Each channel's power over all frequencies (3)."""
    return (power.diagonal(dim1=0, dim2=1).movedim(2, 0) * _copies()).sum((1, 2))


def _extrapolate_low(power: Tensor) -> Tensor:
    """Replace the power of low frequencies, where shading is left over, by what the next ones say.

    The logarithm of a blurred grain's power is linear in the squared frequency.
    """
    radius = _radius()
    near, far = (radius >= LOW_RADIUS) & (radius < 3.5), (radius >= 3.5) & (radius < 5)
    diagonal = power.diagonal(dim1=0, dim2=1).mean(2)
    slope = torch.log(diagonal[near].mean() / diagonal[far].mean().clamp(min=1e-20)).clamp(0, 4)
    slope = slope / (radius[far].square().mean() - radius[near].square().mean())
    rise = torch.exp(slope * (radius[near].square().mean() - radius.square())).clamp(1, 3)
    low = power[:, :, near].mean(2)[:, :, None, None] * rise
    return torch.where(radius < LOW_RADIUS, low, power)


def _energy_spread(spectrum: Tensor) -> float:
    """Relative standard deviation of a pure block's energy: the coarser the grain, the fewer independent samples."""
    power = spectrum.diagonal(dim1=0, dim2=1).mean(2)
    window = _window()
    concentration = float((power.square() * _copies()).sum() / (power * _copies()).sum().square())
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


# ---------------------------------------------------------------- measuring sharpness


def edge_blur(image: Tensor, region: Tensor) -> Tensor:
    """Blur of the strong edges of a picture, as the standard deviation in px of the blur of an ideal step.

    Args:
        image: (1, 3, H, W) in [0, 1].
        region: (1, 1, H, W), > 0 where to measure.

    Returns:
        blur (n) of the edge pixels.

    Source: Zhuo and Sim 2011, "Defocus map estimation from a single image": ratio of the gradients after two blurs.
    """
    fine, coarse = (_gradient(masks.gaussian_blur(luma(image.float()), sigma))[0, 0] for sigma in EDGE_SCALES)
    allowed = region[0, 0] > 0
    if not bool(allowed.any()):
        return fine.new_empty(0)
    strongest = fine[allowed].sort(descending=True).values
    limit = max(float(strongest[int(EDGE_SHARE * len(strongest))]), MIN_EDGE)
    places = allowed & (fine >= limit) & (F.max_pool2d(fine[None, None], 3, 1, 1)[0, 0] == fine)
    ratio = (fine / coarse.clamp(min=1e-6))[places].clamp(1.0005, EDGE_SCALES[1] / EDGE_SCALES[0] - 1e-3)
    blur2 = (EDGE_SCALES[1] ** 2 - (ratio * EDGE_SCALES[0]) ** 2) / (ratio**2 - 1)
    return blur2.clamp(min=0).sqrt()


def _gradient(plane: Tensor) -> Tensor:
    """Magnitude of the central difference."""
    padded = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    return torch.hypot(padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2], padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])


def _blur_gap(image: Tensor, plate: Tensor, patch: Tensor) -> float:
    """Variance in px^2 by which the patch's sharpest edges must be blurred to be as soft as the plate's sharpest.

    Never negative: an unpaired patch may be soft because it is out of focus, and the plate's grain makes its edges
    look sharper than they are. 0 within the natural spread.
    """
    outside, inside = edge_blur(image, plate), edge_blur(image, patch)
    if min(len(outside), len(inside)) < MIN_EDGES:
        return 0.0
    sharpest = [float(blur.quantile(0.2)) for blur in (inside, outside)]
    ratio = math.log2(max(sharpest[0], 0.2) / max(sharpest[1], 0.2))
    return sharpest[1] ** 2 - sharpest[0] ** 2 if ratio < -UNPAIRED_SPREAD else 0.0


def gaussian_response(blur_px2: float) -> Tensor:
    """Frequency response of a Gaussian blur of the given variance."""
    return torch.exp(-2 * math.pi**2 * blur_px2 * (_radius() / BLOCK).square())


def filter_image(image: Tensor, response: Tensor) -> Tensor:
    """Filter (B, 3, H, W) by a real response (BLOCK, BLOCK // 2 + 1), alike in all channels."""
    kernel = _centered(response)
    kernel = (kernel / kernel.sum()).to(image.device).expand(3, 1, -1, -1)
    pad = kernel.shape[-1] // 2
    return F.conv2d(F.pad(image.float(), (pad,) * 4, mode="replicate"), kernel, groups=3)


def _centered(response: Tensor) -> Tensor:
    """Kernel (…, BLOCK - 1, BLOCK - 1) of a real frequency response (…, BLOCK, BLOCK // 2 + 1)."""
    return torch.fft.fftshift(torch.fft.irfft2(response, s=(BLOCK, BLOCK)), dim=(-2, -1))[..., 1:, 1:]


def _convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve (B, 3, H, W) with a kernel (3, 3, k, k); borders are replicated."""
    pad = kernel.shape[-1] // 2
    return F.conv2d(F.pad(image, (pad,) * 4, mode="replicate"), kernel)


# ---------------------------------------------------------------- giving grain


def render_grain(grain: Grain, image: Tensor, seed: int) -> Tensor:
    """Make grain for an image (1, 3, H, W): fresh for every seed, the same on every device."""
    height, width = image.shape[2:]
    generator = torch.Generator().manual_seed(seed % 2**63)
    white = torch.randn((1, 3, height, width), generator=generator).to(image.device)
    values, vectors = torch.linalg.eigh(grain.spectrum.movedim((0, 1), (2, 3)))
    root = vectors @ torch.diag_embed(values.clamp(min=0).sqrt()) @ vectors.mT
    kernel = _centered(root.movedim((2, 3), (0, 1)))
    kernel = kernel / kernel.square().sum((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    sigma = grain.sigma(image)
    # Black and white clip in the plate as well: grain on pure white would only darken it.
    room = (torch.minimum(image, 1 - image).clamp(min=0) / sigma.clamp(min=1e-6)).clamp(max=1)
    return _convolve(white, kernel.to(image.device)) * sigma * room


def reduce_grain(image: Tensor, grain: Grain, wanted: Grain) -> Tensor:
    """Take grain out of an image (1, 3, H, W) down to a wanted one, frequency by frequency.

    Coefficients of overlapping blocks that stand out of the grain are picture and stay.

    Source: after Yaroslavsky 1996, "Local adaptive image restoration in transform domain"; empirical Wiener gain.
    """
    brightness = masks.gaussian_blur(image, 2.0)
    excess = _power_at(grain, brightness)
    keep = (_power_at(wanted, brightness) / excess.clamp(min=1e-20)).clamp(max=1).sqrt()
    if bool((keep > 0.95).all()):
        return image
    window, stride = torch.hann_window(BLOCK, device=image.device).sqrt(), BLOCK // 2
    taper = (window[:, None] * window).flatten()[None, :, None]
    height, width = image.shape[2:]
    pads = (stride, stride + (-width) % stride, stride, stride + (-height) % stride)
    size = (height + pads[2] + pads[3], width + pads[0] + pads[1])
    result = []
    for channel in range(3):
        padded = F.pad(image[:, channel : channel + 1], pads, mode="replicate")
        waves = torch.fft.rfft2((F.unfold(padded, BLOCK, stride=stride) * taper)[0].T.unflatten(1, (BLOCK, BLOCK)))
        level = F.pad(grain.sigma(brightness)[:, channel : channel + 1], pads, mode="replicate")
        level = F.avg_pool2d(level.square(), BLOCK, stride).flatten()[:, None, None]
        noise = grain.spectrum[channel, channel].to(image.device) * BLOCK**2 * (taper**2).sum() * level
        picture = (1 - NOISE_PEAK * noise / waves.abs().square().clamp(min=1e-20)).clamp(min=0)
        gain = keep[channel].to(image.device)
        shrunk = torch.fft.irfft2(waves * (gain + (1 - gain) * picture), s=(BLOCK, BLOCK)).flatten(1)
        result.append(F.fold((shrunk.T[None] * taper), size, BLOCK, stride=stride))
    whole = torch.cat(result, 1)
    return whole[..., pads[2] : pads[2] + height, pads[0] : pads[0] + width]


def _power_at(grain: Grain, image: Tensor) -> Tensor:
    """Mean power of each channel at each frequency (3, BLOCK, BLOCK // 2 + 1) over an image's brightnesses."""
    level = grain.sigma(image).square().mean((0, 2, 3)).cpu()
    return grain.spectrum.diagonal(dim1=0, dim2=1).movedim(2, 0) * level[:, None, None]


def difference(wanted: Grain, present: Grain) -> Grain:
    """The grain to add to `present` for `wanted`.

    A patch has the plate's grain only as far as it has its power at every frequency: soft texture, which an estimate
    of the patch alone takes for coarse grain, lacks the high ones.
    """
    if not wanted.blocks or not present.blocks:
        return wanted
    share = float(_power_ratio(present, wanted)[LOW_RADIUS:].min())
    return _without_traces(replace(wanted, level=wanted.level * math.sqrt(max(1 - share, 0.0))))


def _power_ratio(first: Grain, second: Grain) -> Tensor:
    """Ratio of the power of two grains at each radius (BLOCK // 2 + 1), over channels and the middle brightnesses."""
    ring = _radius().round().long()
    powers = []
    for grain in (first, second):
        level = grain.level[:, NODES // 8 : -NODES // 8].square().mean(1)
        power = (grain.spectrum.diagonal(dim1=0, dim2=1).movedim(2, 0) * level[:, None, None]).mean(0)
        powers.append(torch.stack([power[ring == r].mean() for r in range(BLOCK // 2 + 1)]))
    return powers[0] / powers[1].clamp(min=1e-12)


@dataclass(frozen=True)
class Match:
    """What separates a patch from its plate, one for all frames of a batch."""

    paired: bool  # fitted on re-rendered context whose original is known
    response: Tensor | None = None  # gain by frequency that matches sharpness
    present: Grain | None = None  # the patch's own grain where there is too much of it
    wanted: Grain | None = None  # the plate's, to which it is reduced
    missing: Grain | None = None  # what is added in the end


def plan_match(image: Tensor, edit: Tensor, *, original: Tensor | None = None, match_sharpness: bool = True) -> Match:
    """Find what separates the patch's grain and sharpness from the plate's.

    With an original that the context of the patch re-renders, the same places are compared ("paired"). Otherwise the
    plate around the mask, or the original, is compared with the patch, and sharpness only beyond its natural spread.

    Args:
        image, edit, original: as for `match_grain`, cut to the surroundings of the edit.
    """
    inside, outside = (edit > 0).to(edit), (masks.signed_distance(edit) < -1).to(edit)
    rendered = None if original is None else outside * _rendered_blocks(image, original)
    paired = rendered is not None and float(rendered.sum()) >= PAIRED_PX
    plate, plate_region = (image, outside) if original is None else (original, torch.ones_like(edit))
    wanted = estimate_grain(plate, plate_region)
    present = estimate_grain(image, rendered if paired else inside)
    if _is_grainier(present, wanted):
        image = torch.cat([reduce_grain(frame[None], present, wanted) for frame in image])
        left = estimate_grain(image, rendered if paired else inside)
    else:
        left, present = present, None
    if paired:
        pair = compare(original, image, rendered)
        response, missing = pair.response, _less(pair.lacking, left) if present is not None else pair.lacking
    else:
        response, missing = gaussian_response(_blur_gap(image[:1], outside[:1], edit[:1])), difference(wanted, left)
    sharpens = match_sharpness and float((response - 1).abs().max()) > MIN_GAIN
    return Match(paired, response if sharpens else None, present, wanted, missing)


def _less(lacking: Grain, left: Grain) -> Grain:
    """Unexplained power holds the rendering's own grain as well; without it, and what is there already, twice."""
    power = (lacking.level.square() - 2 * left.level.square()).clamp(min=0)
    return _without_traces(replace(lacking, level=power.sqrt()))


def _is_grainier(present: Grain, wanted: Grain) -> bool:
    """Whether the patch's grain exceeds the plate's at the high frequencies, where texture is not mistaken for it."""
    if not present.blocks:
        return False
    if not wanted.blocks:
        return True
    return float(_power_ratio(present, wanted)[BLOCK // 4 :].median()) > EXCESS


def _rendered_blocks(image: Tensor, original: Tensor) -> Tensor:
    """1 where a model rendered the context anew, 0 where it is the original's own pixels."""
    moved = ((image - original).abs().amax(1, keepdim=True) > RENDERED).to(image)
    return (masks.gaussian_blur(moved, 4.0) > 0.5).to(image)


def match_grain(
    image: Tensor,
    edit: Tensor,
    *,
    original: Tensor | None = None,
    strength: float = 1.0,
    match_sharpness: bool = True,
    seed: int = 0,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Give a patch the plate's grain and sharpness: adds or removes grain, sharpens or softens.

    A batch is one clip: it is measured as a whole, so that the grain does not pump, and every frame gets fresh grain,
    that of `seed` + its index.

    Args:
        image: (B, 3, H, W) in [0, 1], best the raw rendering, context included.
        edit: (B or 1, 1, H, W), > 0 where the picture may change; its values scale the effect.
        original: (B or 1, 3, H, W), the approved picture.
        strength: 0 changes nothing, 1 matches the plate; above 1 exaggerates.
        match_sharpness: whether to sharpen or soften as well.
        seed: of the first frame's grain.
        lock_mask: (B or 1, 1, H, W), > 0 stays bit-identical.
        progress: called with the fraction done.

    Returns:
        Image like `image`; bit-identical where `edit` is 0 or the lock is set, and everywhere at strength 0.

    Raises:
        ValueError: sizes differ, or strength is negative.
    """
    _check_inputs(image, edit, original, lock_mask, strength)
    editable = edit.float() if lock_mask is None else edit.float() * (lock_mask <= 0)
    editable = editable.expand(len(image), -1, -1, -1)
    box = masks.bounding_box(editable)
    if strength == 0 or box is None:
        return image
    near = _around(box, image, max(SURROUNDINGS_PX, max(box[2:]) // 2))
    plan = plan_match(
        image[near].float(),
        edit.expand(len(image), -1, -1, -1)[near].float(),
        original=None if original is None else original.expand(len(image), -1, -1, -1)[near].float(),
        match_sharpness=match_sharpness,
    )
    result, place = image.clone(), _around(box, image, BLOCK)
    for index in range(len(image)):
        here = (slice(index, index + 1), *place[1:])
        patch = image[here].float()
        matched = _apply(plan, patch, strength, seed + index)
        weight = editable[here]
        matched = torch.lerp(patch, matched, weight).clamp(0, 1).to(image.dtype)
        result[here] = torch.where(weight > 0, matched, image[here])
        if progress:
            progress((index + 1) / len(image))
    return result


def _apply(plan: Match, patch: Tensor, strength: float, seed: int) -> Tensor:
    """Too much grain, then sharpness, then too little."""
    matched = patch
    if plan.present is not None:
        reduced = reduce_grain(matched, plan.present, plan.wanted)
        matched = torch.lerp(matched, reduced, min(strength, 1.0))
    if plan.response is not None:
        matched = filter_image(matched, plan.response.clamp(min=1e-3) ** strength)
    if plan.missing is not None and plan.missing.blocks:
        matched = matched + strength * render_grain(plan.missing, matched.clamp(0, 1), seed)
    return matched


def _around(box: tuple[int, int, int, int], image: Tensor, margin: int) -> tuple[slice, ...]:
    """Slices of a box grown by a margin, within the frame."""
    x, y, width, height = box
    rows = slice(max(y - margin, 0), min(y + height + margin, image.shape[2]))
    return slice(None), slice(None), rows, slice(max(x - margin, 0), min(x + width + margin, image.shape[3]))


def _check_inputs(image: Tensor, edit: Tensor, original: Tensor | None, lock: Tensor | None, strength: float) -> None:
    for name, other in (("edit mask", edit), ("original", original), ("lock mask", lock)):
        if other is None:
            continue
        if other.shape[2:] != image.shape[2:]:
            raise ValueError(
                f"{name} is {other.shape[3]}x{other.shape[2]} but image is {image.shape[3]}x{image.shape[2]} (WxH); "
                "bring both to the same size"
            )
        if len(other) not in (1, len(image)):
            raise ValueError(f"{name} has {len(other)} frames but image has {len(image)}; give 1 or one for each frame")
    if not strength >= 0:
        raise ValueError(f"strength is {strength}; it must be at least 0")
