"""Stage 3, consistency check: is the edited still true to the approved one, and may it become a clip?"""

ZONES = (
    '[{"name":"edit","role":"edit","shape":"ellipse","points":[[0.25,0.25],[0.75,0.85]],"prompt":"","strength":1.0}]'
)

STILLS_NOTE = """## Stills

1. **Approved original** and, where **Stand-in edit** and **Edited picture** are, your edited picture: put a Load Image
   in their place. The stand-in softens the zone as a careless edit would, so that there is something to find.
2. **Edit zone**: what was allowed to change. Everything else must be the original's own, pixel for pixel.
3. **Still check** compares the two. **Still gate** lets a picture go on only when nothing fails; the reason is on the
   node, and in **Still verdict**.
"""

SEEDS_NOTE = """## Video seeds

A video model carries every flaw of its first frame into every frame after it.

1. **Seed check** looks at the picture as the video model will: set *video_model* to yours, and its crop and resize are
   done first. A portrait gets a portrait canvas.
2. Blue in **Seed heat map** is soft edges - a soft background is no flaw. Yellow is a finding; dark is what the video
   node cuts off.
3. **Fix mask** is what to repair: connect it as *edit_mask* of the surgical strike, and come back.
4. The report runs through both checks, so **Seed gate** judges the still and the seed together. Only behind it: image
   to video, upscaling. Both make errors larger.

Connect a matte of what will move as *subject_mask* to have stray parts, holes and halos checked.
"""


def build(graph):
    picture = graph.node("LoadImage", "Approved original", at=(0, 60), size=(300, 340), image="example.png")
    zones = graph.node(
        "EditFirst_AnchorZoneMask", "Edit zone", at=(360, 60), size=(440, 620), image=picture.out("IMAGE"), zones=ZONES
    )
    model = graph.node(
        "ImageBlur",
        "Stand-in edit",
        at=(860, 60),
        size=(320, 110),
        image=picture.out("IMAGE"),
        blur_radius=2,
        sigma=0.7,
    )
    edited = graph.node(
        "EditFirst_AnchorLock",
        "Edited picture",
        at=(860, 230),
        size=(320, 260),
        original=picture.out("IMAGE"),
        edited=model.out("IMAGE"),
        edit_mask=zones.out("edit_mask"),
        align="off",
        match_color=False,
    )
    still = graph.node(
        "EditFirst_EditCheck",
        "Still check",
        at=(1240, 60),
        size=(360, 260),
        original=picture.out("IMAGE"),
        image=edited.out("image"),
        edit_mask=zones.out("edit_mask"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Still gate",
        at=(1660, 60),
        size=(320, 250),
        image=edited.out("image"),
        report=still.out("report"),
    )
    graph.node("PreviewAny", "Still verdict", at=(1660, 420), size=(320, 180), source=gate.out("summary"))
    graph.node("PreviewImage", "Still heat map", at=(1240, 380), size=(360, 300), images=still.out("heatmap"))
    graph.node(
        "SaveImage",
        "Save still",
        at=(2040, 60),
        size=(380, 320),
        images=gate.out("accepted"),
        filename_prefix="edit_first/still",
    )
    graph.node("PreviewImage", "Rejected still", at=(2040, 440), size=(380, 240), images=gate.out("rejected"))
    graph.note(STILLS_NOTE, at=(0, 460), size=(340, 320))
    _video_seeds(graph, edited, zones, still)
    graph.group("Stills", at=(-20, 0), size=(2460, 800))
    graph.group("Video seeds", at=(-20, 820), size=(2460, 820), color="#8a6d3b")


def _video_seeds(graph, edited, zones, still):
    seed = graph.node(
        "EditFirst_MotionReadinessCheck",
        "Seed check",
        at=(860, 880),
        size=(320, 420),
        image=edited.out("image"),
        video_model="Wan 480p (832x480)",
        edit_mask=zones.out("edit_mask"),
        report=still.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Seed gate",
        at=(1660, 880),
        size=(320, 250),
        image=edited.out("image"),
        report=seed.out("report"),
    )
    graph.node("PreviewImage", "Seed heat map", at=(1240, 880), size=(360, 320), images=seed.out("heatmap"))
    mask = graph.node("MaskToImage", "Fix mask", at=(860, 1360), size=(320, 60), mask=seed.out("fix_mask"))
    graph.node("PreviewImage", "Fix mask preview", at=(1240, 1260), size=(360, 300), images=mask.out("IMAGE"))
    graph.node("PreviewAny", "Seed verdict", at=(1660, 1240), size=(320, 180), source=gate.out("summary"))
    graph.node("PreviewAny", "Seed score", at=(1660, 1480), size=(320, 100), source=seed.out("score"))
    graph.node(
        "SaveImage",
        "Save video seed",
        at=(2040, 880),
        size=(380, 320),
        images=gate.out("accepted"),
        filename_prefix="edit_first/video_seed",
    )
    graph.node("PreviewImage", "Rejected seed", at=(2040, 1260), size=(380, 240), images=gate.out("rejected"))
    graph.note(SEEDS_NOTE, at=(0, 880), size=(800, 440))
