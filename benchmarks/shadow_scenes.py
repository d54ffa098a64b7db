"""Ray-traced truth for shadows: a card, a cylinder and a ball on a plane, under a disc of light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SHAPES = ("card", "cylinder", "ball")


@dataclass(frozen=True)
class Scene:
    """An orthographic camera that looks down on an object at the origin, z up, y toward the camera."""

    shape: str
    azimuth_deg: float = 135.0
    elevation_deg: float = 40.0
    light_deg: float = 6.0  # angular radius of the light
    foreshortening: float = 0.45
    half_width: float = 28.0
    tall: float = 120.0
    size: tuple[int, int] = (320, 420)  # height, width
    samples: int = 96

    @property
    def height(self) -> float:
        return 2 * self.half_width if self.shape == "ball" else self.tall


def _to_light(scene: Scene) -> np.ndarray:
    """Unit vectors to points of the light (N, 3), evenly over its disc (a sunflower)."""
    azimuth, elevation = math.radians(scene.azimuth_deg), math.radians(scene.elevation_deg)
    axis = np.array(
        [math.cos(azimuth) * math.cos(elevation), -math.sin(azimuth) * math.cos(elevation), math.sin(elevation)]
    )
    side = np.cross(axis, (0, 0, 1.0))
    side /= np.linalg.norm(side)
    up = np.cross(side, axis)
    index = np.arange(scene.samples) + 0.5
    radius, turn = (
        np.sqrt(index / scene.samples) * math.tan(math.radians(scene.light_deg)),
        index * math.pi * (3 - 5**0.5),
    )
    rays = axis + radius[:, None] * (np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * up)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def _hit(scene: Scene, x, y, z, ray) -> np.ndarray:
    """Whether rays from points (x, y, z) along `ray` hit the object."""
    dx, dy, dz = ray
    r = scene.half_width
    if scene.shape == "card":
        t = -y / dy if abs(dy) > 1e-9 else np.full_like(x, -1.0)
        return (t > 1e-6) & (abs(x + t * dx) <= r) & (z + t * dz >= 0) & (z + t * dz <= scene.height)
    if scene.shape == "ball":
        b = x * dx + y * dy + (z - r) * dz
        root = b * b - (x * x + y * y + (z - r) ** 2 - r * r)
        return (root > 0) & (-b + np.sqrt(np.maximum(root, 0)) > 1e-6)
    a, b = dx * dx + dy * dy, x * dx + y * dy
    root = np.sqrt(np.maximum(b * b - a * (x * x + y * y - r * r), 0))
    near, far = (-b - root) / a, (-b + root) / a
    low, high = -z / dz, (scene.height - z) / dz  # between the ground and the lid; every ray rises
    crosses = b * b - a * (x * x + y * y - r * r) > 0
    return crosses & (np.maximum(near, low) <= np.minimum(far, high)) & (np.minimum(far, high) > 1e-6)


def render(scene: Scene, *, opacity: float = 0.7, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Picture (1, 3, H, W) on textured ground, matte and true shade (1, 1, H, W; without opacity)."""
    rows, columns = scene.size
    sine, cosine = scene.foreshortening, math.sqrt(1 - scene.foreshortening**2)
    v, u = np.meshgrid(np.arange(rows) + 0.5 - 0.62 * rows, np.arange(columns) + 0.5 - columns / 2, indexing="ij")
    x, y = u, v / sine  # the ground point seen by each pixel
    toward_camera = (0.0, cosine, sine)
    matte = _hit(scene, x, y, np.zeros_like(x), toward_camera)
    shade = np.mean([_hit(scene, x, y, np.zeros_like(x), ray) for ray in _to_light(scene)], axis=0)
    random = np.random.default_rng(seed)
    ground = 0.45 + 0.04 * random.standard_normal((rows, columns))
    light = np.where(matte, 0.12, ground * (1 - opacity * shade))
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)
    to = lambda plane: torch.from_numpy(plane.astype(np.float32))[None, None]  # noqa: E731
    return to(srgb).clamp(0, 1).expand(1, 3, -1, -1).contiguous(), to(matte), to(np.where(matte, 0, shade))


def top_softness_px(scene: Scene) -> float:
    """Standard deviation, in px, of the penumbra that the object's top casts: a disc's is half its radius.

    The mean of the two axes of the light's image on the ground, the farther one foreshortened as the camera sees it.
    """
    elevation = math.radians(scene.elevation_deg)
    radius = scene.height / math.sin(elevation) * math.tan(math.radians(scene.light_deg))
    along, across = radius / math.sin(elevation), radius
    azimuth = math.radians(scene.azimuth_deg)
    horizontal = math.hypot(along * math.cos(azimuth), across * math.sin(azimuth))
    vertical = math.hypot(along * math.sin(azimuth), across * math.cos(azimuth)) * scene.foreshortening
    return math.sqrt(horizontal * vertical) / 2
