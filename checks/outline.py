"""The outline of a subject or an edit in its picture: fragments, holes, raggedness, halo, seam, contact with the frame."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..imaging import color, masks, silhouette
from .finding import Finding, grown, largest_part
from .halo import OUTER_RIM, fringe
from .report import Measurement
from .seam import seam_steps
from .view import contour_windows

REPAIR_PX = 6
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
    """How much more a picture steps across an edit's border than along contours beside it; weak without the original."""
    distance = masks.signed_distance((mask > 0).float())[0, 0].cpu().numpy()
    lab = (color.srgb_to_oklab(canvas.float()) * 100)[0].permute(1, 2, 0).cpu().numpy()
    step, where, _ = seam_steps(lab, distance)
    if where is None:
        return Finding(Measurement("blind_seam_step", None, None, "the edit has no border in the frame"))
    beside = [seam_steps(lab, distance - shift)[0] for shift in PARALLEL_PX]
    border = np.abs(distance) <= REPAIR_PX
    return Finding(Measurement("blind_seam_step", max(0.0, step - max(beside)), largest_part(border)), border)
