"""Edges: how wide they are, whether they ring, whether they are staircases."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from . import color, masks

SCALES_PX = (0.5, 1.0)  # the two blurs whose gradients are compared at an edge
WIDEST_PX = 6.0  # an edge wider than this reads as this
MIN_EDGES = 60  # edge pixels below which a statistic of them is chance
SHARP_SHARE = 0.15  # of the edges: a picture with a soft background is sharp where its sharpest edges are
PROFILE_PX = 8  # reach of an edge's profile to either side
PLATEAUS_PX = (3, 6)  # from here on a profile is its plateau; nearer by, it may ring: narrow halos, and wide ones
PLATEAU_LENGTH_PX = 2  # most edges are isolated no further
SAMPLE_PX = 0.5  # along a profile
MIN_CONTRAST = 0.08  # of an edge whose profile is judged
MOST_RIPPLE = 0.3  # of the contrast: what a plateau varies by, beyond which it is none
MAX_PROFILES = 6000
RINGING_SHARE = 0.9  # quantile of the swing: sharpening rings at every clean edge, most edges are not clean
OBLIQUE = 0.5  # |sin 2 angle| from which an edge crosses the pixel grid often enough to show stairs
COHERENT = 0.8  # (l1 - l2) / (l1 + l2) of the structure tensor: one edge, not a texture
TENSOR_PX = 2.0
IMMERKAER = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32) / 6
SMOOTH_SHARE, SMOOTH_NOISE = 0.25, 0.3186  # a quarter of normal values lies within this share of their deviation


@dataclass(frozen=True)
class Edges:
    """The strong edges of a picture. Arrays of (H, W) on the CPU."""

    plane: np.ndarray  # luma
    width_px: np.ndarray  # standard deviation of the edge's slope; a perfect step has about 0.7; NaN away from edges
    normal_x: np.ndarray  # unit vector towards the bright side
    normal_y: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Where there is an edge."""
        return np.isfinite(self.width_px)


