"""Stills before they become clips."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import motion as library
from ..checks.report import Report
from ..checks.thresholds import LEVELS
from ..checks.video_models import NAMES
from . import convert, types
from .report_view import report_ui


class MotionReadinessCheck(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_MotionReadinessCheck",
            display_name="Motion-Readiness Check",
            category="Edit First/Checks",
            description=(
                "Judge a still as the video model will see it, after its crop and resize: focus, edges, specks, bands, "
                "the seam of an edit. Put it before image-to-video, which carries every flaw into every frame."
            ),
            search_aliases=[
                "image to video",
                "i2v",
                "first frame",
                "seed image",
                "blur check",
                "sharpness",
                "video ready",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input(
                    "image", tooltip="The still. Every frame of a batch is judged; the report names the worst."
                ),
                io.Combo.Input(
                    "level",
                    options=list(LEVELS),
                    default="production",
                    tooltip="How strict: good enough for a draft, or production ready. docs/checks.md has the limits.",
                ),
                io.Combo.Input(
                    "video_model",
                    options=list(NAMES),
                    default="any video model",
                    tooltip=(
                        "Whose canvas the still is judged on, with its own crop and resize. A portrait still gets a portrait "
                        "canvas. 'any video model' keeps the still's shape."
                    ),
                ),
                io.Mask.Input(
                    "edit_mask",
                    optional=True,
                    tooltip="Above 0 = edited: its grain, softness, border and what a crop cuts off. Unconnected: not judged.",
                ),
                io.Mask.Input(
                    "subject_mask",
                    optional=True,
                    tooltip="The subject's matte: stray parts, holes, halo, contact with the frame. Unconnected: not judged.",
                ),
                types.report_input(),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    advanced=True,
                    tooltip="Canvas width in px as set on the video node. 0 = the model's own.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    advanced=True,
                    tooltip="Canvas height in px as set on the video node. 0 = the model's own.",
                ),
                io.Int.Input(
                    "length",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    advanced=True,
                    tooltip="Frames of the clip as set on the video node. 0 = the model's own.",
                ),
            ],
            outputs=[
                io.Boolean.Output("ready", "ready", tooltip="Whether nothing fails at this level; warnings pass."),
                io.Float.Output("score", "score", tooltip="0 to 100, to sort stills by; ready does not depend on it."),
                types.Report.Output("report", "report", tooltip="The findings, for the Quality Gate and for scripts."),
                io.Image.Output(
                    "heatmap",
                    "heatmap",
                    tooltip="Blue = soft edges, yellow = findings; dark = what the video node cuts off.",
                ),
                io.Mask.Output(
                    "fix_mask", "fix_mask", tooltip="1 where it failed: feed it back to the surgical strike."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        image,
        level="production",
        video_model="any video model",
        edit_mask=None,
        subject_mask=None,
        report=None,
        width=0,
        height=0,
        length=0,
    ) -> io.NodeOutput:
        still = convert.image_in(image)
        if bool(width) != bool(height):
            raise ValueError(f"canvas is {width}x{height} (WxH); set both width and height, or leave both 0")
        result = library.check_motion(
            still,
            level,
            video_model,
            edit_mask=convert.mask_in(edit_mask, still, "edit_mask"),
            subject_mask=convert.mask_in(subject_mask, still, "subject_mask"),
            alpha=image[..., 3:].movedim(3, 1) if image.shape[3] == 4 else None,
            canvas_size=(width, height) if width else None,
            length=length,
            progress=convert.progress(),
        )
        merged = (report or Report()) + result.report
        return io.NodeOutput(
            result.ready,
            result.score,
            merged,
            convert.image_out(result.heatmap, image[..., :3]),
            convert.mask_out(result.fix_mask),
            ui=report_ui(merged, result.heatmap, level=level, headline=result.verdict),
        )


NODES = [MotionReadinessCheck]
