"""Can this region be edited quickly, or should it be grown, cropped, or composited by hand? Asked before the edit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging import color, masks, overlay
from .finding import Finding, worst_measurement
from .report import Measurement, Report
from .thresholds import threshold
from .view import View, make_view, shrink, to_array, to_tensor

BAND_SHARE = 0.008  # of the longer side, either way from the border: where strands are looked for, and the bridge fills
INPAINT_RADIUS_PX = 5
PRE_BLUR_PX = 0.8  # what is finer is grain, which nobody misses
# Where the border's structure is read, in shares of the longer side from the border inward: only inside is anything
# redrawn, and an edge of the object's own that lies just outside stays as it is.
INNER_SHARE = (0.002, 0.008)
UNIT_SHARE = 0.001  # of the longer side: gradients are told for this length, so that a picture has one at every size
LIGHTNESS_BLUR, COLOR_BLUR = 1.0, 2.0  # of that length: finer structure is grain, and color is seen more coarsely
RIDGE_PX = (1.0, 1.5)  # half widths of strands that are looked for
RIDGE_CONTRAST = 0.02  # luma across a strand
STRAND_ANGLE_DEG = 30  # from the border's tangent: less runs along the border and crosses nothing
SOFT = (0.1, 0.9)  # mask values between which a pixel is neither old nor new
SOFT_WIDTH_SHARE = 0.015  # of the longer side: a soft band wider than this is translucency, not a feather
GROW_SHARES = (0.01, 0.02, 0.04)  # of the longer side: how far a calmer border is looked for
CALMER = 0.75  # a border counts as calmer when there is this much less structure inside it
SMALL_SHARE = 0.25  # of the frame's longer side: a region smaller than this is worth the model's full resolution
MODEL_SIDE_PX = 1024  # what edit models work at
ADVICE = ("quick_fix", "crop_and_stitch", "grow_mask", "composite_by_hand")  # from the least to the most work


@dataclass(frozen=True)
class Complexity:
    """What a check of one picture's edit mask puts out."""

    report: Report
    heatmap: Tensor  # (B, 3, H, W): how much structure must go on across the border
    advice: str  # one of `ADVICE`, a dash, and the reasons as a sentence


def check_complexity(
    image: Tensor, edit_mask: Tensor, *, progress: Callable[[float], None] | None = None
) -> Complexity:
    """How hard an edit of this region will be, before any time is spent on it.

    Args:
        image: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W), 1 = will change; soft values are translucency.
        progress: called with the fraction done.

    Returns:
        Of a batch, the worst frame for every measurement, and the advice of the hardest frame.

    Raises:
        ValueError: the mask of a frame is empty.
    """
    heat, frames, advices = image.new_zeros(len(image), 1, *image.shape[2:]), [], []
    for index in range(len(image)):
        mask = edit_mask[index if len(edit_mask) > 1 else 0][None]
        if not (mask > 0).any():
            raise ValueError(f"edit_mask is empty in frame {index}: nothing is to be edited; draw an edit zone")
        view = make_view(None, image[index : index + 1], mask, index)
        gradient = visible_gradient(view)
        findings = _findings(view, gradient, shrink(mask[0, 0].float().cpu().numpy(), view.after.shape[1::-1]))
        heat[index] = view.enlarge(findings[0].heat)[0].to(heat).clamp(0, 1)
        measurements = [finding.measurement for finding in findings]
        frames.append(measurements)
        advices.append(
            _advise(view, gradient, {m.metric: m.value for m in measurements}, index if len(image) > 1 else None)
        )
        if progress:
            progress((index + 1) / len(image))
    report = Report(
        tuple(worst_measurement(of_one) for of_one in zip(*frames, strict=True)),
        {"frames": len(image), "width": image.shape[3], "height": image.shape[2]},
    )
    word, reasons = max(advices, key=lambda advice: ADVICE.index(advice[0]))
    return Complexity(report, overlay.heatmap(image, heat), f"{word} - {reasons}")


def _findings(view: View, gradient: np.ndarray, soft: np.ndarray) -> list[Finding]:
    """The border's structure with its heat first, then strands, translucency, reflection and geometry."""
    strip = inner_border(view.distance)
    structure = border_structure(gradient, view.distance)
    heat = np.where(strip, gradient / (2 * threshold("border_structure").production), 0)
    hardest = view.place(strip & (gradient >= np.quantile(gradient[strip], 0.9))) if strip.any() else None
    detail = "how much there is just inside the border that must go on from what stays"
    strands, translucent = strand_fraction(view), translucent_fraction(view, soft)
    everywhere = view.place(view.region)
    return [
        Finding(Measurement("border_structure", structure, hardest, detail), heat),
        Finding(Measurement("border_strand_fraction", strands, hardest)),
        Finding(Measurement("border_bridge_delta_e", border_bridge(view), hardest)),
        Finding(Measurement("mask_translucent_fraction", translucent, everywhere)),
        Finding(Measurement("reflection_correlation", reflection(view), everywhere)),
        *(Finding(Measurement(metric, value, everywhere)) for metric, value in geometry(view).items()),
    ]


