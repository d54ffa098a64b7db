"""Is an edit what it was meant to be, and nothing more?"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging import masks, overlay
from .anchors import Drift, measure_drift
from .brand import brand_colors as check_brand_colors
from .effect import effect_finding, shift_finding
from .finding import Finding, worst_measurement
from .halo import fringed, halo_finding
from .lighting import lighting_report
from .report import Measurement, Place, Report
from .seam import seam_findings
from .texture import texture_findings
from .view import View, make_view

HEAT_FULL_LEVELS = 8.0  # a drift of this many 8-bit levels is the end of the heat map's scale
SPILL_LEVELS = 4  # a change that is seen, in 8-bit levels of the mean of 3 x 3 px
REGION_METRICS = (
    "seam_step", "seam_rim", "grain_log2_ratio", "sharpness_log2_ratio", "halo_lightness", "edit_shift_px", "light_exposure_ev",
    "light_white_balance_ev", "light_contrast_ratio", "light_direction_deg",
)  # fmt: skip
UNSEATING = ("seam_step", "sharpness_log2_ratio")


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
    progress: Callable[[float], None] | None = None,
) -> CheckResult:
    """Compare an edited picture with its original.

    Of a batch, each measurement is that of the worst frame, whose number its place tells.

    Args:
        original, image: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W), above 0 = may have changed.
        lock_mask: (B or 1, 1, H, W), above 0 = must be bit-identical; None = where the edit mask is 0.
        brand_colors: `#rrggbb`, verified inside the edit.
        progress: called with the fraction done.

    Raises:
        ValueError: sizes differ.
    """
    lock = (edit_mask <= 0).to(edit_mask.dtype) if lock_mask is None else lock_mask
    drift = measure_drift(original, image, lock)
    heat, fix, frames = drift.map.float() / HEAT_FULL_LEVELS, (drift.map > 0).float(), []
    checked = 0  # what tells this picture from another one
    for index in range(len(image)):
        edit = edit_mask[index if len(edit_mask) > 1 else 0][None]
        region = (edit > 0) & ~drift.locked[index][None]
        view = make_view(original[index : index + 1], image[index : index + 1], region, index)
        checked = zlib.crc32(np.ascontiguousarray(view.after), checked)
        findings = [_spill(drift, edit, view), *region_findings(view)]
        _mark(findings, view, heat[index], fix[index])
        frames.append([finding.measurement for finding in findings])
        if progress:
            progress((index + 1) / len(image))
    brand = check_brand_colors(image, edit_mask, list(brand_colors))
    measured = tuple(worst_measurement(of_one) for of_one in zip(*frames, strict=True))
    report = drift.report + Report(measured, {"checked": checked}) + brand
    return CheckResult(report, overlay.heatmap(image, heat), fix.to(edit_mask.dtype))


def region_findings(view: View) -> list[Finding]:
    """Everything that is measured on what may change in one frame."""
    if not view.changed.any():
        reason = "nothing may change" if not view.region.any() else "nothing changed inside the edit"
        findings = [Finding(Measurement(metric, None, detail=reason)) for metric in REGION_METRICS]
        return [*findings, _no_effect(view, reason)]
    findings = [*seam_findings(view, fringed(view)), *texture_findings(view), halo_finding(view), shift_finding(view)]
    findings += light_findings(view)
    failing = {f.measurement.metric for f in findings if f.measurement.verdict("good enough") != "pass"}
    return [*findings, effect_finding(view, seated=failing.isdisjoint(UNSEATING))]


def _no_effect(view: View, reason: str) -> Finding:
    value = 0.0 if view.region.any() else None
    return Finding(Measurement("edit_effect_delta_e", value, view.place(view.region), f"imperceptible; {reason}"))


def light_findings(view: View) -> list[Finding]:
    """The light of what changed against the original's."""
    region = torch.from_numpy(view.region[None, None].astype(np.float32))
    before, after = view.tensors
    report = lighting_report(after, region, before)
    where, found = view.place(view.changed), []
    for measurement in report.measurements:
        heat = view.changed.astype(np.float32) if measurement.verdict("production") != "pass" else None
        found.append(Finding(replace(measurement, where=where), heat))
    return found


def _spill(drift: Drift, edit: Tensor, view: View) -> Finding:
    """Visible changes past the edit mask that hang together with the edit."""
    change = drift.change[view.frame, 0].cpu().numpy()
    inside = (edit[0, 0] > 0).cpu().numpy()
    if not inside.any() or not ((change > SPILL_LEVELS) & ~inside).any():
        return Finding(Measurement("mask_spill_fraction", 0.0))
    seen = (cv2.blur(change.astype(np.float32), (3, 3)) > SPILL_LEVELS) & (change > SPILL_LEVELS)
    outside = (seen & ~inside).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=8)
    touching = np.unique(labels[cv2.dilate(inside.astype(np.uint8), np.ones((3, 3))) > 0])
    spilled = np.isin(labels, touching[touching > 0])
    value = float(spilled.mean())
    if not value:
        return Finding(Measurement("mask_spill_fraction", 0.0))
    x, y, width, height = (int(v) for v in stats[max(touching[touching > 0], key=lambda n: stats[n, 4]), :4])
    return Finding(
        Measurement(
            "mask_spill_fraction", value, Place(x, y, width, height, view.frame),
            "the edit goes on past its mask; grow the mask there, or lock the original",
        ),
        spilled.astype(np.float32),
    )  # fmt: skip


def _mark(findings: list[Finding], view: View, heat: Tensor, fix: Tensor) -> None:
    """Add what misses its limit to the heat and the fix mask of its frame, (1, H, W) each."""
    missed = [f.heat for f in findings if f.heat is not None and f.measurement.verdict("production") != "pass"]
    for size in {plane.shape for plane in missed}:  # the judged size, and the frame's own for what spills
        together = np.maximum.reduce([plane for plane in missed if plane.shape == size])
        plane = view.enlarge(together)[0].to(heat)
        window = masks.around(plane[None])
        if window is None:
            continue
        plane, shown, failed = plane[window], heat[window], fix[window]
        torch.maximum(shown, plane.clamp(0, 1) * (plane >= 0.5), out=shown)
        torch.maximum(failed, (plane >= 1).to(fix), out=failed)
