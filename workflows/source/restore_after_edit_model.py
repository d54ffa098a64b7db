"""Stage 2: an instruction-editing model changed one thing and moved everything; keep the one thing."""

from .model_files import QWEN_EDIT, QWEN_TEXT, QWEN_VAE, qwen_loaders, rows

BYPASSED = 4
KITE_COLOR, KITE_PX, KITE_EDGE_PX = 0xC81E1E, 96, 3
PROMPT = "Change the pink dress to emerald green velvet. Keep everything else exactly as it is."

NOTE = f"""## Restore after an edit model

1. **Approved picture**: what you had.
2. **Model edit**: here a stand-in paints a red kite, and recolors and resizes the whole frame as models do, so that
   this runs without weights. Put your instruction-editing model (Kontext, Qwen Image Edit, ...) in its place: its *raw*
   VAE Decode goes to *edited* of **Lock**. For Qwen-Image-Edit select the group below, press Ctrl+B, and connect **Decode (Qwen)**.
3. **Lock** brings the frame back into register and color, finds what really changed and puts only that onto the
   original. Nothing to paint. Raise **sensitivity** when a faint change is missed, or connect an edit mask.
4. **Check**, **Gate**: every pixel outside the found mask is the original's own, or it does not reach **Save**.

| for Qwen-Image-Edit | folder |
|---|---|
{rows(QWEN_EDIT, QWEN_TEXT, QWEN_VAE)}
"""


def build(graph):
    picture = graph.node("LoadImage", "Approved picture", at=(0, 0), size=(300, 340), image="example.png")
    edit = _stand_in(graph, picture)
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(720, 0),
        size=(320, 240),
        original=picture.out("IMAGE"),
        edited=edit.out("IMAGE"),
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(1100, 0),
        size=(340, 200),
        original=picture.out("IMAGE"),
        image=lock.out("image"),
        edit_mask=lock.out("edit_mask"),
        report=lock.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1100, 320),
        size=(340, 250),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(1500, 0),
        size=(360, 380),
        images=gate.out("accepted"),
        filename_prefix="edit_first/restored",
    )
    graph.node("PreviewImage", "Rejected", at=(1500, 440), size=(360, 260), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(1100, 680), size=(340, 160), source=gate.out("summary"))
    found = graph.node("MaskToImage", "Found", at=(720, 320), size=(320, 40), mask=lock.out("edit_mask"))
    graph.node("PreviewImage", "Found change", at=(720, 420), size=(320, 280), images=found.out("IMAGE"))
    graph.node("PreviewImage", "Aligned", at=(360, 640), size=(320, 280), images=lock.out("aligned"))
    graph.note(NOTE, at=(0, 560), size=(320, 640))
    _qwen_edit(graph, picture)


def _stand_in(graph, picture):
    """What an editing model does: one new thing, and the whole frame in other colors and at another size."""
    paint = graph.node(
        "EmptyImage",
        "Kite",
        at=(0, 390),
        size=(300, 130),
        width=KITE_PX,
        height=KITE_PX,
        batch_size=1,
        color=KITE_COLOR,
    )
    shape = graph.node(
        "SolidMask", "Kite's shape", at=(-360, 390), size=(300, 130), value=1.0, width=KITE_PX, height=KITE_PX
    )
    soft = graph.node(
        "FeatherMask",
        "Kite's soft edge",  # painted hard, it is sharper than its surroundings
        at=(-360, 570),
        size=(300, 160),
        mask=shape.out("MASK"),
        **dict.fromkeys(("left", "top", "right", "bottom"), KITE_EDGE_PX),
    )
    painted = graph.node(
        "ImageCompositeMasked",
        "Kite in the sky",
        at=(360, 0),
        size=(300, 180),
        destination=picture.out("IMAGE"),
        source=paint.out("IMAGE"),
        mask=soft.out("MASK"),
        x=30,
        y=160,
        resize_source=False,
    )
    recolored = graph.node(
        "ImageBlend",
        "Other colors",
        at=(360, 230),
        size=(300, 130),
        image1=painted.out("IMAGE"),
        image2=painted.out("IMAGE"),
        blend_factor=0.4,
        blend_mode="soft_light",
    )
    return graph.node(
        "ImageScale",
        "Model edit",
        at=(360, 410),
        size=(300, 170),
        image=recolored.out("IMAGE"),
        upscale_method="bicubic",
        width=0,
        height=496,
        crop="disabled",
    )


def _qwen_edit(graph, picture):
    """Qwen-Image-Edit, which redraws the whole frame by an instruction."""
    y, mode = 1060, BYPASSED
    graph.group("Qwen-Image-Edit (bypassed: needs weights)", (340, y - 80), (1540, 480))
    unet, clip, vae = qwen_loaders(graph, QWEN_EDIT, (360, y), mode)
    shifted = graph.node(
        "ModelSamplingAuraFlow",
        "Qwen shift",
        at=(720, y),
        size=(320, 70),
        mode=mode,
        model=unet.out("MODEL"),
        shift=3.0,
    )
    told = graph.node(
        "TextEncodeQwenImageEditPlus",
        "Instruction",
        at=(720, y + 110),
        size=(320, 180),
        mode=mode,
        clip=clip.out("CLIP"),
        prompt=PROMPT,
        vae=vae.out("VAE"),
        image1=picture.out("IMAGE"),
    )
    untold = graph.node(
        "ConditioningZeroOut",
        "No instruction",
        at=(720, y + 330),
        size=(320, 40),
        mode=mode,
        conditioning=told.out("CONDITIONING"),
    )
    encoded = graph.node(
        "VAEEncode",
        "Encode (Qwen)",
        at=(1100, y),
        size=(340, 60),
        mode=mode,
        pixels=picture.out("IMAGE"),
        vae=vae.out("VAE"),
    )
    sampled = graph.node(
        "KSampler",
        "Sampler (Qwen)",
        at=(1100, y + 100),
        size=(340, 280),
        mode=mode,
        model=shifted.out("MODEL"),
        seed=1,
        positive=told.out("CONDITIONING"),
        negative=untold.out("CONDITIONING"),
        latent_image=encoded.out("LATENT"),
        steps=20,
        cfg=2.5,
        sampler_name="euler",
        scheduler="simple",
    )
    graph.node(
        "VAEDecode",
        "Decode (Qwen)",
        at=(1500, y),
        size=(360, 60),
        mode=mode,
        samples=sampled.out("LATENT"),
        vae=vae.out("VAE"),
    )
