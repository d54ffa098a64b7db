"""Masks and distances: (B, 1, H, W) in [0, 1], 1 = may change."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FAR_PX = 1e6  # distance reported where there is no edge at all
COARSE_SIGMA_PX = 8.0  # a Gaussian this wide is smooth enough between its pixels for linear interpolation

Window = tuple[object, slice, slice]  # index of rows and columns in any (..., H, W)


def _distance_to_zero(inside: np.ndarray) -> np.ndarray:
    """Distance in px of every pixel of a boolean (H, W) array to the nearest False one; `FAR_PX` without any."""
    if inside.all():
        return np.full(inside.shape, FAR_PX, np.float32)
    return cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def signed_distance(mask: Tensor) -> Tensor:
    """Distance to the edge of the region `mask > 0`: positive inside, negative outside, never 0.

    Distances run between pixel centers, so a pixel just inside the edge has 1 and one just outside -1. The frame's
    border is no edge. An empty mask is -`FAR_PX` everywhere, a full one `FAR_PX`.

    Args:
        mask: (B, 1, H, W).

    Returns:
        (B, 1, H, W) float32 on the mask's device, in px.
    """
    planes = (mask[:, 0] > 0).cpu().numpy()
    signed = [_distance_to_zero(plane) - _distance_to_zero(~plane) for plane in planes]
    return torch.from_numpy(np.stack(signed)).unsqueeze(1).clamp(-FAR_PX, FAR_PX).to(mask.device)


def grow(mask: Tensor, radius_px: float) -> Tensor:
    """Grow the region `mask > 0` by a Euclidean radius, or shrink it when the radius is negative.

    Radius 0 returns the mask unchanged, soft values included. Growing keeps the mask's own values where it was above
    0 and sets new pixels to 1; shrinking sets lost pixels to 0.
    """
    if radius_px == 0:
        return mask
    distance = signed_distance(mask)
    if radius_px > 0:
        return torch.where((mask <= 0) & (distance >= -radius_px), torch.ones_like(mask), mask)
    return torch.where(distance > -radius_px, mask, torch.zeros_like(mask))


def disc(radius_px: int) -> np.ndarray:
    """A structuring element for OpenCV: (2 r + 1, 2 r + 1) uint8, 1 within the radius."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)


def dilated(where: np.ndarray, radius_px: int) -> np.ndarray:
    """A bool map (H, W) grown by a disc of a few px; `grow` does tensors and any radius."""
    return cv2.dilate(where.astype(np.uint8), disc(radius_px)) > 0


def feather_inward(mask: Tensor, feather_px: float) -> Tensor:
    """Ramp the mask from its edge inward; nothing outside the region `mask > 0` is ever touched.

    `feather_px` is the number of pixels along the normal that are neither 0 nor 1. 0 returns the mask unchanged.
    Soft values of the mask itself are kept as an upper bound.
    """
    if feather_px <= 0:
        return mask
    ramp = (signed_distance(mask) / (feather_px + 1)).clamp(0, 1).to(mask.dtype)
    return torch.minimum(mask, ramp)


def bounding_box(mask: Tensor) -> tuple[int, int, int, int] | None:
    """Box (x, y, width, height) in px around `mask > 0` over the whole batch; None when the mask is empty."""
    if not mask.numel():
        return None
    rows, columns = ((mask.amax(axes) > 0).nonzero() for axes in ((0, 1, 3), (0, 1, 2)))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def around(mask: Tensor, margin_px: int = 0) -> Window | None:
    """Index of the box around `mask > 0`, grown by a margin and cut at the frame; None when the mask is empty.

    Work that ends within the margin can be done there: `image[around(mask, 8)]`.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    x, y, width, height = box
    rows = slice(max(0, y - margin_px), min(mask.shape[2], y + height + margin_px))
    return ..., rows, slice(max(0, x - margin_px), min(mask.shape[3], x + width + margin_px))


def connected_to(seeds: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Connected parts (8 neighbors) of `limit` that hold a seed; all bool (H, W). Hysteresis, Canny 1986."""
    _, labels = cv2.connectedComponents(limit.astype(np.uint8), connectivity=8)
    kept = np.zeros(labels.max() + 1, bool)
    kept[labels[seeds & limit]] = True
    return kept[labels]


