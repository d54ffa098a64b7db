"""Is a seated product what brand and scene demand?"""

from __future__ import annotations

from torch import Tensor

from ..imaging import masks
from ..imaging.product import Swap
from .anchors import anchor_drift
from .brand import brand_shift
from .report import Measurement, Place, Report

SOLID = 0.9  # alpha from which a pixel shows the product and not its edge


def swap_report(scene: Tensor, swap: Swap, colors: list[str], lock_mask: Tensor | None = None) -> Report:
    """Enlargement, brand colors on the product, and locked pixels of a seated product.

    Args:
        scene: (B, 3, H, W), before.
        swap: the seated product.
        colors: `#rrggbb`, verified where the product covers the scene.
        lock_mask: (B or 1, 1, H, W), above 0 = must be the scene's.
    """
    solid = (swap.product_mask > SOLID).float()
    box = masks.bounding_box(solid)
    where = Place(*box) if box else None
    detail = "" if box else "the product is hidden or lies outside the frame"
    scale = Measurement("product_scale", swap.scale, where, detail)
    report = Report((scale,)) + brand_shift(swap.placed, swap.image, solid, colors)
    return report if lock_mask is None else report + anchor_drift(scene, swap.image, lock_mask)
