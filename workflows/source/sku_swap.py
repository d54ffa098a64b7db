"""Another product in an approved scene: seated, lit, shadowed, behind what stands in front, and verified."""

SLOT = (
    '[{"name":"slot","role":"edit","shape":"box","points":[[0.62,0.4],[0.92,0.9]],"prompt":"","strength":1.0},'
    '{"name":"keep","role":"anchor","shape":"ellipse","points":[[0.35,0.2],[0.58,0.5]],"prompt":"","strength":1.0}]'
)
OUTLINE = (
    '[{"name":"product","role":"edit","shape":"polygon",'
    '"points":[[0.415,0.43],[0.575,0.43],[0.64,0.85],[0.35,0.85]],"prompt":"","strength":1.0}]'
)

NOTE = """## SKU swap

1. **Scene**: the approved picture. In **Slot** draw where the product goes, named *slot* (its bottom edge is where the
   product stands), and anchors over what must not change.
2. **Product**: the packshot. In **Product outline** draw its outline, or connect the mask of a background remover to
   *product_mask* of **Swap**.
3. **Swap**: place, light, shadow. List the brand colors that will be measured.
4. **Gate**: brand colors within budget, anchors bit-identical. What fails does not reach **Save**.

*edit_mask* of **Swap** marks leftovers of an old product for a low-denoise inpaint pass; *layers* opens in *Create
Layered Image*.
"""


def build(graph):
    scene = graph.node("LoadImage", "Scene", at=(0, 0), size=(300, 340), image="example.png")
    slot = graph.node(
        "EditFirst_AnchorZoneMask",
        "Slot",
        at=(360, 0),
        size=(540, 760),
        image=scene.out("IMAGE"),
        zones=SLOT,
        outside="edit",
    )
    product = graph.node("LoadImage", "Product", at=(0, 840), size=(300, 340), image="example.png")
    outline = graph.node(
        "EditFirst_AnchorZoneMask",
        "Product outline",
        at=(360, 840),
        size=(540, 760),
        image=product.out("IMAGE"),
        zones=OUTLINE,
    )
    target = graph.node(
        "EditFirst_ZoneMask",
        "Slot mask",
        at=(960, 840),
        size=(320, 100),
        zones=slot.out("zones"),
        image=scene.out("IMAGE"),
        name="slot",
    )
    swap = graph.node(
        "EditFirst_SKUSwap",
        "Swap",
        at=(960, 0),
        size=(320, 360),
        scene=scene.out("IMAGE"),
        product=product.out("IMAGE"),
        product_mask=outline.out("edit_mask"),
        target_mask=target.out("mask"),
        lock_mask=slot.out("lock_mask"),
    )
    check = graph.node(
        "EditFirst_EditCheck",
        "Check",
        at=(960, 520),
        size=(320, 200),
        original=scene.out("IMAGE"),
        image=swap.out("image"),
        edit_mask=slot.out("edit_mask"),
        lock_mask=slot.out("lock_mask"),
        report=swap.out("report"),
    )
    gate = graph.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(1340, 0),
        size=(340, 250),
        image=swap.out("image"),
        report=check.out("report"),
    )
    graph.node("PreviewAny", "Verdict", at=(1340, 360), size=(340, 180), source=gate.out("summary"))
    graph.node(
        "SaveImage",
        "Save",
        at=(1740, 0),
        size=(420, 460),
        images=gate.out("accepted"),
        filename_prefix="edit_first/sku_swap",
    )
    graph.node("PreviewImage", "Rejected", at=(1740, 540), size=(420, 300), images=gate.out("rejected"))
    graph.note(NOTE, at=(0, 400), size=(320, 400))
