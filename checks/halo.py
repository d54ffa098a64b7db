"""Is there a fringe along an edge that belongs to neither side of it?"""

from __future__ import annotations

import numpy as np

from .finding import Finding
from .report import Measurement
from .seam import window_means
from .thresholds import threshold
from .view import View

METRIC = "halo_lightness"
# Distances from the edge in px, positive inside: the rim a fringe lies in, and what it is compared with on either side.
INNER_RIM, OUTER_RIM, DEEP, FAR = (1, 3), (-3, -1), (5, 10), (-10, -5)
FRINGE_PX = 4  # from the edge: how far a fringe reaches with what reducing the picture spreads
MIN_WINDOWS = 6


def fringe(
    plane: np.ndarray, distance: np.ndarray, windows: tuple[np.ndarray, int], rim: tuple[int, int]
) -> tuple[float, np.ndarray] | None:
    """How far a rim lies beyond everything between what is deep inside and what is far outside.

    Args:
        plane: (H, W), lightness or its change.
        distance: (H, W) signed distance to the edge, > 0 inside.
        windows: pieces of the edge, `view.contour_windows`.
        rim: `INNER_RIM` or `OUTER_RIM`.

    Returns:
        The median over the pieces, and each piece's own (NaN where it lacks one of the bands); None for too few pieces.
    """

    def means(limits: tuple[int, int]) -> np.ndarray:
        chosen = (distance >= limits[0]) & (distance <= limits[1])
        return window_means(plane[..., None], chosen, *windows)[:, 0]

    at_rim, deep, far = means(rim), means(DEEP), means(FAR)
    beyond = at_rim - at_rim.clip(np.minimum(far, deep), np.maximum(far, deep))
    if np.isfinite(beyond).sum() < MIN_WINDOWS:
        return None
    return float(np.nanmedian(beyond)), beyond


def rim_fringe(view: View) -> tuple[float, np.ndarray, tuple[int, int]] | None:
    """The stronger of the fringes inside and outside the edge: its value, each piece's own, and its rim.

    How far the rim's change in lightness lies beyond everything between that deep inside and that far outside. A
    feather, a tone step and a new object change the border by something between the two. A matte's fringe, a sharpener's
    overshoot or a shrunken mask do not, and do it along the whole border; what only new content does here and there
    cancels out. Lightness only: a recolored object changes its colors by more than a fringe does.
    """
    lightness = view.change[..., 0]
    found = [(fringe(lightness, view.distance, view.windows, rim), rim) for rim in (INNER_RIM, OUTER_RIM)]
    return max(((*told, rim) for told, rim in found if told), key=lambda told: abs(told[0]), default=None)


def fringed(view: View) -> np.ndarray:
    """Pixels (h, w) that a fringe beyond the production limit covers; their change says nothing of a step of levels."""
    found = rim_fringe(view)
    if found is None or threshold(METRIC).meets(abs(found[0]), "production"):
        return np.zeros(view.region.shape, bool)
    inside = found[2] == INNER_RIM
    return ((view.distance > 0) == inside) & (np.abs(view.distance) <= FRINGE_PX)


def halo_finding(view: View) -> Finding:
    """The light or dark fringe along the edit's border."""
    found = rim_fringe(view)
    if found is None:
        return Finding(Measurement(METRIC, None, detail="the edit is too small to have a rim and a middle"))
    value, beyond, rim = found
    near = (view.distance >= rim[0]) & (view.distance <= rim[1])
    local = np.maximum(np.nan_to_num(beyond * np.sign(value)), 0)[view.windows[0]]
    heat = np.where(near, local, 0) / threshold(METRIC).production
    where = "inside" if rim == INNER_RIM else "outside"
    detail = f"a {'lighter' if value > 0 else 'darker'} fringe just {where} the edit's edge" if value else ""
    return Finding(Measurement(METRIC, abs(value), view.place(heat >= 1) or view.place(near), detail), heat)
