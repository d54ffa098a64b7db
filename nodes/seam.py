"""Blending an edit into the picture it was made for."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import seam as checks
from ..checks.report import Report
from ..imaging import seam as library
from . import convert, types


class SeamFeather(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_SeamFeather",
            display_name="Seam Feather",
            category="Edit First/Blend",
            description=(
                "Blend an edit into the original so that its border cannot be found; nothing outside the edit mask "
                "changes. Connect the raw decoded frame of the model, before any composite."
            ),
            search_aliases=[
                "blend edge",
                "feather",
                "soften seam",
                "composite",
                "poisson",
                "multiband",
                "stitch",
                "hair",
            ],
            inputs=[
                io.Image.Input("original", tooltip="The approved picture. 1 frame, or as many as edited has."),
                io.Image.Input(
                    "edited",
                    tooltip="The model's raw frame at the original's size (VAE Decode, or Stitch Region), not a composite.",
                ),
                io.Mask.Input("edit_mask", tooltip="1 = may change. Its soft values are an upper bound of the blend."),
                io.Combo.Input(
                    "method",
                    options=list(library.METHODS),
                    default="auto",
                    tooltip=(
                        "auto keeps the original wherever the raw frame agrees with it, and blends the rest; alpha is a "
                        "plain ramp; multiband a ramp per size of detail; gradient meets the original's tone; matte is "
                        "for hair, fur and translucent edges."
                    ),
                ),
                io.Int.Input(
                    "feather_px",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip="Ramp width in pixels, measured inward from the mask's edge. 0 = from the local texture. With matte: how deep hair reaches into the mask; 0 = 64.",
                ),
                io.Mask.Input(
                    "lock_mask",
                    optional=True,
                    tooltip="Above 0 = stays bit-identical to the original, whatever the edit.",
                ),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The original with the edit blended in."),
                io.Mask.Output(
                    "blend_mask", "blend_mask", tooltip="The alpha that composited: 0 = original, 1 = edited."
                ),
                types.Report.Output("report", "report", tooltip="What was measured at the seam."),
            ],
        )

    @classmethod
    def execute(
        cls, original, edited, edit_mask, method="auto", feather_px=0, lock_mask=None, report=None
    ) -> io.NodeOutput:
        before, after = convert.image_in(original, "original"), convert.image_in(edited, "edited")
        convert.same_frames(before, after, "edited")
        edit = convert.required_mask_in(edit_mask, after, "edit_mask", "edited")
        convert.check_not_empty(edit, "edit_mask")
        lock = convert.mask_in(lock_mask, after, "lock_mask", "edited")
        image, blend = library.feather(
            before, after, edit, method=method, feather_px=feather_px, lock_mask=lock, progress=convert.progress()
        )
        measured = checks.seam_report(before, image, blend, edited=after, edit_mask=edit)
        return io.NodeOutput(
            convert.image_out(image, original), convert.mask_out(blend), (report or Report()) + measured
        )


NODES = [SeamFeather]
