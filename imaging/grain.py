"""Grain and sharpness of a plate, given to a patch that lacks them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from . import masks
from .grain_estimate import NODES, Grain, estimate_grain, without_traces
from .grain_pair import compare
from .sharpness import blur_gap, filter_image, gaussian_response
from .spectrum import BLOCK, LOW_RADIUS, centered_kernel, convolve, frequency_radius

SURROUNDINGS_PX = 384  # how far around the edit the plate is measured
PAIRED_PX = 4096  # re-rendered context from which original and patch are compared
NOISE_PEAK = 4.0  # power above which, in units of the mean noise power, a coefficient counts as picture
MIN_GAIN = 0.05  # differences of sharpness below, at any frequency, are not visible
EXCESS = 1.3  # times the plate's power that a patch's grain must have to be reduced
RENDERED = 0.5 / 255  # a context pixel further than this from the original was rendered anew


def render_grain(grain: Grain, image: Tensor, seed: int) -> Tensor:
    """Make grain for an image (1, 3, H, W): fresh for every seed, the same on every device."""
    height, width = image.shape[2:]
    generator = torch.Generator().manual_seed(seed % 2**63)
    white = torch.randn((1, 3, height, width), generator=generator).to(image.device)
    values, vectors = torch.linalg.eigh(grain.spectrum.movedim((0, 1), (2, 3)))
    root = vectors @ torch.diag_embed(values.clamp(min=0).sqrt()) @ vectors.mT
    kernel = centered_kernel(root.movedim((2, 3), (0, 1)))
    kernel = kernel / kernel.square().sum((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    sigma = grain.sigma(image)
    if not grain.measured_to_the_ends:
        # Blown highlights have no grain: a level read off other brightnesses would only darken them.
        sigma = sigma * (torch.minimum(image, 1 - image).clamp(min=0) / sigma.clamp(min=1e-6)).clamp(max=1)
    return convolve(white, kernel.to(image.device)) * sigma


def reduce_grain(image: Tensor, grain: Grain, wanted: Grain) -> Tensor:
    """Take grain out of an image (1, 3, H, W) down to a wanted one, frequency by frequency.

    Coefficients of overlapping blocks that stand out of the grain are picture and stay.

    Source: after Yaroslavsky 1996, "Local adaptive image restoration in transform domain"; empirical Wiener gain.
    """
    brightness = masks.gaussian_blur(image, 2.0)
    excess = _power_at(grain, brightness)
    keep = (_power_at(wanted, brightness) / excess.clamp(min=1e-20)).clamp(max=1).sqrt()
    if bool((keep > 0.95).all()):
        return image
    window, stride = torch.hann_window(BLOCK, device=image.device).sqrt(), BLOCK // 2
    taper = (window[:, None] * window).flatten()[None, :, None]
    height, width = image.shape[2:]
    pads = (stride, stride + (-width) % stride, stride, stride + (-height) % stride)
    size = (height + pads[2] + pads[3], width + pads[0] + pads[1])
    result = []
    for channel in range(3):
        padded = F.pad(image[:, channel : channel + 1], pads, mode="replicate")
        waves = torch.fft.rfft2((F.unfold(padded, BLOCK, stride=stride) * taper)[0].T.unflatten(1, (BLOCK, BLOCK)))
        level = F.pad(grain.sigma(brightness)[:, channel : channel + 1], pads, mode="replicate")
        level = F.avg_pool2d(level.square(), BLOCK, stride).flatten()[:, None, None]
        noise = grain.spectrum[channel, channel].to(image.device) * BLOCK**2 * (taper**2).sum() * level
        picture = (1 - NOISE_PEAK * noise / waves.abs().square().clamp(min=1e-20)).clamp(min=0)
        gain = keep[channel].to(image.device)
        shrunk = torch.fft.irfft2(waves * (gain + (1 - gain) * picture), s=(BLOCK, BLOCK)).flatten(1)
        result.append(F.fold((shrunk.T[None] * taper), size, BLOCK, stride=stride))
    whole = torch.cat(result, 1)
    return whole[..., pads[2] : pads[2] + height, pads[0] : pads[0] + width]


def _power_at(grain: Grain, image: Tensor) -> Tensor:
    """Mean power of each channel at each frequency (3, BLOCK, BLOCK // 2 + 1) over an image's brightnesses."""
    level = grain.sigma(image).square().mean((0, 2, 3)).cpu()
    return grain.spectrum.diagonal(dim1=0, dim2=1).movedim(2, 0) * level[:, None, None]


def difference(wanted: Grain, present: Grain) -> Grain:
    """The grain to add to `present` for `wanted`.

    A patch has the plate's grain only as far as it has its power at every frequency: soft texture, which an estimate
    of the patch alone takes for coarse grain, lacks the high ones.
    """
    if not wanted.blocks or not present.blocks:
        return wanted
    share = float(_power_ratio(present, wanted)[LOW_RADIUS:].min())
    return without_traces(replace(wanted, level=wanted.level * math.sqrt(max(1 - share, 0.0))))


def _power_ratio(first: Grain, second: Grain) -> Tensor:
    """Ratio of the power of two grains at each radius (BLOCK // 2 + 1), over channels and the middle brightnesses."""
    ring = frequency_radius().round().long()
    powers = []
    for grain in (first, second):
        level = grain.level[:, NODES // 8 : -NODES // 8].square().mean(1)
        power = (grain.spectrum.diagonal(dim1=0, dim2=1).movedim(2, 0) * level[:, None, None]).mean(0)
        powers.append(torch.stack([power[ring == r].mean() for r in range(BLOCK // 2 + 1)]))
    return powers[0] / powers[1].clamp(min=1e-12)


@dataclass(frozen=True)
class Match:
    """What separates a patch from its plate, one for all frames of a batch."""

    paired: bool  # fitted on re-rendered context whose original is known
    response: Tensor | None = None  # gain by frequency that matches sharpness
    present: Grain | None = None  # the patch's own grain where there is too much of it
    wanted: Grain | None = None  # the plate's, to which it is reduced
    missing: Grain | None = None  # what is added in the end


def plan_match(image: Tensor, edit: Tensor, *, original: Tensor | None = None, match_sharpness: bool = True) -> Match:
    """Find what separates the patch's grain and sharpness from the plate's.

    With an original that the context of the patch re-renders, the same places are compared ("paired"). Otherwise the
    plate around the mask, or the original, is compared with the patch, and sharpness only beyond its natural spread.

    Args:
        image, edit, original: as for `match_grain`, cut to the surroundings of the edit.
    """
    inside, outside = (edit > 0).to(edit), (masks.signed_distance(edit) < -1).to(edit)
    rendered = None if original is None else outside * _rendered_blocks(image, original)
    paired = rendered is not None and float(rendered.sum()) >= PAIRED_PX
    plate, plate_region = (image, outside) if original is None else (original, torch.ones_like(edit))
    wanted = estimate_grain(plate, plate_region)
    present = estimate_grain(image, rendered if paired else inside)
    if _is_grainier(present, wanted) and not (paired and _detail_ratio(image, original, rendered) < EXCESS):
        image = torch.cat([reduce_grain(frame[None], present, wanted) for frame in image])
        left = estimate_grain(image, rendered if paired else inside)
    else:
        left, present = present, None
    if paired:
        pair = compare(original, image, rendered)
        response, missing = pair.response, _less(pair.lacking, left) if present is not None else pair.lacking
    else:
        response, missing = gaussian_response(blur_gap(image[:1], outside[:1], edit[:1])), difference(wanted, left)
    sharpens = match_sharpness and float((response - 1).abs().max()) > MIN_GAIN
    return Match(paired, response if sharpens else None, present, wanted, missing)


def _less(lacking: Grain, left: Grain) -> Grain:
    """Unexplained power holds the rendering's own grain as well; without it, and what is there already, twice."""
    power = (lacking.level.square() - 2 * left.level.square()).clamp(min=0)
    return without_traces(replace(lacking, level=power.sqrt()))


def _is_grainier(present: Grain, wanted: Grain) -> bool:
    """Whether the patch's grain exceeds the plate's at the high frequencies, where texture is not mistaken for it."""
    if not present.blocks:
        return False
    if not wanted.blocks:
        return True
    return float(_power_ratio(present, wanted)[BLOCK // 4 :].median()) > EXCESS


def _detail_ratio(image: Tensor, original: Tensor, region: Tensor) -> float:
    """Energy of a rendering's finest detail over the original's at the same places; texture is the same in both."""
    energies = [
        ((frame - masks.gaussian_blur(frame, 1.0)).square() * region).sum()
        for frame in (image, original.expand_as(image))
    ]
    return float(energies[0] / energies[1].clamp(min=1e-12))


def _rendered_blocks(image: Tensor, original: Tensor) -> Tensor:
    """1 where a model rendered the context anew, 0 where it is the original's own pixels."""
    moved = ((image - original).abs().amax(1, keepdim=True) > RENDERED).to(image)
    return (masks.gaussian_blur(moved, 4.0) > 0.5).to(image)


def match_grain(
    image: Tensor,
    edit: Tensor,
    *,
    original: Tensor | None = None,
    strength: float = 1.0,
    match_sharpness: bool = True,
    seed: int = 0,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Give a patch the plate's grain and sharpness: adds or removes grain, sharpens or softens.

    A batch is one clip: it is measured as a whole, so that the grain does not pump, and every frame gets fresh grain,
    that of `seed` + its index.

    Args:
        image: (B, 3, H, W) in [0, 1], best the raw rendering, context included.
        edit: (B or 1, 1, H, W), > 0 where the picture may change; its values scale the effect.
        original: (B or 1, 3, H, W), the approved picture.
        strength: 0 changes nothing, 1 matches the plate; above 1 exaggerates.
        match_sharpness: whether to sharpen or soften as well.
        seed: of the first frame's grain.
        lock_mask: (B or 1, 1, H, W), > 0 stays bit-identical.
        progress: called with the fraction done.

    Returns:
        Image like `image`; bit-identical where `edit` is 0 or the lock is set, and everywhere at strength 0.

    Raises:
        ValueError: sizes differ, or strength is negative.
    """
    _check_inputs(image, edit, original, lock_mask, strength)
    editable = edit.float() if lock_mask is None else edit.float() * (lock_mask <= 0)
    editable = editable.expand(len(image), -1, -1, -1)
    box = masks.bounding_box(editable)
    if strength == 0 or box is None:
        return image
    near = _around(box, image, max(SURROUNDINGS_PX, max(box[2:]) // 2))
    plan = plan_match(
        image[near].float(),
        edit.expand(len(image), -1, -1, -1)[near].float(),
        original=None if original is None else original.expand(len(image), -1, -1, -1)[near].float(),
        match_sharpness=match_sharpness,
    )
    result, place = image.clone(), _around(box, image, BLOCK)
    for index in range(len(image)):
        here = (slice(index, index + 1), *place[1:])
        patch = image[here].float()
        matched = _apply(plan, patch, strength, seed + index)
        weight = editable[here]
        matched = torch.lerp(patch, matched, weight).clamp(0, 1).to(image.dtype)
        result[here] = torch.where(weight > 0, matched, image[here])
        if progress:
            progress((index + 1) / len(image))
    return result


def _apply(plan: Match, patch: Tensor, strength: float, seed: int) -> Tensor:
    """Too much grain, then sharpness, then too little."""
    matched = patch
    if plan.present is not None:
        reduced = reduce_grain(matched, plan.present, plan.wanted)
        matched = torch.lerp(matched, reduced, min(strength, 1.0))
    if plan.response is not None:
        matched = filter_image(matched, plan.response.clamp(min=1e-3) ** strength)
    if plan.missing is not None and plan.missing.blocks:
        matched = matched + strength * render_grain(plan.missing, matched.clamp(0, 1), seed)
    return matched


def _around(box: tuple[int, int, int, int], image: Tensor, margin: int) -> tuple[slice, ...]:
    """Slices of a box grown by a margin, within the frame."""
    x, y, width, height = box
    rows = slice(max(y - margin, 0), min(y + height + margin, image.shape[2]))
    return slice(None), slice(None), rows, slice(max(x - margin, 0), min(x + width + margin, image.shape[3]))


def _check_inputs(image: Tensor, edit: Tensor, original: Tensor | None, lock: Tensor | None, strength: float) -> None:
    for name, other in (("edit mask", edit), ("original", original), ("lock mask", lock)):
        if other is None:
            continue
        if other.shape[2:] != image.shape[2:]:
            raise ValueError(
                f"{name} is {other.shape[3]}x{other.shape[2]} but image is {image.shape[3]}x{image.shape[2]} (WxH); "
                "bring both to the same size"
            )
        if len(other) not in (1, len(image)):
            raise ValueError(f"{name} has {len(other)} frames but image has {len(image)}; give 1 or one for each frame")
    if not strength >= 0:
        raise ValueError(f"strength is {strength}; it must be at least 0")
