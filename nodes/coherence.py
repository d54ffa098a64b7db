"""A check of clips: does the edited region hold still in its scene?"""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import coherence as library
from ..checks.report import Report
from ..checks.thresholds import LEVELS
from . import convert, types
from .report_view import frames_to_show, report_ui


class MotionCoherenceCheck(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_MotionCoherenceCheck",
            display_name="Motion-Coherence Check",
            category="Edit First/Checks",
            description=(
                "Follow an edited region through a clip: does it slide, flicker, boil, bend or change its color, does a "
                "frame flash? Put a Quality Gate behind it."
            ),
            search_aliases=[
                "video check",
                "flicker",
                "sliding",
                "temporal consistency",
                "boiling",
                "morphing",
                "drift",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("frames", tooltip="The clip, one frame after the other; 13 frames or more tell most."),
                io.Mask.Input(
                    "edit_mask",
                    tooltip=(
                        "Above 0 = the edited region in the first frame; it is followed from there. One mask for each "
                        "frame is taken as it is. An empty mask checks the whole frame alone. With a still, its mask fits."
                    ),
                ),
                io.Combo.Input(
                    "level",
                    options=list(LEVELS),
                    default="production",
                    tooltip="How strict: good enough for a draft, or production ready. docs/checks.md has the limits.",
                ),
                io.Image.Input(
                    "still",
                    optional=True,
                    tooltip="The approved picture, any size. Colors are compared with it. Unconnected: the first frame.",
                ),
                types.report_input(),
                io.Combo.Input(
                    "region_motion",
                    options=list(library.REGION_MOTIONS),
                    default="attached",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "attached: the region belongs to its surroundings and must not slide. free: it is meant to move, "
                        "as a walking person is; only its light and color are judged."
                    ),
                ),
            ],
            outputs=[
                io.Boolean.Output(
                    "coherent", "coherent", tooltip="Whether nothing fails at this level; warnings pass."
                ),
                io.Float.Output(
                    "score", "score", tooltip="0 to 100, to sort takes by. The verdict does not depend on it."
                ),
                types.Report.Output("report", "report", tooltip="The findings, for the Quality Gate and for scripts."),
                io.Image.Output("heatmap", "heatmap", tooltip="The worst frame, and every measure over time."),
                io.Mask.Output(
                    "fix_mask",
                    "fix_mask",
                    tooltip="One mask for each frame: the region where it missed the limit, 0 elsewhere.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, frames, edit_mask, level="production", still=None, report=None, region_motion="attached"
    ) -> io.NodeOutput:
        clip = convert.image_in(frames, "frames")
        approved = None if still is None else convert.image_in(still, "still")
        result = library.check_coherence(
            clip,
            _mask_in(edit_mask, clip, approved),
            level=level,
            still=approved,
            region_motion=region_motion,
            progress=convert.progress(),
        )
        merged = (report or Report()) + result.report
        shown = frames_to_show(merged, len(clip))
        return io.NodeOutput(
            result.coherent,
            result.score,
            merged,
            convert.image_out(result.heatmap, frames[..., :3]),
            convert.mask_out(result.fix_mask),
            ui=report_ui(
                merged,
                library.marked_frames(clip, result.fix_mask, shown),  # the report's places are not on the sheet
                level=level,
                frames=shown,
                overview=result.heatmap,
            ),
        )


def _mask_in(edit_mask, clip, still):
    """The mask at the clip's size; one drawn on the still is cut and scaled as the still is."""
    if still is not None and still.shape[2:] != clip.shape[2:] and edit_mask.shape[-2:] == still.shape[2:]:
        on_still = convert.mask_in(edit_mask, still, "edit_mask", "still")
        return (
            clip.new_zeros(1, 1, *clip.shape[2:]) if on_still is None else library.fit_still(on_still, clip.shape[2:])
        )
    mask = convert.mask_in(edit_mask, clip, "edit_mask", "frames")
    return clip.new_zeros(1, 1, *clip.shape[2:]) if mask is None else mask


NODES = [MotionCoherenceCheck]
