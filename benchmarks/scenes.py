"""Edit scenes with known truth, made from photographs: what a model returns, and what a perfect blend would show.

The truth is a photograph, with a piece of another photograph set into it where the edit adds something. The raw frame
is that truth as an edit model re-renders it: exposure ramp, color shift, blur, new grain, sub-pixel warp. All of it
is synthetic drift of one family; real models also change content, which no scene with a known truth can hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

PHOTOS = Path(__file__).resolve().parent.parent / "assets" / "photos"
EXTRA_PHOTOS = "EDIT_FIRST_PHOTOS"  # environment variable: a folder with more photographs, used when it is set

SHAPES = ("blob", "hair", "straight", "object")
SIDE_PX = 384
# A photograph counts as texture when its edit border lies on more detail than this (mean |Laplacian of luma| / 255).
TEXTURE_LIMIT = 0.03


@dataclass(frozen=True)
class Drift:
    """How far the raw frame is from the truth. 0 everywhere is a perfect model."""

    exposure: float = 0.15  # peak of the exposure ramp, in stops
    color: float = 0.03  # standard deviation of the channel gains
    blur_px: float = 0.7
    grain: float = 2.0  # standard deviation of the model's own noise, in 8-bit levels
    warp_px: float = 0.3  # standard deviation of the smooth displacement


@dataclass(frozen=True)
class Scene:
    """One case. Images (1, 3, H, W) in [0, 1], masks (1, 1, H, W)."""

    name: str
    shape: str
    original: Tensor
    edited: Tensor  # the raw frame, drifted inside and outside the mask
    mask: Tensor
    truth: Tensor
    seed: int
    texture: bool


def photographs(side_px: int = SIDE_PX) -> dict[str, np.ndarray]:
    """Square center crops (side, side, 3) in [0, 1] by name: the samples of the repository, and `EDIT_FIRST_PHOTOS`."""
    folders = [PHOTOS] + ([Path(os.environ[EXTRA_PHOTOS])] if os.environ.get(EXTRA_PHOTOS) else [])
    files = sorted(file for folder in folders for file in folder.iterdir() if file.suffix in (".jpg", ".png"))
    return {file.stem: _square(cv2.imread(str(file)), side_px) for file in files}


def _square(image: np.ndarray, side_px: int) -> np.ndarray:
    image = image[..., ::-1].astype(np.float32) / 255
    scale = side_px / min(image.shape[:2])
    if scale != 1:
        size = (max(side_px, round(image.shape[1] * scale)), max(side_px, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    y, x = (image.shape[0] - side_px) // 2, (image.shape[1] - side_px) // 2
    return np.clip(image[y : y + side_px, x : x + side_px], 0, 1)


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int, channels: int = 1) -> np.ndarray:
    """Noise of standard deviation about 1 that varies over 1 / cells of the frame: (height, width, channels)."""
    small = rng.standard_normal((cells, cells, channels)).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)


def apply_drift(truth: np.ndarray, drift: Drift, rng: np.random.Generator) -> np.ndarray:
    """The truth (H, W, 3) as an edit model re-renders it."""
    height, width = truth.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    warp = smooth_noise(rng, height, width, 4, 2) * drift.warp_px
    image = cv2.remap(truth, x + warp[..., 0], y + warp[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    if drift.blur_px:
        image = cv2.GaussianBlur(image, (0, 0), drift.blur_px)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)) * 2
    stops = drift.exposure * (ramp + 0.5 * rng.standard_normal() + 0.3 * smooth_noise(rng, height, width, 3)[..., 0])
    gain = 1 + drift.color * rng.standard_normal(3).astype(np.float32)
    image = np.clip(image, 0, 1) ** 2.2 * (2**stops)[..., None] * gain
    image = np.clip(image, 0, 1) ** (1 / 2.2)
    return np.clip(image + rng.standard_normal(image.shape).astype(np.float32) * drift.grain / 255, 0, 1)


def blob(rng: np.random.Generator, side_px: int, area: float, cells: int = 6) -> np.ndarray:
    """A wavy region (side, side) around the center that fills a share of the frame; bool."""
    y, x = np.mgrid[:side_px, :side_px].astype(np.float32) / side_px - 0.5
    field = smooth_noise(rng, side_px, side_px, cells)[..., 0] * 0.07 - np.hypot(x, y)
    inside = field > np.quantile(field, 1 - area)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8))
    return labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax() if count > 1 else inside


def strands(rng: np.random.Generator, side_px: int, count: int = 90) -> np.ndarray:
    """Alpha of a head of hair (side, side): an ellipse with curved strands 1 to 2 px wide around it."""
    scale = 4
    canvas = np.zeros((side_px * scale, side_px * scale), np.uint8)
    center, radius = np.array([side_px / 2, side_px / 2]), side_px * 0.16
    cv2.ellipse(canvas, tuple(int(v * scale) for v in center), (int(radius * scale), int(radius * 1.2 * scale)),
                0, 0, 360, 255, -1, cv2.LINE_AA)  # fmt: skip
    for _ in range(count):
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.75) * radius
        bend = rng.uniform(-0.6, 0.6)
        t = np.linspace(0, 1, 12)
        turn = angle + bend * t
        reach = radius * np.hypot(np.cos(angle), 1.2 * np.sin(angle)) * 0.95 + length * t
        points = center + np.stack((np.cos(turn) * reach, np.sin(turn) * reach), 1)
        cv2.polylines(
            canvas, [np.round(points * scale).astype(np.int32)], False, 255, int(rng.integers(3, 7)), cv2.LINE_AA
        )
    return cv2.resize(canvas, (side_px, side_px), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def make_scene(name: str, photo: np.ndarray, other: np.ndarray, shape: str, seed: int, drift: Drift) -> Scene:
    """Build one scene: the photograph, a piece of another one as the edit's content, and a mask of a shape."""
    rng = np.random.default_rng(seed)
    side = photo.shape[0]
    if shape == "hair":
        alpha = strands(rng, side)
        mask = cv2.dilate((alpha > 0).astype(np.uint8), _disk(10)) > 0
    elif shape == "object":
        inside = blob(rng, side, 0.08, cells=9)
        alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.8)
        mask = cv2.dilate(inside.astype(np.uint8), _disk(5)) > 0
    else:
        mask = blob(rng, side, 0.15) if shape == "blob" else _rectangle(rng, side)
        depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
        alpha = (depth > 0.45 * depth.max()).astype(np.float32)
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    truth = photo + alpha[..., None] * (other - photo)
    edited = apply_drift(truth, drift, rng)
    detail = np.abs(cv2.Laplacian(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    border = cv2.dilate(mask.astype(np.uint8), _disk(12)) - cv2.erode(mask.astype(np.uint8), _disk(12))
    return Scene(name, shape, _tensor(photo), _tensor(edited), _tensor(mask[..., None].astype(np.float32)),
                 _tensor(truth), seed, bool(detail[border > 0].mean() > TEXTURE_LIMIT))  # fmt: skip


def scenes(drift: Drift | None = None, *, side_px: int = SIDE_PX, shapes: tuple[str, ...] = SHAPES) -> Iterator[Scene]:
    """All photographs times all shapes; the content comes from the next photograph in the list. Seeds are fixed."""
    photos = photographs(side_px)
    names = list(photos)
    for index, name in enumerate(names):
        other = photos[names[(index + 3) % len(names)]]
        for number, shape in enumerate(shapes):
            yield make_scene(f"{name}-{shape}", photos[name], other, shape, 100 * index + number, drift or Drift())


def _rectangle(rng: np.random.Generator, side: int) -> np.ndarray:
    x0, y0 = rng.integers(side // 5, side // 3, 2)
    x1, y1 = rng.integers(side * 3 // 5, side * 4 // 5, 2)
    mask = np.zeros((side, side), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _disk(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]
