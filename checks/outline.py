"""The outline of a subject or an edit in its picture: fragments, holes, raggedness, halo, seam, contact with the frame."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..imaging import color, masks, silhouette
from .finding import Finding, grown, largest_part
from .report import Measurement
from .seam import contour_windows, seam_steps

REPAIR_PX = 6
HALO_BAND_PX = (1.0, 4.0)  # outside the outline, where a halo lies
OUTER_PX, INNER_PX = (6.0, 12.0), (4.0, 10.0)  # where surroundings and subject are themselves
LEAST_WINDOW_PX = 8
PARALLEL_PX = (-9.0, 9.0)  # contours beside the edit's own, which step as its surroundings do


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
    where = grown(parts.where, REPAIR_PX)
    return Finding(Measurement(metric, parts.count, largest_part(where), detail if parts.count else ""), where)


def halo(lightness: np.ndarray, mask: Tensor, subject: str) -> Finding:
    """Is there a bright or dark rim around a mask (1, 1, h, w) that neither it nor its surroundings have?

    Args:
        lightness: (h, w), CIE L*.
    """
    distance = masks.signed_distance((mask > silhouette.SOLID).float())[0, 0].cpu().numpy()
    window, count = contour_windows(distance)
    rim = _means(lightness, (distance < -HALO_BAND_PX[0] + 0.5) & (distance >= -HALO_BAND_PX[1]), window, count)
    outer = _means(lightness, (distance < -OUTER_PX[0]) & (distance >= -OUTER_PX[1]), window, count)
    inner = _means(lightness, (distance > INNER_PX[0]) & (distance <= INNER_PX[1]), window, count)
    excess = rim - np.clip(rim, np.fmin(inner, outer), np.fmax(inner, outer))
    known = np.isfinite(excess)
    if known.sum() < 4:
        return Finding(Measurement("outline_halo", None, None, "too little outline", subject))
    middle = float(np.median(excess[known]))
    side = np.sign(middle)
    marked = np.where(known, excess * side, 0) > max(1.0, 0.5 * abs(middle))
    where = (
        marked[window] & (np.abs(distance) <= HALO_BAND_PX[1] + REPAIR_PX) if count else np.zeros(window.shape, bool)
    )
    detail = f"a {'bright' if middle > 0 else 'dark'} rim runs around it" if abs(middle) > 1 else ""
    return Finding(Measurement("outline_halo", abs(middle), largest_part(where), detail, subject), where)


def _means(plane: np.ndarray, chosen: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
    """Mean of a plane (H, W) in each window over the chosen pixels; NaN where a window has too few."""
    total = np.bincount(window[chosen], minlength=count).astype(float)
    sums = np.bincount(window[chosen], plane[chosen], count)
    return np.where(total >= LEAST_WINDOW_PX, sums / np.maximum(total, 1), np.nan)


def blind_seam(canvas: Tensor, mask: Tensor) -> Finding:
    """How much more a picture steps across an edit's border than along contours beside it; weak without the original."""
    distance = masks.signed_distance((mask > 0).float())[0, 0].cpu().numpy()
    lab = (color.srgb_to_oklab(canvas.float()) * 100)[0].permute(1, 2, 0).cpu().numpy()
    step, where, _ = seam_steps(lab, distance)
    if where is None:
        return Finding(Measurement("blind_seam_step", None, None, "the edit has no border in the frame"))
    beside = [seam_steps(lab, distance - shift)[0] for shift in PARALLEL_PX]
    border = np.abs(distance) <= REPAIR_PX
    return Finding(Measurement("blind_seam_step", max(0.0, step - max(beside)), largest_part(border)), border)
