"""Does an edited region stand in the light of the picture around it?"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..imaging import color, masks
from ..imaging.evidence import border_steps
from ..imaging.harmonize import Harmony
from ..imaging.projection import ShadowLight
from .report import Measurement, Place, Report

SIDE = 512  # light is low-frequency; the measurement runs at this size
GAP_PX = 2  # pixels this close to the edge belong to both sides
FLOOR = 0.004  # linear light below which a ratio is noise
MIN_PIXELS = 200
DETAIL_PX = 4.0  # finer structure is content, coarser is light
MAX_WHITE_EV = 1.5  # daylight against tungsten differs by about 1.5 EV red over blue; beyond it a surface was recolored
CHROMA_PX = 1.5  # blur before colors are compared, against grain
CLIPPED = 0.98  # a channel beyond has no color any more
# How sure the reading at neutral must be, in stops, and how many spreads of the region's colors it may lie away. On the
# tuning half of benchmarks/edit_check.py clean edits then read at most 0.10, and half of the warmed ones are measured.
NEUTRAL_ERROR, NEUTRAL_REACH = 0.05, 6.0
FIT_STEPS = 8  # of reweighting; surfaces that changed by themselves count less in each
MIN_AGREEMENT = 0.5  # correlation of detail above which two renderings show the same thing
DIRECTION_BAND_PX = 6.0  # rim of the region whose shading tells where light comes from
MIN_DIRECTION = 0.15  # share of the variance that a direction must explain to be one


def lighting_report(image: Tensor, edit_mask: Tensor, original: Tensor | None = None) -> Report:
    """How far the light of a region is from that of its surroundings.

    With the original the region's light is compared with the original's, provided that it still shows the same content;
    a new object's light cannot be told from its color, and is not judged. Without the original only the step across the
    border can be measured, which an object's own color causes as well. All rows warn, none fails.

    Args:
        image: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W), above 0 = edited.
        original: (B or 1, 3, H, W).

    Returns:
        `light_exposure_ev`, `light_white_balance_ev`, `light_contrast_ratio` and `light_direction_deg`; the frame with
        the largest exposure mismatch speaks for the batch.
    """
    reports = []
    for index in range(len(image)):
        frame, mask = image[index : index + 1].float(), edit_mask[index if len(edit_mask) > 1 else 0][None]
        truth = None if original is None else original[index if len(original) > 1 else 0][None].float()
        reports.append(_frame_report(frame, mask, truth, index))
    return max(reports, key=lambda report: report.measurements[0].value or 0.0)


def _frame_report(frame: Tensor, mask: Tensor, original: Tensor | None, index: int) -> Report:
    box = masks.bounding_box(mask)
    where = Place(*box, frame=index) if box else None
    scale = min(1.0, SIDE / max(frame.shape[2:]))
    size = [max(8, round(side * scale)) for side in frame.shape[2:]]
    small, region = (F.interpolate(tensor.float(), size, mode="area") for tensor in (frame, mask))
    distance = masks.signed_distance((region > 0.5).float())
    inside, ring = _bands(distance)
    if int(inside.sum()) < MIN_PIXELS or int(ring.sum()) < MIN_PIXELS:
        reason = "the region or its surroundings are too small"
        return Report(tuple(Measurement(metric, None, detail=reason) for metric in METRICS))
    if original is None:
        exposure, white, contrast = _across(small, inside, ring)
        detail = "without the original an object's own color counts as well"
    else:
        truth = F.interpolate(original, size, mode="area")
        if _agreement(small, truth, inside) < MIN_AGREEMENT:
            reason = (
                "the region shows something else than the original, so that its light cannot be told from its color"
            )
            unknown = tuple(Measurement(metric, None, detail=reason) for metric in METRICS[:3])
            return Report((*unknown, _direction(small, distance, where)))
        exposure, white, contrast = _against(small, truth, inside)
        if white is not None and white > MAX_WHITE_EV:
            reason = "the region has another color than the original's, not another light"
            unknown = tuple(Measurement(metric, None, detail=reason) for metric in METRICS[:3])
            return Report((*unknown, _direction(small, distance, where)))
        detail = "light of the region against the original's, where content agrees"
    return Report(
        (
            Measurement("light_exposure_ev", exposure, where, detail),
            Measurement("light_white_balance_ev", white, where, detail if white is not None else NO_NEUTRAL),
            Measurement("light_contrast_ratio", contrast, where, detail),
            _direction(small, distance, where),
        )
    )


NO_NEUTRAL = "too few colors in the region, or each changed in a way of its own, so that warmer light cannot be told from other paint"
METRICS = ("light_exposure_ev", "light_white_balance_ev", "light_contrast_ratio", "light_direction_deg")


def _bands(distance: Tensor) -> tuple[Tensor, Tensor]:
    reach = max(8.0, 0.75 * float((distance > 0).sum()) ** 0.5)
    return distance > GAP_PX, (distance < -GAP_PX) & (distance > -reach)


def _stops(image: Tensor, where: Tensor) -> Tensor:
    """Linear light (3, N) of the selected pixels, in stops."""
    return torch.log2(color.srgb_to_linear(image).clamp(min=0)[0][:, where[0, 0]] + FLOOR)


def _across(image: Tensor, inside: Tensor, ring: Tensor) -> tuple[float, float, float]:
    """Object against surroundings: the step that most of the border agrees on, and the ratio of contrasts."""
    steps = border_steps(image, (inside | (masks.signed_distance(inside.float()) > -GAP_PX)).float())
    near, far = _stops(image, inside), _stops(image, ring)
    difference = near.median(1).values - far.median(1).values
    agreed = 1.0
    if steps is not None:  # share of pairs that agree on a step, beyond those without one
        agreed = float((steps[4].norm() / steps[2].norm().clamp(min=1e-6)).clamp(0, 1))
    exposure, white = abs(float(difference[1])) * agreed, abs(float(difference[0] - difference[2])) * agreed
    return exposure, white, _ratio(near[1].std(), far[1].std())


def _against(image: Tensor, truth: Tensor, inside: Tensor) -> tuple[float, float | None, float]:
    """Edited region against the original's, on the half of its pixels whose structure agrees best.

    Exposure and contrast are those of luminance, which a change of color leaves alone; warmth is what happened to
    neutral, which a recolor leaves alone: None where that cannot be told.
    """
    planes = [color.luma(frame) for frame in (image, truth)]
    details = [plane - masks.gaussian_blur(plane, DETAIL_PX) for plane in planes]
    mismatch = masks.gaussian_blur((details[0] - details[1]).abs(), DETAIL_PX)
    limit = mismatch[inside].median()
    same = inside & (mismatch <= limit)
    edited, original = _luminance_stops(image, same), _luminance_stops(truth, same)
    exposure = abs(float((edited - original).median()))
    shift = (_stops(image, same) - _stops(truth, same)).median(1).values
    if abs(float(shift[0] - shift[2])) > MAX_WHITE_EV:  # another color as a whole, which changes luminance as well
        return exposure, abs(float(shift[0] - shift[2])), _ratio(edited.std(), original.std())
    return exposure, _warmth(image, truth, same), _ratio(edited.std(), original.std())


def _warmth(image: Tensor, truth: Tensor, where: Tensor) -> float | None:
    """By how much neutral became warmer or colder, in stops of red over blue; None where that cannot be told.

    Light moves the logarithmic color of every surface alike, a recolor moves each by what color it has. So the shift is
    fitted as an affine function of the original's color, by iteratively reweighted least squares with Cauchy's weights,
    and read at neutral.
    """
    linear = [masks.gaussian_blur(color.srgb_to_linear(frame), CHROMA_PX) for frame in (image, truth)]
    sound = where & (torch.cat((image, truth), 1).amax(1, keepdim=True) < CLIPPED)
    sound &= torch.cat(linear, 1).amin(1, keepdim=True) > FLOOR
    if int(sound.sum()) < MIN_PIXELS:
        return None
    edited, original = (_log_chroma(frame, sound) for frame in linear)
    shift = edited - original
    design = torch.cat((torch.ones_like(original[:, :1]), original), 1)
    weight, ridge = torch.ones_like(shift[:, :1]), 1e-6 * torch.eye(3).to(design)
    for _ in range(FIT_STEPS):
        fit = torch.linalg.solve(design.T @ (weight * design) + ridge, design.T @ (weight * shift))
        residual = (shift - design @ fit).norm(dim=1, keepdim=True)
        weight = 1 / (1 + (residual / (1.2 * residual.median() + 1e-3)) ** 2)
    reach = _spreads_from_neutral(original, weight)
    if reach > NEUTRAL_REACH or float(residual.median()) * math.hypot(1, reach) > NEUTRAL_ERROR:
        return None
    return abs(float(fit[0, 0] - fit[0, 1]))


def _log_chroma(linear: Tensor, where: Tensor) -> Tensor:
    """Red and blue over green in stops, (N, 2)."""
    red, green, blue = torch.log2(linear[0][:, where[0, 0]].double())
    return torch.stack((red - green, blue - green), 1)


def _spreads_from_neutral(chroma: Tensor, weight: Tensor) -> float:
    """Mahalanobis distance of neutral from colors (N, 2) with weights (N, 1)."""
    mean = (weight * chroma).sum(0) / weight.sum()
    offset = chroma - mean
    spread = (weight * offset).T @ offset / weight.sum() + 1e-4 * torch.eye(2).to(chroma)
    return float((mean @ torch.linalg.solve(spread, mean)).clamp(min=0).sqrt())


def _luminance_stops(image: Tensor, where: Tensor) -> Tensor:
    """Relative luminance (N,) of the selected pixels, in stops."""
    return torch.log2(color.luma(color.srgb_to_linear(image)).clamp(min=0)[0, 0][where[0, 0]] + FLOOR)


def _agreement(image: Tensor, truth: Tensor, inside: Tensor) -> float:
    """Correlation of the detail of two pictures' log light: 1 = the same content, whatever its light."""
    details = []
    for frame in (image, truth):
        light = torch.log2(color.luma(color.srgb_to_linear(frame)).clamp(min=0) + FLOOR)
        detail = (light - masks.gaussian_blur(light, DETAIL_PX))[inside]
        details.append(detail - detail.mean())
    spread = details[0].std() * details[1].std()
    return float((details[0] * details[1]).mean() / spread) if float(spread) > 1e-6 else 0.0


