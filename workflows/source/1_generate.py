"""Stage 1, generate: find the golden image, with words of their own for the parts that matter."""

from .model_files import FLUX, FLUX_TEXT, FLUX_VAE, QWEN, QWEN_TEXT, QWEN_VAE, SDXL, flux_loaders, qwen_loaders, rows

BYPASSED = 4
SIZE = 1024
WHOLE = "product photograph of a marble kitchen counter at a window, soft morning light, shallow depth of field"
AVOID = "blurry, text, watermark"
ZONES = (
    '[{"name":"mug","role":"edit","shape":"ellipse","points":[[0.1,0.42],[0.46,0.86]],'
    '"prompt":"a matte green ceramic mug with steam rising, casting a soft shadow on marble","strength":1.0},'
    '{"name":"croissant","role":"edit","shape":"box","points":[[0.55,0.55],[0.95,0.88]],'
    '"prompt":"a golden croissant on a small white plate, on marble","strength":0.9}]'
)

NOTE = f"""## Generate the golden image

1. **Whole picture**: the prompt for everything.
2. **Zones**: draw a zone and type what it shows. Everything else keeps the whole picture's prompt.
3. **Regions** attaches the zones' prompts. Each zone costs one more model pass per step: here 2 zones + whole picture +
   negative = 4 passes instead of 2.
4. Run with several seeds. Errors are fine at this stage; take the picture that is 80 % right to
   **2_surgical_strike**.

*Strength* 1 = the zone's words alone, 0.5 = half of the whole picture's. A zone's words should name the surface and the
light around it, since the model reads nothing else there.

### Another model
The Qwen-Image and Flux groups are bypassed. Select one and press Ctrl+B to use it, and bypass the SDXL group.

| model | folder |
|---|---|
{rows(SDXL, QWEN, QWEN_TEXT, QWEN_VAE, FLUX, FLUX_TEXT, FLUX_VAE)}
"""


def build(graph):
    canvas = graph.node(
        "EmptyImage", "Canvas", at=(0, 0), size=(300, 150), width=SIZE, height=SIZE, batch_size=1, color=0x808080
    )
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(360, 0), size=(420, 780), image=canvas.out("IMAGE"), zones=ZONES
    )
    graph.node("PreviewImage", "Zones preview", at=(360, 860), size=(420, 380), images=zones.out("preview"))
    graph.note(NOTE, at=(0, 210), size=(320, 1030))
    _sdxl(graph, zones)
    _qwen(graph, zones)
    _flux(graph, zones)


def _sdxl(graph, zones):
    loader = graph.node(
        "CheckpointLoaderSimple", "Checkpoint", at=(860, 40), size=(320, 110), ckpt_name=SDXL["name"], models=[SDXL]
    )
    latent = graph.node(
        "EmptyLatentImage", "Size", at=(860, 210), size=(320, 120), width=SIZE, height=SIZE, batch_size=1
    )
    _sample(
        graph,
        zones,
        at=(860, 0),
        group="SDXL checkpoint",
        suffix="",
        model=loader.out("MODEL"),
        clip=loader.out("CLIP"),
        vae=loader.out("VAE"),
        latent=latent.out("LATENT"),
        sampling={"steps": 30, "cfg": 6.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"},
    )


def _qwen(graph, zones):
    y, mode = 640, BYPASSED
    unet, clip, vae = qwen_loaders(graph, QWEN, (860, y + 40), mode)
    shifted = graph.node(
        "ModelSamplingAuraFlow",
        "Qwen shift",
        at=(860, y + 430),
        size=(320, 70),
        mode=mode,
        model=unet.out("MODEL"),
        shift=3.1,
    )
    latent = graph.node(
        "EmptySD3LatentImage", "Qwen size", at=(1580, y + 390), size=(320, 120), mode=mode, width=SIZE, height=SIZE
    )
    _sample(
        graph,
        zones,
        at=(860, y),
        group="Qwen-Image (bypassed: select, Ctrl+B)",
        suffix=" (Qwen)",
        mode=mode,
        model=shifted.out("MODEL"),
        clip=clip.out("CLIP"),
        vae=vae.out("VAE"),
        latent=latent.out("LATENT"),
        sampling={"steps": 20, "cfg": 2.5, "sampler_name": "euler", "scheduler": "simple"},
    )


def _flux(graph, zones):
    y, mode = 1280, BYPASSED
    unet, clip, vae = flux_loaders(graph, "Flux", FLUX, (860, y + 40), mode)
    latent = graph.node(
        "EmptySD3LatentImage", "Flux size", at=(1580, y + 390), size=(320, 120), mode=mode, width=SIZE, height=SIZE
    )
    _sample(
        graph,
        zones,
        at=(860, y),
        group="Flux.1 dev (bypassed: select, Ctrl+B)",
        suffix=" (Flux)",
        mode=mode,
        model=unet.out("MODEL"),
        clip=clip.out("CLIP"),
        vae=vae.out("VAE"),
        latent=latent.out("LATENT"),
        # Guidance is distilled into the model: cfg 1, and the guidance of the whole picture's prompt holds for regions.
        guidance=3.5,
        sampling={"steps": 20, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"},
    )


def _sample(graph, zones, *, at, group, suffix, model, clip, vae, latent, sampling, mode=0, guidance=None):
    """Prompts, regions, sampler and save node of one model, in a row."""
    x, y = at
    graph.group(group, (x - 20, y - 40), (1840, 600))
    whole = graph.node(
        "CLIPTextEncode",
        f"Whole picture{suffix}",
        at=(x + 360, y + 40),
        size=(320, 150),
        mode=mode,
        clip=clip,
        text=WHOLE,
    )
    avoid = graph.node(
        "CLIPTextEncode", f"Avoid{suffix}", at=(x + 360, y + 230), size=(320, 120), mode=mode, clip=clip, text=AVOID
    )
    prompt = whole
    if guidance is not None:
        prompt = graph.node(
            "FluxGuidance",
            f"Guidance{suffix}",
            at=(x + 360, y + 390),
            size=(320, 70),
            mode=mode,
            conditioning=whole.out("CONDITIONING"),
            guidance=guidance,
        )
    regions = graph.node(
        "EditFirst_RegionalPrompt",
        f"Regions{suffix}",
        at=(x + 720, y + 40),
        size=(320, 290),
        mode=mode,
        conditioning=prompt.out("CONDITIONING"),
        clip=clip,
        feather_px=32,
        zones=zones.out("zones"),
    )
    sampled = graph.node(
        "KSampler",
        f"Sampler{suffix}",
        at=(x + 1080, y + 40),
        size=(320, 280),
        mode=mode,
        model=model,
        seed=1,
        positive=regions.out("conditioning"),
        negative=avoid.out("CONDITIONING"),
        latent_image=latent,
        **sampling,
    )
    decoded = graph.node(
        "VAEDecode",
        f"Decode{suffix}",
        at=(x + 1080, y + 370),
        size=(320, 60),
        mode=mode,
        samples=sampled.out("LATENT"),
        vae=vae,
    )
    graph.node(
        "SaveImage",
        f"Save{suffix}",
        at=(x + 1440, y + 40),
        size=(360, 400),
        mode=mode,
        images=decoded.out("IMAGE"),
        filename_prefix="edit_first/generate",
    )
