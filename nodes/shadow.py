"""Make an object stand on its ground."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..checks.lighting import shadow_report
from ..checks.report import Report
from ..imaging import shadow as library
from . import convert, types


class CastShadow(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        share = {"min": 0.0, "max": 1.0, "step": 0.05}
        return io.Schema(
            node_id="EditFirst_CastShadow",
            display_name="Cast Shadow",
            category="Edit First/Blend",
            description=(
                "Cast an object's shadow on its ground, with contact shadow and an optional reflection. "
                "Use it after placing a product, before the final check."
            ),
            search_aliases=["drop shadow", "contact shadow", "floating", "ambient occlusion", "reflection", "ground"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="The picture with the object in place."),
                io.Mask.Input("object_mask", tooltip="1 = the object. It stands on its lowest row."),
                io.Float.Input(
                    "light_azimuth_deg", default=135.0, min=-360.0, max=360.0, step=1.0,
                    tooltip="Where the light stands, in degrees seen from above: 0 right, 90 behind the object, 180 left, "
                    "270 behind the camera. The shadow falls to the other side.",
                ),
                io.Float.Input(
                    "light_elevation_deg", default=45.0, min=3.0, max=89.0, step=1.0,
                    tooltip="Height of the light in degrees above the ground. Larger = shorter shadow.",
                ),
                io.Float.Input("opacity", default=0.6, **share, tooltip="Light that the shadow takes. 0 = no cast shadow."),
                io.Float.Input(
                    "softness_px", default=12.0, min=0.0, max=512.0, step=0.5,
                    tooltip="Standard deviation of the penumbra at the shadow's far end, in px; it narrows toward the object.",
                ),
                io.Float.Input(
                    "contact", default=0.5, **share, tooltip="Dark line and soft occlusion where the object stands. 0 = none."
                ),
                io.Float.Input(
                    "reflection", default=0.0, **share, tooltip="Mirror image on glossy ground, fading downward. 0 = none."
                ),
                io.Mask.Input("lock_mask", optional=True, tooltip="Above 0 = stays bit-identical; never darkened."),
                io.Boolean.Input(
                    "auto", default=False, optional=True,
                    tooltip="Read direction, height, softness and density off the shadow of reference_mask; without it "
                    "only the brighter side of the picture is read. What is not found stays as set.",
                ),
                io.Mask.Input(
                    "reference_mask", optional=True,
                    tooltip="For auto: an object of the scene with its shadow in sight (1 = the object without its shadow).",
                ),
                io.Float.Input(
                    "depth", default=1.0, min=0.0, max=2.0, step=0.05, optional=True, advanced=True,
                    tooltip="Depth of the object relative to its width: 0 a card, 1 a bottle or a ball.",
                ),
                io.Float.Input(
                    "foreshortening", default=library.GROUND_FORESHORTENING, min=0.0, max=0.95, step=0.05,
                    optional=True, advanced=True,
                    tooltip="How much shorter depth on the ground looks than width: the sine of the camera's tilt. "
                    "0 = eye level, 0.9 = from above.",
                ),
                types.report_input(),
            ],
            outputs=[
                io.Image.Output("image", "image", tooltip="The picture with the shadow."),
                io.Mask.Output("shadow_mask", "shadow_mask", tooltip="Share of the light taken: use it as a layer."),
                types.Report.Output("report", "report", tooltip="The light that was used, and how sure it is."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image, object_mask, light_azimuth_deg=135.0, light_elevation_deg=45.0, opacity=0.6, softness_px=12.0,
        contact=0.5, reflection=0.0, lock_mask=None, auto=False, reference_mask=None, depth=1.0,
        foreshortening=library.GROUND_FORESHORTENING, report=None,
    ) -> io.NodeOutput:  # fmt: skip
        frames = convert.image_in(image)
        result = library.cast_shadow(
            frames,
            convert.required_mask_in(object_mask, frames, "object_mask"),
            azimuth_deg=light_azimuth_deg,
            elevation_deg=light_elevation_deg,
            opacity=opacity,
            softness_px=softness_px,
            contact=contact,
            reflection=reflection,
            depth=depth,
            foreshortening=foreshortening,
            auto=auto,
            reference_mask=convert.mask_in(reference_mask, frames, "reference_mask"),
            lock_mask=convert.mask_in(lock_mask, frames, "lock_mask"),
            progress=convert.progress(),
        )
        lights = "\n".join(light.describe() for light in result.light)
        measured = shadow_report(frames, result.light)
        return io.NodeOutput(
            convert.image_out(result.image, image),
            convert.mask_out(result.mask),
            (report or Report()) + measured,
            ui=ui.PreviewText(lights),
        )


NODES = [CastShadow]
