"""Did locked pixels stay what they were?"""

from __future__ import annotations

import torch
from torch import Tensor

from .report import Measurement, Place, Report


def to_levels(image: Tensor) -> Tensor:
    """The 8-bit values that ComfyUI's Save Image writes: 255 * x, truncated. Any shape, int16."""
    return (image.clamp(0, 1) * 255).to(torch.int16)


def anchor_drift(original: Tensor, image: Tensor, lock: Tensor) -> Report:
    """Compare the pixels where `lock` > 0 with the original's, as 8-bit values.

    Args:
        original, image: (B, 3, H, W) in [0, 1].
        lock: (B or 1, 1, H, W).

    Returns:
        `anchor_changed_px`, `anchor_max_error` at the place of the largest change, and `edit_changed_fraction`.

    Raises:
        ValueError: sizes differ.
    """
    locked = (lock > 0).expand(image.shape[0], 1, *image.shape[2:])
    error = _error(original, image)
    drift = error * locked
    largest, changed = int(drift.max()), int((drift > 0).sum())
    where = None
    if largest:
        frame, _, y, x = (int(i) for i in (drift == largest).nonzero()[0])
        where = Place(x, y, frame=frame)
    locked_px, free_px = int(locked.sum()), int((~locked).sum())
    detail = "" if locked_px else "no pixel is locked"
    moved = float(((error > 1) & ~locked).sum()) / free_px if free_px else None
    return Report(
        (
            Measurement("anchor_changed_px", changed if locked_px else None, where, detail),
            Measurement("anchor_max_error", largest if locked_px else None, where, detail),
            Measurement("edit_changed_fraction", moved, detail="" if free_px else "every pixel is locked"),
        ),
        {"frames": image.shape[0], "width": image.shape[3], "height": image.shape[2], "locked_px": locked_px},
    )


def drift_map(original: Tensor, image: Tensor, lock: Tensor) -> Tensor:
    """Change of every locked pixel in 8-bit levels, the largest of its channels: (B, 1, H, W) float32."""
    return (_error(original, image) * (lock > 0)).float()


def _error(original: Tensor, image: Tensor) -> Tensor:
    if original.shape != image.shape:
        raise ValueError(f"original is {_size(original)} but image is {_size(image)} (frames x WxH)")
    return (to_levels(image) - to_levels(original)).abs().amax(1, keepdim=True)


def _size(image: Tensor) -> str:
    return f"{image.shape[0]} x {image.shape[3]}x{image.shape[2]}"
