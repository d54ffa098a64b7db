"""Can the border of an edit be found?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..imaging import color, masks
from .anchors import anchor_drift
from .finding import Finding
from .report import Measurement, Place, Report
from .thresholds import threshold
from .view import View, contour_windows

STEP_SIZES_PX = (2, 4, 8)  # a hard edge shows at the smallest, a tone step on texture only at the largest
MIN_WINDOW_PX = 8
DETAIL_BAND_PX = 12
LEAST_DETAIL = 0.5 / 255  # of the original along the border; a flat drawing has none to lose
MARGIN_PX = 40
# Fine difference (luma) and tone difference (sRGB) from which two pictures do not show the same thing.
CONTENT_LIMIT, TONE_LIMIT = 0.06, 0.2
GOES_ON_SHARE = 0.7  # of a window's pixels; with less the step is the edit's own
LEAST_BORDER = 0.1  # share of the windows; fewer agree by chance
PARALLEL_PX, FOLLOWS = 10, 1.7  # a border steps this much more than contours so far from it: it follows an edge
LEAST_PLAIN = 0.3  # share of the windows without an edge of the original's; with less the mask follows an object
NATURAL_STEP = 3.0  # OKLab x 100; where the original steps this far itself, the mask follows an edge that hides a seam
NOISE_FACTOR = 2.0  # grain is coarser than a pixel: a mean of n pixels varies as that of n / 2 independent ones
# Stray light on a screen, of white. Without it OKLab's cube root makes a seam of the noise of a black ground, which clips.
FLARE = 0.002
RIM_PX = 2.5  # just inside the edit's edge, where a finished edit has faded out


def seam_steps(
    difference: np.ndarray, distance: np.ndarray, *, noisy: bool = False
) -> tuple[float, tuple[int, int] | None, np.ndarray]:
    """How far a picture steps across an edge beyond what its reference does.

    Args:
        difference: (H, W, 3), picture minus reference in OKLab times 100; NaN where it must not count.
        distance: (H, W) signed distance to the edge, > 0 inside.
        noisy: take off what differing grain and texture add to the steps, by their spread within each window.

    Returns:
        The root mean square step over the windows of the contour, for the step size at which it is largest; the place
        (x, y) of the window with the largest step, None without an edge; and each window's largest step (NaN where it
        has none).
    """
    window, count = contour_windows(distance)
    worst, largest = 0.0, np.full(count, np.nan)
    for size in STEP_SIZES_PX if count else ():
        power = (_window_steps(difference, distance, window, count, size) ** 2).sum(1)
        if noisy:
            power -= NOISE_FACTOR * _step_noise(difference, distance, window, count, size)
        if np.isfinite(power).any():
            worst = max(worst, float(np.sqrt(max(0.0, np.nanmean(power)))))
            largest = np.fmax(largest, np.sqrt(np.maximum(power, 0)))
    if not np.isfinite(largest).any():
        return worst, None, largest
    y, x = ((window == np.nanargmax(largest)) & (np.abs(distance) <= 2)).nonzero()
    return worst, (int(np.median(x)), int(np.median(y))), largest


def _bands(values: np.ndarray, distance: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(values[..., 0])
    return known & (distance > 0) & (distance <= size), known & (distance <= 0) & (distance > -size - 1)


def _window_steps(values: np.ndarray, distance: np.ndarray, window: np.ndarray, count: int, size: float) -> np.ndarray:
    """Mean of the `size` px inside minus mean of those outside, per window: (count, 3)."""
    inside, outside = _bands(values, distance, size)
    return window_means(values, inside, window, count) - window_means(values, outside, window, count)


def _step_noise(values: np.ndarray, distance: np.ndarray, window: np.ndarray, count: int, size: float) -> np.ndarray:
    """Variance of a window's step if its pixels were independent: (count,)."""
    total = np.zeros(count)
    for band in _bands(values, distance, size):
        pixels = np.bincount(window[band], minlength=count).clip(1)
        spread = window_means(values**2, band, window, count) - window_means(values, band, window, count) ** 2
        total += spread.sum(1) / pixels
    return total


def window_means(values: np.ndarray, chosen: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
    """Mean of (H, W, 3) values per window over the chosen pixels: (count, 3); NaN where a window has none."""
    index = window[chosen]
    total = np.bincount(index, minlength=count).astype(float)
    sums = np.stack([np.bincount(index, values[..., c][chosen], count) for c in range(values.shape[2])], 1)
    total[total < MIN_WINDOW_PX] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[:, None] > 0, sums / total[:, None], np.nan)


