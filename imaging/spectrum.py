"""Power spectra of small blocks of a picture: cutting, removing shading, windowing, averaging."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 16  # px; side of a measured block
LOW_RADIUS = 2  # periods per block below which shading cannot be told from grain: the spectrum is extrapolated there
MAX_SPECTRUM_BLOCKS = 2048  # their mean is exact to a few percent at every frequency


def _cut(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Blocks (n, 3, BLOCK * BLOCK) of an image (3, H, W) at the given corners."""
    offset = torch.arange(BLOCK, device=image.device)
    rows, columns = (y[:, None] + offset)[:, :, None], (x[:, None] + offset)[:, None, :]
    return image[:, rows, columns].movedim(0, 1).flatten(2)


@lru_cache
def block_window() -> Tensor:
    """Hann window (BLOCK, BLOCK)."""
    line = torch.hann_window(BLOCK, periodic=False)
    return line[:, None] * line


@lru_cache
def shading_basis() -> Tensor:
    """Orthonormal basis (BLOCK * BLOCK, 6) of quadratic shading in a block."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, BLOCK, dtype=torch.float64)] * 2, indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y, x * y, x * x, y * y]).flatten(1).T
    return torch.linalg.qr(terms)[0].float()


def detrend(pixels: Tensor) -> Tensor:
    """Blocks (n, 3, BLOCK * BLOCK) without their quadratic shading."""
    basis = shading_basis().to(pixels)
    pixels = pixels - pixels.mean(2, keepdim=True)  # first, for float32's sake
    return pixels - (pixels @ basis) @ basis.T


def pixels_at(image: Tensor, place: Tensor):
    """Pairs of indices and blocks (n, 3, BLOCK * BLOCK) at the given places, a part at a time."""
    for frame in place[:, 0].unique():
        for index in (place[:, 0] == frame).nonzero()[:, 0].split(2048):
            corner = place[index].to(image.device)
            yield index, _cut(image[min(int(frame), len(image) - 1)].float(), corner[:, 1], corner[:, 2])


@lru_cache
def frequency_radius() -> Tensor:
    """Periods per block of every frequency of `rfft2`: (BLOCK, BLOCK // 2 + 1)."""
    y, x = torch.fft.fftfreq(BLOCK) * BLOCK, torch.fft.rfftfreq(BLOCK) * BLOCK
    return torch.hypot(y[:, None], x[None])


@lru_cache
def frequency_copies() -> Tensor:
    """How often each frequency of `rfft2` occurs in the full transform: (BLOCK // 2 + 1)."""
    copies = torch.full((BLOCK // 2 + 1,), 2.0)
    copies[0] = copies[-1] = 1.0
    return copies


@lru_cache
def kept_power(windowed: bool = True) -> Tensor:
    """Share of white noise's power that detrending and, if wanted, the window leave at every frequency."""
    keep = torch.eye(BLOCK**2) - shading_basis() @ shading_basis().T
    taper = block_window().flatten() if windowed else torch.ones(BLOCK**2)
    rows = (keep * taper).reshape(BLOCK**2, BLOCK, BLOCK)
    return torch.fft.rfft2(rows).abs().square().sum(0) / taper.square().sum()


def cross_power(waves: Tensor) -> Tensor:
    """Sum over blocks of the channels' cross power, each block at unit energy: it is the shape that is averaged."""
    waves = waves / waves.abs().square().mean((1, 2, 3), keepdim=True).clamp(min=1e-20).sqrt()
    return torch.stack([(waves[:, c : c + 1] * waves.conj()).real.sum(0) for c in range(3)]).cpu()


def mean_power(image: Tensor, place: Tensor) -> Tensor:
    """Mean cross power (3, 3, BLOCK, BLOCK // 2 + 1) of an image's blocks."""
    if len(place) > MAX_SPECTRUM_BLOCKS:
        place = place[torch.linspace(0, len(place) - 1, MAX_SPECTRUM_BLOCKS).long()]
    power = torch.zeros(3, 3, BLOCK, BLOCK // 2 + 1)
    for _, pixels in pixels_at(image, place):
        tapered = detrend(pixels) * block_window().flatten().to(pixels)
        power += cross_power(torch.fft.rfft2(tapered.unflatten(2, (BLOCK, BLOCK))))
    return power


def normalize_power(power: Tensor) -> tuple[Tensor, Tensor]:
    """Spectrum at unit variance, and for each channel by how much its variance exceeds the blocks' energy."""
    measured = channel_variance(power).clamp(min=1e-20)
    power = _extrapolate_low(power / kept_power().clamp(min=0.05))
    total = channel_variance(power).clamp(min=1e-20)
    return power / (total[:, None] * total[None]).sqrt()[:, :, None, None], total / measured


def channel_variance(power: Tensor) -> Tensor:
    """Each channel's power over all frequencies (3)."""
    return (power.diagonal(dim1=0, dim2=1).movedim(2, 0) * frequency_copies()).sum((1, 2))


def _extrapolate_low(power: Tensor) -> Tensor:
    """Replace the power of low frequencies, where shading is left over, by what the next ones say.

    The logarithm of a blurred grain's power is linear in the squared frequency.
    """
    radius = frequency_radius()
    near, far = (radius >= LOW_RADIUS) & (radius < 3.5), (radius >= 3.5) & (radius < 5)
    diagonal = power.diagonal(dim1=0, dim2=1).mean(2)
    slope = torch.log(diagonal[near].mean() / diagonal[far].mean().clamp(min=1e-20)).clamp(0, 4)
    slope = slope / (radius[far].square().mean() - radius[near].square().mean())
    rise = torch.exp(slope * (radius[near].square().mean() - radius.square())).clamp(1, 3)
    low = power[:, :, near].mean(2)[:, :, None, None] * rise
    return torch.where(radius < LOW_RADIUS, low, power)


def centered_kernel(response: Tensor) -> Tensor:
    """Kernel (…, BLOCK - 1, BLOCK - 1) of a real frequency response (…, BLOCK, BLOCK // 2 + 1)."""
    return torch.fft.fftshift(torch.fft.irfft2(response, s=(BLOCK, BLOCK)), dim=(-2, -1))[..., 1:, 1:]


def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve (B, 3, H, W) with a kernel (3, 3, k, k); borders are replicated."""
    pad = kernel.shape[-1] // 2
    return F.conv2d(F.pad(image, (pad,) * 4, mode="replicate"), kernel)
