"""Stage 2, surgical strike: lock what works, replace one part, make it sit, prove it."""

ZONES = (
    '[{"name":"subject","role":"edit","shape":"ellipse","points":[[0.25,0.25],[0.75,0.85]],'
    '"prompt":"","strength":1.0},'
    '{"name":"keep","role":"anchor","shape":"box","points":[[0.42,0.35],[0.58,0.5]],"prompt":"","strength":1.0}]'
)

NOTE = """## Surgical strike

1. **Approved picture**: the one that is 80 % right.
2. **Zones**: what may change (orange) and what must stay (blue, hatched). Anchors win.
3. **Model edit**: here a stand-in inverts the picture, so that this runs without weights. Put your inpainting or
   editing model in its place: the picture goes in, the *raw* VAE Decode comes out.
4. **Seam**, **Lock**: blend the edit in, copy every locked pixel back.
5. **Check**, **Gate**: measured against the original. What fails does not reach **Save**.
"""


def build(graph):
    picture = graph.node("LoadImage", "Approved picture", at=(0, 0), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(360, 0), size=(420, 640), image=picture.out("IMAGE"), zones=ZONES
    )
    edit = graph.node("ImageInvert", "Model edit", at=(360, 720), size=(300, 60), image=picture.out("IMAGE"))
    seam = graph.node(
        "EditFirst_SeamFeather",
        "Seam",
        at=(860, 0),
        size=(320, 200),
        original=picture.out("IMAGE"),
        edited=edit.out("IMAGE"),
        edit_mask=zones.out("edit_mask"),
        lock_mask=zones.out("lock_mask"),
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(860, 280),
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
        at=(1240, 0),
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
        at=(1240, 280),
        size=(340, 160),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(1640, 0),
        size=(360, 380),
        images=gate.out("accepted"),
        filename_prefix="edit_first/surgical_strike",
    )
    graph.node("PreviewImage", "Rejected", at=(1640, 440), size=(360, 260), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(1240, 500), size=(340, 160), source=gate.out("summary"))
    graph.node("PreviewImage", "Zones preview", at=(860, 560), size=(320, 300), images=zones.out("preview"))
    graph.node("PreviewImage", "Drift heat map", at=(1240, 720), size=(340, 280), images=check.out("heatmap"))
    graph.note(NOTE, at=(0, 400), size=(320, 420))