def _smooth(plane: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _gradient(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences along x and y."""
    padded = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2


def find_edges(image: Tensor) -> Edges:
    """Find strong edges and how wide they are.

    Args:
        image: (1, 3, H, W) in [0, 1].

    An edge of width w has the gradient 1 / w, and blurs add in squares: from the ratio r of the gradients after blurs
    of s and S follows its width after the finer one, w^2 = (S^2 - s^2) / (r^2 - 1).

    Source: Zhuo and Sim 2011, "Defocus map estimation from a single image". They subtract s^2 to get the blur alone;
        the width itself stays positive, where their root of noise and of thin lines would not.
    """
    plane = color.luma(image.float())[0, 0].cpu().numpy()
    fine_x, fine_y = _gradient(_smooth(plane, SCALES_PX[0]))
    fine = np.hypot(fine_x, fine_y)
    coarse = np.hypot(*_gradient(_smooth(plane, SCALES_PX[1])))
    least = max(2 * (0.45 * float(np.median(fine)) + 0.004), 0.012)
    edge = (fine > least) & _ridge(fine, fine_x, fine_y)
    if edge.any():  # the weaker half says more of texture and noise than of focus
        edge &= fine >= np.median(fine[edge])
    ratio = fine / np.maximum(coarse, 1e-6)
    squared = (SCALES_PX[1] ** 2 - SCALES_PX[0] ** 2) / np.maximum(ratio**2 - 1, 1e-6)
    width = np.sqrt(np.minimum(squared, WIDEST_PX**2))
    length = np.maximum(fine, 1e-9)
    return Edges(plane, np.where(edge, width, np.nan).astype(np.float32), fine_x / length, fine_y / length)


def _ridge(strength: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pixels whose gradient is the largest across the edge (non-maximum suppression along the stronger axis)."""
    padded = np.pad(strength, 1)
    beside = np.maximum(padded[1:-1, :-2], padded[1:-1, 2:])
    above = np.maximum(padded[:-2, 1:-1], padded[2:, 1:-1])
    return strength >= np.where(np.abs(x) >= np.abs(y), beside, above)


def edge_width_px(edges: Edges, region: np.ndarray | None = None) -> float | None:
    """How wide the sharpest edges are; a perfect step has about 0.7, thin lines less. None with too few edges.

    Args:
        region: (H, W) bool; None = everywhere.
    """
    chosen = edges.found if region is None else edges.found & region
    widths = edges.width_px[chosen]
    return float(np.quantile(widths, SHARP_SHARE)) if len(widths) >= MIN_EDGES else None


def width_map(edges: Edges, radius_px: int = 6) -> np.ndarray:
    """Edge width spread to the pixels around each edge, (H, W); 0 where there is none. The sharpest nearby wins."""
    inverse = np.where(edges.found, WIDEST_PX + 1 - np.nan_to_num(edges.width_px), 0).astype(np.float32)
    spread = cv2.dilate(inverse, masks.disc(radius_px))
    return np.where(spread > 0, WIDEST_PX + 1 - spread, 0)


def ringing(edges: Edges) -> tuple[float | None, np.ndarray, np.ndarray]:
    """How far the profile of edges swings beyond its plateaus on both sides, as sharpening makes it.

    Returns:
        The 90th percentile over isolated edges as a fraction of their contrast, for the plateaus at which it is
        largest, None with too few; and for each edge pixel judged there its (y, x) and its own value.
    """
    whole = np.zeros(edges.plane.shape, bool)  # profiles that stay within the frame; many have a line along its edge
    whole[PROFILE_PX:-PROFILE_PX, PROFILE_PX:-PROFILE_PX] = True
    y, x = (edges.found & whole).nonzero()
    step = max(1, len(y) // MAX_PROFILES)
    y, x = y[::step], x[::step]
    offsets = np.arange(-PROFILE_PX, PROFILE_PX + SAMPLE_PX, SAMPLE_PX, dtype=np.float32)
    across = x[:, None] + offsets * edges.normal_x[y, x][:, None]
    down = y[:, None] + offsets * edges.normal_y[y, x][:, None]
    profile = _sample(edges.plane, across, down)
    best: tuple = (None, np.empty((0, 2), int), np.empty(0))
    for plateau in PLATEAUS_PX:
        isolated, swing = _swing(profile, offsets, plateau)
        if len(swing) < MIN_EDGES:
            continue
        value = float(np.quantile(swing, RINGING_SHARE))
        if best[0] is None or value > best[0]:
            best = value, np.stack((y, x), 1)[isolated], swing
    return best


def _swing(profile: np.ndarray, offsets: np.ndarray, plateau: float) -> tuple[np.ndarray, np.ndarray]:
    """Which profiles (n, k) have two plateaus, (n,) bool; and how far those swing beyond both, over their contrast."""
    high = profile[:, (offsets >= plateau) & (offsets <= plateau + PLATEAU_LENGTH_PX)]
    low = profile[:, (offsets <= -plateau) & (offsets >= -plateau - PLATEAU_LENGTH_PX)]
    top, bottom = np.median(high, 1), np.median(low, 1)
    contrast, ripple = top - bottom, np.maximum(np.ptp(low, 1), np.ptp(high, 1))
    isolated = (contrast > MIN_CONTRAST) & (ripple < MOST_RIPPLE * contrast)
    over = profile[:, (offsets > 0) & (offsets <= plateau)].max(1) - top
    under = bottom - profile[:, (offsets < 0) & (offsets >= -plateau)].min(1)
    return isolated, (np.minimum(over, under)[isolated] / contrast[isolated])


def _sample(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear values at (n, k) positions."""
    rows = []
    for start in range(0, len(x), 16384):  # cv2.remap takes at most 32767 rows
        part = slice(start, start + 16384)
        rows.append(
            cv2.remap(
                plane,
                x[part].astype(np.float32),
                y[part].astype(np.float32),
                cv2.INTER_LINEAR,
                None,
                cv2.BORDER_REPLICATE,
            )
        )
    return np.concatenate(rows) if rows else np.empty(x.shape, np.float32)


def jaggedness(edges: Edges) -> tuple[float | None, np.ndarray]:
    """How much of the gradient of oblique edges runs along them: stairs have it, antialiased edges do not.

    Returns:
        Share of the gradient's energy along the edge, 0 to 1, None with too few oblique edges; and the (H, W) bool map
        of the edges judged.
    """
    smooth_x, smooth_y = _gradient(_smooth(edges.plane, 1.0))
    xx, yy, xy = (_smooth(product, TENSOR_PX) for product in (smooth_x**2, smooth_y**2, smooth_x * smooth_y))
    spread = np.hypot(xx - yy, 2 * xy)
    angle = np.arctan2(2 * xy, xx - yy) / 2  # of the normal
    coherent = spread > COHERENT * (xx + yy + 1e-9)
    judged = edges.found & coherent & (np.abs(np.sin(2 * angle)) > OBLIQUE)
    if judged.sum() < MIN_EDGES:
        return None, judged
    near = cv2.dilate(judged.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # Differences between diagonal neighbors see a stair of one pixel, which central differences average away.
    padded = np.pad(edges.plane, ((0, 1), (0, 1)), mode="edge")
    down, up = padded[1:, 1:] - padded[:-1, :-1], padded[:-1, 1:] - padded[1:, :-1]
    x, y = (down + up) / 2, (down - up) / 2
    normal = x * np.cos(angle) + y * np.sin(angle)
    along = y * np.cos(angle) - x * np.sin(angle)
    # Noise runs along an edge as much as across it, and would be stairs where edges are weak.
    noise = _noise_variance(edges.plane)
    stairs, slope = (max(0.0, float((part[near] ** 2).mean()) - noise) for part in (along, normal))
    return stairs / max(stairs + slope, 1e-12), judged


def _noise_variance(plane: np.ndarray) -> float:
    """Variance of a plane's noise, told from the quarter of its pixels that is smoothest.

    Source: the operator of Immerkaer 1996, "Fast Noise Variance Estimation", and a quantile instead of the mean.
    """
    response = np.abs(cv2.filter2D(plane, -1, IMMERKAER))
    return float((np.quantile(response, SMOOTH_SHARE) / SMOOTH_NOISE) ** 2)
