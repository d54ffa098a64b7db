"""What gets lost on the way from a still into a video model. Facts of sizes, without judgement of the picture."""

from __future__ import annotations

from torch import Tensor

from ..imaging.intake import Intake, aliasing_db
from .report import Measurement, Place
from .video_models import VideoModel


def intake_facts(model: VideoModel, plan: Intake, length: int = 0) -> list[Measurement]:
    """Sizes and shapes against what the model takes.

    Args:
        length: frames of the clip; 0 = the model's default, which always fits.
    """
    canvas = f"{plan.canvas_width}x{plan.canvas_height}"
    found = [_limits(model, plan), _aspect(model, plan)]
    if model.canvas is None:
        return [*found, _scale(plan)]
    remainder = max(plan.canvas_width % model.multiple_of, plan.canvas_height % model.multiple_of)
    grid = f"a canvas of {canvas} is cut to multiples of {model.multiple_of} px" if remainder else f"canvas {canvas}"
    found.append(Measurement("intake_size_remainder_px", remainder, None, grid))
    if length:
        rest = (length - model.frame_offset) % model.frame_step
        detail = f"clips have {model.frame_step}n+{model.frame_offset} frames, not {length}" if rest else ""
        found.append(Measurement("intake_length_remainder", rest, None, detail))
    kept = Place(plan.left, plan.top, plan.window_width, plan.window_height)
    sides = "left and right" if plan.left else "top and bottom"
    detail = f"{sides} are cut off to fill {canvas}; only this window is seen" if plan.left or plan.top else ""
    found.append(Measurement("intake_crop_fraction", plan.crop_fraction, kept if detail else None, detail))
    detail = (
        ""
        if model.crop or plan.stretch < 0.01
        else f"the node stretches the still to {canvas}; crop it to that shape first"
    )
    found.append(Measurement("intake_stretch_percent", 100 * plan.stretch, None, detail))
    return [*found, _scale(plan)]


def _limits(model: VideoModel, plan: Intake) -> Measurement:
    short, long = sorted((plan.width, plan.height))
    missing = max(0, model.least_side_px - short)
    excess = max(0, long - model.most_side_px) if model.most_side_px else 0
    detail = f"the shorter side has {short} px, the service takes {model.least_side_px} or more" if missing else ""
    if excess:
        detail = f"the longer side has {long} px, the service takes {model.most_side_px} at most"
    return Measurement("intake_side_excess_px", max(missing, excess), None, detail)


def _aspect(model: VideoModel, plan: Intake) -> Measurement:
    short, long = sorted((plan.width, plan.height))
    if model.most_aspect is None:
        return Measurement("intake_aspect_excess", 0)
    excess = max(0.0, long / short - model.most_aspect)
    if model.aspect_excluded and long / short == model.most_aspect:
        excess = 1e-6
    detail = f"sides are {long / short:.3g} to 1, the service takes {model.most_aspect:g} to 1" if excess else ""
    return Measurement("intake_aspect_excess", excess, None, detail)


def _scale(plan: Intake) -> Measurement:
    detail = "the still is enlarged to fill the canvas and looks soft there" if plan.scale < 1 else ""
    return Measurement("intake_scale", plan.scale, None, detail)


def aliasing(image: Tensor, plan: Intake) -> Measurement:
    """How much the node's own resize aliases a frame (1, 3, H, W)."""
    value = aliasing_db(image, plan)
    if value is None:
        return Measurement("intake_aliasing_db", None, None, "the still is not shrunk by a resize that aliases")
    detail = f"the node shrinks by {plan.scale:.2g} without a filter; shrink to {plan.canvas_width}x{plan.canvas_height} first"
    return Measurement("intake_aliasing_db", value, None, detail)


def mask_cut(mask: Tensor, plan: Intake, subject: str) -> Measurement:
    """Share of a mask (1, 1, H, W) that the crop removes."""
    total = int(mask.count_nonzero())
    if not total:
        return Measurement("intake_cut_fraction", None, None, "the mask is empty", subject)
    kept = int(mask[(..., *plan.window)].count_nonzero())
    detail = "the crop to the canvas cuts it; move the framing or choose another canvas" if kept < total else ""
    return Measurement("intake_cut_fraction", 1 - kept / total, None, detail, subject)


def transparency(alpha: Tensor | None) -> Measurement:
    """Share of a frame that is transparent: (1, 1, H, W), None without alpha."""
    share = 0.0 if alpha is None else float((alpha < 1 - 0.5 / 255).float().mean())
    detail = "video nodes drop alpha: the colors hidden under it will show; flatten onto a background" if share else ""
    return Measurement("intake_transparent_fraction", share, None, detail)