def gaussian_blur(image: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur of (B, C, H, W) with reflected borders, separable, radius 3 sigma. Sigma 0 changes nothing.

    In the CPU's memory OpenCV filters plane by plane, 10 to 50 times faster than torch's convolution of one channel;
    both agree to 2e-6 (tests).
    """
    if sigma_px <= 0:
        return image
    radius = max(1, round(3 * sigma_px))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    return _blur_axes(image, kernel / kernel.sum())


def wide_blur(image: Tensor, sigma_px: float) -> Tensor:
    """`gaussian_blur` for wide kernels, to within 0.003 of it: the time does not grow with sigma.

    In the CPU's memory the image is reduced by area until sigma is about `COARSE_SIGMA_PX`, blurred, and enlarged by
    linear interpolation; their own blurs are taken off sigma. Elsewhere it is `gaussian_blur`.
    """
    height, width = image.shape[2:]
    factor = min(sigma_px / COARSE_SIGMA_PX, height / 2, width / 2)
    if factor < 2 or image.device.type != "cpu":
        return gaussian_blur(image, sigma_px)
    size = round(width / factor), round(height / factor)
    ratios = width / size[0], height / size[1]
    # A box of r px has the variance (r^2 - 1) / 12, linear interpolation over r px r^2 / 6.
    sigmas = [math.sqrt(sigma_px**2 - (ratio**2 - 1) / 12 - ratio**2 / 6) / ratio for ratio in ratios]
    kernel = tuple(2 * round(3 * sigma) + 1 for sigma in sigmas)
    result = torch.empty(image.shape)
    for source, blurred in zip(image.float().flatten(0, 1), result.flatten(0, 1), strict=True):
        small = cv2.resize(source.contiguous().numpy(), size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, kernel, sigmas[0], sigmaY=sigmas[1], borderType=cv2.BORDER_REFLECT)
        cv2.resize(small, (width, height), dst=blurred.numpy(), interpolation=cv2.INTER_LINEAR)
    return result.to(image.dtype)


def box_blur(image: Tensor, radius_px: int) -> Tensor:
    """Mean of (B, C, H, W) over a square of 2 * radius + 1 px, with reflected borders."""
    size = 2 * radius_px + 1
    return _blur_axes(image, np.full(size, 1 / size))


def _blur_axes(image: Tensor, kernel: np.ndarray) -> Tensor:
    """Convolve with a kernel of odd length along both axes."""
    return (_convolve_planes if image.device.type == "cpu" else _convolve_axes)(image, kernel)


def _convolve_planes(image: Tensor, kernel: np.ndarray) -> Tensor:
    """Convolve (B, C, H, W) in the CPU's memory with a kernel along both axes; borders are reflected."""
    exact = image.dtype if image.dtype in (torch.float32, torch.float64) else torch.float32
    source = image.detach().to(exact).contiguous().flatten(0, 1).numpy()
    result = np.empty_like(source)
    kernel = kernel.astype(source.dtype)
    for plane, blurred in zip(source, result, strict=True):
        cv2.sepFilter2D(plane, -1, kernel, kernel, dst=blurred, borderType=cv2.BORDER_REFLECT)
    return torch.from_numpy(result).view(image.shape).to(image.dtype)


def _convolve_axes(image: Tensor, kernel: np.ndarray) -> Tensor:
    """The same with torch, on the image's device."""
    radius, channels = len(kernel) // 2, image.shape[1]
    kernel = torch.from_numpy(kernel).to(image)
    for axis in (2, 3):
        size = image.shape[axis]
        index = torch.arange(-radius, size + radius, device=image.device)
        index = (index % (2 * size)).where(index % (2 * size) < size, 2 * size - 1 - index % (2 * size))
        shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
        weight = kernel.view(shape).expand(channels, 1, *shape[2:])
        image = F.conv2d(image.index_select(axis, index), weight, groups=channels)
    return image
