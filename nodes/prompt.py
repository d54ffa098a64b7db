"""Words for a part of the picture."""

from __future__ import annotations

import logging

from comfy_api.latest import io

from ..imaging import regions as library
from . import convert, types

logger = logging.getLogger("edit_first")

# What a region must not take over from the whole picture's prompt: where and when that one applies, and what belongs
# to its words. Everything else (guidance, reference latents, control nets, sizes, ...) is about the picture.
OWN_KEYS = {
    *("mask", "mask_strength", "set_area_to_bounds", "area", "strength", "default"),
    *("start_percent", "end_percent", "clip_start_percent", "clip_end_percent"),
    *("pooled_output", "attention_mask", "attention_mask_img_shape"),
}


class RegionalPrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_RegionalPrompt",
            display_name="Regional Prompt",
            category="Edit First/Prompts",
            description=(
                "Give a part of the picture its own prompt, or every edit zone the one that was typed for it; the "
                "connected prompt keeps the rest. Works with every model family; each region costs one more model pass "
                "per step, and at cfg 1 it acts without guidance."
            ),
            search_aliases=["regional conditioning", "area prompt", "mask prompt", "attention couple", "region"],
            inputs=[
                io.Conditioning.Input(
                    "conditioning",
                    tooltip=(
                        "The prompt of the whole picture. It keeps what no region covers, and regions take over its "
                        "guidance, reference latents and control nets. Chain several of these nodes for more regions."
                    ),
                ),
                io.Clip.Input("clip", tooltip="The text encoder that made conditioning."),
                io.String.Input(
                    "prompt",
                    multiline=True,
                    dynamic_prompts=True,
                    default="",
                    tooltip="What the masked part shows. Empty = the mask becomes no region. Zones bring their own.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip=(
                        "1 = the region's prompt alone, 0.5 = half of the whole picture's prompt, 0 = off. Where regions "
                        "overlap they share the pixel by strength; above 1 outweighs the others. Multiplies a zone's own."
                    ),
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    advanced=True,
                    tooltip="Where in sampling the region begins, 0 = first step. Before it the whole prompt applies.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    advanced=True,
                    tooltip="Where in sampling the region ends, 1 = last step. Ending early saves passes and melts seams.",
                ),
                io.Int.Input(
                    "feather_px",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip=(
                        "Ramp in image pixels, measured inward from the region's edge, over which the whole picture's "
                        "prompt hands over. 0 = hard edge; larger melts the two together."
                    ),
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where prompt applies, 1 = inside; frames of a batch are united. Empty = skipped.",
                ),
                types.Zones.Input(
                    "zones",
                    optional=True,
                    tooltip="Every edit zone with a prompt becomes a region; anchors are cut out of it.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning",
                    "conditioning",
                    tooltip="The whole picture's prompt with its regions, for a sampler.",
                )
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )

    @classmethod
    def execute(
        cls,
        conditioning,
        clip,
        prompt="",
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
        feather_px=0,
        mask=None,
        zones=None,
    ) -> io.NodeOutput:
        if mask is None and zones is None:
            raise ValueError(
                "Regional Prompt needs a place; connect a mask, or zones from Anchor-Zone Mask or Add Zone"
            )
        if not start_percent < end_percent:
            raise ValueError(
                f"start_percent is {start_percent:g} but end_percent is {end_percent:g}; start must be below"
            )
        if clip is None:
            raise ValueError("clip is empty: this checkpoint holds no text encoder; connect a Load CLIP node")
        found = library.zone_regions(zones, strength, feather_px) if zones is not None else []
        if mask is not None and prompt.strip():
            found.append(library.mask_region(convert.united_mask_in(mask), prompt, strength, feather_px))
        regions = [region for region in found if _worth_a_pass(region)]
        if not found:
            logger.warning("Regional Prompt: no prompt for the mask and none in the zones; nothing is added")
        if not regions:
            return io.NodeOutput(conditioning)
        if not any(_is_whole(values) for _, values in conditioning):
            logger.warning("Regional Prompt: conditioning has no prompt for the whole picture to keep uncovered parts")
        _warn_without_guidance(cls.hidden, conditioning, len(regions))
        base = [[words, _keep_the_rest(values)] for words, values in conditioning]
        added = [
            entry for region in regions for entry in _encode(clip, region, conditioning, start_percent, end_percent)
        ]
        return io.NodeOutput(base + added)


