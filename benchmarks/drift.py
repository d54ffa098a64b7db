"""Scenes with known truth: a photograph, an edit, and what an edit model does to the rest of the frame.

Every step is deterministic from the scene's seed. Nothing here is used by the pack itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
EDITS = ("object", "recolor", "remove", "none")


@dataclass(frozen=True)
class Drift:
    """What happens to the whole frame. Lengths in px of the photograph, everything off by default."""

    zoom: float = 0.0  # 0.01 = one percent larger
    dx: float = 0.0
    dy: float = 0.0
    rotation_deg: float = 0.0
    keystone: float = 0.0  # perspective: fraction by which one side is larger than the other
    wobble_px: float = 0.0  # smooth local displacement, standard deviation
    size: tuple[float, float] = (1.0, 1.0)  # output width and height over the photograph's
    gain: float = 1.0
    gamma: float = 1.0
    white_balance: float = 0.0  # red up, blue down
    saturation: float = 1.0
    falloff: float = 0.0  # low-frequency light: gain at one corner against the opposite one
    blur_px: float = 0.0
    noise: float = 0.0  # standard deviation, 8-bit levels
    vae: float = 0.0  # share of fine detail redrawn
    jpeg: int = 0  # quality, 0 = none


@dataclass(frozen=True)
class Scene:
    """All images (H, W, 3) float32 sRGB in [0, 1]; mask (H, W) bool."""

    original: np.ndarray
    edited: np.ndarray  # what the model gave back, at its own size
    truth: np.ndarray  # the original with the edit and without the drift
    mask: np.ndarray  # where truth and original differ
    to_edited: np.ndarray  # (H, W, 2): where each original pixel lies in the edited frame, in its px
    drift: Drift


def load(path, longest: int = 0) -> np.ndarray:
    """A photograph as (H, W, 3) float32, reduced to a longest side when given."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is not a readable picture")
    if longest and max(image.shape[:2]) > longest:
        factor = longest / max(image.shape[:2])
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32) / 255


def blob(shape: tuple[int, int], area: float, rng: np.random.Generator) -> np.ndarray:
    """A connected region of about `area` of the frame with an irregular outline, as a soft mask (1.5 px edge)."""
    height, width = shape
    radius = np.sqrt(area * height * width / np.pi)
    reach = [min(radius / side, 0.45) for side in (width, height)]
    cx, cy = (rng.uniform(r, 1 - r) * side for r, side in zip(reach, (width, height), strict=True))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = np.arctan2(y - cy, x - cx)
    bumps = sum(rng.normal(0, 0.12 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (2, 3, 4, 5))
    distance = np.hypot(x - cx, y - cy) / (1 + bumps)
    level = np.partition(distance.ravel(), int(area * distance.size))[int(area * distance.size)]
    return cv2.GaussianBlur((distance < level).astype(np.float32), (0, 0), 0.75)


def edit(photo: np.ndarray, kind: str, area: float, other: np.ndarray, rng: np.random.Generator):
    """One local edit: (truth, mask of what differs by more than an 8-bit level after blur)."""
    if kind == "none":
        return photo.copy(), np.zeros(photo.shape[:2], bool)
    alpha = blob(photo.shape[:2], area, rng)[..., None]
    if kind == "object":
        content = cv2.resize(other, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_AREA)
    elif kind == "recolor":
        content = np.clip(photo[..., [2, 0, 1]] * 0.85 + 0.06, 0, 1)
    else:  # the object is gone: smooth background takes its place
        inside = (alpha[..., 0] > 0).astype(np.float32)
        weight = cv2.GaussianBlur(1 - inside, (0, 0), 25)[..., None] + 1e-3
        content = cv2.GaussianBlur(photo * (1 - inside)[..., None], (0, 0), 25) / weight
        content = np.clip(content + 0.004 * rng.standard_normal(photo.shape), 0, 1)
    truth = (photo * (1 - alpha) + content * alpha).astype(np.float32)
    return truth, alpha[..., 0] > 0.5


def geometry(shape: tuple[int, int], drift: Drift, rng: np.random.Generator) -> np.ndarray:
    """Where each original pixel lies in the edited frame, (H, W, 2) in px of the edited frame."""
    height, width = shape
    out_w, out_h = output_size(shape, drift)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    u, v = x - (width - 1) / 2, y - (height - 1) / 2
    angle, scale = np.deg2rad(drift.rotation_deg), 1 + drift.zoom
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    depth = 1 + drift.keystone * u / width
    u, v = (cos * u - sin * v) / depth + drift.dx, (sin * u + cos * v) / depth + drift.dy
    if drift.wobble_px:
        for plane in (u, v):
            coarse = rng.standard_normal((6, 8))
            smooth = ndimage.zoom(coarse, (height / 6, width / 8), order=3, mode="nearest", grid_mode=True)
            plane += drift.wobble_px * smooth / smooth.std()
    x, y = u + width / 2, v + height / 2  # continuous coordinates: 0 is the frame's edge
    return np.stack((x * out_w / width - 0.5, y * out_h / height - 0.5), -1)


def output_size(shape: tuple[int, int], drift: Drift) -> tuple[int, int]:
    """(width, height) of the edited frame."""
    return round(shape[1] * drift.size[0]), round(shape[0] * drift.size[1])


def invert(forward: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The map edited -> original of a smooth map original -> edited, by fixed-point iteration."""
    out_w, out_h = size
    height, width = forward.shape[:2]
    scale = np.array((out_w / width, out_h / height))
    y, x = np.mgrid[:out_h, :out_w].astype(np.float64)
    target = np.stack((x, y), -1)
    at = (target + 0.5) / scale - 0.5
    yy, xx = np.mgrid[:height, :width].astype(np.float64)
    offset = forward - (np.stack((xx, yy), -1) + 0.5) * scale + 0.5
    for _ in range(12):
        moved = [
            ndimage.map_coordinates(offset[..., k], (at[..., 1], at[..., 0]), order=1, mode="nearest") for k in (0, 1)
        ]
        at = (target - np.stack(moved, -1) + 0.5) / scale - 0.5
    return at


def render(truth: np.ndarray, drift: Drift, forward: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The model's whole frame: truth, moved, resized, recolored, softened, redrawn and compressed."""
    size = output_size(truth.shape[:2], drift)
    at = invert(forward, size)
    source = truth
    reduction = max(1.0, 1 / min(drift.size))
    if reduction > 1.05:
        source = cv2.GaussianBlur(truth, (0, 0), 0.45 * np.sqrt(reduction**2 - 1))
    still = np.abs(forward - np.stack(np.mgrid[: truth.shape[0], : truth.shape[1]][::-1], -1)).max() < 1e-9
    image = (
        source.copy()
        if still and size == truth.shape[1::-1]
        else np.stack(
            [
                ndimage.map_coordinates(source[..., c], (at[..., 1], at[..., 0]), order=3, mode="mirror")
                for c in range(3)
            ],
            -1,
        )
    )
    image = recolor(np.clip(image, 0, 1), drift)
    if drift.blur_px:
        image = cv2.GaussianBlur(image, (0, 0), drift.blur_px)
    if drift.vae:
        image = redraw(image, drift.vae, rng)
    if drift.noise:
        image = image + drift.noise / 255 * rng.standard_normal(image.shape)
    image = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    if drift.jpeg:
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, drift.jpeg])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    return image.astype(np.float32) / 255


