"""Bring the light of an edited region to agree with the picture around it."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import lighting as checks
from ..checks.report import Report
from ..imaging import color
from ..imaging import harmonize as library
from . import convert, types


class LightingHarmonize(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_LightingHarmonize",
            display_name="Lighting Harmonize",
            category="Edit First/Blend",
            description=(
                "Bring exposure, white balance, contrast and low-frequency light of an edited region to agree with the "
                "picture around it. Connect the original and the model's raw frame whenever there are both."
            ),
            search_aliases=["color match", "pasted on", "relight", "white balance", "color transfer", "exposure"],
            inputs=[
                io.Image.Input(
                    "image", tooltip="The model's raw frame with original connected, else the composite to correct."
                ),
                io.Mask.Input("edit_mask", tooltip="1 = corrected; soft values blend. Outside nothing changes."),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=1.0, step=0.05,
                    tooltip="Share of the correction that is made. 0 = the image, bit for bit.",
                ),
                io.Float.Input(
                    "local", default=0.5, min=0.0, max=1.0, step=0.05,
                    tooltip="How far light may vary across the region (needs original). 0 = one correction for all of it.",
                ),
                io.String.Input(
                    "brand_colors", default="",
                    tooltip="Colors to hold, as #rrggbb separated by commas. Their pixels stay within max_delta_e. Empty = none.",
                ),
                io.Float.Input(
                    "max_delta_e", default=2.0, min=0.0, max=20.0, step=0.1,
                    tooltip="CIEDE2000 that a brand color may be off, on the median of its pixels. Larger follows the light more.",
                ),
                io.Image.Input(
                    "original", optional=True,
                    tooltip="The approved picture at the same size: the correction is fitted on unchanged pixels. "
                    "Unconnected: an estimate from the region and its surroundings, which can be wrong.",
                ),
                io.Mask.Input("protect_mask", optional=True, tooltip="1 = not corrected; soft values blend."),
                io.Mask.Input(
                    "lock_mask", optional=True,
                    tooltip="Above 0 = bit-identical to original, or to image without one. Wins over edit_mask.",
                ),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The image with its region corrected."),
                types.Report.Output("report", "report", tooltip="Light and brand colors after, and how sure it is."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image, edit_mask, strength=1.0, local=0.5, brand_colors="", max_delta_e=2.0,
        original=None, protect_mask=None, lock_mask=None, report=None,
    ) -> io.NodeOutput:  # fmt: skip
        frames = convert.image_in(image)
        before = None if original is None else convert.image_in(original, "original")
        if before is not None:
            convert.same_frames(before, frames, "image")
        edit = convert.required_mask_in(edit_mask, frames, "edit_mask")
        result, summaries = library.harmonize(
            frames,
            edit,
            strength=strength,
            local=local,
            brand_colors=color.parse_colors(brand_colors),
            max_delta_e=max_delta_e,
            original=before,
            protect_mask=convert.mask_in(protect_mask, frames, "protect_mask"),
            lock_mask=convert.mask_in(lock_mask, frames, "lock_mask"),
            progress=convert.progress(),
        )
        measured = checks.harmony_report(result, edit, before, summaries)
        return io.NodeOutput(convert.image_out(result, image), (report or Report()) + measured)


NODES = [LightingHarmonize]
