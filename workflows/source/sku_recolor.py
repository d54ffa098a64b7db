"""Color variants of one approved product picture: new color, same shading, everything else bit-identical."""

ZONES = (
    '[{"name":"product","role":"edit","shape":"polygon",'
    '"points":[[0.441,0.423],[0.426,0.435],[0.422,0.447],[0.413,0.46],[0.408,0.513],[0.41,0.544],'
    "[0.405,0.564],[0.406,0.63],[0.397,0.664],[0.396,0.689],[0.382,0.72],[0.358,0.797],"
    "[0.344,0.826],[0.344,0.841],[0.348,0.849],[0.363,0.861],[0.427,0.861],[0.512,0.853],"
    "[0.522,0.859],[0.535,0.859],[0.544,0.854],[0.608,0.853],[0.612,0.855],[0.625,0.855],"
    "[0.635,0.85],[0.643,0.842],[0.647,0.835],[0.647,0.82],[0.641,0.81],[0.641,0.802],"
    "[0.637,0.796],[0.633,0.737],[0.624,0.708],[0.608,0.676],[0.603,0.654],[0.579,0.598],"
    "[0.578,0.552],[0.576,0.54],[0.578,0.529],[0.579,0.479],[0.576,0.467],[0.576,0.451],"
    "[0.572,0.443],[0.556,0.431],[0.543,0.431],[0.533,0.435],[0.526,0.431],[0.474,0.423]"
    '],"prompt":"","strength":1.0}]'
)

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
