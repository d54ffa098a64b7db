"""Two renderings of one picture on a common grid, and how well a motion makes them agree."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .homography import apply_planes, scaling, unit
from .lucas_kanade import local_motion
from .registration import sample_motion

NORM_SIGMA_PX = 8.0  # window of the local normalization
NORM_FLOOR = 0.02  # contrast below this is noise: it must not be amplified to full strength
SMOOTH_SIGMA_PX = 0.8  # both frames: evens out unequal sharpness and interpolation error
WINDOW_PX = 15  # window of the local correlation
MIN_GAIN = 0.001  # gain of mean local correlation that a motion must bring


@dataclass(frozen=True)
class FramePair:
    """Both frames' luma on one grid, and what estimation needs of them."""

    template: np.ndarray  # (h, w) luma of the original
    moving: np.ndarray  # (h, w) luma of the edited frame, resized to the same grid
    usable: np.ndarray  # (h, w) bool: not known to be edited
    full_size: tuple[int, int]  # (width, height) of the original
    levels: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]  # normalized (template, moving, usable), fine first
    texture: float  # share of the frame with enough contrast

    @classmethod
    def at(cls, original, edited, ignore: np.ndarray | None, pixels: float, levels: int = 99) -> FramePair:
        """Reduce both luma frames to a common grid of at most `pixels`, no finer than either."""
        height, width = original.shape
        factor = min(1.0, np.sqrt(pixels / original.size), np.sqrt(edited.size / original.size))
        size = (max(16, round(width * factor)), max(16, round(height * factor)))
        template, moving = _resize(original, size), _resize(edited, size)
        usable = np.ones(template.shape, bool)
        if ignore is not None:
            usable = cv2.resize(ignore.astype(np.uint8), size, interpolation=cv2.INTER_AREA) == 0
            usable = usable if usable.mean() > 0.02 else np.ones(template.shape, bool)
        pyramid, t, m, u = [], template, moving, usable
        while True:
            pyramid.append((normalize(t), normalize(m), u))
            if min(t.shape) < 96 or len(pyramid) == levels:
                break
            t, m = cv2.pyrDown(t), cv2.pyrDown(m)
            u = cv2.resize(u.astype(np.uint8), t.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        texture = float((_local_std(template) > NORM_FLOOR / 2).mean())
        return cls(template, moving, usable, (width, height), tuple(pyramid), texture)

    def scaling(self) -> np.ndarray:
        """The 3x3 map from full-size pixel centers to this grid's."""
        return scaling(self.full_size, self.template.shape[::-1])

    def from_full(self, matrix: np.ndarray) -> np.ndarray:
        """A full-size homography in this grid's pixels."""
        return unit(self.scaling() @ matrix @ np.linalg.inv(self.scaling()))

    def to_full(self, matrix: np.ndarray) -> np.ndarray:
        """A homography of this grid in full-size pixels."""
        return unit(np.linalg.inv(self.scaling()) @ matrix @ self.scaling())

    def coarse_field(self, field: np.ndarray | None) -> np.ndarray | None:
        """A residual field in full-size px, in this grid's pixels."""
        return None if field is None else field * np.float32(self.template.shape[1] / self.full_size[0])

    def warped(self, image: np.ndarray, matrix: np.ndarray, field: np.ndarray | None = None):
        """`image` of the edited frame (any pyramid level) seen from the original, and where it has data."""
        height, width = image.shape
        grid = scaling(self.template.shape[::-1], (width, height))
        matrix = grid @ matrix @ np.linalg.inv(grid)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        if field is not None:
            motion = sample_motion(field, x, y, (width, height)) * np.float32(width / self.template.shape[1])
            x, y = x + motion[..., 0], y + motion[..., 1]
        points = apply_planes(matrix, x, y)
        inside = (points[..., 0] >= 1) & (points[..., 0] <= width - 2)
        inside &= (points[..., 1] >= 1) & (points[..., 1] <= height - 2)
        return cv2.remap(image, points, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE), inside

    def agreement(self, matrix: np.ndarray, field: np.ndarray | None = None) -> float:
        """Mean local correlation over textured windows; negative ones count 0, so an edit adds the same to all."""
        correlation = self.correlations(matrix, field)
        return float(correlation.clip(0, 1).mean()) if len(correlation) else 0.0

    def correlations(self, matrix: np.ndarray, field: np.ndarray | None = None) -> np.ndarray:
        """Local correlation of luma in every textured window, (N,)."""
        moved, inside = self.warped(self.moving, matrix, field)
        a, b = (cv2.GaussianBlur(image, (0, 0), SMOOTH_SIGMA_PX) for image in (self.template, moved))
        mean_a, mean_b = _box(a), _box(b)
        var_a, var_b = _box(a * a) - mean_a**2, _box(b * b) - mean_b**2
        chosen = (var_a > (NORM_FLOOR / 2) ** 2) & inside & self.usable
        covariance = (_box(a * b) - mean_a * mean_b)[chosen]
        return covariance / np.sqrt((var_a[chosen] + 1e-6) * (var_b[chosen] + 1e-6).clip(1e-6))

    def motion(self, matrix: np.ndarray, field: np.ndarray | None = None, level: int = 0):
        """Local motion left by a registration, (h, w, 2) px of this grid, and its weight (h, w), 0 on edits."""
        template, moving, usable = self.levels[level]
        moved, inside = self.warped(moving, matrix, field)
        motion, weight = local_motion(template, moved, inside & usable)
        return motion * np.float32(self.template.shape[1] / template.shape[1]), weight

    def residual(self, matrix: np.ndarray, field: np.ndarray | None = None) -> float | None:
        """Median length of the local motion on unchanged texture, in px of the original."""
        motion, weight = self.motion(matrix, field)
        chosen = weight > 0
        if chosen.mean() < 0.002:
            return None
        length = np.hypot(motion[..., 0], motion[..., 1])[chosen]
        return weighted_median(length, weight[chosen]) * self.full_size[0] / self.template.shape[1]


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize (H, W) to (width, height): area averaging down, bicubic up."""
    if image.shape[::-1] == size:
        return image
    smaller = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _box(image: np.ndarray) -> np.ndarray:
    return cv2.blur(image, (WINDOW_PX, WINDOW_PX))


def _local_std(gray: np.ndarray) -> np.ndarray:
    """Standard deviation in a Gaussian window."""
    high = gray - cv2.GaussianBlur(gray, (0, 0), NORM_SIGMA_PX)
    return np.sqrt(cv2.GaussianBlur(high * high, (0, 0), NORM_SIGMA_PX))


def normalize(gray: np.ndarray) -> np.ndarray:
    """Locally normalized luma: zero mean and unit contrast in a Gaussian window; flat areas fade to 0."""
    gray = cv2.GaussianBlur(gray, (0, 0), SMOOTH_SIGMA_PX)
    high = gray - cv2.GaussianBlur(gray, (0, 0), NORM_SIGMA_PX)
    return high / np.sqrt(cv2.GaussianBlur(high * high, (0, 0), NORM_SIGMA_PX) + NORM_FLOOR**2)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value with half of the weight below it."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
