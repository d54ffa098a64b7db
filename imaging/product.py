"""Seat a product in a scene: placed, lit, shadowed, behind what stands in front of it, with locked pixels kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import brand, color, masks
from .harmonize import harmonize
from .placement import FITS, cut_out, parse_corners, quad_window, slot_quad, warp_within
from .shadow import cast_shadow

SHADOW_OPACITY = 0.7  # share of the light that `shadow` 1 takes away at most
CONTACT_SHARE = 0.8  # contact shadow at `shadow` 1
RIM_PX = 3  # band along the product's edge that a low-denoise pass may melt into the scene
LEFTOVER = 0.05  # share of the old product still showing from which a pixel counts as left over
HEADROOM = 0.25  # CIEDE2000 kept back for whoever picks the color's pixels a little otherwise
BISECTIONS = 8
BOX_LEVEL = 0.5  # where a soft target mask's box is measured


@dataclass(frozen=True)
class Swap:
    """A seated product and what it is made of."""

    image: Tensor  # (B, 3, H, W), the scene with the product
    placed: Tensor  # (B, 3, H, W), the product alone with its own colors, meaningful where it shows
    product: Tensor  # (B, 3, H, W), the same in the scene's light
    product_mask: Tensor  # (B, 1, H, W), alpha of the product as it shows, occluders taken out
    shadow: Tensor  # (B, 1, H, W), share of light that its shadow takes away
    edit_mask: Tensor  # (B, 1, H, W), what a low-denoise pass should mend: old product left over, and the new edge
    scale: float  # product pixels per scene pixel along the longer side; below 1 the product is enlarged


def swap(
    scene: Tensor,
    product: Tensor,
    product_mask: Tensor,
    *,
    fit: str = "contain",
    corners: str = "",
    harmonize_strength: float = 0.5,
    shadow: float = 0.5,
    brand_colors: list[str] | tuple[str, ...] = (),
    max_delta_e: float = 2.0,
    target_mask: Tensor | None = None,
    occluder_mask: Tensor | None = None,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Swap:
    """Seat a product cut-out in the slot of a scene.

    Args:
        scene: (B, 3, H, W).
        product: (B or 1, 3, h, w), any size.
        product_mask: (B or 1, 1, h, w), 1 = product.
        fit: "contain" (stands on the slot's bottom edge), "cover", "stretch", or "perspective" (onto `corners`,
            as a label or screen: without a cast shadow).
        corners: four `[x,y]` fractions of the scene, clockwise from the product's top left.
        harmonize_strength: how far the product's light is brought to the scene's; 0 keeps its colors.
        shadow: 0 = none, 1 = as dark as a hard sun makes it.
        brand_colors, max_delta_e: as in `harmonize`.
        target_mask: (B or 1, 1, H, W), the slot, or the old product.
        occluder_mask: (B or 1, 1, H, W), 1 = stands in front of the product.
        lock_mask: (B or 1, 1, H, W), above 0 = bit-identical to the scene.

    Raises:
        ValueError: no slot, an unknown fit, an empty mask, or corners that make no quad; says what to connect.
    """
    if fit not in FITS:
        raise ValueError(f"fit is '{fit}'; choose one of {', '.join(FITS)}")
    whole = None
    for index in range(len(scene)):
        one = [
            _frame(tensor, index) for tensor in (scene, product, product_mask, target_mask, occluder_mask, lock_mask)
        ]
        frame = _swap_frame(*one, fit, corners, harmonize_strength, shadow, brand_colors, max_delta_e)
        whole = frame if len(scene) == 1 else _stored(frame, whole, index, len(scene))
        if progress:
            progress((index + 1) / len(scene))
    return whole


def _stored(frame: Swap, batch: Swap | None, index: int, count: int) -> Swap:
    """The batch with a frame in its place. A list of frames, joined at the end, would take the memory twice."""
    parts = {name: part for name, part in vars(frame).items() if name != "scale"}
    if batch is None:
        batch = Swap(**{name: part.new_empty(count, *part.shape[1:]) for name, part in parts.items()}, scale=math.inf)
    for name, part in parts.items():
        getattr(batch, name)[index] = part[0]
    return replace(batch, scale=min(batch.scale, frame.scale))


def _frame(tensor: Tensor | None, index: int) -> Tensor | None:
    return None if tensor is None else tensor[min(index, len(tensor) - 1)][None]


def _swap_frame(
    scene, product, product_mask, target, occluder, lock, fit, corners, harmonize_strength, shadow, brands, max_delta_e
) -> Swap:
    """Seat the product in one scene. All but light and shadow is worked out in the window that the product takes."""
    window, placed, alpha, scale = _place(scene, product, product_mask, target, fit, corners)
    lit, hidden = placed, _hidden(occluder, lock)
    shown = alpha if hidden is None else alpha * (1 - hidden[window])
    product_mask = _on_canvas(shown, window, scene)
    image = _pasted(scene, _over(scene[window], placed, shown), window)
    if harmonize_strength > 0:
        lit = _in_scenes_light(image, placed, product_mask, window, harmonize_strength)
        lit = _hold_brands(placed, lit, shown, brands, max_delta_e)
        image = _pasted(scene, _over(scene[window], lit, shown), window)
    shade = torch.zeros_like(product_mask)
    if shadow > 0 and fit != "perspective":
        image, shade = _grounded(scene, image, alpha, window, shadow, hidden)
        image[window] = _over(image[window], lit, shown)
    if lock is not None:
        image = torch.where(lock > 0, scene, image)
    to_mend = _to_mend(product_mask, target, hidden)
    placed, lit = (_on_canvas(colors, window, scene) for colors in (placed, lit))
    return Swap(image, placed, lit, product_mask, shade, to_mend, scale)


def _place(scene, product, product_mask, target, fit, corners) -> tuple[masks.Window, Tensor, Tensor, float]:
    """The window of the scene that the product takes, its colors and alpha there, and its scale."""
    cutout = cut_out(product, product_mask)
    height, width = scene.shape[2:]
    quad = _quad(fit, corners, cutout.alpha, target, width, height)
    window = quad_window(quad, width, height)
    scale = max(cutout.alpha.shape[2:]) / max(_extent(quad), 1e-6)
    return window, *warp_within(cutout, quad, window), scale


def _hidden(occluder: Tensor | None, lock: Tensor | None) -> Tensor | None:
    """Share of the product that does not show: what stands in front, and locked pixels; None for neither."""
    locked = None if lock is None else (lock > 0).float()
    if occluder is None or locked is None:
        return locked if occluder is None else occluder
    return torch.maximum(occluder, locked)


def _on_canvas(patch: Tensor, window: masks.Window, scene: Tensor) -> Tensor:
    """A patch on zeros of the scene's size."""
    canvas = torch.zeros_like(scene[:, : patch.shape[1]])
    canvas[window] = patch
    return canvas


