"""Grain and sharpness of an original against a rendering of it: the same places in both, so that texture cancels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import masks
from .grain_estimate import (
    CLIPPED,
    CLIPPED_SHARE,
    FRAMES,
    GRAINLESS,
    MIN_BLOCKS,
    NODES,
    STRIDE,
    Grain,
    measure_blocks,
    no_grain,
    without_traces,
)
from .grain_spectrum import fit_spectrum, separate_texture
from .spectrum import (
    BLOCK,
    block_window,
    cross_power,
    detrend,
    frequency_copies,
    frequency_radius,
    kept_power,
    normalize_power,
    pixels_at,
)

MAX_SHARPEN = 2.2  # largest gain: beyond it halos and the codec's own errors are amplified
KERNEL_RADIUS_PX = 3  # of the filter that explains the original by the rendering
FIT_PX = 40_000  # pixels it is fitted on: 800 per coefficient
ROUNDING = 12**-0.5 / 255  # standard deviation of 8-bit rounding; keeps coefficients that nothing tells near 0
PAIR_BLOCKS = 4000  # compared in all
GROUPS, SHARED_PX, ROUNDS = 4, 30, 4
FLAT_SHARE = 0.5  # of the pixels of a brightness, the flattest in the rendering, whose residual is grain alone
LEAST_NODE_PX = 8  # of a brightness, below which nothing is read off it
# Weight, in pixels of one brightness, of a level curve's bend, of its slope where nothing is known, and of the slopes in
# which the channels differ.
BEND_PX, FLAT_PX, APART_PX = 2e5, 100.0, 1e5
DETAIL_PX = 1.5
FLAT_BLOCKS = 0.2  # of the blocks of a brightness, the flattest, that show the grain's spectrum
QUIET = 0.25  # quantile of the blocks' power that tells the grain's: texture is in the others
LEAST_POWER = 0.02  # of the residual's that a frequency keeps


@dataclass(frozen=True)
class Pair:
    """What an original and a rendering of it say of each other."""

    response: Tensor  # (BLOCK, BLOCK // 2 + 1): gain that gives the rendering the original's sharpness
    lacking: Grain  # in the original, not explained by the rendering


@dataclass(frozen=True)
class _Residual:
    """Pixels of blocks (n, 3, BLOCK * BLOCK): what the rendering does not explain, without shading; and where."""

    error: Tensor
    brightness: Tensor  # as the rendering shows it, so that grain does not sort itself by its own sign
    structure: Tensor  # local energy of the rendering's detail
    finest: Tensor  # (n), energy of the prediction's finest detail
    gain: Tensor  # (3, BLOCK, BLOCK // 2 + 1): power gain of the filter that explains the original


def compare(original: Tensor, rendering: Tensor, region: Tensor) -> Pair:
    """Measure what a rendering lacks: sharpness, as a frequency response, and grain.

    The filter that predicts the original from the rendering best is fitted pixel by pixel; what it cannot predict is
    the original's grain. Texture that the rendering shows softer is predicted and is not taken for grain, and since
    every pixel counts, not only flat blocks, the level is known at every brightness the surroundings hold.

    Args:
        original, rendering: (B, 3, H, W) in [0, 1], registered to about a pixel.
        region: (B or 1, 1, H, W), > 0 where the picture is unchanged.

    Source: least-squares FIR prediction; response from the Wiener filter and the magnitude-squared coherence of Welch
        periodograms (Bendat and Piersol, "Random Data").
    """
    blocks = measure_blocks(original, region)
    if len(blocks) < MIN_BLOCKS:
        return Pair(torch.ones(BLOCK, BLOCK // 2 + 1), no_grain())
    response = _response(*_linear_filter(original, rendering, blocks.place), len(blocks))
    residual = _residual(original, rendering, region)
    grain = _lacking_grain(residual)
    return Pair(response, grain)


def _lacking_grain(residual: _Residual) -> Grain:
    clipped = ((residual.brightness < CLIPPED) | (residual.brightness > 1 - CLIPPED)).float().mean((1, 2))
    usable = clipped <= CLIPPED_SHARE
    if int(usable.sum()) < MIN_BLOCKS:
        return no_grain()
    level = _level_by_pixels(residual, torch.ones(3))
    blocks = residual.error[usable]
    sigma = Grain(level, no_grain().spectrum).sigma(residual.brightness[usable].unflatten(2, (BLOCK, BLOCK))).flatten(2)
    sigma = sigma.clamp(min=GRAINLESS / 4)
    taper = block_window().flatten()
    waves = torch.fft.rfft2((blocks / sigma * taper).unflatten(2, (BLOCK, BLOCK))) / taper.square().sum().sqrt()
    power = (waves[:, :, None] * waves[:, None].conj()).real
    per = sigma.pow(-2).mean(2)
    rounding = ROUNDING**2 * per
    texture = residual.finest[usable].mean(2) * per
    grain, share = separate_texture(power, texture, rounding[:, :, None, None] * residual.gain)
    density = fit_spectrum(grain, share, rounding.mean(0))
    total = (density.diagonal(dim1=0, dim2=1).movedim(2, 0) * frequency_copies()).sum((1, 2)) / BLOCK**2
    spectrum = density / BLOCK**2 / (total[:, None] * total[None]).sqrt()[:, :, None, None]
    return without_traces(Grain(level * total.sqrt()[:, None], spectrum, int(usable.sum()), measured_to_the_ends=True))


def _residual(original: Tensor, rendering: Tensor, region: Tensor) -> _Residual:
    """Blocks of what a linear filter of the rendering does not explain, evenly picked over frames and places."""
    frames = sorted({round(i) for i in torch.linspace(0, len(rendering) - 1, min(FRAMES, len(rendering))).tolist()})
    triples = [tuple(t[min(f, len(t) - 1)][None].float() for t in (original, rendering, region)) for f in frames]
    kernel = _fit_kernel(triples)
    parts = []
    for truth, shown, inside in triples:
        predicted = F.conv2d(F.pad(shown, (KERNEL_RADIUS_PX,) * 4, mode="replicate"), kernel, groups=3).clamp(0, 1)
        detail = (shown - masks.gaussian_blur(shown, DETAIL_PX)).square().mean(1, keepdim=True)
        structure = masks.gaussian_blur(detail, DETAIL_PX).expand(-1, 3, -1, -1)
        places = _places(inside, PAIR_BLOCKS // len(frames))
        finest = _laplacian(_laplacian(predicted)).square().mean(1, keepdim=True).expand(-1, 3, -1, -1)
        finest = masks.gaussian_blur(finest, DETAIL_PX)
        parts.append([_blocks_at(image, places) for image in (truth - predicted, predicted, structure, finest)])
    error, brightness, structure, finest = (torch.cat(same) for same in zip(*parts, strict=True))
    return _Residual(detrend(error), brightness, structure, finest, _power_gain(kernel))


def _laplacian(image: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]]).to(image) / 4
    return F.conv2d(F.pad(image, (1,) * 4, mode="replicate"), kernel.expand(3, 1, 3, 3), groups=3)


def _power_gain(kernel: Tensor) -> Tensor:
    """Power gain (3, BLOCK, BLOCK // 2 + 1) of a kernel (3, 1, k, k)."""
    return torch.fft.rfft2(kernel[:, 0].float().cpu(), s=(BLOCK, BLOCK)).abs().square()


def _places(region: Tensor, most: int) -> Tensor:
    """Frame 0, y and x (n, 3) of blocks within a region (1, 1, H, W)."""
    if min(region.shape[2:]) < BLOCK:
        return torch.empty(0, 3, dtype=torch.long)
    y, x = (F.avg_pool2d((region > 0).float(), BLOCK, STRIDE)[0, 0] > 1 - 1e-4).nonzero(as_tuple=True)
    places = torch.stack((torch.zeros_like(y), y * STRIDE, x * STRIDE), 1).cpu()
    return places[torch.linspace(0, len(places) - 1, most).long()] if len(places) > most else places


def _blocks_at(image: Tensor, places: Tensor) -> Tensor:
    blocks = [pixels.cpu() for _, pixels in pixels_at(image, places)]
    return torch.cat(blocks) if blocks else torch.empty(0, 3, BLOCK**2)


def _fit_kernel(triples: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """Kernel (3, 1, k, k) of unit sum that predicts each channel of the original from the rendering's best."""
    side = 2 * KERNEL_RADIUS_PX + 1
    normal = torch.zeros(3, side**2 + 1, side**2 + 1, dtype=torch.float64)
    target = torch.zeros(3, side**2 + 1, dtype=torch.float64)
    for truth, shown, inside in triples:
        y, x = _inner_pixels(inside, FIT_PX // len(triples))
        offset = torch.arange(-KERNEL_RADIUS_PX, KERNEL_RADIUS_PX + 1, device=y.device)
        rows, columns = y[:, None, None] + offset[:, None], x[:, None, None] + offset
        for channel in range(3):
            near, value = shown[0, channel][rows, columns].flatten(1), truth[0, channel][y, x]
            usable = (torch.stack((near.amin(1), value)) > CLIPPED).all(0)
            usable &= (torch.stack((near.amax(1), value)) < 1 - CLIPPED).all(0)
            near, value = near[usable].double().cpu(), value[usable].double().cpu()
            mean = near.mean(1, keepdim=True)  # taken off both: the sum is 1, and a difference of tone is no matter
            columns_ = torch.cat((near - mean, torch.ones_like(mean)), 1)
            normal[channel] += columns_.T @ columns_
            target[channel] += columns_.T @ (value - mean[:, 0])
    ridge = torch.eye(side**2 + 1, dtype=torch.float64) * (normal[:, -1:, -1:] * ROUNDING**2 + 1e-9)
    kernel = torch.linalg.solve(normal + ridge, target)[:, :-1]
    kernel = kernel - kernel.mean(1, keepdim=True) + 1 / side**2
    return kernel.view(3, 1, side, side).to(triples[0][0])


def _inner_pixels(region: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of pixels whose neighborhood lies within a region (1, 1, H, W), evenly picked."""
    inner = -F.max_pool2d(-F.pad((region > 0).float(), (KERNEL_RADIUS_PX,) * 4), 2 * KERNEL_RADIUS_PX + 1, 1)
    y, x = (inner[0, 0] > 0).nonzero(as_tuple=True)
    if len(y) > most:
        picked = torch.linspace(0, len(y) - 1, most).long().to(y.device)
        y, x = y[picked], x[picked]
    return y, x


def _flat_blocks(residual: _Residual) -> Tensor:
    """Indices of the blocks that are flattest at their brightness and not clipped."""
    clipped = ((residual.brightness < CLIPPED) | (residual.brightness > 1 - CLIPPED)).float().mean((1, 2))
    number = (residual.brightness.mean((1, 2)) * (NODES // 2)).long()
    structure, chosen = residual.structure.mean((1, 2)), []
    for brightness in number.unique():
        members = ((number == brightness) & (clipped <= CLIPPED_SHARE)).nonzero()[:, 0]
        if len(members) >= MIN_BLOCKS:
            chosen.append(members[structure[members].argsort()[: max(int(len(members) * FLAT_BLOCKS), MIN_BLOCKS)]])
    return torch.cat(chosen) if chosen else torch.empty(0, dtype=torch.long)


def _grain_power(residual: _Residual, flat: Tensor) -> tuple[Tensor, Tensor]:
    """Cross power of the grain (3, 3, BLOCK, BLOCK // 2 + 1), and its share of the residual's variance (3).

    The residual and the original of a flat block both hold all of the grain and something else: the one what the
    rendering lacks at high frequencies, the other the picture at low ones. So at each frequency the smaller counts,
    without the blocks that stand out, and without the rounding of both, which the filter amplifies.
    """
    taper = block_window().flatten()
    waves, whole = (
        torch.fft.rfft2((pixels[flat] * taper).unflatten(2, (BLOCK, BLOCK)))
        for pixels in (residual.error, residual.truth)
    )
    power = cross_power(waves)
    unit = waves.abs().square().mean((1, 2, 3), keepdim=True).clamp(min=1e-20).sqrt()
    own = power.diagonal(dim1=0, dim2=1).movedim(2, 0).clamp(min=1e-20)
    # The power of noise is distributed exponentially, which makes its mean known from any quantile.
    usual = (waves / unit).abs().square().quantile(QUIET, dim=0) / -math.log(1 - QUIET) * len(waves)
    least = torch.minimum(usual, (whole / unit).abs().square().sum(0)).minimum(own)
    rounding = ROUNDING**2 * taper.square().sum() * unit.pow(-2).sum() * (1 + residual.gain)
    ratio = ((least - rounding) / own).clamp(min=LEAST_POWER)
    share = (own * ratio * frequency_copies()).sum((1, 2)) / (own * frequency_copies()).sum((1, 2))
    return power * (ratio[:, None] * ratio[None]).sqrt(), share


def _kept_share(spectrum: Tensor) -> Tensor:
    """Share (3) of a grain's variance that detrending leaves."""
    power = spectrum.diagonal(dim1=0, dim2=1).movedim(2, 0) * frequency_copies()
    return (power * kept_power(windowed=False)).sum((1, 2)) / power.sum((1, 2))


def _level_by_pixels(residual: _Residual, kept: Tensor) -> Tensor:
    """Level (3, NODES) at every brightness from the squared residuals of its flattest pixels."""
    counts, levels = zip(*[_node_levels(residual, channel, float(kept[channel])) for channel in range(3)], strict=True)
    return torch.from_numpy(_smooth_curves(np.stack(counts), np.stack(levels))).float()


def _node_levels(residual: _Residual, channel: int, kept: float) -> tuple[np.ndarray, np.ndarray]:
    """How many pixels (NODES) of a channel show each brightness, and the level that they tell; 0 where none do."""
    error, brightness, texture = (
        tensor[:, channel].flatten().numpy() for tensor in (residual.error, residual.brightness, residual.finest)
    )
    node = np.round(brightness * (NODES - 1)).astype(np.int64)
    order, count = np.lexsort((texture, node)), np.bincount(node, minlength=NODES)
    rank = np.arange(len(order)) - (np.cumsum(count) - count)[node[order]]
    group = np.empty(len(order), np.int64)
    group[order] = node[order] * GROUPS + rank * GROUPS // count[node[order]]

    def means(values: np.ndarray) -> np.ndarray:
        """Mean of each group of similar texture (NODES, GROUPS)."""
        return (np.bincount(group, values, NODES * GROUPS) / size.ravel().clip(1)).reshape(NODES, GROUPS)

    size = np.bincount(group, minlength=NODES * GROUPS).reshape(NODES, GROUPS)
    rounding = ROUNDING**2 * float((residual.gain[channel] * frequency_copies()).sum()) / BLOCK**2
    variance, rise = means(error**2) - rounding, means(texture)
    # A mean that differs from 0 is what the filter misses of highlights and dark joints, not grain.
    variance = variance - (means(error) ** 2 - variance * SHARED_PX / size.clip(1)).clip(0)
    flat = variance[:, 0].copy()
    level, leak = np.maximum(variance.mean(1), 1e-12), 0.0
    for _ in range(ROUNDS):
        weight = size / (level[:, None] + leak * rise + rounding).clip(1e-12) ** 2
        x, y = ((weight * v).sum(1, keepdims=True) / weight.sum(1, keepdims=True).clip(1e-30) for v in (rise, variance))
        leak = max(float((weight * (rise - x) * (variance - y)).sum() / max((weight * (rise - x) ** 2).sum(), 1e-30)), 0.0)
        level = np.maximum((y - leak * x)[:, 0], flat.clip(1e-12) / 4)
    count = np.where(count >= LEAST_NODE_PX, count, 0)
    center = np.bincount(node, brightness, NODES) / np.bincount(node, minlength=NODES).clip(1)
    return count, np.where(count > 0, _before_clipping(np.sqrt(level / kept), center), 0.0)


def _smooth_curves(counts: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Curves (3, NODES) near the measured levels: a brightness that few pixels show leans on its neighbors' slope.

    The channels lean on each other as well: their curves may differ in height, but rise and fall alike.

    Source: Whittaker 1923, "On a new method of graduation"; weights are the pixels.
    """
    slope, bend = (np.diff(np.eye(NODES), order, axis=0) for order in (1, 2))
    one = BEND_PX * bend.T @ bend + FLAT_PX * slope.T @ slope
    apart = np.kron(np.eye(3) - 1 / 3, slope)
    system = np.diag(counts.ravel().astype(float)) + np.kron(np.eye(3), one) + APART_PX * apart.T @ apart
    right = (counts * levels).ravel()
    return np.linalg.solve(system + 1e-6 * np.eye(3 * NODES), right).reshape(3, NODES).clip(0)


def _before_clipping(level: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Standard deviation that normal grain must have to be left with a given one after clipping to black or white."""
    room, wanted, normal = np.minimum(brightness, 1 - brightness), level.copy(), torch.distributions.Normal(0, 1)
    for _ in range(12):  # the clipped share grows with the level: a fixed point from below
        z = torch.from_numpy(room / np.maximum(wanted, 1e-6))
        below, density = normal.cdf(z).numpy(), normal.log_prob(z).exp().numpy()
        z = z.numpy()
        variance = (1 + z * z) * below + z * density - (z * below + density) ** 2
        wanted = level / np.sqrt(np.maximum(variance, 0.1))
    return wanted


def _linear_filter(original: Tensor, rendering: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Filter (3, BLOCK, BLOCK // 2 + 1) from rendering to original, and the coherence of the two."""
    cross = torch.zeros(3, BLOCK, BLOCK // 2 + 1, dtype=torch.complex64)
    power = [torch.zeros(3, BLOCK, BLOCK // 2 + 1) for _ in range(2)]
    for first, second in _waves_of_both(original, rendering, place):
        unit = first.abs().square().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
        cross += (first * second.conj() / unit).sum(0).cpu()
        power[0] += (first.abs().square() / unit).sum(0).cpu()
        power[1] += (second.abs().square() / unit).sum(0).cpu()
    coherence = cross.abs().square() / (power[0] * power[1]).clamp(min=1e-20)
    return cross / power[1].clamp(min=1e-20), coherence


def _response(filter_: Tensor, coherence: Tensor, blocks: int) -> Tensor:
    """Radial gain of a filter: 1 where the two pictures have nothing in common to tell it from."""
    ring, gain = frequency_radius().round().long().clamp(max=BLOCK // 2), torch.ones(BLOCK // 2 + 1)
    for radius in range(1, BLOCK // 2 + 1):
        here = ring == radius
        alike, found = coherence[:, here].mean(), filter_[:, here].mean().real
        trust = ((alike - 0.3) / 0.4).clamp(0, 1)
        error = found.abs() * ((1 - alike) / alike.clamp(min=1e-6) / (2 * blocks * 3 * here.sum())).sqrt()
        if found > 1:  # what the rendering has of its own only lowers the gain: one above 1 is true where it is no chance
            trust = torch.maximum(trust, ((found - 1) / error.clamp(min=1e-6) - 3).clamp(0, 1))
        gain[radius] = 1 + trust * (found - 1).clamp(1 / MAX_SHARPEN - 1, MAX_SHARPEN - 1)
    smooth = F.avg_pool1d(F.pad(gain[None, None], (1, 1), mode="replicate"), 3, 1)[0, 0]
    position = frequency_radius().clamp(max=BLOCK // 2)
    low = position.long().clamp(max=BLOCK // 2 - 1)
    smooth = smooth / smooth[0]  # a gain at frequency 0 would be exposure, which is not ours to change
    return torch.lerp(smooth[low], smooth[low + 1], position - low)


def _waves_of_both(original: Tensor, rendering: Tensor, place: Tensor):
    """Windowed transforms (n, 3, BLOCK, BLOCK // 2 + 1) of the blocks of both, a part at a time."""
    both = zip(pixels_at(original, place), pixels_at(rendering, place), strict=True)
    for (_, first), (_, second) in both:
        taper = block_window().flatten().to(first)
        yield tuple(torch.fft.rfft2((detrend(p) * taper).unflatten(2, (BLOCK, BLOCK))) for p in (first, second))
