"""Undo what an edit model did to the rest of the frame."""

from __future__ import annotations

import torch
from torch import Tensor


def restore_anchors(original: Tensor, edited: Tensor, edit_mask: Tensor, lock_mask: Tensor | None = None) -> Tensor:
    """Copy the original back wherever the edit mask is 0 or the lock mask is above 0.

    Args:
        original: (B or 1, 3, H, W).
        edited: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W); pixels above 0 keep the edited picture, whatever the value.
        lock_mask: (B or 1, 1, H, W); wins over the edit mask.

    Returns:
        (B, 3, H, W); copied, never blended, so that restored pixels are bit-identical.
    """
    return torch.where(free_region(edit_mask, lock_mask) > 0, edited, original)


def free_region(edit_mask: Tensor, lock_mask: Tensor | None = None) -> Tensor:
    """Where a result may differ from the original: 1 where the edit mask is above 0 and nothing is locked."""
    free = edit_mask > 0
    if lock_mask is not None:
        free = free & (lock_mask <= 0)
    return free.to(edit_mask.dtype)
