"""Seasonal variations: several backgrounds, seasons or markets for one winner, with the product bit-identical in all."""

from .model_files import FLUX_FILL, FLUX_TEXT, FLUX_VAE, flux_text_loader, rows, vae_loader
from .sample_zones import DRESS

BYPASSED = 4
PRODUCT = f'[{{"name":"product","role":"anchor","shape":"polygon","points":{DRESS},"prompt":"","strength":1.0}}]'
SEASONS = {  # stand-ins: the winner under a colored light
    "Winter": (0x6FA8FF, "a snowy field on a clear winter morning, pale blue light, product photograph"),
    "Autumn": (0xFF9A3C, "a field of fallen leaves, low golden autumn light, product photograph"),
    "Night market": (0x4A3A8C, "a night market, lanterns out of focus, violet dusk, product photograph"),
}
BLEND = 0.6

NOTE = f"""## Seasonal variations

One winner, several backgrounds; the product is the winner's own pixels in every one of them.

1. **Winner**: the approved ad. In **Product** draw around the product and everything else that legal has approved (logo,
   claim). *outside* is *edit*: all the rest may change.
2. **Seasons** makes a list: everything behind it runs once for each entry, and each is judged on its own. Stand-ins tint
   the winner, so that this runs without weights. Plug in as many pictures as you like: other photographs of the same
   size, or the model below.
3. **Seam**: a narrow ramp outside the product. **Light** brings the new background's light a little toward the product,
   which may not change, and shows how far apart the two still are. **Shadow** puts the product on its new ground; switch *auto* on, or set the light by hand.
4. **Lock**: every locked pixel is copied from the winner. **Check** proves it, and measures the brand colors typed there
   inside the product.
5. **Gate**: what fails goes to **Rejected**, the other variations are saved all the same.

Tip: the winner's old background shines through at a soft edge (hair, glass)? Then take the new background to
**sku_swap** as the scene: it frees the edge of the old colors. For whole tables of scenes, products and markets take
**campaign_row**.

### With a model
The lower group is bypassed. Select it, press Ctrl+B, and connect **Decoded** to *edited* of **Seam**. One prompt, one
variation: connect as many as you like to **Prompts**.

| model | folder |
|---|---|
{rows(FLUX_FILL, FLUX_TEXT, FLUX_VAE)}
"""


def build(graph):
    winner = graph.node("LoadImage", "Winner", at=(0, 0), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask",
        "Product",
        at=(360, 0),
        size=(540, 760),
        image=winner.out("IMAGE"),
        zones=PRODUCT,
        outside="edit",
    )
    graph.note(NOTE, at=(0, 400), size=(320, 1100))
    seasons = _stand_ins(graph, winner)
    _finish(graph, winner, zones, seasons)
    _model(graph, winner, zones)


def _stand_ins(graph, winner):
    """The winner under three lights, as a list."""
    graph.group("Stand-ins: put your pictures here", (940, -60), (720, 620))
    made = {}
    for number, (title, (color, _)) in enumerate(SEASONS.items()):
        y = 190 * number
        light = graph.node(
            "EmptyImage", f"{title} light", at=(960, y), size=(300, 150), width=64, height=64, batch_size=1, color=color
        )
        made[f"inputs.input{number}"] = graph.node(
            "ImageBlend",
            title,
            at=(1300, y),
            size=(320, 130),
            image1=winner.out("IMAGE"),
            image2=light.out("IMAGE"),
            blend_factor=BLEND,
            blend_mode="multiply" if title == "Night market" else "soft_light",
        ).out("IMAGE")
    return graph.node("CreateList", "Seasons", at=(1300, 620), size=(320, 130), **made).out("list")


