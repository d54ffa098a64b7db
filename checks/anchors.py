"""Did locked pixels stay what they were?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .report import Measurement, Place, Report


def to_levels(image: Tensor) -> Tensor:
    """The 8-bit values that ComfyUI's Save Image writes: 255 * x, truncated. Any shape, int16."""
    return image.clamp(0, 1).mul_(255).to(torch.int16)


@dataclass(frozen=True)
class Drift:
    """What changed between two pictures, compared once."""

    report: Report
    change: Tensor  # (B, 1, H, W) int16: every pixel's change in 8-bit levels, the largest of its channels
    map: Tensor  # the same, 0 where nothing is locked
    locked: Tensor  # (B, 1, H, W) bool


def measure_drift(original: Tensor, image: Tensor, lock: Tensor) -> Drift:
    """Compare the pixels where `lock` > 0 with the original's, as 8-bit values.

    Args:
        original, image: (B, 3, H, W) in [0, 1].
        lock: (B or 1, 1, H, W).

    Returns:
        The change, and in its report `anchor_changed_px`, `anchor_max_error` (both at the place of the largest
        change), `anchor_p999_error`, `anchor_changed_fraction` and `edit_changed_fraction`.

    Raises:
        ValueError: sizes differ.
    """
    locked = (lock > 0).expand(image.shape[0], 1, *image.shape[2:])
    change = _change(original, image)
    locked_px, free_px = int(locked.sum()), int((~locked).sum())
    drift = change * locked
    largest, changed, p999, where = int(drift.max()), 0, 0, None
    if largest:
        counts = torch.bincount(drift.flatten().int(), minlength=256)
        counts[0] -= free_px
        changed, p999 = locked_px - int(counts[0]), int((counts.cumsum(0) < 0.999 * locked_px).sum())
        frame, _, y, x = (int(i) for i in (drift == largest).nonzero()[0])
        where = Place(x, y, frame=frame)
    values = {
        "anchor_changed_px": changed,
        "anchor_max_error": largest,
        "anchor_p999_error": p999,
        "anchor_changed_fraction": changed / max(1, locked_px),
    }
    detail = "" if locked_px else "no pixel is locked"
    measurements = [Measurement(m, value if locked_px else None, where, detail) for m, value in values.items()]
    moved = float(((change > 1) & ~locked).sum()) / free_px if free_px else None
    measurements.append(Measurement("edit_changed_fraction", moved, detail="" if free_px else "every pixel is locked"))
    inputs = {"frames": image.shape[0], "width": image.shape[3], "height": image.shape[2], "locked_px": locked_px}
    return Drift(Report(tuple(measurements), inputs), change, drift, locked)


def anchor_drift(original: Tensor, image: Tensor, lock: Tensor) -> Report:
    """The report of `measure_drift`."""
    return measure_drift(original, image, lock).report


def _change(original: Tensor, image: Tensor) -> Tensor:
    if original.shape != image.shape:
        raise ValueError(f"original is {_size(original)} but image is {_size(image)} (frames x WxH)")
    largest = torch.zeros(image.shape[0], 1, *image.shape[2:], dtype=torch.int16, device=image.device)
    for channel in range(image.shape[1]):  # one by one: a third of the memory, and faster for it
        ours, theirs = (to_levels(picture[:, channel : channel + 1]) for picture in (original, image))
        torch.maximum(largest, theirs.sub_(ours).abs_(), out=largest)
    return largest


def _size(image: Tensor) -> str:
    return f"{image.shape[0]} x {image.shape[3]}x{image.shape[2]}"
