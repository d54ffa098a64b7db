"""Can the border of an edit be found?"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging import color, masks
from .anchors import anchor_drift
from .report import Measurement, Place, Report

STEP_SIZES_PX = (2, 4, 8)  # a hard edge shows at the smallest, a tone step on texture only at the largest
MIN_WINDOW_PX = 8
WINDOW_PX = 16  # of contour; a seam is seen piece by piece, so the step is averaged over pieces, not over the whole
DETAIL_BAND_PX = 12
MARGIN_PX = 40
# Fine difference (luma) and tone difference (sRGB) from which two pictures do not show the same thing.
CONTENT_LIMIT, TONE_LIMIT = 0.06, 0.2
GOES_ON_SHARE = 0.7  # of a window's pixels; with less the step is the edit's own
LEAST_BORDER = 0.1  # share of the windows; fewer agree by chance


def contour_windows(distance: np.ndarray) -> tuple[np.ndarray, int]:
    """Divide the surroundings of a region's edge into windows of about `WINDOW_PX` of contour.

    Args:
        distance: (H, W) signed distance, > 0 inside.

    Returns:
        (H, W) int number of the window nearest to each pixel, and how many windows there are.
    """
    edge = (distance > 0) & (distance < 1.5)
    if not edge.any():
        return np.zeros(distance.shape, np.int64), 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~edge).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = edge.nonzero()
    # A contour pixel belongs to the cell of a grid it lies in: pieces of about the cell's side without tracing it.
    cells = (y // WINDOW_PX) * (distance.shape[1] // WINDOW_PX + 1) + x // WINDOW_PX
    _, number = np.unique(cells, return_inverse=True)
    of_label = np.zeros(nearest.max() + 1, np.int64)
    of_label[nearest[edge]] = number
    return of_label[nearest], int(number.max()) + 1


def seam_steps(difference: np.ndarray, distance: np.ndarray) -> tuple[float, tuple[int, int] | None, float]:
    """How far a picture steps across an edge beyond what its reference does.

    Args:
        difference: (H, W, 3), picture minus reference in OKLab times 100; NaN where it must not count.
        distance: (H, W) signed distance to the edge, > 0 inside.

    Returns:
        The root mean square step over the windows of the contour, for the step size at which it is largest; the place
        (x, y) of the window with the largest step, None without an edge; and that largest step.
    """
    window, count = contour_windows(distance)
    counts = np.isfinite(difference[..., 0])
    worst, where, largest = 0.0, None, 0.0
    for size in STEP_SIZES_PX if count else ():
        step = _window_means(difference, counts & (distance > 0) & (distance <= size), window, count)
        step = step - _window_means(difference, counts & (distance <= 0) & (distance > -size - 1), window, count)
        length = np.sqrt((step**2).sum(1))
        known = np.isfinite(length)
        if not known.any():
            continue
        worst = max(worst, float(np.sqrt((length[known] ** 2).mean())))
        index = int(np.where(known, length, -1).argmax())
        if where is None or length[index] > largest:
            y, x = ((window == index) & (np.abs(distance) <= 2)).nonzero()
            largest, where = float(length[index]), (int(np.median(x)), int(np.median(y)))
    return worst, where, largest


def _window_means(values: np.ndarray, chosen: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
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
    after = [_frame_seam(ours[i : i + 1], image[i : i + 1], region[i : i + 1]) for i in range(len(image))]
    before = [
        _frame_seam(ours[i : i + 1], pasted[i : i + 1], region[i : i + 1])
        for i in range(len(image) if pasted is not None else 0)
    ]
    found = (_worst("seam_step_before", before, 0), _worst("seam_step", after, 0), _worst_detail(after))
    return report + Report(tuple(m for m in found if m is not None))


def _frame_seam(original: Tensor, image: Tensor, region: Tensor) -> tuple[float, Place, float] | None:
    """Step, its worst place and the detail ratio of one frame; None where no border goes on across the edge."""
    box = masks.bounding_box(region)
    if box is None:
        return None
    x, y, width, height = box
    left, top = max(0, x - MARGIN_PX), max(0, y - MARGIN_PX)
    rows, columns = slice(top, y + height + MARGIN_PX), slice(left, x + width + MARGIN_PX)
    ours, theirs, inside = (t[:, :, rows, columns].float() for t in (original, image, region))
    distance = masks.signed_distance(inside)
    goes_on = _goes_on(ours, theirs, distance)
    lab = (color.srgb_to_oklab(theirs) - color.srgb_to_oklab(ours)) * 100
    plane = distance[0, 0].cpu().numpy()
    difference = lab[0].permute(1, 2, 0).cpu().numpy()
    window, count = contour_windows(plane)
    near = (plane > 0) & (plane <= max(STEP_SIZES_PX))
    share = np.bincount(window[near], goes_on[near], count) / np.bincount(window[near], minlength=count).clip(1)
    if not count or (share >= GOES_ON_SHARE).mean() < LEAST_BORDER:
        return None
    goes_on &= (share >= GOES_ON_SHARE)[window]
    difference[~goes_on] = np.nan
    step, where, _ = seam_steps(difference, plane)
    if where is None:
        return None
    band = torch.from_numpy((np.abs(plane) < DETAIL_BAND_PX) & goes_on)
    ours_detail, theirs_detail = (float(_laplacian(color.luma(t))[0, 0].cpu()[band].sum()) for t in (ours, theirs))
    return step, Place(left + where[0], top + where[1]), theirs_detail / max(ours_detail, 1e-6)


def _goes_on(original: Tensor, image: Tensor, distance: Tensor) -> np.ndarray:
    """Pixels near the edge (H, W) at which both show the same thing, whatever its tone."""
    fine = (image - masks.gaussian_blur(image, 4.0)) - (original - masks.gaussian_blur(original, 4.0))
    changed = masks.gaussian_blur(color.luma(fine).abs(), 2.0) > CONTENT_LIMIT
    tone = masks.gaussian_blur((image - original).abs().amax(1, keepdim=True), 4.0) > TONE_LIMIT
    return ((~(changed | tone)) & (distance.abs() <= 2 * DETAIL_BAND_PX))[0, 0].cpu().numpy()


def _laplacian(luma: Tensor) -> Tensor:
    return (4 * luma - sum(luma.roll(shift, axis) for axis in (2, 3) for shift in (-1, 1))).abs()


def _worst(metric: str, frames: list, index: int) -> Measurement | None:
    known = [(frame[index], number) for number, frame in enumerate(frames) if frame]
    if not frames:
        return None
    if not known:
        return Measurement(metric, None, detail="the edit shows other content along its border")
    value, number = max(known)
    place = frames[number][1]
    return Measurement(metric, value, Place(place.x, place.y, frame=number))


def _worst_detail(frames: list) -> Measurement:
    known = [(frame[2], number) for number, frame in enumerate(frames) if frame]
    if not known:
        return Measurement("seam_detail_ratio", None, detail="the edit shows other content along its border")
    value, number = min(known)
    return Measurement("seam_detail_ratio", value, Place(frames[number][1].x, frames[number][1].y, frame=number))