def recolor(image: np.ndarray, drift: Drift) -> np.ndarray:
    """Global and low-frequency color drift."""
    height, width = image.shape[:2]
    image = image**drift.gamma * drift.gain
    image = image * (1 + drift.white_balance * np.array((1.0, 0.0, -1.0)))
    gray = image @ np.array((0.2126, 0.7152, 0.0722))
    image = gray[..., None] + drift.saturation * (image - gray[..., None])
    ramp = np.linspace(-1, 1, width)[None, :] + np.linspace(-1, 1, height)[:, None]
    return np.clip(image * (1 + drift.falloff * ramp / 2)[..., None], 0, 1)


def undo_color(image: np.ndarray, drift: Drift) -> np.ndarray:
    """The exact inverse of `recolor`, but for what it clipped."""
    height, width = image.shape[:2]
    ramp = np.linspace(-1, 1, width)[None, :] + np.linspace(-1, 1, height)[:, None]
    image = image / (1 + drift.falloff * ramp / 2)[..., None]
    gray = image @ np.array((0.2126, 0.7152, 0.0722))
    image = gray[..., None] + (image - gray[..., None]) / drift.saturation
    image = image / (1 + drift.white_balance * np.array((1.0, 0.0, -1.0))) / drift.gain
    return (np.clip(image, 0, None) ** (1 / drift.gamma)).clip(0, 1).astype(np.float32)


def redraw(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """VAE-like loss: part of the fine detail is dropped and part of it replaced by detail of like energy."""
    base = cv2.GaussianBlur(image, (0, 0), 1.2)
    detail = image - base
    energy = np.sqrt(cv2.GaussianBlur((detail**2).mean(-1), (0, 0), 2))[..., None]
    fake = cv2.GaussianBlur(rng.standard_normal(image.shape[:2]), (0, 0), 0.8)
    fake = fake / fake.std()
    return base + (1 - share) * detail + 0.6 * share * energy * fake[..., None]


def make(photo: np.ndarray, other: np.ndarray, kind: str, area: float, drift: Drift, seed: int) -> Scene:
    """A scene from a photograph, the photograph an object is taken from, an edit and a drift."""
    rng = np.random.default_rng(seed)
    truth, mask = edit(photo, kind, area, other, rng)
    forward = geometry(photo.shape[:2], drift, rng)
    return Scene(photo, render(truth, drift, forward, rng), truth, mask, forward, drift)


def random_drift(rng: np.random.Generator, level: str = "typical") -> Drift:
    """A drift as instruction-editing models show it: zoom 0.2 to 2 %, shift to 8 px, rotation to 0.5 degrees."""
    sign = rng.choice((-1, 1), 4)
    strong = {"light": 0.35, "typical": 0.7, "strong": 1.0}[level]
    return Drift(
        zoom=sign[0] * (0.002 + 0.018 * strong * rng.random()),
        dx=8 * strong * rng.uniform(-1, 1),
        dy=8 * strong * rng.uniform(-1, 1),
        rotation_deg=0.5 * strong * rng.uniform(-1, 1),
        size=(1 + 0.03 * strong * rng.uniform(-1, 1), 1 + 0.03 * strong * rng.uniform(-1, 1)),
        gain=1 + 0.12 * strong * rng.uniform(-1, 1),
        gamma=1 + 0.15 * strong * rng.uniform(-1, 1),
        white_balance=0.05 * strong * rng.uniform(-1, 1),
        saturation=1 + 0.2 * strong * rng.uniform(-1, 1),
        falloff=0.06 * strong * rng.uniform(-1, 1),
        blur_px=0.7 * strong * rng.random(),
        noise=1.0,
        vae=0.5 * strong * rng.random(),
        jpeg=int(rng.integers(80, 96)),
    )
