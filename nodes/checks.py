"""Checks: measurement in, verdict out. A failed check is a result, never an exception."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import edit as library
from ..checks.report import Report
from ..imaging import color
from . import convert, types
from .report_view import report_ui

GROUP = "Edit First/Checks"


class EditCheck(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_EditCheck",
            display_name="Edit Integration Check",
            category=GROUP,
            description=(
                "Compare an edited picture with its original: did locked pixels stay, does the edit sit without seam, "
                "halo, softness or other grain, did light and brand colors hold. Put a Quality Gate behind it."
            ),
            search_aliases=["qa", "verify", "compare", "drift check", "anchor check", "difference", "seam", "denoise"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("original", tooltip="The approved picture. 1 frame, or as many as image has."),
                io.Image.Input("image", tooltip="The edited picture, at the original's size."),
                io.Mask.Input(
                    "edit_mask", tooltip="Above 0 = may have changed; everything else is expected unchanged."
                ),
                io.String.Input(
                    "brand_colors",
                    default="",
                    tooltip="Colors to verify inside the edit, as #rrggbb separated by commas. Empty = none.",
                ),
                io.Mask.Input(
                    "lock_mask",
                    optional=True,
                    tooltip="Above 0 = must be bit-identical. Unconnected: everything outside the edit mask.",
                ),
                types.report_input(),
            ],
            outputs=[
                types.Report.Output("report", "report", tooltip="The findings, for the Quality Gate and for scripts."),
                io.Image.Output(
                    "heatmap", "heatmap", tooltip="Where something misses its limit: blue a little, yellow much."
                ),
                io.Mask.Output(
                    "fix_mask", "fix_mask", tooltip="1 where it failed: feed it back to the surgical strike."
                ),
            ],
        )

    @classmethod
    def execute(cls, original, image, edit_mask, brand_colors="", lock_mask=None, report=None) -> io.NodeOutput:
        before, after = convert.image_in(original, "original"), convert.image_in(image)
        convert.same_frames(before, after, "image")
        result = library.check_edit(
            before.expand_as(after),
            after,
            convert.required_mask_in(edit_mask, after, "edit_mask"),
            lock_mask=convert.mask_in(lock_mask, after, "lock_mask"),
            brand_colors=color.parse_colors(brand_colors),
            progress=convert.progress(),
        )
        merged = (report or Report()).followed_by(result.report)
        return io.NodeOutput(
            merged,
            convert.image_out(result.heatmap, image[..., :3]),
            convert.mask_out(result.fix_mask),
            ui=report_ui(merged, result.heatmap),
        )


NODES = [EditCheck]
