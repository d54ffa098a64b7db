"""Stage 2 with a model behind an API: only the crop leaves the machine, and only its zone comes back."""

NOTE = """## Surgical strike by API

**Flux Fill** runs at Black Forest Labs through ComfyUI's partner nodes: no weights and no GPU, but an account with
credits (*Settings > User*). Each Run costs what its badge says.

1. **Approved picture**, **Zones**: as in **2_surgical_strike**.
2. **Crop** sends the zone and its surroundings at 1 megapixel. The rest of the picture never leaves this machine.
3. **Model edit**: type what the zone shall show. Any other partner node that takes a picture fits in its place; one
   without a mask input (Nano Banana, Seedream, Qwen) redraws the whole crop, and **Seam** and **Lock** undo that.
4. What comes back is stitched, grained, blended, locked, checked and gated as ever.

Scripts give their key with the prompt: see docs/automation.md.
"""
PROMPT = "a knee-length emerald green velvet dress, soft folds, same light as the surroundings"


def build(graph):
    graph.include("2_surgical_strike", note=NOTE, model=_flux_fill, resize="megapixels")


def _flux_fill(graph, crop):
    node = graph.node(
        "FluxProFillNode",
        "Model edit",
        at=(960, 360),
        size=(320, 250),
        image=crop.out("image"),
        mask=crop.out("mask"),
        prompt=PROMPT,
        seed=1,
    )
    return node.out("IMAGE")
