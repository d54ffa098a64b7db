"""Shadows and reflections that make an object stand on its ground: cast, contact, ambient occlusion, gloss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks
from .projection import ShadowLight, foot_row, project_shadow
from .shadow_light import estimate_light

CONTACT_REACH = 0.025  # reach of the contact shadow, in object heights
OCCLUSION_REACH = 0.12  # reach of the ambient occlusion, in object heights
OCCLUSION_SHARE = 0.35  # the wide, faint part of the contact term
GROUND_FORESHORTENING = 0.45  # depth on the ground appears so much shorter: a camera looking down by 27 degrees
REFLECTION_REACH = 0.5  # a reflection fades to 1/e over this share of the object's height
REFLECTION_BLUR = 0.03  # growth of a reflection's blur with height
MAX_TINT = 1.6  # most that one channel's ambient may exceed another's lit share
SAME_MATERIAL_EV = 0.7  # stops of chroma within which ground is one material in another light
LIT_SHARE, SHADED_SHARE = 0.8, 0.4  # of the receiving ground's luminance: what is lit, and what lies in a shadow
MIN_TINT_PX = 100
TINT_SAMPLES = 500_000  # pixels of the picture that the ambient's color is read off; medians need no more


@dataclass(frozen=True)
class Shadow:
    """A picture with its object's shadow, and the shadow as a layer."""

    image: Tensor  # (B, 3, H, W)
    mask: Tensor  # (B, 1, H, W), share of the light that was taken away
    light: tuple[ShadowLight, ...]  # the light of each frame, given or estimated


def cast_shadow(
    image: Tensor,
    object_mask: Tensor,
    *,
    azimuth_deg: float = 135.0,
    elevation_deg: float = 45.0,
    opacity: float = 0.6,
    softness_px: float = 12.0,
    contact: float = 0.5,
    reflection: float = 0.0,
    depth: float = 1.0,
    foreshortening: float = GROUND_FORESHORTENING,
    auto: bool = False,
    reference_mask: Tensor | None = None,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Shadow:
    """Darken the ground under and beside an object, in linear light, in the color of the scene's ambient.

    Args:
        image: (B, 3, H, W) with the object in place.
        object_mask: (B or 1, 1, H, W), the object's matte. It stands on its lowest row.
        azimuth_deg: where the light stands, seen from above: 0 = right, 90 = behind the object, 180 = left,
            270 = behind the camera. The shadow falls to the other side.
        elevation_deg: height of the light, 0 = horizon, 90 = zenith.
        opacity: share of the light that the full shadow takes away.
        softness_px: standard deviation of the penumbra at the shadow's far end; it narrows toward the object.
        contact: density of the contact shadow and ambient occlusion.
        reflection: strength of a mirror image on glossy ground.
        depth: depth of the object relative to its width: 0 = a card, 1 = a bottle or a ball.
        foreshortening: how much shorter depth on the ground appears than width (sine of the camera's tilt).
        auto: read the light off the scene as far as it shows it; see `shadow_light.estimate_light`.
        reference_mask: (B or 1, 1, H, W), for auto: an object that already casts a shadow.
        lock_mask: (B or 1, 1, H, W); pixels above 0 stay bit-identical.
        progress: called with the fraction done.

    Returns:
        The picture, the shadow and the light used. Locked pixels and the solid part of the object are copied.

    Raises:
        ValueError: sizes differ, or a share is outside [0, 1].
    """
    _check(image, object_mask, opacity=opacity, contact=contact, reflection=reflection)
    given = ShadowLight(azimuth_deg, elevation_deg, softness_px, opacity, 1.0, "as set")
    result, shades, lights = image.clone(), torch.zeros_like(image[:, :1], dtype=torch.float32), []
    for index in range(len(image)):
        frame, matte, reference, lock = (
            None if batch is None else batch[index if len(batch) > 1 else 0][None].float()
            for batch in (image, object_mask, reference_mask, lock_mask)
        )
        light = given
        if auto:
            light = estimate_light(frame, given, reference=reference, depth=depth, foreshortening=foreshortening)
        darkened = _stand(frame, matte, light, contact, reflection, depth, foreshortening, lock)
        if darkened is not None:
            window, patch, shade = darkened
            result[index][window], shades[index][window] = patch[0].to(image.dtype), shade[0]
        lights.append(light)
        if progress:
            progress((index + 1) / len(image))
    return Shadow(result, shades, tuple(lights))


def _check(image: Tensor, object_mask: Tensor, **shares: float) -> None:
    if image.shape[2:] != object_mask.shape[2:]:
        sizes = [f"{tensor.shape[3]}x{tensor.shape[2]}" for tensor in (object_mask, image)]
        raise ValueError(f"object_mask is {sizes[0]} but the image is {sizes[1]} (WxH); resize the mask to the image")
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value:g}; expected a value from 0 to 1")


