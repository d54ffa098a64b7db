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


def report_ui(
    report: Report,
    heatmap: Tensor | None = None,
    *,
    level: str = "production",
    headline: str = "",
    frames: list[int] | None = None,
    overview: Tensor | None = None,
) -> dict:
    """What a node shows and leaves in the history: the text, the report, and its heat map (B, 3, H, W) as a preview.

    Browsers without our report panel show text and preview by themselves; js/report.js joins them.

    Args:
        level: at which the text tells the verdicts.
        headline: a sentence above the text.
        frames: numbers of the frames that `heatmap` holds, such as `frames_to_show`; None = it holds all, and those are
            chosen.
        overview: (1, 3, h, w), a sheet of any size that is shown before the heat map; no place points into it.
    """
    text = "\n".join(filter(None, (headline, report.text(level))))
    shown = {**ui.PreviewText(text).as_dict(), "edit_first": [report.to_dict()]}
    if heatmap is None:
        return shown
    height, width = heatmap.shape[2:]
    if frames is None:
        frames = frames_to_show(report, len(heatmap))
        heatmap = heatmap[frames]
    images, view = _saved(heatmap), picture_view(width, height, frames)
    if images is None:
        return shown
    sheet = _saved(overview) if overview is not None else None
    if sheet is not None:
        images = sheet + images
        view["edit_first_view"][0]["overview"] = {"width": overview.shape[3], "height": overview.shape[2]}
    return {**shown, "images": images, **view}


def picture_view(width: int, height: int, frames: list[int]) -> dict:
    """How the shown pictures relate to the places in the report: size of the measured picture, and frame of each."""
    return {"edit_first_view": [{"width": width, "height": height, "frames": frames}]}


def preview_images(image: Tensor, cls: type | None = None) -> list[dict] | None:
    """Write an IMAGE batch into ComfyUI's temp folder for the browser; None when the disk takes no more.

    A picture that only shows something must not stop the work that it shows.
    """
    try:
        return ui.PreviewImage(image, cls=cls).as_dict()["images"]
    except OSError as error:
        logger.warning("no preview: %s", error)
        return None


def frames_to_show(report: Report, count: int) -> list[int]:
    """Of a picture's or clip's frames those that findings point at, the first one in any case."""
    named = [finding.where.frame for finding in report.findings("production") if finding.where]
    wanted = list(dict.fromkeys(frame for frame in [*named, 0] if 0 <= frame < count))
    return sorted(wanted[:MAX_PREVIEWS])


def _saved(pictures: Tensor) -> list[dict] | None:
    """Save (B, 3, H, W) as previews of a bearable size."""
    side = max(pictures.shape[2:])
    if side > MAX_PREVIEW_SIDE:
        pictures = F.interpolate(pictures.float(), scale_factor=MAX_PREVIEW_SIDE / side, mode="area")
    return preview_images(pictures.clamp(0, 1).movedim(1, 3))
