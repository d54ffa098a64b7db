"""Zones and the masks they become."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import io

from ..imaging import color, overlay
from ..imaging import zones as library
from . import convert, types
from .report_view import preview_images

GROUP = "Edit First/Zones"


class AnchorZoneMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_AnchorZoneMask",
            display_name="Anchor-Zone Mask",
            category=GROUP,
            description=(
                "Say which parts of a picture must stay (anchors) and which may change (edit zones), and get the masks "
                "that hold every later node to it. Start here: connect the picture you approved."
            ),
            search_aliases=["lock", "protect", "keep", "anchor", "inpaint mask", "zone editor", "region"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="The approved picture. An alpha channel is ignored here."),
                io.String.Input(
                    "zones",
                    default="[]",
                    multiline=True,
                    tooltip=(
                        "Zones as JSON: name, role (anchor or edit), shape (box, ellipse, polygon, brush) and points as "
                        "fractions of the picture. Anchors win where zones overlap. [] = no drawn zones."
                    ),
                ),
                io.Combo.Input(
                    "outside",
                    options=["keep", "edit"],
                    default="keep",
                    tooltip="What a pixel in no zone does: keep = locked, edit = everything but the anchors may change.",
                ),
                io.Int.Input(
                    "grow_px",
                    default=0,
                    min=-1024,
                    max=1024,
                    tooltip="Grow the edit zones by this many pixels; negative shrinks. Never grows into an anchor.",
                ),
                io.Int.Input(
                    "feather_px",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip=(
                        "Ramp width in pixels, measured inward from the edge of the edit zone, so that nothing outside "
                        "it and no anchor is touched. 0 = hard edge."
                    ),
                ),
                io.Int.Input(
                    "anchor_margin_px",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip="Grow the anchors by this many pixels, as a safety margin. 0 = exactly as drawn.",
                ),
                io.String.Input(
                    "anchor_colors",
                    default="",
                    advanced=True,
                    tooltip="Brand colors to lock wherever they appear, as #rrggbb separated by commas. Empty = none.",
                ),
                io.Float.Input(
                    "color_tolerance",
                    default=3.0,
                    min=0.0,
                    max=50.0,
                    step=0.1,
                    advanced=True,
                    tooltip="How far a pixel may be from a brand color to be locked, in CIEDE2000. 1 is barely visible.",
                ),
                io.Mask.Input(
                    "edit_mask", optional=True, tooltip="More to edit, added to the drawn zones. 1 = may change."
                ),
                io.Mask.Input(
                    "anchor_mask", optional=True, tooltip="More to lock, added to the drawn anchors. Above 0 = locked."
                ),
                types.Zones.Input(
                    "zones_in", optional=True, tooltip="Zones from other nodes, added to the drawn ones."
                ),
            ],
            outputs=[
                io.Mask.Output("edit_mask", "edit_mask", tooltip="What a model may change: 1 inside, 0 locked."),
                io.Mask.Output(
                    "lock_mask",
                    "lock_mask",
                    tooltip="1 = must stay bit-identical: every pixel where the edit mask is 0.",
                ),
                types.Zones.Output("zones", "zones", tooltip="All zones, for Regional Prompt and Zone to Mask."),
                io.Image.Output(
                    "preview", "preview", tooltip="The zones tinted and named over the first frame; anchors hatched."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, zones=None):
        try:
            library.Zones.from_json(zones or "")
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        image,
        zones="[]",
        outside="keep",
        grow_px=0,
        feather_px=0,
        anchor_margin_px=0,
        anchor_colors="",
        color_tolerance=3.0,
        edit_mask=None,
        anchor_mask=None,
        zones_in=None,
    ) -> io.NodeOutput:
        picture = convert.image_in(image)
        drawn = library.Zones(frame=(picture.shape[3], picture.shape[2]))
        drawn = drawn.add(*(zones_in or ())).add(*library.Zones.from_json(zones))
        edit, lock = library.edit_and_lock_masks(
            picture,
            drawn,
            edit=convert.mask_in(edit_mask, picture, "edit_mask"),
            anchor=convert.mask_in(anchor_mask, picture, "anchor_mask"),
            anchor_colors=color.parse_colors(anchor_colors),
            color_tolerance=color_tolerance,
            outside=outside,
            grow_px=grow_px,
            feather_px=feather_px,
            anchor_margin_px=anchor_margin_px,
        )
        preview = convert.image_out(overlay.draw_zones(picture[:1], drawn, edit[:1], lock[:1]), image[:1, ..., :3])
        background = preview_images(image[:1, ..., :3], cls) or []
        return io.NodeOutput(
            convert.mask_out(edit),
            convert.mask_out(lock),
            drawn,
            preview,
            ui={"edit_first_background": background},
        )


class AddZone(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_AddZone",
            display_name="Add Zone",
            category=GROUP,
            description=(
                "Turn a mask or a bounding box, for example from SAM3 or a detector, into a named zone. Chain several to "
                "collect zones for Anchor-Zone Mask and Regional Prompt."
            ),
            search_aliases=["define region", "named mask", "box to zone"],
            inputs=[
                io.String.Input(
                    "name", default="zone", tooltip="Name of the zone; a name already taken gets a number."
                ),
                io.Combo.Input(
                    "role",
                    options=list(library.ROLES),
                    default="anchor",
                    tooltip="anchor = must stay bit-identical, edit = may change.",
                ),
                io.String.Input(
                    "prompt",
                    default="",
                    multiline=True,
                    tooltip="What a model should make of this zone, for Regional Prompt. Empty = no prompt of its own.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip=(
                        "How far the zone's prompt replaces the whole picture's: 1 = fully, 0.5 = half, 0 = no effect. "
                        "Where zones overlap they share by strength."
                    ),
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="The zone's shape at any size, 1 = inside; the frames of a batch are united.",
                ),
                io.BoundingBox.Input(
                    "box",
                    optional=True,
                    force_input=True,
                    tooltip=(
                        "A bounding box, or lists of boxes as detectors give them, in pixels of the picture in image, "
                        "zones or mask. Each box becomes a zone; no box found becomes an empty one."
                    ),
                ),
                types.Zones.Input("zones", optional=True, tooltip="Zones to add this one to."),
                io.Image.Input(
                    "image", optional=True, tooltip="The picture that box is measured on; only its size is used."
                ),
            ],
            outputs=[types.Zones.Output("zones", "zones", tooltip="The zones with this one at the end.")],
        )

    @classmethod
    def execute(
        cls, name, role="anchor", prompt="", strength=1.0, mask=None, box=None, zones=None, image=None
    ) -> io.NodeOutput:
        plane = convert.united_mask_in(mask) if mask is not None else None
        zones = zones or library.Zones()
        frame = (image.shape[2], image.shape[1]) if image is not None else zones.frame
        if frame is None and plane is not None:
            frame = (plane.shape[3], plane.shape[2])
        added = library.zones_from_inputs(name, role, prompt, strength, plane, box, frame)
        return io.NodeOutput(replace(zones, frame=zones.frame or frame).add(*added))


class ZoneMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_ZoneMask",
            display_name="Zone to Mask",
            category=GROUP,
            description="Rasterize one named zone, or all anchors or all edit zones, at the size of a picture.",
            search_aliases=["zone mask", "region mask", "select zone"],
            inputs=[
                types.Zones.Input("zones", tooltip="Zones from Anchor-Zone Mask or Add Zone."),
                io.Image.Input("image", tooltip="Gives the size; zones scale with it."),
                io.String.Input(
                    "name", default="*edit", tooltip="A zone's name, or *edit or *anchor for all zones of that role."
                ),
            ],
            outputs=[io.Mask.Output("mask", "mask", tooltip="1 inside the zone.")],
        )

    @classmethod
    def execute(cls, zones, image, name="*edit") -> io.NodeOutput:
        mask = library.zones_mask(zones.select(name.strip()), image.shape[2], image.shape[1])
        return io.NodeOutput(convert.mask_out(mask.to(image.device)))


NODES = [AnchorZoneMask, AddZone, ZoneMask]
