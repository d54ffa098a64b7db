"""One row of a campaign: scene, product and target mask come from a table, by `python . campaign`."""

NOTE = """## Campaign row

**Run** in the browser needs pictures of yours first: a product that is a PNG with alpha, and a mask for its place.

The campaign runner fills **Scene**, **Product**, **Target mask** and **Swap** for every row of a table:

`python . campaign table.csv --workflow workflows/api/campaign_row.json --server http://127.0.0.1:8188`

- **scene**, **product**: pictures; a product is a PNG with alpha, or has a **product_mask** (white = product)
- **target_mask**: white where the product goes; or **corners** for a label or screen in perspective
- **color**: held within *max_delta_e* and verified
- **name**: of the file

A table with **prompt** and **seed** needs a workflow with a model, such as `2b_zone_inpaint`; `--bind
prompt=NODE.input` names any other place. To run a table inside the browser, use **Campaign Manifest** in place of the
three loaders. All about tables, servers and resuming: docs/campaign.md.
"""


def build(graph):
    scene = graph.node("LoadImage", "Scene", at=(0, 0), size=(300, 340), image="example.png")
    product = graph.node("LoadImage", "Product", at=(0, 420), size=(300, 340), image="example.png")
    target = graph.node(
        "LoadImageMask", "Target mask", at=(0, 840), size=(300, 340), image="example.png", channel="red"
    )
    alpha = graph.node("InvertMask", "Product alpha", at=(360, 420), size=(220, 40), mask=product.out("MASK"))
    swap = graph.node(
        "EditFirst_SKUSwap",
        "Swap",
        at=(640, 0),
        size=(320, 360),
        scene=scene.out("IMAGE"),
        product=product.out("IMAGE"),
        product_mask=alpha.out("MASK"),
        target_mask=target.out("MASK"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1020, 0),
        size=(340, 250),
        image=swap.out("image"),
        report=swap.out("report"),
        on_fail="pass",
    )
    graph.node("PreviewAny", "Verdict", at=(1020, 360), size=(340, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage", "Save", at=(1420, 0), size=(420, 460), images=gate.out("accepted"), filename_prefix="campaign"
    )
    graph.note(NOTE, at=(640, 520), size=(340, 440))
