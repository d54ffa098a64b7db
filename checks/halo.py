"""Is there a fringe along the edit's border that belongs to neither picture?"""

from __future__ import annotations

import numpy as np

from .report import Measurement
from .seam import window_means
from .thresholds import threshold
from .view import Finding, View

METRIC = "halo_lightness"
# Distances from the edge in px, positive inside: the rim a fringe lies in, and what it is compared with on either side.
INNER_RIM, OUTER_RIM, DEEP, FAR = (1, 3), (-3, -1), (5, 10), (-10, -5)


def halo_finding(view: View) -> Finding:
    """How far the rim's change in lightness lies beyond everything between that deep inside and that far outside.

    A feather, a tone step and a new object change the border by something between the two. A matte's fringe, a
    sharpener's overshoot or a shrunken mask do not, and do it along the whole border; what only new content does here
    and there cancels out. Lightness only: a recolored object changes its colors by more than a fringe does.
    """
    window, count = view.windows
    bands = {name: _band(view, limits, window, count) for name, limits in BANDS.items()}
    low, high = np.minimum(bands["far"], bands["deep"]), np.maximum(bands["far"], bands["deep"])
    fringes = {}
    for rim in ("inner", "outer"):
        beyond = bands[rim] - bands[rim].clip(low, high)
        if np.isfinite(beyond).sum() >= MIN_WINDOWS:
            fringes[rim] = float(np.nanmedian(beyond)), beyond
    if not fringes:
        return Finding(Measurement(METRIC, None, detail="the edit is too small to have a rim and a middle"))
    rim = max(fringes, key=lambda name: abs(fringes[name][0]))
    value, beyond = fringes[rim]
    near = (view.distance >= BANDS[rim][0]) & (view.distance <= BANDS[rim][1])
    local = np.maximum(np.nan_to_num(beyond * np.sign(value)), 0)[window]
    heat = np.where(near, local, 0) / threshold(METRIC).production
    where = "inside" if rim == "inner" else "outside"
    detail = f"a {'lighter' if value > 0 else 'darker'} fringe just {where} the edit's edge" if value else ""
    return Finding(Measurement(METRIC, abs(value), view.place(heat >= 1) or view.place(near), detail), heat)


BANDS = {"inner": INNER_RIM, "outer": OUTER_RIM, "deep": DEEP, "far": FAR}
MIN_WINDOWS = 6


def _band(view: View, limits: tuple[int, int], window: np.ndarray, count: int) -> np.ndarray:
    inside = (view.distance >= limits[0]) & (view.distance <= limits[1])
    return window_means(view.change[..., :1], inside, window, count)[:, 0]
