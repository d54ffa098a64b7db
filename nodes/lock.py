"""Undo what an edit model did to the rest of the frame."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks.lock import lock_report
from ..checks.report import Report
from ..imaging import lock as library
from . import convert, types


class AnchorLock(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_AnchorLock",
            display_name="Anchor Lock",
            category="Edit First/Blend",
            description=(
                "Undo what an edit model did to the rest of the frame: zoom, shift, color and softness are taken back, "
                "what really changed is found, and every other pixel is the original's own. Use it right after an "
                "instruction-editing model, or last."
            ),
            search_aliases=["restore", "drift", "zoom fix", "keep background", "lock", "composite back", "align"],
            inputs=[
                io.Image.Input("original", tooltip="The approved picture. Its size and alpha channel are kept."),
                io.Image.Input(
                    "edited",
                    tooltip="The raw frame that a model made of it, before any composite. Any size of about the same aspect.",
                ),
                io.Combo.Input(
                    "align",
                    options=["auto", "off", "shift", "similarity", "perspective"],
                    default="auto",
                    tooltip=(
                        "How the edited picture is brought back into register. auto = the simplest motion that explains "
                        "it, plus smooth local motion where the picture confirms it. off = only resized. What does not "
                        "help is not applied; the report says so."
                    ),
                ),
                io.Boolean.Input(
                    "match_color",
                    default=True,
                    tooltip="Undo the color and light drift of the whole frame, fitted on unchanged pixels.",
                ),
                io.Float.Input(
                    "sensitivity",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip=(
                        "How faint a change counts as an edit. Larger finds more; 0 = only strong changes, 1 = a change "
                        "four times fainter. With an edit mask it only decides what is reported as spill."
                    ),
                ),
                io.Mask.Input(
                    "edit_mask",
                    optional=True,
                    tooltip=(
                        "Above 0 = may change, at the original's size. Unconnected: what really changed is found. "
                        "Changes outside it are put back and reported."
                    ),
                ),
                io.Mask.Input(
                    "lock_mask", optional=True, tooltip="Above 0 = stays bit-identical; wins over every edit."
                ),
                types.report_input(),
                io.Boolean.Input(
                    "match_detail",
                    default=True,
                    optional=True,
                    tooltip=(
                        "Bring back the sharpness that the model's frame lost, as far as unchanged pixels prove it. "
                        "Nothing is invented: without proof the frame stays as it is."
                    ),
                ),
            ],
            outputs=[
                io.Image.Output(
                    "image", "image", tooltip="The edit on the original's own pixels, at the original's size."
                ),
                io.Mask.Output("edit_mask", "edit_mask", tooltip="Where the result may differ from the original."),
                io.Image.Output("aligned", "aligned", tooltip="The whole edited frame in register with the original."),
                types.Report.Output("report", "report", tooltip="What was undone, and the proof that anchors hold."),
            ],
        )

    @classmethod
    def execute(
        cls,
        original,
        edited,
        align="auto",
        match_color=True,
        sensitivity=0.5,
        edit_mask=None,
        lock_mask=None,
        report=None,
        match_detail=True,
    ) -> io.NodeOutput:
        before, after = convert.image_in(original, "original"), convert.image_in(edited, "edited")
        result = library.restore(
            before,
            after,
            align=align,
            match_color=match_color,
            match_detail=match_detail,
            sensitivity=sensitivity,
            edit_mask=convert.mask_in(edit_mask, before, "edit_mask", "original"),
            lock_mask=convert.mask_in(lock_mask, before, "lock_mask", "original"),
            progress=convert.progress(),
        )
        return io.NodeOutput(
            convert.image_out(result.image, original),
            convert.mask_out(result.edit_mask),
            convert.image_out(result.aligned, original),
            (report or Report()) + lock_report(before, result),
        )


NODES = [AnchorLock]
