"""Did the edit do anything, and does it still sit in the picture?"""

from __future__ import annotations

import cv2
import numpy as np

from .finding import Finding
from .report import Measurement
from .thresholds import threshold
from .view import View

METRIC, SHIFT_METRIC = "edit_effect_delta_e", "edit_shift_px"
MIN_SHIFT_BOX_PX = 24  # smaller regions match anywhere
SEARCH_PX = 12  # at the judged size
MOVED, MOVED_GAIN = 0.7, 0.1  # correlation with the displaced original, and its lead over the one in place
# What the eye blurs at a distance of about 67 px per degree; color is seen more coarsely than lightness.
LIGHTNESS_BLUR_PX, COLOR_BLUR_PX = 1.5, 3.0
STRUCTURE_BLUR_PX = 2.0
IMPERCEPTIBLE = 0.8  # 95th percentile of the difference: noise of 2 levels and JPEG 95 stay below
SUBTLE_MEAN, SUBTLE_P95 = 2.5, 6.0
REBUILT = 0.3  # correlation of structure below which the region shows something else
ADVICE = {
    "imperceptible": "raise denoise by 0.15 and run again",
    "subtle": "raise denoise by 0.1 if more was meant",
    "clear": "denoise is about right",
    "rebuilt": "lower denoise by 0.1 if the object should have stayed the same",
    "unseated": "lower denoise by 0.1, or grow the mask to a calmer border",
}


def visible_change(view: View) -> np.ndarray:
    """Difference that is seen at normal size, in CIELAB units: (h, w).

    Source: after Zhang and Wandell 1997, "A spatial extension of CIELAB", one Gaussian for each channel.
    """
    planes = [
        cv2.GaussianBlur(np.ascontiguousarray(view.change[..., channel]), (0, 0), sigma)
        for channel, sigma in enumerate((LIGHTNESS_BLUR_PX, COLOR_BLUR_PX, COLOR_BLUR_PX))
    ]
    return np.sqrt(sum(plane**2 for plane in planes))


def structure_kept(view: View) -> float:
    """Correlation of both pictures' smoothed luma inside the region: 1 = the same shapes, 0 = others."""
    planes = [cv2.GaussianBlur(luma, (0, 0), STRUCTURE_BLUR_PX)[view.region] for luma in view.luma]
    planes = [plane - plane.mean() for plane in planes]
    spread = planes[0].std() * planes[1].std()
    return float((planes[0] * planes[1]).mean() / spread) if spread > 1e-6 else 1.0


def shift_finding(view: View) -> Finding:
    """How far the region shows the original's content displaced; 0 where it shows it in place, or something else."""
    x, y, width, height = cv2.boundingRect(view.changed.astype(np.uint8))
    x, y = max(x, SEARCH_PX), max(y, SEARCH_PX)  # room to look around in
    width = min(x + width, view.region.shape[1] - SEARCH_PX) - x
    height = min(y + height, view.region.shape[0] - SEARCH_PX) - y
    if min(width, height) < MIN_SHIFT_BOX_PX:
        return Finding(Measurement(SHIFT_METRIC, None, detail="too little changed to tell a displacement"))
    bands = [cv2.GaussianBlur(luma, (0, 0), 1.0) - cv2.GaussianBlur(luma, (0, 0), 8.0) for luma in view.luma]
    around = bands[0][y - SEARCH_PX : y + height + SEARCH_PX, x - SEARCH_PX : x + width + SEARCH_PX]
    box = (slice(y, y + height), slice(x, x + width))
    inside = (view.changed & (view.distance > 2))[box].astype(np.float32)
    score = np.nan_to_num(cv2.matchTemplate(around, bands[1][box], cv2.TM_CCORR_NORMED, mask=inside))
    _, best, _, (column, row) = cv2.minMaxLoc(score)
    dx, dy = ((SEARCH_PX - at) / view.scale for at in (column, row))
    inner = max(abs(SEARCH_PX - column), abs(SEARCH_PX - row)) < SEARCH_PX  # at the rim it only gets better beyond
    moved = inner and best >= MOVED and best >= score[SEARCH_PX, SEARCH_PX] + MOVED_GAIN
    shift = float(np.hypot(dx, dy)) if moved else 0.0
    detail = f"the content lies {dx:+.0f} px across and {dy:+.0f} px down" if moved else ""
    heat = view.changed * (shift / threshold(SHIFT_METRIC).production)
    return Finding(Measurement(SHIFT_METRIC, shift, view.place(view.changed), detail), heat)


def effect_finding(view: View, *, seated: bool = True) -> Finding:
    """How strong the edit is, in a word, and the denoise to try next. `seated`: seam and sharpness do not fail."""
    change = visible_change(view)
    mean, p95 = float(change[view.region].mean()), float(np.quantile(change[view.region], 0.95))
    kept = structure_kept(view)
    word = effect_word(mean, p95, kept, seated)
    detail = f"{word} (mean {mean:.2f}, structure kept {max(kept, 0):.0%}); {ADVICE[word]}"
    where = view.place(view.region & (change >= max(p95, IMPERCEPTIBLE))) or view.place(view.region)
    return Finding(Measurement(METRIC, p95, where, detail))


def effect_word(mean: float, p95: float, structure: float, seated: bool) -> str:
    """One of the words of `ADVICE`."""
    if p95 < IMPERCEPTIBLE:
        return "imperceptible"
    if mean < SUBTLE_MEAN and p95 < SUBTLE_P95:
        return "subtle"
    if not seated:
        return "unseated"
    return "rebuilt" if structure < REBUILT else "clear"
