"""Stage 2 with an inpainting model: zones feed the sampler's masks, and the original comes back around them."""

from .model_files import FLUX_FILL, FLUX_TEXT, FLUX_VAE, SDXL, SDXL_INPAINT, flux_loaders, rows

BYPASSED = 4
WHOLE = "photograph, natural light"
AVOID = "blurry, text, watermark"
ZONES = (
    '[{"name":"subject","role":"edit","shape":"ellipse","points":[[0.25,0.25],[0.75,0.85]],'
    '"prompt":"a glass bottle standing on grass, soft light from the left","strength":1.0},'
    '{"name":"keep","role":"anchor","shape":"box","points":[[0.42,0.35],[0.58,0.5]],"prompt":"","strength":1.0}]'
)

NOTE = f"""## Inpaint zones

**Zones** gives two masks and the words:

- *edit_mask* (soft inward ramp) goes to **Set Latent Noise Mask** with **Differential Diffusion**: the ramp becomes a
  later start of denoising, so the seam is drawn by the model. Works with any checkpoint.
- The inverted *lock_mask* is the same zone with a hard edge. **Inpaint Model Conditioning** and **VAE Encode (for
  Inpainting)** round their mask, so they get the hard one; *grow_mask_by* stays 0, because growing there would enter the
  anchors. Use **grow_px** of Zones instead.
- *zones* goes to **Regional Prompt**: the zone's words act in the zone only.

No noise mask keeps pixels: the VAE re-draws them all. **Seam** blends inside the zone, **Lock** copies every locked
pixel back, **Check** proves it.

### Other ways to inpaint
The three lower groups are bypassed. Select one, press Ctrl+B, and connect its Decode to *edited* of **Seam**.

| model | folder |
|---|---|
{rows(SDXL, SDXL_INPAINT, FLUX_FILL, FLUX_TEXT, FLUX_VAE)}
"""


def build(graph):
    picture = graph.node("LoadImage", "Approved picture", at=(0, 0), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask",
        "Zones",
        at=(360, 0),
        size=(420, 780),
        image=picture.out("IMAGE"),
        zones=ZONES,
        grow_px=8,
        feather_px=16,
    )
    graph.node("PreviewImage", "Zones preview", at=(360, 860), size=(420, 380), images=zones.out("preview"))
    graph.note(NOTE, at=(0, 400), size=(320, 840))
    loader = graph.node(
        "CheckpointLoaderSimple", "Checkpoint", at=(860, 40), size=(320, 110), ckpt_name=SDXL["name"], models=[SDXL]
    )
    decoded = _noise_mask(graph, picture, zones, loader)
    _finish(graph, picture, zones, decoded)
    hard = graph.node("InvertMask", "Hard edit mask", at=(860, 690), size=(320, 60), mask=zones.out("lock_mask"))
    _flux_fill(graph, picture, zones, hard)
    _sdxl_inpaint(graph, picture, zones, hard)
    _encode_for_inpaint(graph, picture, zones, hard, loader)


def _prompts(graph, zones, clip, at, suffix, mode=0):
    """The whole picture's prompt with the zones' regions, and what to avoid."""
    x, y = at
    whole = graph.node(
        "CLIPTextEncode", f"Whole picture{suffix}", at=at, size=(320, 120), mode=mode, clip=clip, text=WHOLE
    )
    avoid = graph.node(
        "CLIPTextEncode", f"Avoid{suffix}", at=(x, y + 160), size=(320, 100), mode=mode, clip=clip, text=AVOID
    )
    regions = graph.node(
        "EditFirst_RegionalPrompt",
        f"Regions{suffix}",
        at=(x, y + 300),
        size=(320, 290),
        mode=mode,
        conditioning=whole.out("CONDITIONING"),
        clip=clip,
        zones=zones.out("zones"),
    )
    return regions.out("conditioning"), avoid.out("CONDITIONING")


def _sample(graph, at, suffix, vae, mode=0, **inputs):
    """Sampler and decoder; returns the raw decoded frame."""
    x, y = at
    sampled = graph.node("KSampler", f"Sampler{suffix}", at=at, size=(320, 280), mode=mode, seed=1, **inputs)
    decoded = graph.node(
        "VAEDecode",
        f"Decode{suffix}",
        at=(x, y + 330),
        size=(320, 60),
        mode=mode,
        samples=sampled.out("LATENT"),
        vae=vae,
    )
    return decoded.out("IMAGE")


def _noise_mask(graph, picture, zones, loader):
    """Any checkpoint: a soft noise mask, and differential diffusion to make use of its softness."""
    graph.group("Any checkpoint: noise mask + differential diffusion", (840, -40), (1100, 690))
    positive, negative = _prompts(graph, zones, loader.out("CLIP"), (1220, 40), "")
    encoded = graph.node(
        "VAEEncode", "Encode", at=(860, 200), size=(320, 60), pixels=picture.out("IMAGE"), vae=loader.out("VAE")
    )
    masked = graph.node(
        "SetLatentNoiseMask",
        "Noise mask",
        at=(860, 310),
        size=(320, 60),
        samples=encoded.out("LATENT"),
        mask=zones.out("edit_mask"),
    )
    model = graph.node(
        "DifferentialDiffusion", "Differential", at=(860, 420), size=(320, 80), model=loader.out("MODEL"), strength=1.0
    )
    return _sample(
        graph,
        (1580, 40),
        "",
        loader.out("VAE"),
        model=model.out("MODEL"),
        positive=positive,
        negative=negative,
        latent_image=masked.out("LATENT"),
        steps=30,
        cfg=6.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=0.85,
    )


