"""Grain and sharpness of an original against a rendering of it: the same places in both, so that texture cancels."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    channel_variance,
    detrend,
    frequency_copies,
    frequency_radius,
    pixels_at,
)

MAX_SHARPEN = 2.2  # largest gain: beyond it halos and the codec's own errors are amplified
KERNEL_RADIUS_PX = 3  # of the filter that explains the original by the rendering
FIT_PX = 40_000  # pixels it is fitted on: 800 per coefficient
ROUNDING = 12**-0.5 / 255  # standard deviation of 8-bit rounding; keeps coefficients that nothing tells near 0
PAIR_BLOCKS = 4000  # compared in all
LEAST_NODE_PX = 8  # of a brightness, below which nothing is read off it
GROUPS = 4  # of similar texture, into which the pixels of a brightness are sorted
SHARED_PX = 30  # pixels that tell as much as one of their own: blocks overlap four times, and grain is correlated
ROUNDS = 4  # of reweighting
# Weight, in pixels of one brightness, of a level curve's bend, of its slope where nothing is known, and of the slopes in
# which the channels differ.
BEND_PX, FLAT_PX, APART_PX = 2e5, 100.0, 1e5
DETAIL_PX = 1.5
UNCERTAIN = 3.0  # standard errors by which a gain must exceed 1 to count


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
    texture: Tensor  # local energy of the rendering's finest detail, which is nearest to what it has lost
    gain: Tensor  # (3, BLOCK, BLOCK // 2 + 1): power gain of the filter that explains the original

    @property
    def rounding(self) -> Tensor:
        """Power (3, BLOCK, BLOCK // 2 + 1) of the rendering's 8-bit rounding, which the filter amplifies."""
        return ROUNDING**2 * self.gain


def compare(original: Tensor, rendering: Tensor, region: Tensor) -> Pair:
    """Measure what a rendering lacks: sharpness, as a frequency response, and grain.

    The filter that predicts the original from the rendering best is fitted pixel by pixel; what it cannot predict is
    the original's grain. Texture that the rendering shows softer is predicted and is not taken for grain, and since
    every pixel counts, not only flat blocks, the level is known at every brightness the surroundings hold. Texture too
    fine for the rendering to show is told from grain by growing with what it does show.

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
    return Pair(response, _lacking_grain(_residual(original, rendering, region)))


def _lacking_grain(residual: _Residual) -> Grain:
    """Grain from the unexplained: its level's run from single pixels, its spectrum and its height from blocks."""
    clipped = ((residual.brightness < CLIPPED) | (residual.brightness > 1 - CLIPPED)).float().mean((1, 2))
    whole = clipped <= CLIPPED_SHARE
    if int(whole.sum()) < MIN_BLOCKS:
        return no_grain()
    level = _level_by_pixels(residual)
    brightness = residual.brightness[whole].unflatten(2, (BLOCK, BLOCK))
    sigma = replace(no_grain(), level=level).sigma(brightness).flatten(2).clamp(min=GRAINLESS / 4)
    taper = block_window().flatten()
    waves = torch.fft.rfft2((residual.error[whole] / sigma * taper).unflatten(2, (BLOCK, BLOCK)))
    power = (waves[:, :, None] * waves[:, None].conj()).real / taper.square().sum()
    unit = sigma.pow(-2).mean(2)  # brings what is known in levels to the grain's own scale
    rounding = unit[:, :, None, None] * residual.rounding
    found, share = separate_texture(power, residual.texture[whole].mean(2) * unit, rounding)
    density = fit_spectrum(found, share, ROUNDING**2 * unit.mean(0))
    variance = channel_variance(density) / BLOCK**2
    spectrum = density / BLOCK**2 / (variance[:, None] * variance[None]).sqrt()[:, :, None, None]
    level = level * variance.sqrt()[:, None]
    return without_traces(Grain(level, spectrum, int(whole.sum()), measured_to_the_ends=True))


def _residual(original: Tensor, rendering: Tensor, region: Tensor) -> _Residual:
    """Blocks of what a linear filter of the rendering does not explain, evenly picked over frames and places."""
    frames = sorted({round(i) for i in torch.linspace(0, len(rendering) - 1, min(FRAMES, len(rendering))).tolist()})
    triples = [tuple(t[min(f, len(t) - 1)][None].float() for t in (original, rendering, region)) for f in frames]
    kernel = _fit_kernel(triples)
    parts = []
    for truth, shown, inside in triples:
        predicted = F.conv2d(F.pad(shown, (KERNEL_RADIUS_PX,) * 4, mode="replicate"), kernel, groups=3).clamp(0, 1)
        texture = _laplacian(_laplacian(predicted)).square().mean(1, keepdim=True)
        texture = masks.gaussian_blur(texture, DETAIL_PX).expand(-1, 3, -1, -1)
        places = _places(inside, PAIR_BLOCKS // len(frames))
        parts.append([_blocks_at(image, places) for image in (truth - predicted, predicted, texture)])
    error, brightness, texture = (torch.cat(same) for same in zip(*parts, strict=True))
    return _Residual(detrend(error), brightness, texture, _power_gain(kernel))


def _laplacian(image: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]).to(image) / 4
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


def _level_by_pixels(residual: _Residual) -> Tensor:
    """Level (3, NODES) at every brightness of what detrending leaves of the grain, from the squared residuals."""
    counts, levels = zip(*[_node_levels(residual, channel) for channel in range(3)], strict=True)
    return torch.from_numpy(_smooth_curves(np.stack(counts), np.stack(levels))).float()


def _node_levels(residual: _Residual, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """How many pixels (NODES) of a channel show each brightness, and the level that they tell; 0 where none do."""
    error, brightness, texture = (
        tensor[:, channel].flatten().numpy() for tensor in (residual.error, residual.brightness, residual.texture)
    )
    node = np.round(brightness * (NODES - 1)).astype(np.int64)
    order, count = np.lexsort((texture, node)), np.bincount(node, minlength=NODES)
    rank = np.arange(len(order)) - (np.cumsum(count) - count)[node[order]]
    group = np.empty_like(node)
    group[order] = node[order] * GROUPS + rank * GROUPS // count[node[order]]
    size = np.bincount(group, minlength=NODES * GROUPS).reshape(NODES, GROUPS)

    def means(values: np.ndarray) -> np.ndarray:
        """Mean (NODES, GROUPS) of each group of similar texture."""
        return np.bincount(group, values, NODES * GROUPS).reshape(NODES, GROUPS) / size.clip(1)

    rounding = float((residual.rounding[channel] * frequency_copies()).sum()) / BLOCK**2
    variance = means(error**2) - rounding
    # A mean that differs from 0 is what the filter misses of highlights and dark joints, not grain; chance aside.
    variance -= (means(error) ** 2 - variance * SHARED_PX / size.clip(1)).clip(0)
    level = _without_texture(variance, means(texture), size, rounding)
    center = np.bincount(node, brightness, NODES) / count.clip(1)
    count = np.where(count >= LEAST_NODE_PX, count, 0)
    return count, np.where(count > 0, _before_clipping(np.sqrt(level), center), 0.0)


def _without_texture(variance: np.ndarray, texture: np.ndarray, size: np.ndarray, rounding: float) -> np.ndarray:
    """Variance (NODES) of the grain, from groups (NODES, GROUPS) of the pixels of one brightness.

    Grain does not grow with texture at one brightness; what does is texture that the filter does not explain.
    """
    grain, leak, least = variance.mean(1).clip(1e-12), 0.0, (variance[:, 0] / 4).clip(1e-12)
    for _ in range(ROUNDS):
        weight = size / (grain[:, None] + leak * texture + rounding).clip(1e-12) ** 2
        total = weight.sum(1, keepdims=True).clip(1e-30)
        x, y = ((weight * values).sum(1, keepdims=True) / total for values in (texture, variance))
        rise = (weight * (texture - x) * (variance - y)).sum() / max((weight * (texture - x) ** 2).sum(), 1e-30)
        leak = max(float(rise), 0.0)
        grain = np.maximum((y - leak * x)[:, 0], least)
    return grain


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
    """Radial gain of a filter: 1 where the two pictures have nothing in common to tell it from.

    Source: random error of a transfer function's gain, Bendat and Piersol, "Random Data", ch. 9.
    """
    ring, gain = frequency_radius().round().long().clamp(max=BLOCK // 2), torch.ones(BLOCK // 2 + 1)
    for radius in range(1, BLOCK // 2 + 1):
        here = ring == radius
        alike, found = coherence[:, here].mean(), filter_[:, here].mean().real
        trust = ((alike - 0.3) / 0.4).clamp(0, 1)
        error = found.abs() * ((1 - alike) / alike.clamp(min=1e-6) / (2 * blocks * 3 * here.sum())).sqrt()
        if found > 1:  # what a rendering has of its own only lowers its gain: one above 1 is true where it is no chance
            trust = torch.maximum(trust, ((found - 1) / error.clamp(min=1e-6) - UNCERTAIN).clamp(0, 1))
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
