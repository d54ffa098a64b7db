"""After video: did the clip keep the edit where it was, and as it was?"""

REGION = '[{"name":"edit","role":"edit","shape":"ellipse","points":[[0.3,0.3],[0.7,0.7]],"prompt":"","strength":1.0}]'

NOTE = """## 3b After video

The still was approved; the video model has made it move. Does the edited part stay in its scene, or does it slide,
flicker, boil or melt?

1. **Clip**: a stand-in, one picture held for 13 frames under a little grain, so that this runs without weights. Put your
   own clip in its place: Load Video, Get Video Components, and its *images* instead of **Clip**.
2. **Region**: draw around the edit in the **first frame**; it is followed from there. Or connect the mask of the
   surgical strike to *edit_mask* of **Coherence**, and the approved picture to *still*: it is cut and scaled to the clip.
3. **Coherence**: drift, jumps, flicker, boiling texture, bending, flashes and color, each with frame and limit. The
   picture shows the worst frame and every measure over time.
4. **Gate**: a clip that fails goes to **Rejected**. **Fix mask** marks the region in the frames that failed.

The region is meant to move by itself, as a person walks? Set *region_motion* to *free*.
"""


def build(graph):
    picture = graph.node("LoadImage", "Picture", at=(0, 0), size=(300, 340), image="example.png")
    frames = graph.node(
        "RepeatImageBatch", "Stand-in clip", at=(0, 400), size=(300, 80), image=picture.out("IMAGE"), amount=13
    )
    clip = graph.node(
        "ImageAddNoise", "Clip", at=(0, 540), size=(300, 130), image=frames.out("IMAGE"), seed=1, strength=0.004
    )
    first = graph.node(
        "ImageFromBatch", "First frame", at=(360, 0), size=(400, 110), image=clip.out("IMAGE"), batch_index=0, length=1
    )
    region = graph.node(
        "EditFirst_AnchorZoneMask",
        "Region",
        at=(360, 170),
        size=(400, 600),
        image=first.out("IMAGE"),
        zones=REGION,
    )
    check = graph.node(
        "EditFirst_MotionCoherenceCheck",
        "Coherence",
        at=(820, 0),
        size=(420, 420),
        frames=clip.out("IMAGE"),
        edit_mask=region.out("edit_mask"),
        still=first.out("IMAGE"),
    )
    graph.node("PreviewImage", "Over time", at=(1300, 0), size=(620, 640), images=check.out("heatmap"))
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(820, 480),
        size=(420, 250),
        image=clip.out("IMAGE"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(820, 840), size=(420, 140), source=gate.out("summary"))
    graph.node(
        "SaveAnimatedWEBP",
        "Accepted",
        at=(1980, 0),
        size=(400, 420),
        images=gate.out("accepted"),
        filename_prefix="edit_first/coherent",
        fps=16.0,
        lossless=False,
        quality=90,
    )
    graph.node("PreviewImage", "Rejected", at=(1980, 480), size=(400, 300), images=gate.out("rejected"))
    graph.node("MaskPreview", "Fix mask", at=(1300, 700), size=(620, 300), mask=check.out("fix_mask"))
    graph.note(NOTE, at=(820, 1040), size=(420, 480))
