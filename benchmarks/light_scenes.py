"""Photographs with object masks, and known recolorings of the objects: truth for the light benchmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from edit_first.imaging import color, masks
from PIL import Image
from torch import Tensor

PHOTOS = Path(__file__).resolve().parent.parent / "assets" / "photos"
GRABCUT_STEPS = 5


@dataclass(frozen=True)
class Subject:
    """One object of a photograph, by a box or a polygon in fractions of the frame."""

    photo: str
    name: str
    points: tuple[tuple[float, float], ...]
    cut: bool = True  # refine with GrabCut; else the polygon is the mask


SUBJECTS = (
    Subject("astronaut.png", "astronaut", ((0.02, 0.02), (0.73, 0.99))),
    Subject("astronaut.png", "face", ((0.35, 0.12), (0.5, 0.12), (0.52, 0.28), (0.46, 0.37), (0.38, 0.35)), False),
    Subject("astronaut.png", "helmet", ((0.55, 0.62), (0.99, 0.99))),
    Subject("astronaut.png", "shuttle", ((0.62, 0.02), (0.86, 0.6))),
    Subject("coffee.png", "cup", ((0.12, 0.03), (0.83, 0.97))),
    Subject("coffee.png", "espresso", ((0.3, 0.2), (0.36, 0.08), (0.5, 0.05), (0.64, 0.08), (0.69, 0.25),
                                       (0.62, 0.44), (0.5, 0.5), (0.36, 0.44)), False),
    Subject("coffee.png", "table top", ((0.74, 0.6), (0.85, 0.5), (0.97, 0.6), (0.95, 0.9), (0.8, 0.95)), False),
    Subject("chelsea.png", "head", ((0.1, 0.02), (0.9, 0.98))),
    Subject("chelsea.png", "left eye", ((0.28, 0.3), (0.38, 0.27), (0.47, 0.4), (0.46, 0.52), (0.33, 0.5)), False),
    Subject("chelsea.png", "nose", ((0.44, 0.62), (0.62, 0.62), (0.6, 0.82), (0.5, 0.9), (0.44, 0.8)), False),
    Subject("rocket.jpg", "rocket", ((0.42, 0.05), (0.58, 0.9))),
    Subject("rocket.jpg", "sky", ((0.55, 0.05), (0.75, 0.95))),
)  # fmt: skip


def read_photo(path: Path, longest_side: int = 512) -> Tensor:
    """An sRGB photograph (1, 3, H, W), reduced by area so that benchmarks stay quick."""
    image = Image.open(path).convert("RGB")
    if max(image.size) > longest_side:
        scale = longest_side / max(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def object_mask(image: Tensor, points: tuple[tuple[float, float], ...], cut: bool = True) -> Tensor:
    """Mask (1, 1, H, W) of an object: GrabCut inside a box, or a polygon as it is."""
    height, width = image.shape[2:]
    corners = np.round(np.array(points) * (width - 1, height - 1)).astype(np.int32)
    plane = np.zeros((height, width), np.uint8)
    if not cut:
        cv2.fillPoly(plane, [corners], 1)
        return torch.from_numpy(plane).float()[None, None]
    cv2.setRNGSeed(0)
    (x0, y0), (x1, y1) = corners
    pixels = np.ascontiguousarray((image[0].permute(1, 2, 0).numpy()[..., ::-1] * 255).round().astype(np.uint8))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, plane, (x0, y0, x1 - x0, y1 - y0), *models, GRABCUT_STEPS, cv2.GC_INIT_WITH_RECT)
    found = ((plane == cv2.GC_FGD) | (plane == cv2.GC_PR_FGD)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return torch.from_numpy(found).float()[None, None]


def recolorings(strengths: tuple[float, ...] = (0.4, 1.0), draws: int = 2, seed: int = 0) -> list[tuple[str, object]]:
    """Named transforms of an image (1, 3, H, W): exposure, white balance, contrast, 3-D LUTs and local light."""
    found = []
    for strength in strengths:
        for draw in range(draws):
            random = np.random.default_rng([seed, draw, round(strength * 100)])
            for kind, make in (("exposure", _exposure), ("white balance", _white_balance), ("contrast", _contrast),
                               ("lut", _lut), ("local light", _local_light)):  # fmt: skip
                found.append((f"{kind} {strength:g} #{draw}", make(random, strength)))
    return found


def _signed(random: np.random.Generator, low: float, high: float) -> float:
    return float(random.choice((-1, 1)) * random.uniform(low, high))


def _gains(random: np.random.Generator, strength: float) -> tuple[float, float, float]:
    """Warmer or cooler, with a little green or magenta, at equal luminance."""
    warm, tint = _signed(random, 0.25, 0.6) * strength, _signed(random, 0, 0.15) * strength
    gains = np.exp2(np.array((warm, tint, -warm)))
    return tuple(gains / (gains @ np.array((0.2126, 0.7152, 0.0722))))


def _linear(image: Tensor, gain) -> Tensor:
    gain = gain if isinstance(gain, Tensor) else torch.tensor(gain).view(1, -1, 1, 1)
    return color.linear_to_srgb(color.srgb_to_linear(image) * gain).clamp(0, 1)


def _exposure(random, strength):
    gain = 2 ** (_signed(random, 0.4, 1.1) * strength)
    return lambda image: _linear(image, (gain,))


def _white_balance(random, strength):
    gains = _gains(random, strength)
    return lambda image: _linear(image, gains)


def _contrast(random, strength):
    """A tone curve about mid gray, lifted or crushed blacks."""
    slope, lift = 2 ** (_signed(random, 0.2, 0.5) * strength), _signed(random, 0, 0.08) * strength
    return lambda image: (0.45 + (image - 0.45) * slope + lift * (1 - image)).clamp(0, 1)


def _lut(random, strength, size: int = 7):
    """A smooth random 3-D table: tone curve, white balance, saturation and a field of hue shifts."""
    gains, slope = np.array(_gains(random, 0.7 * strength)) ** (1 / 2.2), 2 ** (_signed(random, 0.1, 0.4) * strength)
    saturation = 2 ** (_signed(random, 0.1, 0.5) * strength)
    axis = np.linspace(0, 1, size)
    table = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), 0)  # (3, r, g, b)
    noise = random.normal(0, 1, (3, 3, 3, 3)).astype(np.float32)
    field = F.interpolate(torch.from_numpy(noise)[None], size=(size,) * 3, mode="trilinear", align_corners=True)[0]
    gray = (table * np.array((0.2126, 0.7152, 0.0722)).reshape(3, 1, 1, 1)).sum(0)
    graded = gray + (table - gray) * saturation
    graded = 0.45 + (graded * gains.reshape(3, 1, 1, 1) - 0.45) * slope + 0.04 * strength * field.numpy()
    lut = torch.from_numpy(np.clip(graded, 0, 1).astype(np.float32)).permute(0, 3, 2, 1)[None]

    def apply(image: Tensor) -> Tensor:
        grid = (image.permute(0, 2, 3, 1) * 2 - 1)[:, None]
        return F.grid_sample(lut, grid, align_corners=True)[:, :, 0].clamp(0, 1)

    return apply


def _local_light(random, strength):
    """A plane of light across the frame and one soft lamp, with a color."""
    angle, slope = random.uniform(0, 2 * math.pi), random.uniform(0.6, 1.4) * strength
    center, lamp = random.uniform(0.2, 0.8, 2), _signed(random, 0.3, 0.7) * strength
    tint = np.array(_gains(random, 0.4 * strength), np.float32)

    def apply(image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
        ev = slope * ((x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle))
        ev = ev + lamp * torch.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * 0.25**2))
        return _linear(image, torch.exp2(ev)[None, None] * torch.from_numpy(tint).view(1, 3, 1, 1))

    return apply


def to_8bit(image: Tensor) -> Tensor:
    """What a PNG file keeps."""
    return (image.clamp(0, 1).float() * 255).round() / 255


def foreground_mse(image: Tensor, truth: Tensor, mask: Tensor) -> float:
    """Mean squared error over the object in 8-bit levels squared (iHarmony4's fMSE)."""
    inside = (mask > 0).expand_as(image)
    return float((((image - truth) * 255) ** 2)[inside].mean())


def psnr(image: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio over the frame, in dB."""
    return float(10 * torch.log10(255**2 / (((image - truth) * 255) ** 2).mean().clamp(min=1e-6)))


def composite(photo: Tensor, recolored: Tensor, mask: Tensor) -> Tensor:
    """The recolored object in its own photograph."""
    return to_8bit(torch.where(masks.grow(mask, 0) > 0, recolored, photo))
