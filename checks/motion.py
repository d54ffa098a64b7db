"""Is this still ready to become a clip?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..imaging import edge_quality, overlay
from ..imaging import intake as library
from ..imaging.intake import Intake
from . import canvas, intake, outline
from .finding import Finding, worst_measurement
from .report import Measurement, Place, Report, counted
from .score import score
from .texture import texture_report
from .thresholds import VERDICTS
from .video_models import VideoModel, video_model

SOFT_EDGE_PX = 1.5  # an edge this wide has the strongest blue of the heat map
SOFT_HEAT = 1 / 3  # the end of the scale's blue; what is soft may be so on purpose
UNSEEN_GRAY = 0.25  # brightness in the heat map of what the crop removes
MIN_CANVAS_PX = 32  # sides below which statistics of edges mean nothing


@dataclass(frozen=True)
class MotionResult:
    """Whether a still may become a clip, and why."""

    ready: bool  # nothing fails at the level; warnings pass
    score: float  # 0 to 100, to sort stills by; the verdict does not depend on it
    verdict: str  # one sentence
    report: Report  # places in px of the still
    heatmap: Tensor  # (B, 3, H, W)
    fix_mask: Tensor  # (B, 1, H, W), 1 where something misses the level's limit


def check_motion(
    image: Tensor,
    level: str = "production",
    model: str = "any video model",
    *,
    edit_mask: Tensor | None = None,
    subject_mask: Tensor | None = None,
    alpha: Tensor | None = None,
    canvas_size: tuple[int, int] | None = None,
    length: int = 0,
    progress: Callable[[float], None] | None = None,
) -> MotionResult:
    """Judge stills as a video model will see them: after its own crop and resize, at its own size.

    The canvas turns with the still: a portrait is judged on a portrait canvas. Every frame of a batch is judged by
    itself; the report holds each metric's worst frame.

    Args:
        image: (B, 3, H, W) in [0, 1].
        level: "good enough" or "production".
        model: a name of `video_models.NAMES`.
        edit_mask: (B or 1, 1, H, W), > 0 where the still was edited.
        subject_mask: (B or 1, 1, H, W), the outline of what will move.
        alpha: (B or 1, 1, H, W), the still's transparency.
        canvas_size: width and height asked of the model instead of its default.
        length: frames of the clip; 0 = the model's default.
        progress: told the fraction done.

    Raises:
        ValueError: unknown level or model.
    """
    profile = video_model(model)
    height, width = image.shape[2:]
    shape = canvas_size or profile.canvas_for(width, height)
    plan = library.plan_intake(width, height, shape, crop=profile.crop, resize=profile.resize)
    facts = [Finding(m) for m in intake.intake_facts(profile, plan, length)]
    frames, heats, fixes = [], [], []
    for index in range(len(image)):
        edit, subject, clear = (_frame(mask, index) for mask in (edit_mask, subject_mask, alpha))
        frame = image[index : index + 1].float()
        found, soft = _judge_frame(frame, profile, plan, edit, subject, clear)
        frames.append([_on_still(f.measurement, plan, index) for f in facts + found])
        heat, fix = _maps(facts + found, soft, plan, level)
        heats.append(heat)
        fixes.append(fix)
        if progress:
            progress((index + 1) / len(image))
    inputs = {"width": width, "height": height, "frames": len(image), "video_model": model, "canvas": list(shape)}
    report = Report(_worst(frames), inputs)
    heatmap = torch.cat([_heatmap(image[i : i + 1].float(), heat, plan) for i, heat in enumerate(heats)])
    fix_mask = torch.cat([_to_mask(fix, plan) for fix in fixes]).to(image.device)
    ready = report.verdict(level) != "fail"
    return MotionResult(ready, score(report), _sentence(report, level, model), report, heatmap, fix_mask)


def _frame(mask: Tensor | None, index: int) -> Tensor | None:
    return None if mask is None else mask[min(index, len(mask) - 1)][None].float()


def _judge_frame(
    frame: Tensor, profile: VideoModel, plan: Intake, edit: Tensor | None, subject: Tensor | None, alpha: Tensor | None
) -> tuple[list[Finding], np.ndarray | None]:
    """Findings of one frame (1, 3, H, W), places in px of the canvas; and the map of edge widths."""
    found = [Finding(intake.aliasing(frame, plan)), Finding(intake.transparency(alpha))]
    found.append(Finding(canvas.blocks(frame, plan, compresses=profile.compresses)))
    for mask, name in ((edit, "edit"), (subject, "subject")):
        if mask is not None:
            found.append(Finding(intake.mask_cut(mask, plan, name)))
    if min(plan.width, plan.height) < MIN_CANVAS_PX:
        return found, None
    seen = canvas.see(library.clean_canvas(frame, plan))
    edited = None if edit is None else (library.mask_to_canvas(edit, plan) > 0.5)[0, 0].cpu().numpy()
    found += canvas.canvas_findings(seen, edited if edited is not None and edited.any() else None)
    for mask, name in ((edit, "edit"), (subject, "subject")):
        if mask is not None:
            found += _region_findings(seen, library.mask_to_canvas(mask, plan), name)
    return found, edge_quality.width_map(seen.edges)


def _region_findings(seen: canvas.Seen, mask: Tensor, name: str) -> list[Finding]:
    """Findings within and around a mask (1, 1, h, w) on the canvas."""
    inside = mask > 0.5
    if not bool(inside.any()):
        return []
    found = [canvas.focus(seen.edges, inside[0, 0].cpu().numpy(), name), outline.halo(seen.lightness, mask, name)]
    if name == "subject":
        return found + outline.matte_findings(mask)
    texture = texture_report(seen.image, inside.float())
    return [*found, *(Finding(m) for m in texture.measurements), outline.blind_seam(seen.image, inside.float())]


def _on_still(measurement: Measurement, plan: Intake, frame: int) -> Measurement:
    """A measurement of the canvas with its place on the still."""
    place = measurement.where
    if measurement.metric == "intake_crop_fraction":  # speaks of the still already
        return replace(measurement, where=place and replace(place, frame=frame))
    if place is None and not frame:
        return measurement
    box = (
        (0, 0, plan.canvas_width, plan.canvas_height)
        if place is None
        else (place.x, place.y, place.width, place.height)
    )
    return replace(measurement, where=Place(*plan.to_still(*box), frame))


def _worst(frames: list[list[Measurement]]) -> tuple[Measurement, ...]:
    """Of every metric and subject the worst frame's measurement, in the first frame's order."""
    grouped: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in (m for frame in frames for m in frame):
        grouped.setdefault((measurement.metric, measurement.subject), []).append(measurement)
    return tuple(worst_measurement(of_one) for of_one in grouped.values())


def _sentence(report: Report, level: str, model: str) -> str:
    """The verdict in one sentence."""
    verdict = report.verdict(level)
    measured = sum(m.value is not None for m in report.measurements)
    clear = f"no known blockers found in {counted(measured, 'measurement')}"
    if verdict == "pass":
        return f"Ready for {model} ({level}): {clear}."
    found = report.summary(level)
    if verdict == "warn":
        return f"Ready for {model}: {clear}. {found}"
    return f"Not ready for {model}. {found}"


def _maps(found: list[Finding], soft: np.ndarray | None, plan: Intake, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Heat and fix mask of one frame on the canvas, (h, w): heat up to a third is soft edges, 1 is a finding."""
    fix = np.zeros((plan.canvas_height, plan.canvas_width), bool)
    for finding in found:
        if finding.where is not None and finding.measurement.verdict(level) != VERDICTS[0]:
            fix |= finding.where
    heat = (
        np.zeros(fix.shape, np.float32)
        if soft is None
        else (SOFT_HEAT * np.clip(soft / SOFT_EDGE_PX, 0, 1)).astype(np.float32)
    )
    return np.where(fix, 1.0, heat).astype(np.float32), fix


def _to_mask(fix: np.ndarray, plan: Intake) -> Tensor:
    plane = torch.from_numpy(fix.astype(np.float32))[None, None]
    return (library.to_still(plane, plan) >= 0.5).float()


def _heatmap(frame: Tensor, heat: np.ndarray, plan: Intake) -> Tensor:
    """Heat over a gray copy of the frame; what the crop removes is dark."""
    ramp = overlay.heat_colors(torch.from_numpy(heat)[None, None].to(frame.device))
    gray = overlay.dimmed(frame)
    picture = (UNSEEN_GRAY * gray).expand(-1, 3, -1, -1).clone()
    size = (plan.window_height, plan.window_width)
    # Colored on the canvas, enlarged in color: at 4K a tenth of the work, and the same to the eye.
    seen = torch.nn.functional.interpolate(ramp, size=size, mode="bilinear", align_corners=False)
    picture[(..., *plan.window)] = torch.maximum(seen, gray[(..., *plan.window)])
    return picture
