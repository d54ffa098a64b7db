"""Products: a new color, a new place."""

from __future__ import annotations

from comfy_api.latest import io

from ..checks import recolor as checks
from ..checks.product import swap_report
from ..checks.report import Report
from ..imaging import color, placement
from ..imaging import product as seating
from ..imaging import recolor as library
from . import convert, types
from .report_view import report_ui

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


class SKUSwap(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_SKUSwap",
            display_name="SKU Swap",
            category=GROUP,
            description=(
                "Seat another product in an approved scene: placed without halos, in the scene's light, with a contact "
                "and cast shadow, behind what stands in front. Locked pixels stay, brand colors are held and verified."
            ),
            search_aliases=[
                "product placement",
                "replace product",
                "packshot",
                "mockup",
                "composite product",
                "insert",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("scene", tooltip="The approved scene."),
                io.Image.Input("product", tooltip="The product's picture, any size; larger than the slot is best."),
                io.Mask.Input(
                    "product_mask",
                    tooltip="1 = product. From a background remover, or the inverted mask of Load Image for an alpha.",
                ),
                io.Combo.Input(
                    "fit",
                    options=list(placement.FITS),
                    default="contain",
                    tooltip=(
                        "contain: keeps the aspect, stands on the slot's bottom edge. cover: fills the slot. stretch: takes "
                        "the slot's aspect. perspective: onto corners, without a cast shadow (labels, screens, posters)."
                    ),
                ),
                io.String.Input(
                    "corners",
                    default="",
                    tooltip="For perspective: four [x,y] fractions of the scene, clockwise from the product's top left.",
                ),
                io.Float.Input(
                    "harmonize",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How far the product's light is brought to the scene's. 0 = keeps its colors exactly.",
                ),
                io.Float.Input(
                    "shadow",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Density of contact and cast shadow; the light is read off the scene. 0 = none.",
                ),
                io.String.Input(
                    "brand_colors",
                    default="",
                    tooltip="Colors to hold and verify on the product, as #rrggbb separated by commas. Empty = none.",
                ),
                io.Float.Input(
                    "max_delta_e",
                    default=2.0,
                    min=0.0,
                    max=20.0,
                    step=0.1,
                    tooltip="How far a brand color may move, in CIEDE2000. 1 is barely visible.",
                ),
                io.Mask.Input(
                    "target_mask",
                    optional=True,
                    tooltip="1 = the slot, or the old product. Needed for every fit but perspective.",
                ),
                io.Mask.Input(
                    "occluder_mask", optional=True, tooltip="1 = stands in front of the product: hands, leaves, glass."
                ),
                io.Mask.Input("lock_mask", optional=True, tooltip="Above 0 = stays bit-identical to the scene."),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The scene with the product."),
                io.Mask.Output("product_mask", "product_mask", tooltip="The product as placed, without what hides it."),
                io.Mask.Output(
                    "edit_mask",
                    "edit_mask",
                    tooltip="What a low-denoise pass should mend: the old product left over, and the new edge.",
                ),
                types.Report.Output("report", "report", tooltip="Brand colors, enlargement, locked pixels."),
                io.Layers.Output(
                    "layers", "layers", tooltip="Background, shadow and product for Create Layered Image (first frame)."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        scene,
        product,
        product_mask,
        fit="contain",
        corners="",
        harmonize=0.5,
        shadow=0.5,
        brand_colors="",
        max_delta_e=2.0,
        target_mask=None,
        occluder_mask=None,
        lock_mask=None,
        report=None,
    ) -> io.NodeOutput:
        picture, cut = convert.image_in(scene, "scene"), convert.image_in(product, "product")
        lock = convert.mask_in(lock_mask, picture, "lock_mask", "scene")
        colors = color.parse_colors(brand_colors)
        swap = seating.swap(
            picture,
            cut,
            convert.required_mask_in(product_mask, cut, "product_mask", "product"),
            fit=fit,
            corners=corners,
            harmonize_strength=harmonize,
            shadow=shadow,
            brand_colors=colors,
            max_delta_e=max_delta_e,
            target_mask=convert.mask_in(target_mask, picture, "target_mask", "scene"),
            occluder_mask=convert.mask_in(occluder_mask, picture, "occluder_mask", "scene"),
            lock_mask=lock,
            progress=convert.progress(),
        )
        merged = (report or Report()) + swap_report(picture, swap, colors, lock)
        return io.NodeOutput(
            convert.image_out(swap.image, scene),
            convert.mask_out(swap.product_mask),
            convert.mask_out(swap.edit_mask),
            merged,
            _layers(scene, swap),
            ui=report_ui(merged),
        )


def _layers(scene, swap) -> dict:
    """The first frame as a document of ComfyUI's layer editor. There, mask 1 = transparent."""
    height, width = scene.shape[1:3]
    # The shadow takes away linear light; black laid over display values does so with its density to the power 1/2.2.
    density = 1 - (1 - swap.shadow[:1, 0].clamp(0, 1)) ** (1 / 2.2)
    pictures = (
        ("background", scene[:1, ..., :3], None),
        ("shadow", scene.new_zeros(1, 1, 1, 3).expand(1, height, width, 3), 1 - density),
        ("product", swap.product[:1].movedim(1, 3).contiguous(), 1 - swap.product_mask[:1, 0]),
    )
    layers = []
    for index, (name, image, mask) in enumerate(pictures):
        layer = {"image": image, "type": "raster", "x": 0, "y": 0, "z_index": index, "name": name}
        layers.append(layer if mask is None else {**layer, "mask": mask})
    return {"version": 1, "canvas": (width, height), "layers": layers}


NODES = [SKUSwap, SKURecolor]
