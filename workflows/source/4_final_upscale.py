"""Stage 4, final upscale: nothing is enlarged that has not passed, and what was approved stays approved at the new size."""

ZONES = (
    '[{"name":"subject","role":"edit","shape":"ellipse","points":[[0.25,0.25],[0.75,0.85]],'
    '"prompt":"","strength":1.0},'
    '{"name":"keep","role":"anchor","shape":"box","points":[[0.42,0.35],[0.58,0.5]],"prompt":"","strength":1.0}]'
)

MODELS = [
    {
        "name": "RealESRGAN_x4plus.safetensors",
        "url": "https://huggingface.co/Comfy-Org/Real-ESRGAN_repackaged/resolve/main/RealESRGAN_x4plus.safetensors",
        "directory": "upscale_models",
    }
]

NOTE = """## Final upscale

Enlarging makes every flaw larger, so the gate comes **first**.

1. **Original** and **Edited picture**: before and after your edit, at equal size. Draw in **Zones** what was edited
   (orange) and what must stay approved: faces, logos, labels (blue).
2. **Check**, **Gate**: when the picture fails, *accepted* is silent and **Only if passed** never asks for its
   *on_true* side. No upscaler runs and none is loaded. The reason is in **Verdict**, the picture in **Rejected**.
3. **Upscale** is bypassed, so that this runs without weights; select it and **Upscale model** and press Ctrl+B. Whatever
   its factor, **Delivery size** (Lanczos) brings the frame to the height you set.
4. **Grain** brings the edit half way to the grain and sharpness of the picture around it, at the new size; raise
   *strength* when an upscaling model smoothed the edit more than the rest.
"""

NOTE_ANCHORS = """## Anchors at the new size

An upscaling model invents detail: a letter may get a new shape, a face a new eye. **Reference** is the approved original
enlarged by plain resampling, which invents nothing. **Seam** and **Lock** put the anchors back from it: each of their
pixels is the reference's own, and **Check again** counts them.

Zones are kept as fractions of the picture, so **Anchors** and **Edit** are drawn anew at the new size; no mask is
enlarged.

Anchors look soft beside an upscaling model's detail? That is the price of inventing nothing. For textured anchors
(wood, cloth) feed **Reference** from a second *Upscale Image (using Model)* on the original.

**Gate again** saves the picture and, beside it, its verdict as `.json`: version, limits, findings, and a hash of the
pixels.
"""


def build(graph):
    original = graph.node("LoadImage", "Original", at=(0, 0), size=(300, 340), image="example.png")
    edited = graph.node("LoadImage", "Edited picture", at=(0, 400), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(360, 0), size=(540, 760), image=original.out("IMAGE"), zones=ZONES
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(960, 0),
        size=(340, 560),
        original=original.out("IMAGE"),
        image=edited.out("IMAGE"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1360, 0),
        size=(340, 380),
        image=edited.out("IMAGE"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(1360, 460), size=(340, 240), source=gate.out("summary"))
    graph.node("PreviewImage", "Rejected", at=(1360, 760), size=(340, 280), images=gate.out("rejected"))
    large = _upscale(graph, gate)
    restored, reference, free, anchors, seam = _unify(graph, original, zones, large)
    _check_again(graph, restored, reference, free, anchors, seam)
    graph.note(NOTE, at=(0, 800), size=(900, 330))
    graph.note(NOTE_ANCHORS, at=(1760, 880), size=(740, 380))
    graph.group("1  Only what passed goes on", (-20, -80), (1740, 1240))
    graph.group("2  Enlarge, unify, restore the anchors", (1740, -80), (780, 1360))
    graph.group("3  Check again and save", (2540, -80), (800, 1360))


def _upscale(graph, gate):
    model = graph.node(
        "UpscaleModelLoader",
        "Upscale model",
        at=(1760, 0),
        size=(340, 60),
        mode=4,
        models=MODELS,
        model_name=MODELS[0]["name"],
    )
    upscale = graph.node(
        "ImageUpscaleWithModel",
        "Upscale",
        at=(1760, 130),
        size=(340, 50),
        mode=4,
        upscale_model=model.out("UPSCALE_MODEL"),
        image=gate.out("accepted"),
    )
    delivery = graph.node(
        "ImageScale",
        "Delivery size",
        at=(1760, 250),
        size=(340, 160),
        image=upscale.out("IMAGE"),
        upscale_method="lanczos",
        width=0,
        height=1536,
        crop="disabled",
    )
    return graph.node(
        "ComfySwitchNode",
        "Only if passed",
        at=(1760, 480),
        size=(340, 90),
        switch=gate.out("passed"),
        on_true=delivery.out("IMAGE"),
        on_false=gate.out("accepted"),
    )


def _unify(graph, original, zones, large):
    size = graph.node("GetImageSize", "Size", at=(1760, 640), size=(340, 80), image=large.out("output"))
    reference = graph.node(
        "ImageScale",
        "Reference",
        at=(2160, 0),
        size=(340, 160),
        image=original.out("IMAGE"),
        upscale_method="lanczos",
        width=size.out("width"),
        height=size.out("height"),
        crop="disabled",
    )
    masks = {}
    for title, name, y in (("Anchors", "*anchor", 230), ("Edit", "*edit", 350)):
        masks[title] = graph.node(
            "EditFirst_ZoneMask",
            title,
            at=(2160, y),
            size=(340, 80),
            zones=zones.out("zones"),
            image=reference.out("IMAGE"),
            name=name,
        ).out("mask")
    free = graph.node("InvertMask", "All but the anchors", at=(2160, 480), size=(340, 40), mask=masks["Anchors"])
    grain = graph.node(
        "EditFirst_GrainMatch",
        "Grain",
        at=(2160, 580),
        size=(340, 180),
        image=large.out("output"),
        edit_mask=masks["Edit"],
        strength=0.5,
        lock_mask=masks["Anchors"],
    )
    seam = graph.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(2560, 0),
        size=(340, 180),
        original=reference.out("IMAGE"),
        edited=grain.out("image"),
        edit_mask=free.out("MASK"),
        lock_mask=masks["Anchors"],
        report=grain.out("report"),
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(2560, 260),
        size=(340, 220),
        original=reference.out("IMAGE"),
        edited=seam.out("image"),
        edit_mask=free.out("MASK"),
        lock_mask=masks["Anchors"],
        align="off",
        match_color=False,
    )
    return lock, reference, free, masks["Anchors"], seam


def _check_again(graph, restored, reference, free, anchors, seam):
    check = graph.node(
        "EditFirst_EditCheck",
        "Check again",
        at=(2560, 560),
        size=(340, 560),
        original=reference.out("IMAGE"),
        image=restored.out("image"),
        edit_mask=free.out("MASK"),
        lock_mask=anchors,
        report=seam.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate again",
        at=(2960, 0),
        size=(360, 580),
        image=restored.out("image"),
        report=check.out("report"),
        filename_prefix="edit_first/final",
    )
    graph.node(
        "PreviewAny", "Verdict on the large picture", at=(2960, 660), size=(360, 240), source=gate.out("summary")
    )
    graph.node("PreviewImage", "Rejected large picture", at=(2960, 960), size=(360, 280), images=gate.out("rejected"))
