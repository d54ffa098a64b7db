"""SKU swap as an app, for people who do not wire graphs: two pictures, a slot, an outline, a button."""

INPUTS = (
    ("Scene", "image"),
    ("Slot", "zones"),
    ("Product", "image"),
    ("Product outline", "zones"),
    ("Swap", "harmonize"),
    ("Swap", "shadow"),
    ("Swap", "brand_colors"),
)


def build(graph):
    graph.include("sku_swap")
    graph.extra["linearMode"] = True
    graph.extra["linearData"] = {
        "inputs": [[graph.find(title).id, widget] for title, widget in INPUTS],
        "outputs": [graph.find("Save").id],
    }
