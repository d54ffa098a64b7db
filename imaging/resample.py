"""Change the size of an image and get the same pixels back: cubic enlarging and its least-squares inverse."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

KEYS_A = -0.5  # Keys 1981: the cubic that reproduces quadratics; overshoots least of the interpolating kernels
KERNEL_RADIUS = 2  # of the cubic kernel, in px of the coarser grid
GRAM_BANDS = 2 * KERNEL_RADIUS  # diagonals of the normal equations, the main one included
NEGLIGIBLE = 1e-7  # weights below are left out: a hundredth of a 16-bit level over any sum that occurs
BLOCK_ROWS = 128  # rows of the result per matrix product; weights far from the diagonal are all negligible


def resize(image: Tensor, width: int, height: int) -> Tensor:
    """Resize an image so that enlarging and then reducing it to its first size gives the same pixels back.

    Enlarging interpolates with Keys' cubic. Reducing solves the least-squares problem "which small image, enlarged by
    that cubic, comes closest to this one?". That is a low-pass as every good reducing filter is, but the exact inverse
    of enlarging, where a Lanczos or area filter blurs a second time: a patch that a model left alone returns with its
    grain. Its overshoot at an ideal step is 0.10, that of Lanczos 3 is 0.09.

    Args:
        image: (B, C, H, W) in [0, 1].
        width, height: new size in px.

    Returns:
        (B, C, height, width) in [0, 1], on the input's device and dtype. The input itself when the size is the same.

    Raises:
        ValueError: a side is below 1.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing"; Munoz, Blu and Unser 2001,
        "Least-squares image resizing using finite differences" (least squares for B-splines, here for Keys' cubic).
    """
    _require_size(width, height)
    if image.shape[2:] == (height, width):
        return image
    rows, columns = _weights(image.shape[2], height), _weights(image.shape[3], width)
    result = image.new_empty(*image.shape[:2], height, width)
    for index, frame in enumerate(image.float()):  # a frame at a time: a clip's float copy need not fit in memory
        # The axis that shrinks most comes first: less is left for the other.
        if height * image.shape[3] <= width * image.shape[2]:
            frame = _mix_columns(_mix_rows(frame, rows), columns)
        else:
            frame = _mix_rows(_mix_columns(frame, columns), rows)
        result[index] = frame.clamp(0, 1)
    return result


def resize_mask(mask: Tensor, width: int, height: int) -> Tensor:
    """Resize a mask (B, 1, H, W) with a triangle filter: no ringing, and nothing masked gets lost.

    Raises:
        ValueError: a side is below 1.
    """
    _require_size(width, height)
    if mask.shape[2:] == (height, width):
        return mask
    resized = F.interpolate(mask.float(), size=(height, width), mode="bilinear", align_corners=False, antialias=True)
    return resized.clamp(0, 1).to(mask.dtype)


def _require_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ValueError(f"cannot resize to {width}x{height} (WxH); both sides must be at least 1 px")


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic kernel."""
    x = np.abs(distance)
    near = (KEYS_A + 2) * x**3 - (KEYS_A + 3) * x**2 + 1
    far = KEYS_A * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _interpolation(old: int, new: int) -> np.ndarray:
    """Matrix (new, old) that enlarges a row of `old` pixels by the cubic; edges are mirrored."""
    position = (np.arange(new) + 0.5) * old / new - 0.5
    tap = np.floor(position).astype(int)[:, None] + np.arange(1 - KERNEL_RADIUS, KERNEL_RADIUS + 1)
    weight = _cubic(position[:, None] - tap)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], mirror_index(tap, old)), weight)
    return matrix


def mirror_index(index: np.ndarray, size: int) -> np.ndarray:
    """Index outside 0..size-1 to the pixel that a mirror at the edge shows there (edge pixels count twice)."""
    index = index % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)


def _weights(old: int, new: int) -> Tensor:
    """Matrix (new, old), float32: the interpolation, or its least-squares inverse when `new` is smaller."""
    if new >= old:
        return torch.from_numpy(_interpolation(old, new).astype(np.float32))
    from scipy.linalg import solveh_banded  # here, for its import takes long

    enlarge = _interpolation(new, old)
    normal = np.zeros((GRAM_BANDS, new))  # diagonals of enlarge.T @ enlarge, the main one first
    for offset in range(min(GRAM_BANDS, new)):
        normal[offset, : new - offset] = np.einsum("ij,ij->j", enlarge[:, : new - offset], enlarge[:, offset:])
    return torch.from_numpy(solveh_banded(normal, enlarge.T, lower=True).astype(np.float32))


def _blocks(weights: Tensor):
    """Slices (rows, columns) that hold all the weights that matter."""
    for start in range(0, weights.shape[0], BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        used = (weights[rows].abs() > NEGLIGIBLE).any(0).nonzero()
        yield rows, slice(int(used[0]), int(used[-1]) + 1)


def _mix_rows(image: Tensor, weights: Tensor) -> Tensor:
    """(C, H, W) to (C, new H, W)."""
    weights = weights.to(image.device)
    return torch.cat([weights[rows, used] @ image[:, used] for rows, used in _blocks(weights)], 1)


def _mix_columns(image: Tensor, weights: Tensor) -> Tensor:
    """(C, H, W) to (C, H, new W)."""
    weights = weights.to(image.device)
    return torch.cat([image[:, :, used] @ weights[rows, used].T for rows, used in _blocks(weights)], 2)
