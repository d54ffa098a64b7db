"""Dense motion between two frames, and the affine motion of a part of them.

Frames here are NumPy planes (h, w) at work size, uint8; flow is (h, w, 2) float32 in work px: the pixel at x of the
first frame lies at x + flow(x) in the second. Affine maps are 3x3 float64 and take (x, y, 1) of pixel centers.
"""

from __future__ import annotations

import cv2
import numpy as np

SMALLEST_SIDE = 32  # work px; DIS matches patches of 8 px over several octaves
FULL_SCALE_SIDE = 400  # work px; up to here the search goes down to full scale, beyond to half
CONSISTENT_PX = 0.5  # forward and backward flow must meet within this
TEXTURE_EIGENVALUE = 1.0  # of the 9x9 structure tensor, mean squared 8-bit levels per px
GRAIN_PX = 1.0  # grain of 3 levels is left with an eigenvalue of 0.2 after a blur of this sigma, and had 1.7 before
FIT_POINTS = 1500  # RANSAC looks at this many points at most
FEWEST_POINTS = 30  # below, a fit is chance
RANSAC_PX = 0.5


def flow(first: np.ndarray, second: np.ndarray, *, fine: bool = True) -> np.ndarray:
    """Motion from the first to the second frame; without `fine` several times faster and twice as far off.

    Source: Kroeger et al. 2016, "Fast optical flow using dense inverse search"; OpenCV, presets medium and fast.
    """
    if not fine:
        return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(first, second, None)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # The variational step smooths over the region's edge: a region that slides by 1.5 px was read as 1.25.
    search.setVariationalRefinementIterations(0)
    search.setFinestScale(0 if max(first.shape) <= FULL_SCALE_SIDE else 1)
    return search.calc(first, second, None)


def both_ways(first: np.ndarray, second: np.ndarray, *, fine: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Flow (h, w, 2) and where the flow back meets it, (h, w) bool: what is hidden or invented in between does not."""
    forward, backward = flow(first, second, fine=fine), flow(second, first, fine=False)
    gap = forward + sample(backward, forward)
    return forward, np.einsum("ijk,ijk->ij", gap, gap) < CONSISTENT_PX**2


def sample(values: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Values (h, w[, c]) float32 read at x + motion(x); the edge repeats."""
    height, width = motion.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(values, x + motion[..., 0], y + motion[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def textured(plane: np.ndarray) -> np.ndarray:
    """Where motion is defined in both directions, (h, w) bool. Source: Shi and Tomasi 1994."""
    calm = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), GRAIN_PX)  # grain is no texture: it does not move along
    smallest = cv2.cornerMinEigenVal(calm, blockSize=9, ksize=3)
    # OpenCV's Sobel kernel sums to 8, is scaled by 1 / (4 * 9) and summed over 9 x 9: 4 times the mean in levels per px.
    return smallest / 4 > TEXTURE_EIGENVALUE


def fit_affine(motion: np.ndarray, where: np.ndarray) -> np.ndarray | None:
    """The affine map x -> x + motion(x) of most of the pixels that are selected; None where they are too few.

    Source: RANSAC, Fischler and Bolles 1981, as in OpenCV (deterministic), least squares over the inliers.
    """
    rows, columns = np.nonzero(where)
    if len(rows) < FEWEST_POINTS:
        return None
    step = max(1, len(rows) // FIT_POINTS)
    rows, columns = rows[::step], columns[::step]
    points = np.stack((columns, rows), 1).astype(np.float64)
    matrix, _ = cv2.estimateAffine2D(
        points, points + motion[rows, columns], method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX, maxIters=500
    )
    return None if matrix is None else to_3x3(matrix)


def to_3x3(matrix: np.ndarray) -> np.ndarray:
    """A 2x3 affine map as 3x3."""
    return np.vstack((matrix, (0, 0, 1)))


def affine_motion(matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The flow (h, w, 2) of an affine map."""
    x, y = np.arange(shape[1], dtype=np.float32)[None, :], np.arange(shape[0], dtype=np.float32)[:, None]
    m = matrix.astype(np.float32)
    return np.stack(((m[0, 0] - 1) * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + (m[1, 1] - 1) * y + m[1, 2]), axis=-1)


def pull(plane: np.ndarray, matrix: np.ndarray, size: tuple[int, int], *, nearest: bool = False) -> np.ndarray:
    """Read a plane (h, w[, c]) at matrix(x) for every pixel x of a picture of `size` (width, height); 0 outside."""
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_CUBIC
    return cv2.warpAffine(plane, matrix[:2], size, flags=how | cv2.WARP_INVERSE_MAP)


def push(mask: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Move a mask (h, w) bool along a map; bool."""
    return cv2.warpAffine(mask.astype(np.uint8), matrix[:2], mask.shape[::-1], flags=cv2.INTER_NEAREST) > 0


def scale_matrix(matrix: np.ndarray, factor_x: float, factor_y: float) -> np.ndarray:
    """The same map between frames that are larger by these factors, corners aligned."""
    to_large = np.array(((factor_x, 0, 0.5 * factor_x - 0.5), (0, factor_y, 0.5 * factor_y - 0.5), (0, 0, 1)))
    return to_large @ matrix @ np.linalg.inv(to_large)
