"""Homographies of a frame: how pixel centers move. Plain 3x3 arrays, no picture needed."""

from __future__ import annotations

import numpy as np

MODELS = ("off", "shift", "similarity", "affine", "perspective")


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A homography applied to (N, 2) points."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    return homogeneous[:, :2] / homogeneous[:, 2:]


def apply_planes(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A homography applied to float32 coordinate planes (h, w): (h, w, 2)."""
    m = unit(matrix).astype(np.float32)
    at = np.stack((m[0, 0] * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + m[1, 1] * y + m[1, 2]), -1)
    if m[2, 0] or m[2, 1]:
        at /= (m[2, 0] * x + m[2, 1] * y + 1)[..., None]
    return at


def scaling(size: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Pixel centers of a (width, height) frame to those of the same frame resized to `grid`."""
    across, down = grid[0] / size[0], grid[1] / size[1]
    return np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1.0]])


def unit(matrix: np.ndarray) -> np.ndarray:
    """The same homography with 1 in its last corner."""
    return matrix / matrix[2, 2]


def steps(u: np.ndarray, v: np.ndarray, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Motion (dx, dy) of normalized points per unit of each parameter of a model, both (parameters, N)."""
    one, zero = np.ones_like(u), np.zeros_like(u)
    dx, dy = [one, zero], [zero, one]
    if model == "similarity":
        dx, dy = dx + [u, -v], dy + [v, u]
    elif model in ("affine", "perspective"):
        dx, dy = dx + [u, v, zero, zero], dy + [zero, zero, u, v]
    if model == "perspective":
        dx, dy = dx + [-u * u, -u * v], dy + [-u * v, -v * v]
    return np.stack(dx), np.stack(dy)


def step_matrix(parameters: np.ndarray, model: str) -> np.ndarray:
    """The homography of normalized coordinates whose first-order motion `steps` describes."""
    matrix = np.eye(3)
    matrix[:2, 2] = parameters[:2]
    if model == "similarity":
        scale, turn = parameters[2:4]
        matrix[:2, :2] += [[scale, -turn], [turn, scale]]
    elif model in ("affine", "perspective"):
        matrix[:2, :2] += parameters[2:6].reshape(2, 2)
    if model == "perspective":
        matrix[2, :2] = parameters[6:8]
    return matrix


def project(matrix: np.ndarray, model: str, size: tuple[int, int]) -> np.ndarray:
    """The member of a simpler model closest to a homography over the frame (one linear least-squares step)."""
    if model == "perspective":
        return matrix
    x, y = np.meshgrid(np.linspace(-1, 1, 9) * size[0] / 2, np.linspace(-1, 1, 9) * size[1] / 2)
    points = np.stack((x.ravel(), y.ravel()), 1)
    center = np.array([[1, 0, (size[0] - 1) / 2], [0, 1, (size[1] - 1) / 2], [0, 0, 1.0]])
    motion = apply(np.linalg.inv(center) @ matrix @ center, points) - points
    dx, dy = steps(*points.T, model)
    parameters = np.linalg.lstsq(np.hstack((dx, dy)).T, np.hstack((motion[:, 0], motion[:, 1])), rcond=None)[0]
    return unit(center @ step_matrix(parameters, model) @ np.linalg.inv(center))


def distance(a: np.ndarray, b: np.ndarray, size: tuple[int, int]) -> float:
    """Largest distance in px between two homographies' images of a grid over the frame."""
    x, y = np.meshgrid(np.linspace(0, size[0] - 1, 5), np.linspace(0, size[1] - 1, 5))
    points = np.stack((x.ravel(), y.ravel()), 1)
    return float(np.linalg.norm(apply(a, points) - apply(b, points), axis=1).max())


def plausible(matrix: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether a homography keeps the frame's corners in order and within a quarter of the frame."""
    corners = _corners(size)
    moved = apply(matrix, corners)
    return bool(np.isfinite(moved).all() and (np.abs(moved - corners) < np.array(size) / 4).all())


def _corners(size: tuple[int, int]) -> np.ndarray:
    width, height = size
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