def _stand(frame, matte, light, contact, reflection, depth, foreshortening, lock):
    """What changes of a frame: its window, the pixels there, and the shade there; None when nothing does."""
    solid = masks.bounding_box(matte > 0.5)
    if solid is None:
        return None
    shade = project_shadow(matte, light, depth=depth, foreshortening=foreshortening).mul_(light.opacity)
    if contact > 0:
        near = masks.around(matte > 0.5, _contact_reach(solid[3], foreshortening))
        shade[near] = 1 - (1 - shade[near]) * (1 - contact * contact_shade(matte[near], depth, foreshortening))
    window = masks.around(shade) if reflection == 0 else _mirror_window(shade, matte)
    if window is None:
        return None
    seen, free = matte[window], None if lock is None else lock[window] <= 0
    shade[window] = (shade[window] * (1 - seen)).clamp(0, 1)
    if free is not None:
        shade[window] = torch.where(free, shade[window], 0.0)
    linear = color.srgb_to_linear(frame[window])
    mirror = None if reflection == 0 else _mirror(linear, seen)
    linear.mul_(1 - shade[window] * _absorption(frame, shade, matte))
    touched = shade[window] > 0
    if mirror is not None:
        cover = mirror[1] * reflection * (1 - seen)
        linear = torch.lerp(linear, mirror[0], cover)
        touched = touched | (cover > 0)
    if free is not None:
        touched = touched & free
    return window, torch.where(touched, color.linear_to_srgb(linear).clamp_(0, 1), frame[window]), shade[window]


def _contact_reach(object_px: int, foreshortening: float) -> int:
    """How far from an object of some height, in px, the contact term is above 0: the kernel's reach and the drop."""
    return 4 + math.ceil((4 + foreshortening) * max(0.7, OCCLUSION_REACH * object_px))


def _mirror_window(shade: Tensor, matte: Tensor) -> masks.Window:
    """The box that holds shadow, object and mirror image."""
    height = masks.bounding_box(matte)[3]
    return masks.around(torch.maximum(shade, matte), height + math.ceil(3 * REFLECTION_BLUR * height) + 2)


def contact_shade(matte: Tensor, depth: float, foreshortening: float) -> Tensor:
    """Contact shadow and ambient occlusion of an object on its ground: (1, 1, H, W) in [0, 1].

    Both fall off from the object's base, over a share of its height: the contact shadow quickly, the occlusion of the
    sky slowly.
    """
    solid = (matte[0, 0] > 0.5).cpu().numpy()
    foot, top = foot_row(solid), int(solid.any(1).nonzero()[0][0])
    height = foot - top
    rows = torch.arange(matte.shape[2], device=matte.device, dtype=torch.float32)
    low = ((foot - rows) / max(2.0, 0.04 * height)).clamp(0, 1)
    base = (matte > 0.5).float() * (1 - low)[None, None, :, None]  # the part that touches, fading out upward
    shade = torch.zeros_like(base)
    for reach, share in ((CONTACT_REACH, 1 - OCCLUSION_SHARE), (OCCLUSION_REACH, OCCLUSION_SHARE)):
        sigma = max(0.7, reach * height)
        drop = max(1, round(sigma * foreshortening))
        dropped = F.pad(base, (0, 0, drop, 0))[:, :, : base.shape[2]]
        spread = masks.wide_blur(torch.maximum(base, dropped), sigma)
        spread = (spread * (2 / spread.amax().clamp(min=1e-6))).clamp_(max=1)  # full at the edge
        shade.add_(spread, alpha=share)
    return shade.clamp_(0, 1)