def _worth_a_pass(region: library.Region) -> bool:
    """Whether a region changes anything; a skipped one is named in the log."""
    if not (region.mask > 0).any():
        logger.warning(
            "Regional Prompt: region '%s' covers nothing and is skipped; draw or connect its mask", region.name
        )
        return False
    return region.strength > 0


def _is_whole(values: dict) -> bool:
    """Whether a conditioning entry speaks of the whole picture."""
    return "mask" not in values and "area" not in values


def _keep_the_rest(values: dict) -> dict:
    """An entry for the whole picture as the sampler's default: it gets the weight that regions leave at each step.

    That weight is 1 - sum of strength x mask over the regions active at that step, so it needs no mask of its own,
    follows start_percent and end_percent, and does not run at all where nothing is left.
    """
    return {**values, "default": True} if _is_whole(values) else values


def _encode(clip, region: library.Region, conditioning: list, start_percent: float, end_percent: float) -> list:
    """A region's entries, in the picture's context."""
    whole = next(
        (values for _, values in conditioning if _is_whole(values)), conditioning[0][1] if conditioning else {}
    )
    context = {key: value for key, value in whole.items() if key not in OWN_KEYS}
    place = {
        "mask": region.mask[:, 0],
        "mask_strength": region.strength,
        # Bounds of a mask fail in the sampler for every model with 5-D latents.
        "set_area_to_bounds": False,
        "start_percent": start_percent,
        "end_percent": end_percent,
    }
    encoded = clip.encode_from_tokens_scheduled(clip.tokenize(region.prompt))
    return [[words, {**context, **values, **place}] for words, values in encoded]


def _warn_without_guidance(hidden, conditioning: list, count: int) -> None:
    """Say in the log when a sampler behind this node runs at cfg 1 and the model has no guidance of its own."""
    if hidden is None or any("guidance" in values for _, values in conditioning):  # no hidden: called by a script
        return
    for sampler in samplers_at_cfg_1(hidden.prompt or {}, str(hidden.unique_id)):
        logger.warning(
            "Regional Prompt: '%s' samples at cfg 1: %d region(s) cost a model pass each per step, act without guidance, "
            "and have no effect as a negative prompt; raise cfg if the model is not distilled for 1",
            sampler,
            count,
        )


def samplers_at_cfg_1(prompt: dict, node_id: str) -> list[str]:
    """Titles of the samplers and guiders fed by a node, directly or through others, that run at cfg 1.

    Args:
        prompt: API-format workflow, as ComfyUI hands it to nodes. A cfg that is itself linked cannot be known here.
    """
    reached, queue, found = {node_id}, [node_id], []
    while queue:
        source = queue.pop()
        for consumer, entry in prompt.items():
            inputs = entry.get("inputs", {})
            linked = any(isinstance(value, list) and value[:1] == [source] for value in inputs.values())
            if not linked or consumer in reached:
                continue
            reached.add(consumer)
            if "guidance" in inputs:  # hands the model guidance of its own, as Flux Guidance does
                continue
            cfg = inputs.get("cfg", 1.0 if entry.get("class_type") == "BasicGuider" else None)
            if cfg is None:
                queue.append(consumer)
            elif isinstance(cfg, int | float) and cfg <= 1:
                found.append(entry.get("_meta", {}).get("title") or entry.get("class_type", consumer))
    return found


NODES = [RegionalPrompt]
