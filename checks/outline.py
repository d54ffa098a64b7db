"""The outline of a subject or an edit in its picture: fragments, holes, raggedness, halo, seam, contact with the frame."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..imaging import color, masks, silhouette
from .finding import Finding, largest_part
from .halo import OUTER_RIM, fringe
from .report import Measurement
from .seam import window_means
from .view import contour_windows

REPAIR_PX = 6
MIN_PIECES = 6  # of the border
STEP_FLOOR = 0.1  # OKLab x 100: a step of less is not seen, however sure it is
MEDIAN_ERROR, MAD_TO_DEVIATION = 1.25, 1.48  # of normal values: a median's error over a mean's; deviation over MAD


def matte_findings(mask: Tensor) -> list[Finding]:
    """Judge a subject's mask (1, 1, h, w) on the canvas."""
    islands, holes = silhouette.fragments(mask), silhouette.holes(mask)
    ragged, map_ = silhouette.raggedness_px(mask)
    sides = silhouette.border_contact(mask)
    side = max(sides, key=sides.get)
    contact = sides[side]
    soft = silhouette.soft_width_px(mask)
    return [
        _parts("matte_fragments", islands, "small parts beside the subject move on their own"),
        _parts("matte_holes", holes, "holes within the subject tear open"),
        Finding(
            Measurement("matte_ragged_px", ragged, None, "the mask has no outline" if ragged is None else ""),
            map_ > 1.5,
        ),
        Finding(Measurement("matte_soft_px", soft, None, "the mask has no outline" if soft is None else "")),
        Finding(
            Measurement(
                "subject_border_fraction",
                contact,
                None,
                f"the {side} side cuts it; leave room for movement" if contact else "",
            )
        ),
    ]


def _parts(metric: str, parts: silhouette.Parts, detail: str) -> Finding:
    where = masks.dilated(parts.where, REPAIR_PX)
    return Finding(Measurement(metric, parts.count, largest_part(where), detail if parts.count else ""), where)


def halo(lightness: np.ndarray, mask: Tensor, subject: str) -> Finding:
    """Is there a bright or dark rim around a mask (1, 1, h, w) that neither it nor its surroundings have?

    Without the original a rim light counts as well; with it, `halo.halo_finding` tells them apart.

    Args:
        lightness: (h, w), CIE L*.
    """
    distance = masks.signed_distance((mask > silhouette.SOLID).float())[0, 0].cpu().numpy()
    windows = contour_windows(distance)
    found = fringe(lightness, distance, windows, OUTER_RIM)
    if found is None:
        return Finding(Measurement("outline_halo", None, None, "too little outline", subject))
    value, beyond = found
    marked = np.nan_to_num(beyond) * np.sign(value) > max(1.0, 0.5 * abs(value))
    where = marked[windows[0]] & (np.abs(distance) <= REPAIR_PX - OUTER_RIM[0])
    detail = f"a {'bright' if value > 0 else 'dark'} rim runs around it" if abs(value) > 1 else ""
    return Finding(Measurement("outline_halo", abs(value), largest_part(where), detail, subject), where)


def blind_seam(canvas: Tensor, mask: Tensor) -> Finding:
    """How surely a picture steps right at an edit's border (1, 1, h, w), and the same way all along it.

    The step between the pixels on either side of the border, less the mean of the steps one pixel further in and one
    further out, as the median over the pieces of the border. What a picture shows steps this way at one piece and that
    way at the next, and an edge of its own is wider than a pixel or does not keep to the mask that closely.
    """
    distance = masks.signed_distance((mask > 0).float())[0, 0].cpu().numpy()
    window, count = contour_windows(distance)
    lab = (color.srgb_to_oklab(canvas.float()) * 100)[0].permute(1, 2, 0).cpu().numpy()
    steps = _border_steps(lab, distance, window, count) if count else np.empty((0, 3))
    if len(steps) < MIN_PIECES:
        return Finding(Measurement("blind_seam_step", None, None, "the edit has too little border in the frame"))
    step = np.median(steps, 0)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(steps - step), 0)
    size = float(np.linalg.norm(step))
    error = MEDIAN_ERROR * float(np.linalg.norm(deviation)) / len(steps) ** 0.5
    border = np.abs(distance) <= REPAIR_PX
    detail = f"the border steps by {size:.1f} (OKLab x 100), the same way all along it"
    return Finding(Measurement("blind_seam_step", size / (error + STEP_FLOOR), largest_part(border), detail), border)


def _border_steps(lab: np.ndarray, distance: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
    """The step across the border beyond those beside it, (n, 3), of each of the border's pieces that has them."""
    inner, outer = ([(side * distance > n) & (side * distance <= n + 1) for n in (0, 1)] for side in (1, -1))
    deep, near, out, far = (window_means(lab, layer, window, count) for layer in (*inner[::-1], *outer))
    steps = (near - out) - ((deep - near) + (out - far)) / 2
    return steps[np.isfinite(steps).all(1)]
