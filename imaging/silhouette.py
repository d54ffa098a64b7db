"""The outline of a subject's mask: fragments, holes, raggedness, softness, contact with the frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

SOLID = 0.5  # a mask's value from which a pixel belongs to the subject
FAINT = 0.1  # ... from which it shows at all
SMALL_SHARE = 0.002  # of the largest part's area: a part this small was left behind, it is no subject of its own
SMALL_PX = 36  # ... and so is one of 6 x 6 px, however small the subject
LEAST_PX = 4  # area on the canvas from which a fragment survives the model's latent grid
SMOOTH_PX = 3.0  # stairs and teeth smaller than this are not the subject's shape


@dataclass(frozen=True)
class Parts:
    """Fragments of a mask: how many, and where (H, W) bool."""

    count: int
    where: np.ndarray


def fragments(mask: Tensor) -> Parts:
    """Small islands beside the subject.

    Args:
        mask: (1, 1, H, W) in [0, 1].
    """
    return _small_parts(_plane(mask) > FAINT, touching_frame=True)


def holes(mask: Tensor) -> Parts:
    """Small holes within the subject; an opening at the frame's edge is none."""
    return _small_parts(_plane(mask) < 1 - FAINT, touching_frame=False)


def _plane(mask: Tensor) -> np.ndarray:
    return mask[0, 0].float().cpu().numpy()


def _small_parts(inside: np.ndarray, *, touching_frame: bool) -> Parts:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA].copy()
    area[0] = 0
    if count < 2:
        return Parts(0, np.zeros(inside.shape, bool))
    small = (area >= LEAST_PX) & (area < area.max()) & (area < max(SMALL_PX, SMALL_SHARE * area.max()))
    if not touching_frame:
        x, y, width, height = stats[:, :4].T
        small &= (x > 0) & (y > 0) & (x + width < inside.shape[1]) & (y + height < inside.shape[0])
    return Parts(int(small.sum()), small[labels])


def soft_width_px(mask: Tensor) -> float | None:
    """Width of the ramp between outside and inside along the outline; None without an outline."""
    plane = _plane(mask)
    outline = _outline_length(plane > SOLID)
    return float(((plane > 0.05) & (plane < 0.95)).sum() / outline) if outline else None


def raggedness_px(mask: Tensor) -> tuple[float | None, np.ndarray]:
    """Root mean square distance of the outline from itself smoothed, in px; None without an outline; and where (H, W).

    The map holds the distance along the outline and 0 elsewhere.
    """
    solid = (_plane(mask) > SOLID).astype(np.float32)
    nowhere = np.zeros(solid.shape, np.float32)
    if solid.all() or not solid.any():
        return None, nowhere
    inside = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - solid.astype(np.uint8), cv2.DIST_L2, 5)
    distance = inside - outside
    smooth = cv2.GaussianBlur(np.clip(distance, -20, 20), (0, 0), SMOOTH_PX)
    outline = np.abs(distance) <= 1
    return float(np.sqrt((smooth[outline] ** 2).mean())), np.where(outline, np.abs(smooth), nowhere)


def _outline_length(solid: np.ndarray) -> float:
    contours, _ = cv2.findContours(solid.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # Along pixels the way is up to 8 % longer than the line they stand for.
    return sum(cv2.arcLength(cv2.approxPolyDP(contour, 1.0, True), True) for contour in contours)


def border_contact(mask: Tensor) -> dict[str, float]:
    """Share of each of the frame's sides that the subject covers."""
    solid = _plane(mask) > SOLID
    sides = {"left": solid[:, 0], "right": solid[:, -1], "top": solid[0], "bottom": solid[-1]}
    return {name: float(side.mean()) for name, side in sides.items()}