def _pasted(image: Tensor, patch: Tensor, window: masks.Window) -> Tensor:
    """A copy of the image with a patch in it."""
    result = image.clone()
    result[window] = patch
    return result


def _quad(fit, corners, alpha, target, width, height):
    """Where the product goes."""
    if fit == "perspective":
        if not corners.strip():
            raise ValueError("fit perspective needs corners: four [x,y] fractions, clockwise from the top left")
        return parse_corners(corners, width, height)
    box = None if target is None else masks.bounding_box((target >= BOX_LEVEL * target.max()).float() * (target > 0))
    if box is None:
        raise ValueError(
            "no slot: connect target_mask (the slot or the old product), or use fit perspective with corners"
        )
    return slot_quad(fit, (alpha.shape[3], alpha.shape[2]), box)


def _extent(quad) -> float:
    xs, ys = [point[0] for point in quad], [point[1] for point in quad]
    return max(max(xs) - min(xs), max(ys) - min(ys))


def _over(scene: Tensor, placed: Tensor, alpha: Tensor) -> Tensor:
    """The product over the scene, blended in linear light; the scene's own pixels where nothing shows."""
    blended = torch.lerp(color.srgb_to_linear(scene), color.srgb_to_linear(placed), alpha)
    return torch.where(alpha > 0, color.linear_to_srgb(blended).clamp(0, 1), scene)