def seam_report(
    original: Tensor, image: Tensor, blend: Tensor, *, edited: Tensor | None = None, edit_mask: Tensor | None = None
) -> Report:
    """Measure how far the border of an edit shows, before and after it was blended.

    Where the picture goes on across the border, the blended one must step there as the original does. Pieces of the
    border at which the edit shows other content are left out: a step there is the edit.

    Args:
        original: (B or 1, 3, H, W).
        image: (B, 3, H, W), the blended picture.
        blend: (B, 1, H, W), 0 where the original must be untouched.
        edited: (B, 3, H, W), the frame that was blended in; with it the plain paste is measured for comparison.
        edit_mask: (B or 1, 1, H, W), whose edge is the seam; without it the edge of `blend`.

    Returns:
        The anchors' measurements, `seam_step`, `seam_step_before` and `seam_detail_ratio` of the worst frame.
    """
    ours = original.expand_as(image)
    report = anchor_drift(ours, image, (blend <= 0).float())
    region = (blend if edit_mask is None else edit_mask).expand(len(image), 1, *image.shape[2:])
    pasted = None if edited is None else torch.where(region > 0, edited, ours)
    after = [measure_seam(ours[i : i + 1], image[i : i + 1], region[i : i + 1]) for i in range(len(image))]
    before = [
        measure_seam(ours[i : i + 1], pasted[i : i + 1], region[i : i + 1])
        for i in range(len(image) if pasted is not None else 0)
    ]
    found = (_worst("seam_step_before", before), _worst("seam_step", after), _worst_detail(after))
    return report + Report(tuple(m for m in found if m is not None))


@dataclass(frozen=True)
class Seam:
    """The border of one frame's edit, where the picture goes on across it."""

    step: float  # OKLab x 100
    detail_ratio: float | None  # None: the original has no fine detail along the border
    place: Place  # of the largest step
    steps: np.ndarray  # (H, W) OKLab x 100: each pixel near the border, the step of its piece; 0 elsewhere


NO_SEAM = "the edit shows other content along its border, or its mask follows edges of the original"


def measure_seam(original: Tensor, image: Tensor, region: Tensor, ignored: np.ndarray | None = None) -> Seam | None:
    """Step and detail of one frame (1, C, H, W); None where no border goes on across the edge.

    Args:
        ignored: (H, W) bool, pixels that belong to neither side of the step.
    """
    box = masks.bounding_box(region)
    if box is None:
        return None
    x, y, width, height = box
    left, top = max(0, x - MARGIN_PX), max(0, y - MARGIN_PX)
    rows, columns = slice(top, y + height + MARGIN_PX), slice(left, x + width + MARGIN_PX)
    ours, theirs, inside = (t[:, :, rows, columns].float() for t in (original, image, region))
    distance = masks.signed_distance(inside)
    plane = distance[0, 0].cpu().numpy()
    window, count = contour_windows(plane)
    labs = [_as_seen(frame) for frame in (ours, theirs)]
    goes_on = _goes_on(ours, theirs, distance)
    near = (plane > 0) & (plane <= max(STEP_SIZES_PX))
    share = np.bincount(window[near], goes_on[near], count) / np.bincount(window[near], minlength=count).clip(1)
    plain = plain_windows(labs[0], plane, window, count) if count else np.zeros(1, bool)
    judged = (share >= GOES_ON_SHARE) & plain
    if plain.mean() < LEAST_PLAIN or judged.mean() < LEAST_BORDER:
        return None
    goes_on &= judged[window]
    counted = goes_on if ignored is None else goes_on & ~ignored[rows, columns]
    step, where, largest = seam_steps(np.where(counted[..., None], labs[1] - labs[0], np.nan), plane, noisy=True)
    if where is None:
        return None
    band = torch.from_numpy((np.abs(plane) < DETAIL_BAND_PX) & goes_on)
    details = [float(_laplacian(color.luma(t))[0, 0].cpu()[band].mean()) for t in (ours, theirs)]
    ratio = details[1] / details[0] if details[0] >= LEAST_DETAIL else None
    steps = np.zeros(original.shape[2:], np.float32)
    steps[rows, columns] = np.where(np.abs(plane) <= max(STEP_SIZES_PX), np.nan_to_num(largest)[window], 0)
    place = Place(left + where[0], top + where[1])
    return Seam(step, ratio, place, steps)


