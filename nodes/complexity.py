"""Is this edit worth trying as planned?"""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import complexity as library
from ..checks.report import Report
from . import convert, types
from .checks import GROUP
from .report_view import report_ui


class ComplexityCheck(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_ComplexityCheck",
            display_name="Edit Complexity Check",
            category=GROUP,
            description=(
                "Before an edit: can this region be fixed quickly, or should its mask be grown, cropped, or the piece "
                "composited by hand? Looks at the border, hair, translucency, reflections and size."
            ),
            search_aliases=["edit difficulty", "mask quality", "inpaint advice", "hair", "pre-flight", "denoise"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="The picture that is to be edited, as it is now."),
                io.Mask.Input(
                    "edit_mask", tooltip="Above 0 = will change. Wide soft values are taken for translucency."
                ),
                types.report_input(),
            ],
            outputs=[
                types.Report.Output("report", "report", tooltip="The findings, for the Quality Gate and for scripts."),
                io.Image.Output(
                    "heatmap",
                    "heatmap",
                    tooltip="How hard it is to go on from what stays at each piece of the border: yellow is hardest.",
                ),
                io.String.Output(
                    "advice",
                    "advice",
                    tooltip=(
                        "Its first word is quick_fix, grow_mask, crop_and_stitch or composite_by_hand; after a dash, why."
                    ),
                ),
            ],
        )

    @classmethod
    def execute(cls, image, edit_mask, report=None) -> io.NodeOutput:
        picture = convert.image_in(image)
        mask = convert.required_mask_in(edit_mask, picture, "edit_mask")
        convert.check_not_empty(mask, "edit_mask")
        result = library.check_complexity(picture, mask, progress=convert.progress())
        merged = (report or Report()) + result.report
        return io.NodeOutput(
            merged,
            convert.image_out(result.heatmap, image[..., :3]),
            result.advice,
            ui=report_ui(merged, result.heatmap),
        )


NODES = [ComplexityCheck]
