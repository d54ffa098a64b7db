"""Thin ComfyUI adapters: convert, call the library, wrap."""

from comfy_api.latest import ComfyExtension, io

from . import (
    campaign,
    checks,
    coherence,
    complexity,
    crop,
    gate,
    grain,
    harmonize,
    lock,
    motion,
    product,
    prompt,
    seam,
    shadow,
    zones,
)

MODULES = (
    zones,
    prompt,
    crop,
    grain,
    seam,
    lock,
    shadow,
    harmonize,
    product,
    campaign,
    complexity,
    checks,
    motion,
    coherence,
    gate,
)
NODES: list[type[io.ComfyNode]] = [node for module in MODULES for node in module.NODES]


class EditFirstExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
