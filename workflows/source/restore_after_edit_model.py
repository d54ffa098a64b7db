"""Stage 2: an instruction-editing model changed one thing and moved everything; keep the one thing."""

NOTE = """## Restore after an edit model

1. **Approved picture**: what you had.
2. **Model edit**: here a stand-in gives the frame back at another size, so that this runs without weights. Put your
   instruction-editing model (Kontext, Qwen Image Edit, ...) in its place and connect its *raw* VAE Decode.
3. **Lock** brings the frame back into register and color, finds what really changed and puts only that onto the
   original. Nothing to paint. Raise **sensitivity** when a faint change is missed, or connect an edit mask.
4. **Check**, **Gate**: every pixel outside the found mask is the original's own, or it does not reach **Save**.
"""


def build(graph):
    picture = graph.node("LoadImage", "Approved picture", at=(0, 0), size=(300, 340), image="example.png")
    edit = graph.node(
        "ImageScale",
        "Model edit",
        at=(360, 0),
        size=(300, 170),
        image=picture.out("IMAGE"),
        upscale_method="bicubic",
        width=0,
        height=496,
        crop="disabled",
    )
    lock = graph.node(
        "EditFirst_AnchorLock",
        "Lock",
        at=(720, 0),
        size=(320, 240),
        original=picture.out("IMAGE"),
        edited=edit.out("IMAGE"),
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(1100, 0),
        size=(340, 200),
        original=picture.out("IMAGE"),
        image=lock.out("image"),
        edit_mask=lock.out("edit_mask"),
        report=lock.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1100, 280),
        size=(340, 160),
        image=lock.out("image"),
        report=check.out("report"),
    )
    graph.node(
        "SaveImage",
        "Save",
        at=(1500, 0),
        size=(360, 380),
        images=gate.out("accepted"),
        filename_prefix="edit_first/restored",
    )
    graph.node("PreviewImage", "Rejected", at=(1500, 440), size=(360, 260), images=gate.out("rejected"))
    graph.node("PreviewAny", "Verdict", at=(1100, 500), size=(340, 160), source=gate.out("summary"))
    found = graph.node("MaskToImage", "Found", at=(720, 320), size=(320, 40), mask=lock.out("edit_mask"))
    graph.node("PreviewImage", "Found change", at=(720, 420), size=(320, 280), images=found.out("IMAGE"))
    graph.node("PreviewImage", "Aligned", at=(360, 420), size=(320, 280), images=lock.out("aligned"))
    graph.note(NOTE, at=(0, 400), size=(320, 380))
