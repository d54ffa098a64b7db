"""What a node that measures shows of its report: text, the report as JSON, and its heat map."""

from __future__ import annotations

import logging

import torch.nn.functional as F
from comfy_api.latest import ui
from torch import Tensor

from ..checks.report import Report

logger = logging.getLogger("edit_first")

MAX_PREVIEW_SIDE = 1024  # px; a preview of a 4K map would take a second to compress
MAX_PREVIEWS = 8


def report_ui(report: Report, heatmap: Tensor | None = None, *, level: str = "production", headline: str = "") -> dict:
    """What a node shows and leaves in the history: the text, the report, and its heat map (B, 3, H, W) as a preview.

    Browsers without our report panel show text and preview by themselves; js/report.js joins them.

    Args:
        level: at which the text tells the verdicts.
        headline: a sentence above the text.
    """
    text = "\n".join(filter(None, (headline, report.text(level))))
    shown = {**ui.PreviewText(text).as_dict(), "edit_first": [report.to_dict()]}
    return shown if heatmap is None else {**shown, **_previews(report, heatmap)}


def picture_view(width: int, height: int, frames: list[int]) -> dict:
    """How the shown pictures relate to the places in the report: size of the measured picture, and frame of each."""
    return {"edit_first_view": [{"width": width, "height": height, "frames": frames}]}


def preview_images(image: Tensor, cls: type | None = None) -> list[dict]:
    """Write an IMAGE batch into ComfyUI's temp folder for the browser; none when the disk takes no more.

    A picture that only shows something must not stop the work that it shows.
    """
    try:
        return ui.PreviewImage(image, cls=cls).as_dict()["images"]
    except OSError as error:
        logger.warning("no preview: %s", error)
        return []


def _previews(report: Report, heatmap: Tensor) -> dict:
    height, width = heatmap.shape[2:]
    frames = _frames_to_show(report, len(heatmap))
    chosen = heatmap[frames]
    if max(height, width) > MAX_PREVIEW_SIDE:
        chosen = F.interpolate(chosen.float(), scale_factor=MAX_PREVIEW_SIDE / max(height, width), mode="area")
    images = preview_images(chosen.clamp(0, 1).movedim(1, 3))
    return {"images": images, **picture_view(width, height, frames)} if images else {}


def _frames_to_show(report: Report, count: int) -> list[int]:
    """The frames that findings point at, the first one in any case."""
    named = [finding.where.frame for finding in report.findings("production") if finding.where]
    wanted = list(dict.fromkeys(frame for frame in [*named, 0] if 0 <= frame < count))
    return sorted(wanted[:MAX_PREVIEWS])
