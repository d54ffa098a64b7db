"""Where to change over from one picture to another: the path along which they differ least."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MAX_CUT_PX = 400_000  # the cut is found at a reduced size above this; its cost grows faster than the area


def seam_path(original: Tensor, edited: Tensor, may_be_edited: Tensor, must_be_edited: Tensor) -> Tensor:
    """Label each pixel as the original's (0) or the edited picture's (1), so that the change-over shows least.

    Args:
        original, edited: (1, 3, H, W) in [0, 1].
        may_be_edited: (1, 1, H, W), 0 where the label must be 0.
        must_be_edited: (1, 1, H, W), > 0 where the label must be 1 (and may be).

    Returns:
        (1, 1, H, W) of 0 and 1.

    Source: Kwatra et al. 2003, "Graphcut Textures"; OpenCV's GraphCutSeamFinder with its gradient cost, whose masks
    Python gets back from OpenCV 4.7 on.
    """
    height, width = original.shape[2:]
    may, must = may_be_edited > 0, (must_be_edited > 0) & (may_be_edited > 0)
    factor = 1
    while height * width / factor**2 > MAX_CUT_PX:
        factor *= 2
    small_may = F.max_pool2d(may.float(), factor, ceil_mode=True)
    small_must = F.max_pool2d(must.float(), factor, ceil_mode=True)
    labels = _cut(
        _shrink(original, factor), _shrink(edited, factor), small_may[0, 0].cpu().numpy(), small_must[0, 0].cpu().numpy()
    )
    labels = torch.from_numpy(labels).to(original.device)[None, None]
    if factor > 1:
        labels = F.interpolate(labels, scale_factor=factor, mode="bilinear", align_corners=False)
        labels = (labels[:, :, :height, :width] > 0.5).float()
    return torch.where(must, 1.0, torch.where(may, labels, 0.0))


def _shrink(image: Tensor, factor: int) -> np.ndarray:
    small = F.avg_pool2d(image, factor, ceil_mode=True) if factor > 1 else image
    return np.ascontiguousarray(small[0].permute(1, 2, 0).cpu().numpy() * 255, np.float32)


def _cut(original: np.ndarray, edited: np.ndarray, may: np.ndarray, must: np.ndarray) -> np.ndarray:
    """Run OpenCV's seam finder: each picture's mask says where it may be used."""
    ours, theirs = np.where(must > 0, 0, 255).astype(np.uint8), np.where(may > 0, 255, 0).astype(np.uint8)
    if not (ours & theirs).any():
        return (theirs > 0).astype(np.float32)
    finder = cv2.detail_GraphCutSeamFinder("COST_COLOR_GRAD")
    found = finder.find([original, edited], [(0, 0), (0, 0)], [ours, theirs])
    label = found[1].get() if isinstance(found[1], cv2.UMat) else found[1]
    return (label > 0).astype(np.float32)
