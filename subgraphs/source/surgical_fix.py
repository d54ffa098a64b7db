"""One node for the whole strike: crop, inpaint, stitch, grain, seam, lock."""

TITLE = "Surgical Fix"


def build(blueprint):
    blueprint.description = (
        "Repaint one region at the model's resolution and seat it: crop with context, inpaint, stitch, match grain, "
        "melt the seam, and copy every locked pixel back. Masks come from Anchor-Zone Mask."
    )
    image, edit_mask, lock_mask = (
        blueprint.input(name, io_type)
        for name, io_type in (("image", "IMAGE"), ("edit_mask", "MASK"), ("lock_mask", "MASK"))
    )
    model, vae = blueprint.input("model", "MODEL"), blueprint.input("vae", "VAE")
    positive, negative = blueprint.input("positive", "CONDITIONING"), blueprint.input("negative", "CONDITIONING")
    crop = blueprint.node(
        "EditFirst_RegionCrop",
        "Crop",
        at=(0, 0),
        size=(320, 300),
        image=image,
        edit_mask=edit_mask,
        resize="megapixels",
    )
    encode = blueprint.node("VAEEncode", "Encode", at=(380, 0), size=(240, 60), pixels=crop.out("image"), vae=vae)
    masked = blueprint.node(
        "SetLatentNoiseMask",
        "Mask latent",
        at=(380, 140),
        size=(240, 60),
        samples=encode.out("LATENT"),
        mask=crop.out("mask"),
    )
    soft = blueprint.node("DifferentialDiffusion", "Soft mask", at=(380, 280), size=(240, 80), model=model)
    sampler = blueprint.node(
        "KSampler",
        "Sampler",
        at=(680, 0),
        size=(320, 260),
        model=soft.out("MODEL"),
        positive=positive,
        negative=negative,
        latent_image=masked.out("LATENT"),
        denoise=0.7,
    )
    decode = blueprint.node(
        "VAEDecode", "Decode", at=(680, 340), size=(320, 60), samples=sampler.out("LATENT"), vae=vae
    )
    stitch = blueprint.node(
        "EditFirst_RegionStitch",
        "Stitch",
        at=(1060, 0),
        size=(320, 100),
        original=image,
        patch=decode.out("IMAGE"),
        crop=crop.out("crop"),
    )
    grain = blueprint.node(
        "EditFirst_GrainMatch",
        "Grain",
        at=(1060, 180),
        size=(320, 200),
        image=stitch.out("image"),
        edit_mask=edit_mask,
        original=image,
        lock_mask=lock_mask,
    )
    seam = blueprint.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(1440, 0),
        size=(320, 180),
        original=image,
        edited=grain.out("image"),
        edit_mask=edit_mask,
        lock_mask=lock_mask,
        report=grain.out("report"),
    )
    lock = blueprint.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(1440, 260),
        size=(320, 220),
        original=image,
        edited=seam.out("image"),
        edit_mask=seam.out("blend_mask"),
        lock_mask=lock_mask,
        align="off",
        match_color=False,
    )
    blueprint.show(crop, "context", "megapixels")
    blueprint.show(sampler, "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    blueprint.output("image", lock.out("image"))
    blueprint.output("blend_mask", seam.out("blend_mask"))
    blueprint.output("report", seam.out("report"))
