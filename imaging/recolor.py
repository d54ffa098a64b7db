"""A new color for a product, with its shading, texture and highlights kept."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from . import color

WHITE = torch.ones(3) / 3**0.5  # highlights have the color of the light, taken as white
NEUTRAL_SINE = 0.12  # a source closer to gray than this tells no body reflection from highlight by color
MIDTONES = (0.25, 0.75)  # quantiles of shading between which the product shows its own color
DIFFUSE_SHARE = 0.15  # a pixel with less highlight than this, relative to its body reflection, is diffuse
GLOSS_QUANTILE = 0.9  # on a neutral source, shading beyond this quantile ...
GLOSS_FACTOR = 1.6  # ... and beyond this multiple of the median counts as highlight
SAFE_GAIN = 3.0  # beyond this amplification, quantization steps of the source become visible and are smoothed
SHOULDER_START = 0.8  # linear light from which bright values are compressed instead of clipped
REFINEMENTS = 4  # measured: the distance to the target no longer falls after three
MIN_PIXELS = 16


@dataclass(frozen=True)
class Appearance:
    """How one surface of the picture is lit: body reflection and highlight of every pixel, in linear light."""

    shading: Tensor  # (1, N), 1 = the median of the surface
    highlight: Tensor  # (1, N), amount of white light added
    texture: Tensor  # (3, N), what the two do not explain
    albedo: Tensor  # (3,), color of the surface at shading 1
    midtone: Tensor  # (N,) bool: diffuse pixels of middle shading


def recolor(
    image: Tensor,
    mask: Tensor,
    target: str,
    *,
    strength: float = 1.0,
    protect: Tensor | None = None,
) -> Tensor:
    """Give the masked surface a new color, keeping its shading, texture and highlights.

    The picture is split in linear light into body reflection (surface color times shading) and highlight (color of
    the light); only the surface color changes. The result is then measured against the target and corrected, so that
    the median of its diffuse mid-tones is the target.

    Args:
        image: sRGB (B, 3, H, W) in [0, 1].
        mask: (B or 1, 1, H, W), 1 = to be recolored; soft edges blend.
        target: `#rrggbb`, what the surface shows at middle shading.
        strength: 0 leaves the image bit-identical, 1 replaces the color.
        protect: (B or 1, 1, H, W), 1 = keeps its color (logos).

    Returns:
        Image like `image`; bit-identical where mask is 0 or protect is 1.

    Raises:
        ValueError: fewer than 16 pixels to recolor.

    Source: dichromatic reflection model, Shafer 1985, "Using color to separate reflection components".
    """
    alpha = mask.expand(len(image), -1, -1, -1) * strength
    if protect is not None:
        alpha = alpha * (1 - protect)
    if strength == 0:
        return image.clone()
    wanted = color.swatch(target, image).flatten()
    frames = [_recolor_frame(frame, a, wanted) for frame, a in zip(image.split(1), alpha.split(1), strict=True)]
    recolored = torch.cat(frames)
    return torch.where(alpha > 0, torch.lerp(image, recolored, alpha), image)


def _recolor_frame(image: Tensor, alpha: Tensor, wanted: Tensor) -> Tensor:
    """One frame (1, 3, H, W), recolored wherever alpha is above 0."""
    inside = alpha[0, 0] > 0
    solid = alpha[0, 0][inside] > 0.5 * alpha.max()
    if int(solid.sum()) < MIN_PIXELS:
        raise ValueError(f"mask selects {int(solid.sum())} pixels to recolor; it takes at least {MIN_PIXELS}")
    appearance = decompose(color.srgb_to_linear(image[0][:, inside]), solid)
    shading = _smooth_amplified(appearance, wanted, inside)
    goal, aim = color.srgb_to_linear(wanted), color.srgb_to_linear(wanted)
    for _ in range(REFINEMENTS):  # close the loop: shoulder, highlights and texture move the median a little
        result = _render(appearance, shading, aim)
        shown = result[:, appearance.midtone].median(1).values
        aim = (aim * (goal + 1e-4) / (shown + 1e-4)).clamp(0, 4)
    result = color.linear_to_srgb(_render(appearance, shading, aim)).clamp(0, 1)
    frame = image.clone()
    frame[0][:, inside] = result
    return frame


def decompose(pixels: Tensor, solid: Tensor) -> Appearance:
    """Split the pixels of one surface into body reflection and highlight.

    Args:
        pixels: (3, N) linear light.
        solid: (N,) bool, pixels that belong to the surface entirely.

    Returns:
        The parts; `albedo * shading + highlight * white + texture` is `pixels` again.
    """
    white = WHITE.to(pixels)
    brightness = pixels.square().sum(0).sqrt()  # `norm` over few rows is ten times slower
    low, high = torch.quantile(_sample(brightness[solid]), torch.tensor(MIDTONES, device=pixels.device))
    typical = solid & (brightness >= low) & (brightness <= high)
    body = (pixels / brightness.clamp(min=1e-6))[:, typical].median(1).values
    body = body / body.norm().clamp(min=1e-6)
    cosine = (body @ white).clamp(-1, 1)
    if (1 - cosine**2).sqrt() < NEUTRAL_SINE:
        amount, highlight = _split_by_brightness(pixels, body, solid)
    else:
        amount, highlight = _split_by_color(pixels, body, white, cosine)
    middle = _sample(amount[solid]).median().clamp(min=1e-5)
    diffuse = solid & (highlight <= DIFFUSE_SHARE * amount.clamp(min=1e-6))
    diffuse = diffuse if int(diffuse.sum()) >= MIN_PIXELS else solid
    low, high = torch.quantile(_sample(amount[diffuse]), torch.tensor(MIDTONES, device=pixels.device))
    return Appearance(
        shading=(amount / middle)[None],
        highlight=highlight[None],
        texture=pixels - body[:, None] * amount - white[:, None] * highlight,
        albedo=body * middle,
        midtone=diffuse & (amount >= low) & (amount <= high),
    )


def _split_by_color(pixels: Tensor, body: Tensor, white: Tensor, cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Least squares for `pixels = amount * body + highlight * white`, both at least 0."""
    on_body, on_white = body @ pixels, white @ pixels
    highlight = ((on_white - cosine * on_body) / (1 - cosine**2)).clamp(min=0)
    amount = (on_body - cosine * highlight).clamp(min=0)
    return amount, torch.where(amount > 0, highlight, on_white.clamp(min=0))


