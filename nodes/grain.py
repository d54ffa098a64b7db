"""The plate's grain and sharpness on a patch."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks.report import Report
from ..checks.texture import texture_report
from ..imaging import grain as library
from . import convert, types


class GrainMatch(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_GrainMatch",
            display_name="Grain Match",
            category="Edit First/Blend",
            description=(
                "Give an edit the grain and sharpness of the picture around it, measured from the picture. Use it on the "
                "raw patch that Stitch Region placed, before Seam Feather."
            ),
            search_aliases=[
                "film grain",
                "noise match",
                "match grain",
                "sharpen patch",
                "degrain",
                "regrain",
                "texture",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The edited picture, best the model's raw frame. A batch is one clip."),
                io.Mask.Input("edit_mask", tooltip="Above 0 = may change; values below 1 weaken the effect."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="0 = unchanged, 1 = as the surroundings, above 1 exaggerates.",
                ),
                io.Boolean.Input(
                    "match_sharpness",
                    default=True,
                    tooltip="Sharpen or soften the edit as well. Sharpening needs the original.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    tooltip="Same seed, same grain. Every frame of a batch has its own: seed + frame number.",
                ),
                io.Image.Input(
                    "original",
                    optional=True,
                    tooltip=(
                        "The approved picture. Where the model rendered its context anew, both are compared place by "
                        "place, which is far more accurate. Unconnected: measured around the mask."
                    ),
                ),
                io.Mask.Input("lock_mask", optional=True, tooltip="Above 0 = stays bit-identical."),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The picture with the edit's grain and sharpness matched."),
                types.Report.Output("report", "report", tooltip="Grain and sharpness against the surroundings, after."),
            ],
        )

    @classmethod
    def execute(
        cls, image, edit_mask, strength=1.0, match_sharpness=True, seed=0, original=None, lock_mask=None, report=None
    ) -> io.NodeOutput:
        picture = convert.image_in(image)
        plate = None if original is None else convert.image_in(original, "original")
        if plate is not None:
            convert.same_frames(plate, picture, "image")
        edit = convert.required_mask_in(edit_mask, picture, "edit_mask")
        matched = library.match_grain(
            picture,
            edit,
            original=plate,
            strength=strength,
            match_sharpness=match_sharpness,
            seed=seed,
            lock_mask=convert.mask_in(lock_mask, picture, "lock_mask"),
            progress=convert.progress(),
        )
        measured = texture_report(matched, edit, plate=plate, before=picture)
        return io.NodeOutput(convert.image_out(matched, image), (report or Report()) + measured)


NODES = [GrainMatch]
