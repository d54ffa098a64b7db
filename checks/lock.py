"""What an edit model did to the whole frame, what is left of it, and where the edit went too far."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging.lock import FrameDrift, LockResult
from .anchors import anchor_drift
from .report import Measurement, Place, Report


def lock_report(original: Tensor, result: LockResult) -> Report:
    """Report a restored picture: the drift undone, what is left, the spill and the proof that anchors hold.

    Args:
        original: (B or 1, 3, H, W), what `imaging.lock.restore` was given.
        result: what it gave back.

    Returns:
        Drift and residuals of each frame (the frame's number is the subject of a batch), spill with its place, and the
        anchors, which are all pixels outside the result's edit mask.
    """
    measurements = []
    for frame, drift in enumerate(result.drift):
        subject = f"frame {frame}" if len(result.drift) > 1 else ""
        measurements += _motion(drift, subject) + _color(drift, subject)
        measurements.append(Measurement("lock_changed_fraction", drift.changed_fraction, subject=subject))
        measurements.append(_spill(result.spill[frame, 0], frame, subject))
    anchors = anchor_drift(original.expand_as(result.image), result.image, (result.edit_mask <= 0).float())
    transforms = [drift.registration.matrix.round(8).tolist() for drift in result.drift]
    return Report(tuple(measurements), {"transforms": transforms}) + anchors


def _motion(drift: FrameDrift, subject: str) -> list[Measurement]:
    found = drift.registration
    shift = float(np.hypot(found.dx, found.dy))
    detail = f"dx {found.dx:.2f}, dy {found.dy:.2f}; {found.reason}; agreement {found.agreement_before:.2f} -> "
    left = "" if found.residual_px is not None else "no unchanged texture to measure it on"
    return [
        Measurement("drift_shift_px", round(shift, 4), detail=f"{detail}{found.agreement:.2f}", subject=subject),
        Measurement("drift_scale_percent", round(100 * (found.scale - 1), 4), subject=subject),
        Measurement("drift_rotation_deg", round(found.rotation_deg, 4), subject=subject),
        Measurement("registration_residual_px", found.residual_px, detail=left, subject=subject),
    ]


def _color(drift: FrameDrift, subject: str) -> list[Measurement]:
    left = "" if drift.color_shift is not None else "no pixel is unchanged"
    sharp = "lost detail is brought back too" if drift.detail_restored else left
    return [
        Measurement("drift_color_delta_e00", drift.color_shift, detail=left, subject=subject),
        Measurement("color_residual_delta_e00", drift.color_residual, detail=sharp, subject=subject),
    ]


def _spill(spill: Tensor, frame: int, subject: str) -> Measurement:
    """Share of the frame, at the place of the largest piece."""
    plane = (spill > 0).to(torch.uint8).cpu().numpy()
    if not plane.any():
        return Measurement("edit_spill_fraction", 0.0, subject=subject)
    count, _, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
    x, y, width, height, _ = (int(v) for v in stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())])
    detail = f"the model changed {count - 1} place{'s' if count > 2 else ''} that had to stay; grow the edit mask if it belongs to the edit"
    return Measurement(
        "edit_spill_fraction", float(plane.mean()), Place(x, y, width, height, frame), detail=detail, subject=subject
    )