def _split_by_brightness(pixels: Tensor, body: Tensor, solid: Tensor) -> tuple[Tensor, Tensor]:
    """On white, gray and black products color cannot tell: what is much brighter than the rest is highlight."""
    amount = (body @ pixels).clamp(min=0)
    sample = _sample(amount[solid])
    limit = torch.maximum(torch.quantile(sample, GLOSS_QUANTILE), GLOSS_FACTOR * sample.median())
    return amount.clamp(max=limit), (amount - limit).clamp(min=0)


def _sample(values: Tensor, most: int = 1_000_000) -> Tensor:
    """At most a million values, evenly spaced: `torch.quantile` takes no more than 16 million."""
    return values[:: max(1, len(values) // most)]


def _smooth_amplified(appearance: Appearance, wanted: Tensor, inside: Tensor) -> Tensor:
    """Shading with the source's quantization steps smoothed away as far as the new color would amplify them."""
    gain = float((color.srgb_to_linear(wanted).norm() / appearance.albedo.norm().clamp(min=1e-6)).sqrt())
    if gain <= SAFE_GAIN:
        return appearance.shading
    plane = np.ones(inside.shape, np.float32)
    where = inside.cpu().numpy()
    plane[where] = appearance.shading[0].float().cpu().numpy()
    # One 8-bit step of a dark source, relative to its albedo: steps of that size are noise, larger ones are shading.
    step = float((1 / 255 / 12.92) / appearance.albedo.norm().clamp(min=1e-6)) * 6
    smooth = cv2.bilateralFilter(plane, d=15, sigmaColor=max(step, 0.02), sigmaSpace=5)
    return torch.from_numpy(smooth[where]).to(appearance.shading)[None]


def _render(appearance: Appearance, shading: Tensor, albedo: Tensor) -> Tensor:
    """The surface under the same light with another albedo: (3, N) linear light."""
    scale = (albedo.norm() / appearance.albedo.norm().clamp(min=1e-6)).clamp(max=1)  # never amplify texture and noise
    light = albedo[:, None] * shading + scale * appearance.texture + WHITE.to(albedo)[:, None] * appearance.highlight
    return _shoulder(light.clamp(min=0))


def _shoulder(light: Tensor) -> Tensor:
    """Compress what is brighter than `SHOULDER_START` smoothly into 1, keeping the ratios of the channels."""
    peak = light.amax(0, keepdim=True)
    over = (peak - SHOULDER_START).clamp(min=0) / (1 - SHOULDER_START)
    compressed = SHOULDER_START + (1 - SHOULDER_START) * (over / (1 + over))
    return torch.where(peak > SHOULDER_START, light * compressed / peak.clamp(min=1e-6), light)
