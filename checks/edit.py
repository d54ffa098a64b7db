"""Is an edit what it was meant to be, and nothing more?"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..imaging import overlay
from .anchors import anchor_drift, drift_map
from .brand import brand_colors as check_brand_colors
from .lighting import lighting_report
from .report import Report

HEAT_FULL_LEVELS = 8.0  # a drift of this many 8-bit levels is the end of the heat map's scale


@dataclass(frozen=True)
class CheckResult:
    """What a check node puts out."""

    report: Report
    heatmap: Tensor  # (B, 3, H, W)
    fix_mask: Tensor  # (B, 1, H, W), 1 where it failed


def check_edit(
    original: Tensor,
    image: Tensor,
    edit_mask: Tensor,
    *,
    lock_mask: Tensor | None = None,
    brand_colors: list[str] | tuple[str, ...] = (),
) -> CheckResult:
    """Compare an edited picture with its original.

    Args:
        original, image: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W), above 0 = may have changed.
        lock_mask: (B or 1, 1, H, W), above 0 = must be bit-identical; None = where the edit mask is 0.
        brand_colors: `#rrggbb`, verified inside the edit.

    Raises:
        ValueError: sizes differ.
    """
    lock = (edit_mask <= 0).to(edit_mask.dtype) if lock_mask is None else lock_mask
    report = anchor_drift(original, image, lock) + check_brand_colors(image, edit_mask, list(brand_colors))
    report = report + lighting_report(image, edit_mask, original)
    drift = drift_map(original, image, lock)
    return CheckResult(report, overlay.heatmap(image, drift / HEAT_FULL_LEVELS), (drift > 0).to(edit_mask.dtype))