def _grounded(scene, image, alpha, window, shadow, hidden) -> tuple[Tensor, Tensor]:
    """The scene without the light that the composite lost to the product's shadow, and that shadow's shade."""
    matte = _on_canvas(alpha, window, scene)
    cast = cast_shadow(
        image, matte, opacity=SHADOW_OPACITY * shadow, contact=CONTACT_SHARE * shadow, auto=True, lock_mask=hidden
    )
    ground, shade, dark = cast.image, cast.mask, masks.around(cast.mask)
    if dark is not None:
        lost = color.srgb_to_linear(ground[dark]) / color.srgb_to_linear(image[dark]).clamp(min=1e-5)
        light = lost.clamp_(0, 1).mul_(color.srgb_to_linear(scene[dark]))
        ground[dark] = torch.where(shade[dark] > 0, color.linear_to_srgb(light).clamp_(0, 1), ground[dark])
    ground[window] = torch.where(shade[window] > 0, ground[window], scene[window])
    return ground, shade


def _in_scenes_light(
    image: Tensor, placed: Tensor, product_mask: Tensor, window: masks.Window, strength: float
) -> Tensor:
    """Carry the change of light from the composite to the product's own colors, its soft edge included."""
    harmonized, _ = harmonize(image, (product_mask > 0).to(image.dtype), strength=strength, local=0.0)
    before, after, solid = image[window], harmonized[window], product_mask[window] > 0.9
    if not bool(solid.any()):
        return placed
    ratio = color.srgb_to_linear(after).clamp(min=1e-4) / color.srgb_to_linear(before).clamp(min=1e-4)
    typical = torch.stack([plane[solid[0, 0]].median() for plane in ratio[0]]).view(1, 3, 1, 1)
    edge = color.linear_to_srgb(color.srgb_to_linear(placed) * typical).clamp(0, 1)
    return torch.where(solid, after, edge)


def _hold_brands(placed: Tensor, lit: Tensor, shown: Tensor, brands, max_delta_e: float) -> Tensor:
    """Take back as much of the new light as brand colors of the product moved beyond the budget.

    One share for the whole product: holding back the colored pixels alone would take contrast out of a printed logo.
    """
    solid = (shown > 0.9).to(shown.dtype)
    limit, share = max(0.0, max_delta_e - HEADROOM), 1.0
    for name in brands:
        where = brand.meant_as(placed, solid, name)
        if int(where.sum()) < brand.MIN_PIXELS:
            continue

        def within(trial: float, where=where) -> bool:
            saved = (torch.lerp(placed, lit, trial) * 255).round() / 255  # a level of a dark color is 0.4 CIEDE2000
            return brand.median_shift(placed, saved, where) <= limit

        if within(share):
            continue
        low = 0.0
        for _ in range(BISECTIONS):
            middle = (low + share) / 2
            low, share = (middle, share) if within(middle) else (low, middle)
        share = low
    return lit if share == 1 else torch.lerp(placed, lit, share)


def _to_mend(shown: Tensor, target: Tensor | None, hidden: Tensor | None) -> Tensor:
    """Old product that still shows, and a thin band along the new product's edge."""
    mend = torch.zeros_like(shown)
    edge = masks.around(shown > 0.5, RIM_PX + 1)
    if edge is not None:
        distance = masks.signed_distance((shown[edge] > 0.5).float())
        mend[edge] = (distance.abs() <= RIM_PX).to(mend.dtype)
    old = None if target is None else masks.around(target)
    if old is not None:
        left = (target[old] - shown[old]).clamp(0, 1)
        mend[old] = torch.maximum(mend[old], torch.where(left > LEFTOVER, left, 0.0))
    return mend if hidden is None else torch.where(hidden > 0.5, 0.0, mend)
