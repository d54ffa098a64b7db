"""Products: a new color, a new place."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import recolor as checks
from ..checks.report import Report
from ..imaging import recolor as library
from . import convert, types
from .checks import report_ui

GROUP = "Edit First/Product"


class SKURecolor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_SKURecolor",
            display_name="SKU Recolor",
            category=GROUP,
            description=(
                "Give a product a new color and keep its shading, texture and highlights; black and white products too. "
                "The result is measured: the report says how far its mid-tones are from the color you asked for."
            ),
            search_aliases=["change color", "brand color", "color variant", "hue", "repaint", "tint product"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="The picture with the product. An alpha channel is kept."),
                io.Mask.Input("mask", tooltip="1 = the surface to recolor; soft edges blend. One material at a time."),
                io.MultiType.Input(
                    io.Color.Input(
                        "color",
                        default="#0057b8",
                        socketless=False,
                        tooltip="Target as #rrggbb: what the surface shows at middle shading in this scene.",
                    ),
                    types=[io.String],
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="1 = the new color, 0 = the picture unchanged, bit for bit.",
                ),
                io.Mask.Input(
                    "protect_mask",
                    optional=True,
                    tooltip="1 = keeps its color: logos, labels, seams. Unconnected: the whole mask is recolored.",
                ),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The picture with the recolored product."),
                types.Report.Output("report", "report", tooltip="How far the product's mid-tones are from the target."),
            ],
        )

    @classmethod
    def execute(cls, image, mask, color="#0057b8", strength=1.0, protect_mask=None, report=None) -> io.NodeOutput:
        picture = convert.image_in(image)
        surface = convert.required_mask_in(mask, picture, "mask")
        convert.check_not_empty(surface, "mask")
        protect = convert.mask_in(protect_mask, picture, "protect_mask")
        result = library.recolor(picture, surface, color, strength=strength, protect=protect)
        measured = checks.recolor_report(picture, result, surface, color, protect=protect, strength=strength)
        merged = (report or Report()) + measured
        return io.NodeOutput(convert.image_out(result, image), merged, ui=report_ui(merged))


NODES = [SKURecolor]
