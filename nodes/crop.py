"""The region of an edit as a model wants it, and back."""

from __future__ import annotations

from comfy_api.latest import io

from ..imaging import crop as library
from . import convert, types

GROUP = "Edit First/Crop"


class RegionCrop(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_RegionCrop",
            display_name="Crop to Region",
            category=GROUP,
            description=(
                "Cut out what the edit mask holds, with context, at a size that suits the model. A label or a face gets "
                "the model's full resolution; Stitch Region puts it back exactly where it was."
            ),
            search_aliases=["inpaint crop", "crop and stitch", "masked crop", "zoom in", "detailer", "crop to mask"],
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The approved picture. A batch gets one common window. Alpha is not cropped; Stitch keeps it.",
                ),
                io.Mask.Input("edit_mask", tooltip="Above 0 = may change. The window holds all of it."),
                io.Float.Input(
                    "context",
                    default=1.5,
                    min=1.0,
                    max=20.0,
                    step=0.05,
                    tooltip=(
                        "Size of the crop relative to the mask's box. Larger shows the model more surroundings; small "
                        "masks get at least 24 px on each side. 1 = the box itself."
                    ),
                ),
                io.Combo.Input(
                    "resize",
                    options=list(library.RESIZES),
                    default="native",
                    tooltip=(
                        "native = the picture's own pixels, lossless. megapixels = an area at the region's shape. "
                        "size = exactly width x height."
                    ),
                ),
                io.Float.Input(
                    "megapixels",
                    default=1.0,
                    min=0.01,
                    max=64.0,
                    step=0.01,
                    tooltip="Area of the crop for resize = megapixels; 1 is 1024x1024 px.",
                ),
                io.Int.Input("width", default=1024, min=16, max=16384, step=8, tooltip="For resize = size, in px."),
                io.Int.Input("height", default=1024, min=16, max=16384, step=8, tooltip="For resize = size, in px."),
                io.Int.Input(
                    "multiple_of",
                    default=16,
                    min=1,
                    max=256,
                    tooltip="Both sides of the crop are multiples of this many px, as the model's VAE demands.",
                ),
                io.Mask.Input(
                    "context_mask",
                    optional=True,
                    tooltip="Above 0 = must be in the crop as well, such as the object that casts the light.",
                ),
                io.Combo.Input(
                    "regions",
                    options=["one", "separate"],
                    default="one",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "one = a single window around everything. separate = a list with one crop for each separate "
                        "region (near ones are merged); later nodes run once for each and Stitch Region puts all back."
                    ),
                ),
                io.Combo.Input(
                    "padding",
                    options=list(library.PADDINGS),
                    default="reflect",
                    optional=True,
                    advanced=True,
                    tooltip="What is shown beyond the frame, used only where the frame is too small for the window.",
                ),
            ],
            outputs=[
                io.Image.Output("image", "image", is_output_list=True, tooltip="The crop, RGB."),
                io.Mask.Output("mask", "mask", is_output_list=True, tooltip="The edit mask of the crop."),
                types.Crop.Output(
                    "crop", "crop", is_output_list=True, tooltip="Where it came from, for Stitch Region."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        image,
        edit_mask,
        context=1.5,
        resize="native",
        megapixels=1.0,
        width=1024,
        height=1024,
        multiple_of=16,
        context_mask=None,
        regions="one",
        padding="reflect",
    ) -> io.NodeOutput:
        picture = convert.image_in(image)
        edit = convert.required_mask_in(edit_mask, picture, "edit_mask")
        plans = library.plan_crops(
            edit,
            context_mask=convert.mask_in(context_mask, picture, "context_mask"),
            separate=regions == "separate",
            context=context,
            resize=resize,
            megapixels=megapixels,
            size=(width, height),
            multiple_of=multiple_of,
            padding=padding,
        )
        crops = [convert.image_out(library.crop(picture, plan), image[..., :3]) for plan in plans]
        return io.NodeOutput(crops, [convert.mask_out(library.crop_mask(edit, plan)) for plan in plans], plans)


class RegionStitch(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_RegionStitch",
            display_name="Stitch Region",
            category=GROUP,
            description=(
                "Put a patch back where Crop to Region took it; outside its window nothing changes. The whole patch is "
                "placed: Grain Match, Seam Feather and Anchor Lock come after it."
            ),
            search_aliases=["inpaint stitch", "uncrop", "paste back", "crop and stitch", "composite"],
            is_input_list=True,
            inputs=[
                io.Image.Input("original", tooltip="The picture that was cropped; its alpha channel is kept."),
                io.Image.Input(
                    "patch",
                    tooltip="The model's picture of the crop, of any size; several variants of one frame give a batch.",
                ),
                types.Crop.Input("crop", tooltip="From Crop to Region."),
            ],
            outputs=[
                io.Image.Output(
                    "image", "image", is_output_list=True, tooltip="The full frame with every patch in its place."
                )
            ],
        )

    @classmethod
    def execute(cls, original, patch, crop) -> io.NodeOutput:
        patches = [convert.image_in(entry, "patch") for entry in patch]
        frames = [convert.image_in(entry, "original") for entry in original]
        stitched = library.stitch_all(frames, patches, crop)
        likes = original if len(original) == len(stitched) else original * len(stitched)
        return io.NodeOutput([convert.image_out(image, like) for image, like in zip(stitched, likes, strict=True)])


NODES = [RegionCrop, RegionStitch]
