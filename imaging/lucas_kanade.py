"""Lucas-Kanade with robust weights: the motion of a whole frame as a homography, and the motion left in every window."""

from __future__ import annotations

import cv2
import numpy as np

from .homography import apply, step_matrix, steps, unit

SAMPLES = 200_000  # pixels that enter one least-squares step; more change the result by less than 0.01 px
TUKEY = 4.685  # 95 % efficiency on normal errors (Beaton and Tukey 1974)
MAX_INLIER_SIGMA = 0.45  # normalized luma; keeps a majority of edited pixels from passing as noise
LOCALLY_ALIKE = 0.6  # correlation of a window whose motion can be believed; keeps an edit's content out


def refine(level, matrix: np.ndarray, model: str, iterations: int, near: bool = True) -> np.ndarray:
    """Inverse compositional Gauss-Newton with Tukey weights from a start, on one pyramid level."""
    template, moving, usable = level
    height, width = template.shape
    gx, gy = cv2.Scharr(template, -1, 1, 0) / 32, cv2.Scharr(template, -1, 0, 1) / 32
    y, x = _informative(gx, gy, usable)
    if len(x) < 64:
        return matrix
    radius = np.hypot(width, height) / 2
    normal = np.array(
        [[1 / radius, 0, -(width - 1) / 2 / radius], [0, 1 / radius, -(height - 1) / 2 / radius], [0, 0, 1]]
    )
    points = np.stack((x, y), 1).astype(np.float32)
    u, v = ((points - ((width - 1) / 2, (height - 1) / 2)) / radius).T.astype(np.float32)
    dx, dy = steps(u, v, model)
    slope_x, slope_y, values = gx[y, x], gy[y, x], template[y, x]
    jacobian = ((slope_x * dx + slope_y * dy) * radius).astype(np.float32)
    for _ in range(iterations):
        at = apply(matrix, points).astype(np.float32)
        inside = (at[:, 0] >= 1) & (at[:, 0] <= width - 2) & (at[:, 1] >= 1) & (at[:, 1] <= height - 2)
        error = _sample(moving, at, slope_x, slope_y) - values
        weight = _tukey(error, inside, MAX_INLIER_SIGMA if near else np.inf)
        if weight.sum() < 64:
            return matrix
        weighted = jacobian * weight
        normal_matrix = weighted @ jacobian.T
        damping = 1e-6 * np.trace(normal_matrix) / len(normal_matrix) * np.eye(len(normal_matrix))
        step = np.linalg.solve(normal_matrix + damping, weighted @ error)
        matrix = unit(matrix @ np.linalg.inv(normal) @ np.linalg.inv(step_matrix(step, model)) @ normal)
        if np.abs(step).max() * radius < 0.003:
            break
    return matrix


def _informative(gx: np.ndarray, gy: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels worth reading: enough gradient, evenly thinned to `SAMPLES`."""
    strong = (gx * gx + gy * gy > 0.03**2) & usable
    strong[:2] = strong[-2:] = False
    strong[:, :2] = strong[:, -2:] = False
    y, x = strong.nonzero()
    # A stride prime to any width thins evenly and deterministically.
    step = max(1, -(-len(x) // SAMPLES))
    return y[::step], x[::step]


def _sample(image: np.ndarray, points: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray) -> np.ndarray:
    """Lanczos values of an image at (N, 2) points, given the slopes there.

    cv2.remap rounds positions to 1/32 px, which would bias a pure shift; the slopes make up for the rest. Bicubic
    kernels (a = -0.75, cv2 and torch) do not reproduce a ramp and would bias it by 0.03 px.
    """
    columns = 1024  # cv2.remap refuses more than 32767 columns
    read = np.round(points * 32) / np.float32(32)
    padded = np.pad(read, ((0, -len(points) % columns), (0, 0)), mode="edge").reshape(-1, columns, 2)
    values = cv2.remap(image, padded, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE).ravel()
    rest = points - read
    return values[: len(points)] + slope_x * rest[:, 0] + slope_y * rest[:, 1]


def _tukey(error: np.ndarray, valid: np.ndarray, largest: float = MAX_INLIER_SIGMA) -> np.ndarray:
    """Biweights of residuals at their own robust scale, which stays within limits; 0 where not valid."""
    scale = 1.4826 * np.median(np.abs(error[valid])) if valid.any() else 1.0
    ratio = error / (TUKEY * min(max(scale, 0.02), largest))
    return (np.clip(1 - ratio * ratio, 0, 1) ** 2 * valid).astype(np.float32)


def local_motion(template: np.ndarray, moved: np.ndarray, usable: np.ndarray, sigma: float = 10.0):
    """One Lucas-Kanade step in Gaussian windows: motion (h, w, 2) in px and its weight (h, w)."""
    error = moved - template
    weight = _tukey(error, usable & (np.abs(template) > 0.05))
    gx = cv2.Scharr(template + moved, -1, 1, 0) / 64
    gy = cv2.Scharr(template + moved, -1, 0, 1) / 64

    def window(image):
        return cv2.GaussianBlur(image, (0, 0), sigma)

    share = window(weight) / np.maximum(window(((np.abs(template) > 0.05) & usable).astype(np.float32)), 1e-3)
    xx, xy, yy = window(weight * gx * gx), window(weight * gx * gy), window(weight * gy * gy)
    xe, ye = window(weight * gx * error), window(weight * gy * error)
    power = np.sqrt(window(template * template) * window(moved * moved))
    alike = window(template * moved) > LOCALLY_ALIKE * power + 1e-6
    smallest = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    determinant = np.maximum(xx * yy - xy * xy, 1e-12)
    motion = np.stack(((xy * ye - yy * xe) / determinant, (xy * xe - xx * ye) / determinant), -1)
    confidence = np.where((smallest > 1e-3) & (share > 0.7) & alike & usable, smallest, 0).astype(np.float32)
    return motion.astype(np.float32), confidence
