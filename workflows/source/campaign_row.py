"""One row of a campaign: scene, product and target mask come from a table, by `python . campaign`."""

NOTE = """## Campaign row

The campaign runner fills **Scene**, **Product**, **Target mask** and **Swap** for every row of a table:

`python . campaign table.csv --workflow workflows/api/campaign_row.json --server http://127.0.0.1:8188`

- products are PNGs with alpha; target masks are white where the product goes
- columns: scene, product, target_mask, corners, name

Bind more columns with `--bind`, for example `--bind color=Swap.brand_colors`. To run a table inside the browser, use
**Campaign Manifest** in place of the three loaders.
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
        size=(340, 160),
        image=swap.out("image"),
        report=swap.out("report"),
        on_fail="pass",
    )
    graph.node("PreviewAny", "Verdict", at=(1020, 240), size=(340, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage", "Save", at=(1420, 0), size=(420, 460), images=gate.out("accepted"), filename_prefix="campaign"
    )
    graph.note(NOTE, at=(640, 440), size=(340, 340))