def _as_seen(frame: Tensor) -> np.ndarray:
    """OKLab x 100 (H, W, 3) of a frame on a screen."""
    light = (color.srgb_to_linear(frame) + FLARE) / (1 + FLARE)
    return 100 * color.srgb_to_oklab(color.linear_to_srgb(light))[0].permute(1, 2, 0).cpu().numpy()


def plain_windows(lab: np.ndarray, distance: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
    """Windows (count,) in which a picture (H, W, 3), OKLab x 100, has no edge of its own along the border.

    None has where the mask follows an object, which shows by the border stepping more than contours parallel to it,
    however faint the picture is: what is redrawn within an object's own outline has no seam.
    """
    border, *parallel = (
        np.linalg.norm(_window_steps(lab, distance - offset, window, count, 4), axis=1)
        for offset in (0, PARALLEL_PX, -PARALLEL_PX)
    )
    around = np.concatenate(parallel)
    known = all(np.isfinite(steps).any() for steps in (border, around))
    if known and np.nanmedian(border) > FOLLOWS * np.nanmedian(around):
        return np.zeros(count, bool)
    return border < NATURAL_STEP


def seam_findings(view: View, fringe: np.ndarray | None = None) -> tuple[Finding, Finding]:
    """Step and rim of a view with an original.

    Args:
        fringe: (h, w) bool, pixels of a fringe that another measurement tells: a thin line along the border would be a
            step at small sizes, where it is a pixel wide, and a fringe at large ones.
    """
    region = torch.from_numpy(view.region[None, None].astype(np.float32))
    seam = measure_seam(*view.tensors, region, fringe)
    if seam is None:
        return Finding(Measurement("seam_step", None, detail=NO_SEAM)), _rim(view)
    spot = np.zeros(view.region.shape, bool)
    spot[seam.place.y, seam.place.x] = True
    heat = seam.steps / threshold("seam_step").production
    return Finding(Measurement("seam_step", seam.step, view.place(spot)), heat), _rim(view)


def _rim(view: View) -> Finding:
    """Median over the plain pieces of the border of the change just inside it."""
    window, count = view.windows
    plain = plain_windows(view.lab[0], view.distance, window, count) if count else np.zeros(0)
    if not count or plain.mean() < LEAST_PLAIN:
        return Finding(Measurement("seam_rim", None, detail="the mask follows edges of the original"))
    rim = window_means(view.change, (view.distance > 0) & (view.distance <= RIM_PX), window, count)
    rim = np.linalg.norm(rim, axis=1)[plain]
    if not np.isfinite(rim).any():
        return Finding(Measurement("seam_rim", None, detail="the border is too short"))
    return Finding(Measurement("seam_rim", float(np.nanmedian(rim)), view.place(view.region)))


def _goes_on(original: Tensor, image: Tensor, distance: Tensor) -> np.ndarray:
    """Pixels near the edge (H, W) at which both show the same thing, whatever its tone."""
    fine = (image - masks.gaussian_blur(image, 4.0)) - (original - masks.gaussian_blur(original, 4.0))
    changed = masks.gaussian_blur(color.luma(fine).abs(), 2.0) > CONTENT_LIMIT
    tone = masks.gaussian_blur((image - original).abs().amax(1, keepdim=True), 4.0) > TONE_LIMIT
    return ((~(changed | tone)) & (distance.abs() <= 2 * DETAIL_BAND_PX))[0, 0].cpu().numpy()


def _laplacian(luma: Tensor) -> Tensor:
    return (4 * luma - sum(luma.roll(shift, axis) for axis in (2, 3) for shift in (-1, 1))).abs()


def _worst(metric: str, frames: list[Seam | None]) -> Measurement | None:
    known = [(seam.step, number) for number, seam in enumerate(frames) if seam]
    if not frames:
        return None
    if not known:
        return Measurement(metric, None, detail=NO_SEAM)
    value, number = max(known)
    return Measurement(metric, value, replace(frames[number].place, frame=number))


def _worst_detail(frames: list[Seam | None]) -> Measurement:
    known = [
        (seam.detail_ratio, number) for number, seam in enumerate(frames) if seam and seam.detail_ratio is not None
    ]
    if not known:
        reason = "the original has no fine detail along the border" if any(frames) else NO_SEAM
        return Measurement("seam_detail_ratio", None, detail=reason)
    value, number = min(known)
    return Measurement("seam_detail_ratio", value, replace(frames[number].place, frame=number))