def _finish(graph, winner, zones, seasons):
    """Seam, light, shadow, lock, check, gate, save: once for every variation."""
    product = graph.node(
        "EditFirst_ZoneMask",
        "Product mask",
        at=(960, 620),
        size=(300, 130),
        zones=zones.out("zones"),
        image=winner.out("IMAGE"),
        name="product",
    )
    seam = graph.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(1720, 0),
        size=(320, 180),
        original=winner.out("IMAGE"),
        edited=seasons,
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        method="alpha",
        feather_px=2,
    )
    light = graph.node(
        "EditFirst_LightingHarmonize",
        "Light",
        at=(1720, 240),
        size=(320, 260),
        image=seam.out("image"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        strength=0.3,
    )
    shadow = graph.node(
        "EditFirst_CastShadow",
        "Shadow",
        at=(1720, 560),
        size=(320, 360),
        image=light.out("image"),
        object_mask=product.out("mask"),
        lock_mask=zones.out("lock_mask"),
        opacity=0.35,
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(2100, 0),
        size=(320, 220),
        original=winner.out("IMAGE"),
        edited=shadow.out("image"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        align="off",
        match_color=False,
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(2100, 280),
        size=(320, 220),
        original=winner.out("IMAGE"),
        image=lock.out("image"),
        edit_mask=product.out("mask"),
        lock_mask=zones.out("lock_mask"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(2100, 600),
        size=(320, 250),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(2100, 960), size=(320, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage",
        "Save",
        at=(2480, 0),
        size=(460, 500),
        images=gate.out("accepted"),
        filename_prefix="edit_first/season",
    )
    graph.node("PreviewImage", "Rejected", at=(2480, 560), size=(460, 400), images=gate.out("rejected"))


def _model(graph, winner, zones):
    """An inpainting model paints everything but the product, once for every prompt."""
    y, mode = 1240, BYPASSED
    graph.group("Inpainting model, e.g. Flux Fill (bypassed)", (340, y - 60), (2120, 720))
    prompts = {}
    for number, (title, (_, words)) in enumerate(SEASONS.items()):
        node = graph.node(
            "PrimitiveStringMultiline",
            f"{title} words",
            at=(360, y + 200 * number),
            size=(320, 150),
            mode=mode,
            value=words,
        )
        prompts[f"inputs.input{number}"] = node.out("STRING")
    listed = graph.node("CreateList", "Prompts", at=(740, y), size=(320, 130), mode=mode, **prompts)
    hard = graph.node(
        "InvertMask", "Background", at=(740, y + 190), size=(320, 60), mode=mode, mask=zones.out("lock_mask")
    )
    unet = graph.node(
        "UNETLoader",
        "Fill model",
        at=(740, y + 310),
        size=(320, 90),
        mode=mode,
        unet_name=FLUX_FILL["name"],
        models=[FLUX_FILL],
    )
    clip = flux_text_loader(graph, "Fill text encoders", (1120, y), mode)
    vae = vae_loader(graph, "Fill VAE", FLUX_VAE, (740, y + 460), mode)
    words = graph.node(
        "CLIPTextEncode",
        "Words",
        at=(1120, y + 200),
        size=(320, 120),
        mode=mode,
        clip=clip.out("CLIP"),
        text=listed.out("list"),
    )
    nothing = graph.node(
        "ConditioningZeroOut",
        "Nothing",
        at=(1120, y + 380),
        size=(320, 60),
        mode=mode,
        conditioning=words.out("CONDITIONING"),
    )
    guided = graph.node(
        "FluxGuidance",
        "Guidance",
        at=(1120, y + 500),
        size=(320, 70),
        mode=mode,
        conditioning=words.out("CONDITIONING"),
        guidance=30.0,
    )
    masked = graph.node(
        "InpaintModelConditioning",
        "Inpaint conditioning",
        at=(1500, y),
        size=(320, 180),
        mode=mode,
        positive=guided.out("CONDITIONING"),
        negative=nothing.out("CONDITIONING"),
        vae=vae.out("VAE"),
        pixels=winner.out("IMAGE"),
        mask=hard.out("MASK"),
        noise_mask=True,
    )
    sampled = graph.node(
        "KSampler",
        "Sampler",
        at=(1500, y + 240),
        size=(320, 280),
        mode=mode,
        model=unet.out("MODEL"),
        positive=masked.out("positive"),
        negative=masked.out("negative"),
        latent_image=masked.out("latent"),
        seed=1,
        steps=20,
        cfg=1.0,
        sampler_name="euler",
        scheduler="normal",
    )
    graph.node(
        "VAEDecode",
        "Decoded",
        at=(1880, y),
        size=(320, 60),
        mode=mode,
        samples=sampled.out("LATENT"),
        vae=vae.out("VAE"),
    )
