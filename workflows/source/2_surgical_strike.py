"""Stage 2, surgical strike: lock what works, replace one part at full resolution, make it sit, prove it."""

from .sample_zones import DRESS

ZONES = (
    '[{"name":"dress","role":"edit","shape":"polygon",'
    f'"points":{DRESS}'
    ',"prompt":"","strength":1.0},'
    '{"name":"face","role":"anchor","shape":"ellipse","points":[[0.38,0.24],[0.62,0.41]],"prompt":"","strength":1.0}]'
)

NOTE = """## Surgical strike

Press **Run**: the dress turns teal, and nothing else moves. Then make it yours:

1. **Approved picture**: *choose file to upload*, the one that is 80 % right.
2. **Zones**: delete both, draw what may change (orange) and what must stay (blue, hatched). Anchors win.
3. **Crop**: the edit with its surroundings. Set *resize* to *megapixels* for your model's native size.
4. **Model edit**: a recolor stands in for a model, so that this runs without weights. Put your inpainting or editing
   model in its place: *image* and *mask* of **Crop** go in, the *raw* VAE Decode goes to *patch* of **Stitch**.
   **2b_zone_inpaint** has local models wired, **2c_api_strike** one behind an API.
5. **Stitch**, **Grain**, **Seam**, **Lock**: the patch goes back where it was, gets the plate's grain, melts in, and
   every locked pixel is the original's own.
6. **Check**, **Gate**: measured against the original. What fails does not reach **Save**; **Verdict** says why, and
   which node fixes it.
"""


def _stand_in(graph, crop):
    """Recolors what the mask covers: a visible edit that needs no weights."""
    node = graph.node(
        "EditFirst_SKURecolor",
        "Model edit",
        at=(960, 360),
        size=(320, 250),
        image=crop.out("image"),
        mask=crop.out("mask"),
        color="#1d9a8a",
    )
    return node.out("image")


def build(graph, *, note=NOTE, model=_stand_in, **crop_options):
    """The strike; `model` adds what edits the crop and returns its picture."""
    picture = graph.node("LoadImage", "Approved picture", at=(0, 0), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(360, 0), size=(540, 760), image=picture.out("IMAGE"), zones=ZONES
    )
    crop = graph.node(
        "EditFirst_RegionCrop",
        "Crop",
        at=(960, 0),
        size=(320, 300),
        image=picture.out("IMAGE"),
        edit_mask=zones.out("edit_mask"),
        **crop_options,
    )
    stitch = graph.node(
        "EditFirst_RegionStitch",
        "Stitch",
        at=(960, 720),
        size=(320, 100),
        original=picture.out("IMAGE"),
        patch=model(graph, crop),
        crop=crop.out("crop"),
    )
    grain = graph.node(
        "EditFirst_GrainMatch",
        "Grain",
        at=(1340, 0),
        size=(320, 200),
        image=stitch.out("image"),
        edit_mask=zones.out("edit_mask"),
        original=picture.out("IMAGE"),
        lock_mask=zones.out("lock_mask"),
    )
    seam = graph.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(1340, 280),
        size=(320, 180),
        original=picture.out("IMAGE"),
        edited=grain.out("image"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
        report=grain.out("report"),
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(1340, 540),
        size=(320, 220),
        original=picture.out("IMAGE"),
        edited=seam.out("image"),
        edit_mask=seam.out("blend_mask"),
        lock_mask=zones.out("lock_mask"),
        align="off",
        match_color=False,
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(1720, 0),
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
        at=(1720, 320),
        size=(340, 250),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(1720, 680), size=(340, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage",
        "Save",
        at=(2120, 0),
        size=(400, 420),
        images=gate.out("accepted"),
        filename_prefix="edit_first/surgical_strike",
    )
    graph.node("PreviewImage", "Rejected", at=(2120, 480), size=(400, 300), images=gate.out("rejected"))
    graph.node("PreviewImage", "Zones preview", at=(960, 880), size=(320, 300), images=zones.out("preview"))
    graph.node("PreviewImage", "Drift heat map", at=(1720, 920), size=(340, 280), images=check.out("heatmap"))
    graph.note(note, at=(0, 400), size=(320, 560))
