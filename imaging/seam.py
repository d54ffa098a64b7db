"""Blending an edit into the picture it was made for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from . import masks

METHODS = ("auto", "alpha")
DEFAULT_FEATHER_PX = 8


def feather(
    original: Tensor,
    edited: Tensor,
    edit_mask: Tensor,
    *,
    method: str = "auto",
    feather_px: float = 0,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Blend the edited picture into the original along an inward ramp.

    Args:
        original: (B or 1, 3, H, W), the approved picture.
        edited: (B, 3, H, W), the raw frame of the model.
        edit_mask: (B or 1, 1, H, W), 1 = may change.
        method: "alpha" or "auto".
        feather_px: width of the ramp; 0 = 8 px.
        lock_mask: (B or 1, 1, H, W); pixels above 0 stay the original's.
        progress: called with the fraction done.

    Returns:
        image (B, 3, H, W), bit-identical to the original wherever the blend is 0, and the blend (B, 1, H, W).

    Raises:
        ValueError: the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method is '{method}'; choose one of {', '.join(METHODS)}")
    edit = edit_mask if lock_mask is None else torch.where(lock_mask > 0, torch.zeros_like(edit_mask), edit_mask)
    blend = masks.feather_inward(edit, feather_px or DEFAULT_FEATHER_PX).expand(len(edited), -1, -1, -1)
    image = torch.where(blend > 0, torch.lerp(original.expand_as(edited), edited, blend), original)
    if progress:
        progress(1.0)
    return image, blend