def _absorption(frame: Tensor, shade: Tensor, matte: Tensor) -> Tensor:
    """Share of each channel that a full shadow takes: less of the channel that the scene's ambient is rich in.

    The ambient's color is that of the shadows which already lie on the ground that is to be darkened, relative to its
    lit part. Only chroma close to the ground's own counts as the same material: a dark thing of another color says
    nothing about the light. Without such evidence the shadow is neutral. Luminance loses exactly what was asked for.
    """
    neutral, density = torch.ones(1, 3, 1, 1, device=frame.device), float(shade.amax())
    step = max(1, math.isqrt(frame[0, 0].numel() // TINT_SAMPLES))
    frame, shade, matte = (plane[..., ::step, ::step] for plane in (frame, shade, matte))
    core = (shade > 0.5 * density) & (matte < 0.01)
    ground = color.srgb_to_linear(frame)[0].clamp(min=1e-4)
    luminance = color.luma(ground[None])[0]
    chroma = (ground / luminance).log2()
    least = MIN_TINT_PX / step**2
    if int(core.sum()) < least:
        return neutral
    receiver, level = chroma[:, core[0, 0]].median(1).values, luminance[0][core[0, 0]].median()
    free = (matte < 0.01)[0, 0]
    same = free & ((chroma - receiver[:, None, None]).abs().amax(0) < SAME_MATERIAL_EV)
    lit = same & (luminance[0] > LIT_SHARE * level)
    dark = same & (luminance[0] < SHADED_SHARE * level)
    if int(dark.sum()) < least or int(lit.sum()) < least:
        return neutral
    shift = chroma[:, dark].median(1).values - chroma[:, lit].median(1).values
    if not float(shift[[0, 2]].amin()) <= float(shift[1]) <= float(shift[[0, 2]].amax()):
        return neutral  # lights differ from warm to cool; greener or pinker is another material
    tint = torch.exp2(shift).clamp(1 / MAX_TINT, MAX_TINT)
    tint = tint / color.luma((tint * receiver.exp2()).view(1, 3, 1, 1)).flatten()
    # What is left in the core is the ambient's share of each channel; a channel cannot gain light.
    return ((1 - (1 - density) * tint) / density).clamp(min=0).view(1, 3, 1, 1)


def _mirror(linear: Tensor, matte: Tensor) -> tuple[Tensor, Tensor]:
    """The object upside down below its foot, in linear light, and how much of it is seen: fading and blurring."""
    solid = (matte[0, 0] > 0.5).cpu().numpy()
    foot, height = foot_row(solid), linear.shape[2]
    size = foot - int(solid.any(1).nonzero()[0][0])
    rows = torch.arange(height, device=linear.device)
    source = (2 * foot - 1 - rows).clamp(0, height - 1)
    below = ((rows >= foot) & (2 * foot - 1 - rows >= 0)).float().view(1, 1, -1, 1)
    alpha = matte.index_select(2, source) * below
    premultiplied = (linear * matte).index_select(2, source) * below
    depth = ((rows - foot).float() / size).clamp(min=0).view(1, 1, -1, 1)
    blurred = masks.gaussian_blur(torch.cat((premultiplied, alpha), 1), max(0.5, REFLECTION_BLUR * size))
    mixed = torch.lerp(torch.cat((premultiplied, alpha), 1), blurred, (2 * depth).clamp(0, 1)) * below
    cover = mixed[:, 3:]
    return mixed[:, :3] / cover.clamp(min=1e-4), cover * torch.exp(-depth / REFLECTION_REACH)
