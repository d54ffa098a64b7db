"""Seat and light: bring a placed object into the light of its scene and let it cast a shadow."""

OBJECT = (
    '[{"name":"object","role":"edit","shape":"ellipse","points":[[0.35,0.3],[0.65,0.75]],"prompt":"","strength":1.0}]'
)
REFERENCE = (
    '[{"name":"casts a shadow already","role":"edit","shape":"box","points":[[0.05,0.55],[0.15,0.75]],'
    '"prompt":"","strength":1.0}]'
)

NOTE = """## Seat and light

1. **Composite**: the scene with the new object pasted in.
2. **Object**: draw around the object, down to where it stands.
3. **Light**: brings its exposure and tint a little closer to the scene. If a model rendered the frame, connect its raw
   frame as *image* and the picture before the edit as *original*: then the light is fitted, not guessed. Put your brand's
   colors into *brand_colors*; they stay within *max_delta_e*.
4. **Shadow**: set the direction by hand, or draw **Reference** around another object whose shadow is in sight, without
   its shadow, and switch *auto* on.
5. **Check**: the same node as in the surgical strike; shadows fall outside the object, so only the object counts as edit.
"""


def build(graph):
    picture = graph.node("LoadImage", "Composite", at=(0, 0), size=(300, 340), image="example.png")
    shape = graph.node(
        "EditFirst_AnchorZoneMask", "Object", at=(360, 0), size=(400, 560), image=picture.out("IMAGE"), zones=OBJECT
    )
    reference = graph.node(
        "EditFirst_AnchorZoneMask",
        "Reference",
        at=(360, 780),
        size=(400, 560),
        image=picture.out("IMAGE"),
        zones=REFERENCE,
    )
    light = graph.node(
        "EditFirst_LightingHarmonize",
        "Light",
        at=(820, 0),
        size=(320, 280),
        image=picture.out("IMAGE"),
        edit_mask=shape.out("edit_mask"),
    )
    shadow = graph.node(
        "EditFirst_CastShadow",
        "Shadow",
        at=(820, 340),
        size=(320, 380),
        image=light.out("image"),
        object_mask=shape.out("edit_mask"),
        reference_mask=reference.out("edit_mask"),
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(1200, 0),
        size=(340, 200),
        original=picture.out("IMAGE"),
        image=light.out("image"),
        edit_mask=shape.out("edit_mask"),
        report=light.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1200, 320),
        size=(340, 250),
        image=shadow.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(1600, 0),
        size=(360, 380),
        images=gate.out("accepted"),
        filename_prefix="edit_first/seat_and_light",
    )
    layer = graph.node("MaskToImage", "Shadow layer", at=(1200, 900), size=(340, 60), mask=shadow.out("shadow_mask"))
    graph.node("PreviewImage", "Shadow preview", at=(1200, 1020), size=(340, 280), images=layer.out("IMAGE"))
    graph.node("PreviewImage", "Rejected", at=(1600, 440), size=(360, 260), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(1200, 680), size=(340, 160), source=gate.out("summary"))
    graph.note(NOTE, at=(0, 400), size=(320, 520))
