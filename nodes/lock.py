"""Undo what an edit model did to the rest of the frame."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks.anchors import anchor_drift
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
                "Put the original's own pixels back everywhere the edit was not meant to reach, and prove it. "
                "Use it last, or right after a model that changes the whole frame."
            ),
            search_aliases=["restore", "drift", "zoom fix", "keep background", "lock", "composite back", "align"],
            inputs=[
                io.Image.Input("original", tooltip="The approved picture."),
                io.Image.Input("edited", tooltip="The edited picture, at the original's size."),
                io.Combo.Input(
                    "align",
                    options=["auto", "off", "shift", "similarity", "perspective"],
                    default="auto",
                    tooltip="How the edited picture is brought back into register. off = as it is.",
                ),
                io.Boolean.Input(
                    "match_color",
                    default=True,
                    tooltip="Undo the color drift of the whole frame, fitted on unchanged pixels.",
                ),
                io.Float.Input(
                    "sensitivity",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How faint a change counts as an edit when no edit mask is connected. Larger finds more.",
                ),
                io.Mask.Input(
                    "edit_mask",
                    optional=True,
                    tooltip="Above 0 = may change. Unconnected: what really changed is found.",
                ),
                io.Mask.Input(
                    "lock_mask", optional=True, tooltip="Above 0 = stays bit-identical; wins over edit_mask."
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
        cls, original, edited, align="auto", match_color=True, sensitivity=0.5, edit_mask=None, lock_mask=None
    ) -> io.NodeOutput:
        before, after = convert.image_in(original, "original"), convert.image_in(edited, "edited")
        convert.same_frames(before, after, "edited")
        edit = convert.mask_in(edit_mask, after, "edit_mask", "edited")
        if edit is None:
            raise ValueError("connect an edit mask; finding the change without one is not built yet")
        convert.check_not_empty(edit, "edit_mask")
        lock = convert.mask_in(lock_mask, after, "lock_mask", "edited")
        image = library.restore_anchors(before, after, edit, lock)
        free = library.free_region(edit, lock).expand(len(image), -1, -1, -1)
        report = anchor_drift(before.expand_as(image), image, 1 - free)
        return io.NodeOutput(
            convert.image_out(image, original), convert.mask_out(free), convert.image_out(after, edited), report
        )


NODES = [AnchorLock]
