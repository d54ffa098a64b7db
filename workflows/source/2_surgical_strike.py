"""Stage 2, surgical strike: lock what works, replace one part at full resolution, make it sit, prove it."""

ZONES = (
    '[{"name":"subject","role":"edit","shape":"ellipse","points":[[0.25,0.25],[0.75,0.85]],'
    '"prompt":"","strength":1.0},'
    '{"name":"keep","role":"anchor","shape":"box","points":[[0.42,0.35],[0.58,0.5]],"prompt":"","strength":1.0}]'
)

NOTE = """## Surgical strike

1. **Approved picture**: the one that is 80 % right.
2. **Zones**: draw what may change (orange) and what must stay (blue, hatched). Anchors win.
3. **Crop**: the edit with its surroundings. Set `resize` to `megapixels` for your model's native size.
4. **Model edit**: a stand-in softens the crop as a model's VAE does, so that this runs without weights. Put your
   inpainting or editing model in its place: crop and mask go in, the *raw* VAE Decode comes out.
5. **Stitch**, **Grain**, **Seam**, **Lock**: the patch goes back where it was, gets the plate's grain, melts in, and
   every locked pixel is the original's own.
6. **Check**, **Gate**: measured against the original. What fails does not reach **Save**.
"""


def build(graph):
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
    )
    edit = graph.node("ImageBlur", "Model edit", at=(960, 380), size=(320, 82), image=crop.out("image"))
    stitch = graph.node(
        "EditFirst_RegionStitch",
        "Stitch",
        at=(960, 520),
        size=(320, 100),
        original=picture.out("IMAGE"),
        patch=edit.out("IMAGE"),
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
        at=(1720, 280),
        size=(340, 160),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(1720, 520), size=(340, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage",
        "Save",
        at=(2120, 0),
        size=(400, 420),
        images=gate.out("accepted"),
        filename_prefix="edit_first/surgical_strike",
    )
    graph.node("PreviewImage", "Rejected", at=(2120, 480), size=(400, 300), images=gate.out("rejected"))
    graph.node("PreviewImage", "Zones preview", at=(960, 700), size=(320, 300), images=zones.out("preview"))
    graph.node("PreviewImage", "Drift heat map", at=(1720, 780), size=(340, 280), images=check.out("heatmap"))
    graph.note(NOTE, at=(0, 400), size=(320, 480))