def _ratio(a: Tensor, b: Tensor) -> float:
    """The larger over the smaller of two spreads; 1 = equal."""
    a, b = float(a) + 0.05, float(b) + 0.05
    return max(a / b, b / a)


def _direction(image: Tensor, distance: Tensor, where: Place | None) -> Measurement:
    """Angle between the light that the region's rim shows and the one that its surroundings' shading shows."""
    angles = []
    for band in (
        (distance > GAP_PX) & (distance <= GAP_PX + DIRECTION_BAND_PX),
        (distance < -GAP_PX) & (distance > -60),
    ):
        angle, explained = _gradient_direction(image, band)
        if explained < MIN_DIRECTION:
            return Measurement("light_direction_deg", None, detail="region or surroundings show no direction of light")
        angles.append(angle)
    difference = abs((angles[0] - angles[1] + 180) % 360 - 180)
    detail = "rim of the region against the shading around it; matt, rounded objects only"
    return Measurement("light_direction_deg", difference, where, detail)


def _gradient_direction(image: Tensor, band: Tensor) -> tuple[float, float]:
    """Direction (degrees in the picture) of a plane through the log light of a band, and the variance it explains."""
    y, x = band[0, 0].nonzero().T.double()
    light = _stops(image, band)[1].double()
    if len(light) < MIN_PIXELS:
        return 0.0, 0.0
    design = torch.stack((x - x.mean(), y - y.mean(), torch.ones_like(x)), 1)
    slope = torch.linalg.lstsq(design, light[:, None]).solution[:, 0]
    explained = 1 - (light - design @ slope).var() / light.var().clamp(min=1e-9)
    return float(torch.rad2deg(torch.atan2(-slope[1], slope[0]))), float(explained)