def _band_px(view: View) -> float:
    return max(2.0, BAND_SHARE * max(view.region.shape))


def visible_gradient(view: View) -> np.ndarray:
    """How fast the picture changes as the eye sees it, (h, w): CIELAB for 0.1 % of the longer side; 0 far from the mask.

    Source: after Zhang and Wandell 1997, "A spatial extension of CIELAB", one Gaussian for each channel.
    """
    side = max(view.region.shape)
    unit, reach = UNIT_SHARE * side, INNER_SHARE[1] + max(GROW_SHARES)
    gradient = np.zeros(view.region.shape, np.float32)
    window = masks.around(torch.from_numpy(view.region)[None, None].float(), math.ceil(reach * side + 4 * unit))
    if window is None:
        return gradient
    lab = to_array(color.srgb_to_lab(view.tensors[1][window]))
    power = np.zeros(lab.shape[:2], np.float32)
    for channel, sigma in enumerate((LIGHTNESS_BLUR, COLOR_BLUR, COLOR_BLUR)):
        smooth = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), sigma * unit)
        for axis in ((1, 0), (0, 1)):
            power += (cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=unit / 8)) ** 2  # 8: Sobel's gain
    gradient[window[1:]] = np.sqrt(power)
    return gradient


def inner_border(distance: np.ndarray) -> np.ndarray:
    """The strip just inside a border, (h, w) bool, in which a border's structure is read.

    Args:
        distance: (h, w) signed distance to the border in px, > 0 inside.
    """
    near, far = (share * max(distance.shape) for share in INNER_SHARE)
    far = max(far, near + 2)
    strip = (distance > near) & (distance <= far)
    return strip if strip.any() else (distance > 0) & (distance <= far)


def border_structure(gradient: np.ndarray, distance: np.ndarray) -> float:
    """Mean visible gradient just inside a border: what must be redrawn there so that it goes on from what stays."""
    strip = inner_border(distance)
    return float(gradient[strip].mean()) if strip.any() else 0.0


def border_bridge(view: View) -> float:
    """Error of filling a band around the border from both sides, mean, in CIELAB; 0 without a border."""
    band = np.abs(view.distance) <= _band_px(view)
    return 0.0 if not band.any() or band.all() else float(fill_error(view, band)[band].mean())


def fill_error(view: View, hidden: np.ndarray) -> np.ndarray:
    """Error of filling hidden pixels (h, w) from those around them: (h, w), in CIELAB.

    Source: the fill is Telea 2004, "An Image Inpainting Technique Based on the Fast Marching Method".
    """
    x, y, width, height = cv2.boundingRect(hidden.astype(np.uint8))
    margin = 2 * INPAINT_RADIUS_PX
    rows, columns = slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
    smooth = cv2.GaussianBlur(view.after[rows, columns], (0, 0), PRE_BLUR_PX)
    levels = np.ascontiguousarray((smooth.clip(0, 1) * 255).round().astype(np.uint8))
    part = hidden[rows, columns]
    filled = cv2.inpaint(levels, part.astype(np.uint8), INPAINT_RADIUS_PX, cv2.INPAINT_TELEA)
    labs = [to_array(color.srgb_to_lab(to_tensor(np.float32(picture) / 255))) for picture in (levels, filled)]
    error = np.zeros(hidden.shape, np.float32)
    error[rows, columns] = np.linalg.norm(labs[1] - labs[0], axis=2) * part
    return error