def _flux_fill(graph, picture, zones, hard):
    """Flux Fill, from its separate files."""
    y, mode = 840, BYPASSED
    graph.group("Inpainting model: Flux Fill (bypassed)", (840, y - 40), (1460, 690))
    unet, clip, vae = flux_loaders(graph, "Fill", FLUX_FILL, (860, y + 40), mode)
    positive, negative = _prompts(graph, zones, clip.out("CLIP"), (1220, y + 40), " (Fill)", mode)
    guided = graph.node(
        "FluxGuidance",
        "Guidance (Fill)",
        at=(1580, y + 40),
        size=(320, 70),
        mode=mode,
        conditioning=positive,
        guidance=30.0,
    )
    parts = unet.out("MODEL"), guided.out("CONDITIONING"), negative, vae.out("VAE")
    settings = {"steps": 20, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal"}
    _trained_to_inpaint(graph, y, " (Fill)", picture, hard, parts, settings)


def _sdxl_inpaint(graph, picture, zones, hard):
    """The inpainting SDXL: one checkpoint, no further files."""
    y, mode = 1560, BYPASSED
    graph.group("Inpainting model: SDXL Inpainting (bypassed)", (840, y - 40), (1460, 690))
    loader = graph.node(
        "CheckpointLoaderSimple",
        "SDXL Inpainting",
        at=(860, y + 40),
        size=(320, 110),
        mode=mode,
        ckpt_name=SDXL_INPAINT["name"],
        models=[SDXL_INPAINT],
    )
    prompts = _prompts(graph, zones, loader.out("CLIP"), (1220, y + 40), " (SDXL Inpainting)", mode)
    parts = loader.out("MODEL"), *prompts, loader.out("VAE")
    settings = {"steps": 30, "cfg": 6.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
    _trained_to_inpaint(graph, y, " (SDXL Inpainting)", picture, hard, parts, settings)


def _trained_to_inpaint(graph, y, suffix, picture, hard, parts, settings):
    """Models that were trained to inpaint: they see the picture with the zone cut out."""
    (model, positive, negative, vae), mode = parts, BYPASSED
    differential = graph.node(
        "DifferentialDiffusion",
        f"Differential{suffix}",
        at=(860, y + 460),
        size=(320, 80),
        mode=mode,
        model=model,
        strength=1.0,
    )
    inpaint = graph.node(
        "InpaintModelConditioning",
        f"Inpaint conditioning{suffix}",
        at=(1580, y + 160),
        size=(320, 180),
        mode=mode,
        positive=positive,
        negative=negative,
        vae=vae,
        pixels=picture.out("IMAGE"),
        mask=hard.out("MASK"),
        noise_mask=True,
    )
    _sample(
        graph,
        (1940, y + 40),
        suffix,
        vae,
        mode,
        model=differential.out("MODEL"),
        positive=inpaint.out("positive"),
        negative=inpaint.out("negative"),
        latent_image=inpaint.out("latent"),
        denoise=1.0,
        **settings,
    )


def _encode_for_inpaint(graph, picture, zones, hard, loader):
    """Replace outright: the zone starts from gray, so denoise must stay 1."""
    y, mode = 2280, BYPASSED
    graph.group("Start from nothing: VAE Encode (for Inpainting) (bypassed)", (840, y - 40), (1100, 690))
    encoded = graph.node(
        "VAEEncodeForInpaint",
        "Encode from gray",
        at=(860, y + 40),
        size=(320, 110),
        mode=mode,
        pixels=picture.out("IMAGE"),
        vae=loader.out("VAE"),
        mask=hard.out("MASK"),
        grow_mask_by=0,
    )
    positive, negative = _prompts(graph, zones, loader.out("CLIP"), (1220, y + 40), " (gray)", mode)
    _sample(
        graph,
        (1580, y + 40),
        " (gray)",
        loader.out("VAE"),
        mode,
        model=loader.out("MODEL"),
        positive=positive,
        negative=negative,
        latent_image=encoded.out("LATENT"),
        steps=30,
        cfg=6.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
    )


def _finish(graph, picture, zones, decoded):
    """Seam, lock, check, gate: as in every surgical strike."""
    seam = graph.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(2000, 0),
        size=(320, 200),
        original=picture.out("IMAGE"),
        edited=decoded,
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(2000, 280),
        size=(320, 220),
        original=picture.out("IMAGE"),
        edited=seam.out("image"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        align="off",
        match_color=False,
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(2380, 0),
        size=(340, 200),
        original=picture.out("IMAGE"),
        image=lock.out("image"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        report=seam.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(2380, 320),
        size=(340, 250),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(2780, 0),
        size=(360, 380),
        images=gate.out("accepted"),
        filename_prefix="edit_first/zone_inpaint",
    )
    graph.node("PreviewImage", "Rejected", at=(2780, 440), size=(360, 260), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(2380, 680), size=(340, 160), source=gate.out("summary"))