def harmony_report(image: Tensor, edit_mask: Tensor, original: Tensor | None, summaries: tuple[Harmony, ...]) -> Report:
    """The light after harmonizing, the confidence of each frame's correction, and the brand colors that were held."""
    measurements = []
    for index, summary in enumerate(summaries):
        frame = Place(0, 0, image.shape[3], image.shape[2], index)
        detail = f"{summary.reason}; light changed by {summary.gain_ev:+.2f} EV, warmth by {summary.warmth_ev:+.2f} EV"
        measurements.append(Measurement("harmony_confidence", summary.confidence, frame, detail, summary.mode))
        for hold in summary.brand:
            detail = f"{hold.before:.2f} before; its pixels got {hold.share:.0%} of the correction"
            measurements.append(Measurement("brand_delta_e00", hold.after, frame, detail, hold.color))
    return Report(tuple(measurements)) + lighting_report(image, edit_mask, original)


def shadow_report(image: Tensor, lights: tuple[ShadowLight, ...]) -> Report:
    """The light by which a shadow was cast in each frame, and how sure it is."""
    measurements = []
    for index, light in enumerate(lights):
        frame = Place(0, 0, image.shape[3], image.shape[2], index)
        measurements.append(Measurement("shadow_confidence", light.confidence, frame, light.describe()))
    return Report(tuple(measurements))
