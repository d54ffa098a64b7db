"""Bring the light of an edited region to agree with the picture around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks
from .brand import CATCH_DELTA_E, swatch
from .light_estimate import LightEstimate, estimate_light
from .light_field import fit_light_field, sample_field
from .photometric import EXPLANATIONS, LIGHT_EXPLANATIONS, ColorFit, fit_color

WORK_SIDE = 640  # both fits run at this size; the maps they give are smooth in color and in space
CONTEXT_GAP_PX = 2  # pixels this close to the mask belong to both sides
ROUNDS = 2  # color and light are fitted in turn, each to what the other leaves
FIT_BLUR_PX = 1.0  # evens out a registration error of a pixel
HOLD_OUT_CELLS = 8  # the frame is divided into so many cells along each side; every second one tests the fit
CLIP_START = 0.96  # above it in all channels a pixel is a clipped highlight
MIN_AGREEMENT = 0.5  # correlation of luma below which a fit would only pull everything to the mean
EXPLAINS = 4.0  # light alone is an explanation where its error on unchanged pixels is at most so many times the fit's
EXPLAINS_LEVEL = 0.1 / 255  # ... or this, below what 8 bits can tell
SAME_LEVELS, SAME_PX = 4 / 255, 2  # a pixel is unchanged when an explanation is this close, in a patch of this radius
SAME_SHARE = 0.6  # of the region; with less, a new object resembles the original by chance
AGREED, AGREED_LEVELS = 0.3, 3 / 255  # explanations that differ by this share or this much agree
BRAND_FADE_DELTA_E = 10.0  # beyond that the protection fades out over this difference, so that no edge appears
BISECTIONS = 14
BRAND_SAMPLES = 20_000


@dataclass(frozen=True)
class BrandHold:
    """One brand color: its distance before and after, and the share of the correction that its pixels got."""

    color: str
    before: float
    after: float
    share: float


@dataclass(frozen=True)
class Harmony:
    """What was done to one frame, and how sure it is."""

    mode: str  # "paired" or "unpaired"
    confidence: float  # 0 = no evidence, nothing done; 1 = the light was read off pixels with a known answer
    gain_ev: float  # mean change of light inside the region, in stops
    warmth_ev: float  # change of red over blue inside the region, in stops
    local_ev: float  # how much the low-frequency gain varies inside the region, in stops
    brand: tuple[BrandHold, ...] = ()
    reason: str = ""  # one sentence for people


def harmonize(
    image: Tensor,
    edit_mask: Tensor,
    *,
    strength: float = 1.0,
    local: float = 0.5,
    brand_colors: list[str] | tuple[str, ...] = (),
    max_delta_e: float = 2.0,
    original: Tensor | None = None,
    protect_mask: Tensor | None = None,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Tensor, tuple[Harmony, ...]]:
    """Correct exposure, white balance, contrast and low-frequency light of the edited region.

    With the original the correction is a regression on pixels that both frames show, and it is kept only if it
    predicts blocks left out of it. Without, it is a guess from the light that the region and its surroundings share,
    shrunk as far as such guesses were right on photographs (`light_estimate.py`).

    Args:
        image: (B, 3, H, W), the raw edited frame, or a composite when there is no original.
        edit_mask: (B or 1, 1, H, W), 1 = may change; soft values blend.
        strength: share of the correction; 0 returns the image itself.
        local: 0 = one correction for the region; 1 = light may vary over a sixth of the longer side.
        brand_colors: `#rrggbb`. Pixels meant as one of them are corrected only as far as `max_delta_e` allows.
        max_delta_e: CIEDE2000 between a brand color and the median of its pixels; what the image already misses by
            stays the limit where that is more.
        original: (B or 1, 3, H, W) of the same size.
        protect_mask: (B or 1, 1, H, W), 1 = not corrected; soft values blend.
        lock_mask: (B or 1, 1, H, W), above 0 = bit-identical to the original (to the image without one).
        progress: called with the fraction done.

    Returns:
        The image (B, 3, H, W), bit-identical where the mask is 0, and one `Harmony` for each frame.

    Raises:
        ValueError: strength or local is outside [0, 1]; sizes differ.
    """
    for name, value in (("strength", strength), ("local", local)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value:g}; expected a value from 0 to 1")
    for name, other in (("edit_mask", edit_mask), ("original", original)):
        if other is not None and other.shape[2:] != image.shape[2:]:
            raise ValueError(f"{name} is {_size(other)} but the image is {_size(image)} (WxH); resize it to the image")
    frames, found = [], []
    for index in range(len(image)):
        pick = lambda batch: None if batch is None else batch[index if len(batch) > 1 else 0][None]  # noqa: B023, E731
        frame, summary = _harmonize_frame(
            image[index : index + 1].float(), pick(edit_mask), pick(original), pick(protect_mask), pick(lock_mask),
            strength, local, brand_colors, max_delta_e,
        )  # fmt: skip
        frames.append(frame)
        found.append(summary)
        if progress:
            progress((index + 1) / len(image))
    joined = frames[0] if len(frames) == 1 else torch.cat(frames)  # of one frame `cat` would make a copy
    return joined.to(image.dtype), tuple(found)


def _size(image: Tensor) -> str:
    return f"{image.shape[3]}x{image.shape[2]}"


def _harmonize_frame(frame, mask, original, protect, lock, strength, local, brand_colors, max_delta_e):
    amount = mask.float() * strength
    if protect is not None:
        amount = amount * (1 - protect.float())
    held = () if lock is None else (lock > 0,)
    if held:
        amount = torch.where(held[0], 0.0, amount)
    if not (amount > 0).any():
        summary = Harmony("paired" if original is not None else "unpaired", 0.0, 0.0, 0.0, 0.0, reason="nothing to do")
        result = frame
    else:
        window = masks.around(mask)
        if original is None:
            correction, summary = _fit_unpaired(frame, mask, local)
        else:
            correction, summary = _fit_paired(frame, original.float(), mask, local)
            correction = correction.within(window, frame.shape[2:])
        part, amount, result = frame[window], amount[window], frame.clone()
        corrected = _keep_clipped_neutral(part, correction(part)).clamp(0, 1)
        amount, brand = _hold_brand(part, corrected, amount, list(brand_colors), max_delta_e)
        result[window] = torch.where(amount > 0, part + amount * (corrected - part), part)
        summary = _describe(summary, part, result[window], mask[window], brand)
    if held and original is not None:
        result = torch.where(held[0], original.float(), result)
    return result, summary


def _keep_clipped_neutral(frame: Tensor, corrected: Tensor) -> Tensor:
    """Change only the lightness of highlights that are clipped in all channels: their color is lost, and gains that
    differ between channels would tint them."""
    clipped = ((frame.amin(1, keepdim=True) - CLIP_START) / (1 - CLIP_START)).clamp(0, 1)
    return torch.lerp(corrected, frame + (corrected - frame).mean(1, keepdim=True), clipped)


def _describe(summary: Harmony, before: Tensor, after: Tensor, mask: Tensor, brand: tuple[BrandHold, ...]) -> Harmony:
    inside = (mask > 0)[0, 0]
    means = [color.srgb_to_linear(image)[0][:, inside].mean(1).clamp(min=1e-4) for image in (before, after)]
    stops = torch.log2(means[1] / means[0])
    luminance = torch.log2(color.luma(means[1].view(1, 3, 1, 1)) / color.luma(means[0].view(1, 3, 1, 1)))
    return replace(summary, gain_ev=float(luminance), warmth_ev=float(stops[0] - stops[2]), brand=brand)


@dataclass(frozen=True)
class Correction:
    """A map of colors, then a gain of linear light that varies slowly over the frame."""

    fit: ColorFit | None
    field: Tensor | None  # (1, 3, h, w) in stops

    def __call__(self, image: Tensor) -> Tensor:
        """Apply to (1, 3, H, W), not clamped."""
        if self.fit is not None:
            image = self.fit.apply(image)
        if self.field is not None:
            gain = torch.exp2(sample_field(self.field, *image.shape[2:]))
            image = color.linear_to_srgb(color.srgb_to_linear(image) * gain)
        return image

    def within(self, window: masks.Window, size: tuple[int, int]) -> Correction:
        """The correction of a frame of a size (H, W) for a window of it alone."""
        return self if self.field is None else replace(self, field=sample_field(self.field, *size)[window])


@dataclass(frozen=True)
class Cautious:
    """A correction, made for each color only as far as other explanations of the same evidence agree with it.

    All of them fit the evidence; they differ on colors that only the edit has. There the step that all agree on (the
    smallest where all have one sign, none otherwise; "minmod") does not overshoot if any one of them is right.
    """

    chosen: Correction
    others: tuple[Correction, ...] = ()

    def __call__(self, image: Tensor) -> Tensor:
        """Apply to (1, 3, H, W)."""
        step = self.chosen(image).clamp(0, 1) - image
        if not self.others:
            return image + step
        low, high = step, step
        for other in self.others:
            change = other(image).clamp(0, 1) - image
            low, high = torch.minimum(low, change), torch.maximum(high, change)
        agreed = low.clamp(min=0) + high.clamp(max=0)
        slack = (AGREED * agreed.abs()).clamp(min=AGREED_LEVELS)
        return image + agreed + torch.maximum(torch.minimum(step - agreed, slack), -slack)

    def within(self, window: masks.Window, size: tuple[int, int]) -> Cautious:
        """The correction of a frame of a size (H, W) for a window of it alone."""
        return Cautious(self.chosen.within(window, size), tuple(other.within(window, size) for other in self.others))


def _fit_paired(frame: Tensor, original: Tensor, mask: Tensor, local: float) -> tuple[Cautious, Harmony]:
    context = (masks.signed_distance(mask) < -CONTEXT_GAP_PX).float()
    small, truth, known = (_reduce(tensor) for tensor in (frame, original, context))
    inside = _reduce(mask) > 0
    small, truth = (masks.gaussian_blur(tensor, FIT_BLUR_PX) for tensor in (small, truth))
    known = (known >= 1).float()  # a cell that is partly edited is no evidence
    if _agreement(small, truth, known) < MIN_AGREEMENT:
        reason = "image and original do not show the same picture outside the mask; nothing was done"
        return Cautious(Correction(None, None)), Harmony("paired", 0.0, 0.0, 0.0, 0.0, reason=reason)
    cells = _checkerboard(known)
    best, error = Correction(None, None), _error(small, truth, cells[1])
    start, chosen = error, (False, 0.0)
    for with_color, with_local in ((True, 0.0), (False, local), (True, local)):
        if (with_local and local <= 0) or not error:
            continue
        trial = _fit_stages(small, truth, cells[0], with_color, with_local)
        trial_error = _error(trial(small).clamp(0, 1), truth, cells[1])
        if trial_error < 0.98 * error:
            best, error, chosen = trial, trial_error, (with_color, with_local)
    cautious, share = Cautious(Correction(None, None)), 1.0
    if chosen != (False, 0.0):
        best = _fit_stages(small, truth, known, *chosen)
        others = _explanations(small, truth, known, cells[1], error, chosen[1])
        kept = _unchanged(small, truth, inside, [best, *others])
        if kept is not None:
            best = _fit_stages(small, truth, torch.maximum(known, kept), *chosen)
            others = []
        cautious, share = _agree(best, others, small, inside)
    spread = 0.0
    if best.field is not None:
        field = sample_field(best.field.mean(1, keepdim=True), *small.shape[2:])[inside]
        spread = float(field.amax() - field.amin()) if len(field) else 0.0
    confidence = 0.0 if not start else float(known.mean().clamp(max=0.05) / 0.05) * (1 - error / start) * share
    reason = f"fitted on unchanged pixels: their error fell from {255 * start:.2f} to {255 * error:.2f} 8-bit levels"
    if share < 0.995:
        reason += f"; {share:.0%} was made, because the region has colors of which they tell less"
    if start and chosen == (False, 0.0):
        reason = "no correction predicted unchanged pixels better than none; nothing was done"
    return cautious, Harmony("paired", confidence, 0.0, 0.0, spread, reason=reason)


def _explanations(
    small: Tensor, truth: Tensor, known: Tensor, unseen: Tensor, error: float, local: float
) -> list[Correction]:
    """Other maps that explain the evidence; those of light alone only where they explain it about as well."""
    found = [_fit_stages(small, truth, known, True, local, order) for order in EXPLANATIONS]
    for order in LIGHT_EXPLANATIONS:
        trial = _fit_stages(small, truth, known, True, local, order)
        if _error(trial(small).clamp(0, 1), truth, unseen) <= EXPLAINS * error + EXPLAINS_LEVEL:
            found.append(trial)
    return found


def _unchanged(small: Tensor, truth: Tensor, inside: Tensor, explanations: list[Correction]) -> Tensor | None:
    """Pixels of the region (1, 1, h, w) that are the original's under one explanation or another, where most are.

    A mask drawn wide holds much that was not edited, and that is evidence of the region's own colors.
    """
    predicted = torch.stack([explain(small).clamp(0, 1) for explain in explanations])
    low, high = predicted.amin(0) - SAME_LEVELS, predicted.amax(0) + SAME_LEVELS
    kept = ((truth >= low) & (truth <= high)).all(1, keepdim=True) & inside
    kept = (masks.box_blur(kept.float(), SAME_PX) > 0.5) & kept  # single pixels agree by chance
    return kept.float() if int(kept.sum()) > SAME_SHARE * int(inside.sum()) else None


def _agree(chosen: Correction, others: list[Correction], small: Tensor, inside: Tensor) -> tuple[Cautious, float]:
    """The correction with the explanations that matter in the region, and the share of it that is made there."""
    where = inside.expand_as(small)
    before = small[where]
    step = chosen(small).clamp(0, 1)[where] - before
    differ = [float((other(small).clamp(0, 1)[where] - before - step).abs().max()) for other in others]
    matter = tuple(other for other, most in zip(others, differ, strict=True) if most > AGREED_LEVELS)
    cautious, size = Cautious(chosen, matter), float(step.square().sum())
    if not matter or size < 1e-9:
        return Cautious(chosen), 1.0
    made = cautious(small)[where] - before
    return cautious, min(1.0, max(0.0, float((made * step).sum()) / size))


def _fit_stages(
    small: Tensor, truth: Tensor, known: Tensor, with_color: bool, local: float, order: tuple[str, ...] | None = None
) -> Correction:
    """Fit color and light in turn, each to what the other leaves."""
    fit, field = None, None
    light = color.srgb_to_linear(truth)
    for _ in range(ROUNDS if with_color and local else 1):
        if with_color:
            target = truth
            if field is not None:
                target = color.linear_to_srgb(light * torch.exp2(-sample_field(field, *small.shape[2:])))
            fit = fit_color(small, target, known, order)
        if local:
            mapped = small if fit is None else fit.apply(small)
            field = fit_light_field(color.srgb_to_linear(mapped).clamp(min=0), light, known, local)
    return Correction(fit, field)


def _agreement(small: Tensor, truth: Tensor, known: Tensor) -> float:
    """Correlation of luma on the evidence; 1 where there is no structure to disagree on."""
    planes = [color.luma(image)[known > 0] for image in (small, truth)]
    if not len(planes[0]):
        return 0.0
    first, second = (plane - plane.mean() for plane in planes)
    spread = float(first.std() * second.std())
    return float((first * second).mean()) / spread if spread > 1e-5 else 1.0


def _reduce(image: Tensor) -> Tensor:
    factor = max(image.shape[2:]) / WORK_SIDE
    if factor <= 1:
        return image.float()
    return F.interpolate(image.float(), [max(2, round(side / factor)) for side in image.shape[2:]], mode="area")


def _checkerboard(known: Tensor) -> tuple[Tensor, Tensor]:
    """The evidence in two halves of alternating cells: one to fit on, one to test with."""
    height, width = known.shape[2:]
    y = torch.arange(height, device=known.device) * HOLD_OUT_CELLS // height
    x = torch.arange(width, device=known.device) * HOLD_OUT_CELLS // width
    even = ((y[:, None] + x[None]) % 2 == 0)[None, None]
    return known * even, known * ~even


def _error(image: Tensor, truth: Tensor, where: Tensor) -> float:
    """Mean absolute error, without the worst tenth (content that changed)."""
    error = (image - truth).abs().mean(1, keepdim=True)[where > 0]
    if not len(error):
        return 0.0
    return float(error.sort().values[: max(1, int(0.9 * len(error)))].mean())


def _fit_unpaired(frame: Tensor, mask: Tensor, local: float) -> tuple[LightEstimate, Harmony]:
    estimate = estimate_light(_reduce(frame), (_reduce(mask) > 0.5).float())
    return estimate, Harmony("unpaired", estimate.confidence, 0.0, 0.0, 0.0, reason=estimate.reason)


def _hold_brand(frame, corrected, amount, colors, max_delta_e) -> tuple[Tensor, tuple[BrandHold, ...]]:
    """Reduce the amount on pixels meant as a brand color until its median is within the budget."""
    held = []
    for name in colors:
        target = swatch(name, frame)
        distance = color.delta_e00(color.srgb_to_lab(frame), target)
        index = ((distance <= CATCH_DELTA_E) & (amount > 0)).flatten().nonzero()[:, 0]
        if not len(index):
            continue
        index = index[:: max(1, len(index) // BRAND_SAMPLES)]
        before, after = (plane[0].flatten(1)[:, index] for plane in (frame, corrected))
        full = amount[0].flatten(1)[:, index]

        def median_error(share: float, before=before, after=after, full=full, target=target) -> float:
            lab = color.srgb_to_lab((before + share * full * (after - before))[None, :, None])
            return float(color.delta_e00(lab.median(3, keepdim=True).values, target))

        start = median_error(0.0)
        limit, share = max(max_delta_e, start), 1.0
        if median_error(1.0) > limit:
            low, high = 0.0, 1.0
            for _ in range(BISECTIONS):
                middle = (low + high) / 2
                low, high = (middle, high) if median_error(middle) <= limit else (low, middle)
            share = low
        meant = (1 - (distance - CATCH_DELTA_E) / BRAND_FADE_DELTA_E).clamp(0, 1)
        amount = amount * (1 - meant * (1 - share))
        held.append(BrandHold(name, start, median_error(share), share))
    return amount, tuple(held)
