"""Color variants of one approved product picture: new color, same shading, everything else bit-identical."""

from .sample_zones import DRESS

ZONES = f'[{{"name":"product","role":"edit","shape":"polygon","points":{DRESS},"prompt":"","strength":1.0}}]'

NOTE = """## SKU recolor

1. **Scene**: the approved picture. **Zones**: the one surface that gets the new color; connect a mask to *edit_mask*
   for an exact outline (mask editor, SAM3).
2. **Color**: the target as it should look in this scene. Shading, texture and highlights stay.
3. **Gate**: the median of the mid-tones must be within CIEDE2000 2 of the target, and nothing outside may change.

A whole table of colors: `python . campaign colors.csv --workflow workflows/api/sku_recolor.json`
"""


def build(graph):
    scene = graph.node("LoadImage", "Scene", at=(0, 0), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(360, 0), size=(420, 640), image=scene.out("IMAGE"), zones=ZONES
    )
    recolor = graph.node(
        "EditFirst_SKURecolor",
        "Color",
        at=(860, 0),
        size=(320, 180),
        image=scene.out("IMAGE"),
        mask=zones.out("edit_mask"),
        color="#0057b8",
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(860, 300),
        size=(320, 200),
        original=scene.out("IMAGE"),
        image=recolor.out("image"),
        edit_mask=zones.out("edit_mask"),
        report=recolor.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(860, 620),
        size=(320, 250),
        image=recolor.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(1260, 0),
        size=(400, 420),
        images=gate.out("accepted"),
        filename_prefix="edit_first/recolor",
    )
    graph.node("PreviewImage", "Rejected", at=(1260, 480), size=(400, 300), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(860, 980), size=(320, 160), source=gate.out("summary"))
    graph.note(NOTE, at=(0, 400), size=(320, 380))