def strand_fraction(view: View) -> float:
    """Share of the border's band in which thin bright or dark lines cross the border.

    Source: ridges by the eigenvalues of the Hessian, Lindeberg 1998, normalized by scale.
    """
    band = np.abs(view.distance) <= _band_px(view)
    if not band.any():
        return 0.0
    distance = cv2.GaussianBlur(view.distance, (0, 0), 2.0)
    normal_x, normal_y = (cv2.Sobel(distance, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    crossing = np.zeros(band.shape, bool)
    for sigma in RIDGE_PX:
        smooth = cv2.GaussianBlur(view.luma[1], (0, 0), sigma)
        dyy, dxx = cv2.Sobel(smooth, cv2.CV_32F, 0, 2), cv2.Sobel(smooth, cv2.CV_32F, 2, 0)
        dxy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1)
        dxx, dyy, dxy = (sigma**2 * plane / 4 for plane in (dxx, dyy, dxy))  # Sobel's gain of 4 for 2nd derivatives
        half, root = (dxx + dyy) / 2, np.sqrt(((dxx - dyy) / 2) ** 2 + dxy**2)
        strong = np.where(half < 0, half - root, half + root)  # eigenvalue across the line
        weak = 2 * half - strong
        angle = 0.5 * np.arctan2(2 * dxy, dxx - dyy)  # of the eigenvector of the larger signed eigenvalue
        angle = np.where(strong < 0, angle + np.pi / 2, angle)  # across the line
        along_x, along_y = -np.sin(angle), np.cos(angle)
        across = np.abs(along_x * normal_x + along_y * normal_y) / np.maximum(np.hypot(normal_x, normal_y), 1e-6)
        ridge = (np.abs(strong) > RIDGE_CONTRAST) & (np.abs(weak) < 0.5 * np.abs(strong))
        crossing |= ridge & (across > math.sin(math.radians(STRAND_ANGLE_DEG)))
    return float(crossing[band].mean())


def translucent_fraction(view: View, soft: np.ndarray) -> float:
    """Share of the mask that is soft over a width that no feather has."""
    partial = (soft > SOFT[0]) & (soft < SOFT[1])
    core = cv2.distanceTransform(partial.astype(np.uint8), cv2.DIST_L2, 5) > SOFT_WIDTH_SHARE * max(soft.shape) / 2
    wide = masks.connected_to(core, partial)
    return float(wide.sum() / max(1, (soft > 0).sum()))


def reflection(view: View) -> float | None:
    """Correlation of the region, mirrored at its foot, with what lies below it; None where nothing does."""
    x, y, width, height = cv2.boundingRect(view.region.astype(np.uint8))
    foot = y + height
    reach = min(height, view.region.shape[0] - foot)
    if reach < 16 or width < 16:
        return None
    luma = cv2.GaussianBlur(view.luma[1], (0, 0), 2.0)
    above, below = luma[foot - reach : foot, x : x + width][::-1], luma[foot : foot + reach, x : x + width]
    inside = view.region[foot - reach : foot, x : x + width][::-1]
    if inside.sum() < 256:
        return None
    a, b = above[inside] - above[inside].mean(), below[inside] - below[inside].mean()
    return float((a * b).mean() / max(a.std() * b.std(), 1e-6))


def geometry(view: View) -> dict[str, float]:
    """Size, share, parts, contact with the frame and raggedness of the mask."""
    plane = view.region.astype(np.uint8)
    _, _, width, height = cv2.boundingRect(plane)
    contours, _ = cv2.findContours(plane, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    area = float(plane.sum())
    rim = (view.region[0].sum(), view.region[-1].sum(), view.region[:, 0].sum(), view.region[:, -1].sum())
    model_scale = min(1.0, MODEL_SIDE_PX / max(view.size)) / view.scale
    return {
        "mask_size_px": min(width, height) * model_scale,
        "mask_area_fraction": area / plane.size,
        "mask_parts": float(cv2.connectedComponents(plane, connectivity=8)[0] - 1),
        "mask_frame_contact": float(sum(map(int, rim))) / (2 * sum(plane.shape)),
        "mask_raggedness": length**2 / (4 * math.pi * max(area, 1.0)),
    }


def _advise(view: View, gradient: np.ndarray, found: dict[str, float | None], frame: int | None) -> tuple[str, str]:
    """A word of `ADVICE` and the sentence that explains it."""

    def misses(metric: str, level: str = "production") -> bool:
        return found[metric] is not None and not threshold(metric).meets(found[metric], level)

    where, limit = "" if frame is None else f" (frame {frame})", threshold("border_structure").production
    busy = f"along its border the edit must meet much structure ({found['border_structure']:.1f} of at most {limit:g})"
    if misses("mask_translucent_fraction"):
        share = found["mask_translucent_fraction"]
        return "composite_by_hand", f"{share:.0%} of the mask is translucent, which a model repaints as solid{where}."
    if misses("border_strand_fraction", "good enough"):
        share = found["border_strand_fraction"]
        return "composite_by_hand", f"thin strands cross {share:.0%} of the border, and a model redraws them{where}."
    if misses("border_structure"):
        grown = _calmer_border(view, gradient, found["border_structure"])
        if grown:
            return "grow_mask", f"{busy}; grown by {grown[0]} px it is calmer ({grown[1]:.1f}){where}."
        if misses("border_structure", "good enough") or misses("border_strand_fraction"):
            strands = "thin strands cross it, and " if misses("border_strand_fraction") else ""
            return "composite_by_hand", f"{busy}; {strands}no calmer border is near{where}."
    if misses("mask_size_px"):
        return "crop_and_stitch", f"the region is only {found['mask_size_px']:.0f} px across at a model's size{where}."
    box = view.place(view.region)
    if max(box.width, box.height) < SMALL_SHARE * max(view.size) and max(view.size) > MODEL_SIDE_PX:
        return "crop_and_stitch", f"the region fills little of a large frame; a crop gets the model's full size{where}."
    if misses("mask_area_fraction"):
        share = found["mask_area_fraction"]
        return "quick_fix", f"{share:.0%} of the frame changes; consider generating it anew{where}."
    caution = f", although {busy}" if misses("border_structure") else ", its border is calm"
    return "quick_fix", f"the region is large enough{caution}{where}."


def _calmer_border(view: View, gradient: np.ndarray, structure: float) -> tuple[int, float] | None:
    """By how many px of the full frame to grow the mask for a calmer border, and how much structure that one has."""
    for share in GROW_SHARES:
        grown = share * max(view.region.shape)
        calmer = border_structure(gradient, view.distance + grown)
        if calmer <= CALMER * structure:
            return round(grown / view.scale), calmer
    return None
