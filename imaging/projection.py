"""Where the shadow of an object falls on level ground, and how sharp it is there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WORK_SIDE = 1024  # shadows are drawn at this size; they are soft, or as sharp as this after enlarging
LEVELS = 8  # Gaussian levels between which the height-dependent penumbra is interpolated
MIN_ELEVATION_DEG, MAX_ELEVATION_DEG = 3.0, 89.0  # below, the shadow is longer than 19 objects
SUBPIXEL_BITS = 4  # cv2 draws in sixteenths of a pixel
STEP_PX = 0.75  # slices of height are so close that their shadows leave no gaps


@dataclass(frozen=True)
class ShadowLight:
    """A light as its shadow shows it."""

    azimuth_deg: float  # where it stands, seen from above: 0 = right, 90 = behind the object, 180 = left
    elevation_deg: float
    softness_px: float  # standard deviation of the penumbra of the object's top
    opacity: float
    confidence: float = 1.0  # 1 = given, or a shadow that explains the picture; 0 = nothing found
    reason: str = ""  # one sentence for people

    def describe(self) -> str:
        """One sentence for people."""
        return (
            f"azimuth {self.azimuth_deg:.0f} deg, elevation {self.elevation_deg:.0f} deg, softness "
            f"{self.softness_px:.1f} px, opacity {self.opacity:.2f}, confidence {self.confidence:.2f}: {self.reason}"
        )


def shadow_vector(light: ShadowLight, foreshortening: float) -> tuple[float, float]:
    """Where the shadow of a point that is 1 px high in the picture falls, in px right of and below its foot."""
    elevation = min(max(light.elevation_deg, MIN_ELEVATION_DEG), MAX_ELEVATION_DEG)
    upright = math.sqrt(1 - foreshortening**2)  # a camera that looks down shortens heights too
    length, azimuth = 1 / math.tan(math.radians(elevation)) / upright, math.radians(light.azimuth_deg)
    return -length * math.cos(azimuth), length * math.sin(azimuth) * foreshortening


def project_shadow(
    matte: Tensor, light: ShadowLight, *, depth: float, foreshortening: float, work_side: int = WORK_SIDE
) -> Tensor:
    """Shadow of an object on level ground, without its opacity.

    The object stands on the lowest row of its matte. Each row of the matte is a slice of the object: a strip for
    depth 0 (a card), an ellipse as deep as wide for depth 1 (a bottle, a ball). A slice at height h casts its own
    shape, shifted by h, and blurred in proportion to h.

    Args:
        matte: (1, 1, H, W); above 0.5 counts as object.
        depth: depth of the object relative to its width at each height.
        foreshortening: how much shorter depth on the ground appears than width (sine of the camera's tilt).
        work_side: the longer side that the shadow is drawn at.

    Returns:
        (1, 1, H, W) in [0, 1] float32.

    Source: planar projected shadows (Blinn 1988); penumbra proportional to the distance between occluder and
    receiver (Fernando 2005, percentage-closer soft shadows).
    """
    height, width = matte.shape[2:]
    scale = min(1.0, work_side / max(height, width))
    small = (
        F.interpolate(matte.float(), (round(height * scale), round(width * scale)), mode="area") if scale < 1 else matte
    )
    solid = (small[0, 0] > 0.5).cpu().numpy()
    if not solid.any():
        return torch.zeros_like(matte, dtype=torch.float32)
    hard, rise = _draw(solid, *shadow_vector(light, foreshortening), depth, foreshortening)
    top = max(float(rise.max()), 1.0)
    sigmas = penumbra_axes(light, foreshortening)
    soft = torch.from_numpy(_soften(hard, rise, top, (scale * sigmas[0], scale * sigmas[1])))[None, None]
    if scale < 1:
        soft = F.interpolate(soft, (height, width), mode="bilinear", align_corners=False)
    return soft.clamp(0, 1).to(matte.device)


def foot_row(solid: np.ndarray) -> int:
    """The row below the lowest object pixel of a boolean (H, W) matte: where the object stands."""
    return int(solid.any(1).nonzero()[0][-1]) + 1


def _draw(
    solid: np.ndarray, dx: float, dy: float, depth: float, foreshortening: float
) -> tuple[np.ndarray, np.ndarray]:
    """The hard shadow (H, W) in [0, 1] and the mean height, in px, of what casts it."""
    hard = np.zeros(solid.shape, np.uint8)
    low, high = np.zeros(solid.shape, np.float32), np.zeros(solid.shape, np.float32)
    foot = foot_row(solid)
    lift, cap = _ends(solid, depth, foreshortening)
    depth = depth * foreshortening
    slices = list(_slices(solid, STEP_PX / max(1.0, math.hypot(dx, dy)), lift, cap))
    for ordered, plane in ((slices, high), (slices[::-1], low)):
        for rise, left, right in ordered:
            half = (right - left) / 2
            center = (left + half - 0.5 + rise * dx, foot - 0.5 - lift + rise * dy)
            axes = (half, max(half * depth, 0.5))
            shape = tuple(tuple(round(v * (1 << SUBPIXEL_BITS)) for v in pair) for pair in (center, axes))
            cv2.ellipse(plane, *shape, 0, 0, 360, float(rise), cv2.FILLED, cv2.LINE_8, SUBPIXEL_BITS)
            if plane is high:
                cv2.ellipse(hard, *shape, 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    return hard.astype(np.float32) / 255, (low + high) / 2


def _ends(solid: np.ndarray, depth: float, foreshortening: float) -> tuple[float, float]:
    """How far, in px, the ground point of the matte lies above its lowest row, and the top point below its highest.

    A camera that looks down sees the near half of a round base below its middle, and the far half of a lid above. A
    ball, which goes on widening above such a base, touches the ground nearly at its lowest row.
    """
    rows = solid.any(1).nonzero()[0]
    half_widths = np.array([np.ptp(solid[row].nonzero()[0]) + 1 for row in rows]) / 2
    found = []
    for widths in (half_widths[::-1], half_widths):
        enough = np.arange(len(widths)) >= depth * foreshortening * np.maximum.accumulate(widths)
        end = int(enough.argmax()) if enough.any() else len(widths) // 2
        grown = float(widths[: min(2 * end + 1, len(widths))].max())
        if grown > 1.1 * widths[min(end, len(widths) - 1)]:
            end = depth * float(widths.max()) * (1 - math.sqrt(1 - foreshortening**2))
        found.append(float(min(end, 0.45 * len(widths))))
    return found[0], found[1]


def _slices(solid: np.ndarray, step: float, lift: float, cap: float):
    """Runs of object pixels from the ground up: height above the ground, first column, column after the last."""
    foot = foot_row(solid)
    top = int(solid.any(1).nonzero()[0][0])
    for rise in np.arange(0.5, max(foot - top - lift - cap, 1.0), step):
        row = np.concatenate(([0], solid[min(int(foot - lift - rise), foot - 1)].astype(np.int8), [0]))
        edges = np.diff(row).nonzero()[0]
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            yield float(rise), int(left), int(right)


def _soften(hard: np.ndarray, rise: np.ndarray, top: float, sigmas: tuple[float, float]) -> np.ndarray:
    """Blur each pixel by the penumbra of the height that casts the shadow there; (horizontal, vertical) at the top."""
    if max(sigmas) <= 0.3:
        return hard
    known = (rise > 0).astype(np.float32)
    spread = max(sigmas) / 2 + 1
    near_known, far_known = _blur(known, (spread, spread)), _blur(known, (3 * spread, 3 * spread))
    near = _blur(rise, (spread, spread)) / np.maximum(near_known, 1e-4)
    far = _blur(rise, (3 * spread, 3 * spread)) / np.maximum(far_known, 1e-4)
    share = np.where(near_known > 1e-3, near, far) / top  # beyond the shadow, of the nearest part of it
    position = np.clip(share, 0, 1) * (LEVELS - 1)
    soft = np.zeros_like(hard)
    for level in range(LEVELS):
        part = level / (LEVELS - 1)
        weight = np.clip(1 - np.abs(position - level), 0, None)
        soft += weight * _blur(hard, (sigmas[0] * part, sigmas[1] * part))
    return soft


def _blur(plane: np.ndarray, sigmas: tuple[float, float]) -> np.ndarray:
    if max(sigmas) <= 0.05:
        return plane
    sigma_x, sigma_y = (max(sigma, 0.05) for sigma in sigmas)
    return cv2.GaussianBlur(plane, (0, 0), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REPLICATE)


def penumbra_axes(light: ShadowLight, foreshortening: float) -> tuple[float, float]:
    """Horizontal and vertical standard deviation of the top's penumbra; `softness_px` is their geometric mean.

    A round light's image on the ground is longer along the shadow than across, and the ground is foreshortened.
    """
    elevation = min(max(light.elevation_deg, MIN_ELEVATION_DEG), MAX_ELEVATION_DEG)
    along, azimuth = 1 / math.sin(math.radians(elevation)), math.radians(light.azimuth_deg)
    horizontal = math.hypot(along * math.cos(azimuth), math.sin(azimuth))
    vertical = math.hypot(along * math.sin(azimuth), math.cos(azimuth)) * max(foreshortening, 0.05)
    scale = light.softness_px / math.sqrt(horizontal * vertical)
    return horizontal * scale, vertical * scale
