"""Can the border of an edit be found?"""

from __future__ import annotations

from torch import Tensor

from .anchors import anchor_drift
from .report import Report


def seam_report(original: Tensor, image: Tensor, blend: Tensor) -> Report:
    """Measure a blended image (B, 3, H, W) against its original where the blend (B, 1, H, W) is 0."""
    return anchor_drift(original.expand_as(image), image, (blend <= 0).float())
