"""Objects of photographs in known wrong light, and the cues they show: what `fit_light.py` learns from and tests on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from edit_first.imaging import light_cues, masks
from PIL import Image
from torch import Tensor

from . import light_scenes as scenes

BENCHMARK = ("astronaut", "coffee", "chelsea", "rocket")  # photographs of the benchmark, never learned from
OWN, FOREIGN = 12, 6  # objects for each photograph: its own, and those of others
RECOLORINGS = 11  # for each object, and the object as it is
STRENGTHS = (0.4, 1.0, 2.5)
PIXELS = 96  # of each object that are kept
AREA = (0.012, 0.6)  # of the frame
MIN_PIXELS = 200


@dataclass(frozen=True)
class Samples:
    """Cues (N, K), colors of the object before and after (N, PIXELS, 3), and where they come from (N,)."""

    cues: np.ndarray
    colors: np.ndarray
    truth: np.ndarray
    strength: np.ndarray  # of the recoloring, 0 = none
    foreign: np.ndarray  # whether the object comes from another photograph
    photo: np.ndarray  # number of the photograph


def photographs(folder: Path) -> list[Path]:
    """Photographs of a folder by name, without drawings and those of the benchmark."""
    found = sorted(path for path in folder.glob("*.png") if not path.stem.startswith("flat_"))
    return [path for path in found if path.stem not in BENCHMARK]


def collect(paths: list[Path], cache: Path, part: tuple[int, int] = (0, 1)) -> None:
    """Write the samples of every photograph of a part (index, count) to the cache."""
    cv2.setNumThreads(1)
    cache.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(paths):
        if number % part[1] == part[0] and not (cache / f"{path.stem}.npz").exists():
            rows = [row for index in range(OWN + FOREIGN) for row in _object_rows(paths, number, index)]
            columns = [np.stack(column) for column in zip(*rows, strict=True)]
            np.savez(cache / f"{path.stem}.npz", *columns)
            print(path.stem, len(rows), flush=True)


def load(paths: list[Path], cache: Path) -> Samples:
    """All samples of the cache."""
    parts = []
    for number, path in enumerate(paths):
        with np.load(cache / f"{path.stem}.npz") as file:
            columns = [file[name] for name in file.files]
        parts.append([*columns, np.full(len(columns[0]), number)])
    return Samples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _object_rows(paths: list[Path], number: int, index: int) -> list[tuple]:
    """One object, recolored in several ways: cues, colors, truth, strength and whether it is foreign."""
    random = np.random.default_rng([number, index])
    foreign = index >= OWN
    scene = _graded(_crop(paths[number], random), random)
    source = scene
    if foreign:
        source = _crop(paths[(number + int(random.integers(1, len(paths)))) % len(paths)], random)
        source = scenes.to_8bit(F.interpolate(source, scene.shape[2:], mode="bilinear", antialias=True))
    mask = _mask(source, random)
    if mask is None:
        return []
    edge = 0.6 if foreign else 0.25  # share of objects with a soft edge, as a matte or a resampled picture has
    alpha = masks.gaussian_blur(mask, float(random.uniform(0.5, 1.2))) if random.random() < edge else mask
    halve = max(scene.shape[2:]) > 300  # composed at twice the size that cues are read at
    reduce = lambda x: F.interpolate(x, [round(side / 2) for side in x.shape[2:]], mode="area") if halve else x  # noqa: E731
    region = (reduce(mask) > 0.5).float()
    inside = region.flatten().nonzero()[:, 0]
    if len(inside) < MIN_PIXELS:
        return []
    truth, rows = reduce(scene + alpha * (source - scene)), []
    for strength, recolor in [*_recolorings(random), (0.0, lambda image: image)]:
        edited = scenes.to_8bit(recolor(source))
        composite = reduce(scenes.to_8bit(scene + alpha * (edited - scene)))
        cues = light_cues.light_cues(composite, region)
        if cues is None:
            return rows
        some = inside[torch.from_numpy(random.integers(0, len(inside), PIXELS))]
        colors = [image[0].flatten(1)[:, some].T.half().numpy() for image in (composite, truth)]
        rows.append((cues.numpy(), *colors, strength, foreign))
    return rows


def _recolorings(random: np.random.Generator) -> list[tuple[float, object]]:
    found = []
    for _ in range(RECOLORINGS):
        strength = float(random.choice(STRENGTHS) * np.exp(random.normal(0, 0.12)))
        choices = scenes.recolorings((strength,), draws=1, seed=int(random.integers(1 << 30)))
        found.append((strength, choices[int(random.integers(len(choices)))][1]))
    return found


def _crop(path: Path, random: np.random.Generator) -> Tensor:
    """A part of a photograph at the size that cues are read at, or twice that."""
    image = Image.open(path).convert("RGB")
    longest = int(random.choice((256, 256, 256, 512)))
    share = random.uniform(0.35, 1) if random.random() < 0.7 else 1.0
    width, height = (min(side, max(200, int(side * share))) for side in image.size)
    x, y = random.integers(0, image.width - width + 1), random.integers(0, image.height - height + 1)
    scale = min(1.0, longest / max(width, height))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    image = image.crop((x, y, x + width, y + height)).resize(size, Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def _graded(image: Tensor, random: np.random.Generator) -> Tensor:
    """The whole picture in another mood, two times of five: surroundings have every light."""
    if random.random() < 0.4:
        choices = scenes.recolorings((float(random.uniform(0.2, 0.8)),), 1, seed=int(random.integers(1 << 30)))
        image = choices[int(random.integers(4))][1](image)
    return scenes.to_8bit(image)


def _mask(image: Tensor, random: np.random.Generator) -> Tensor | None:
    """GrabCut in a random box, one or two segments, or a polygon."""
    kind = random.random()
    for _ in range(6):
        mask = _grabcut(image, random) if kind < 0.45 else _segment(image, random) if kind < 0.7 else None
        if mask is None:
            mask = _polygon(image, random)
        if AREA[0] < float(mask.mean()) < AREA[1]:
            return mask
    return None


def _grabcut(image: Tensor, random: np.random.Generator) -> Tensor:
    start = random.uniform(0.02, 0.6, 2)
    end = np.minimum(start + random.uniform(0.2, 0.75, 2), 0.98)
    small = F.interpolate(image, scale_factor=0.5, mode="area") if max(image.shape[2:]) > 300 else image
    mask = scenes.object_mask(small, (tuple(start), tuple(end)))
    return (F.interpolate(mask, image.shape[2:], mode="bilinear") > 0.5).float()


def _segment(image: Tensor, random: np.random.Generator) -> Tensor | None:
    from skimage.segmentation import felzenszwalb

    smooth = masks.gaussian_blur(image, 1)[0].permute(1, 2, 0).numpy()
    area = image.shape[2] * image.shape[3]
    labels = felzenszwalb(smooth, scale=float(random.choice((150, 400, 800))), sigma=0.8, min_size=area // 100)
    names, counts = np.unique(labels, return_counts=True)
    names = names[(counts > AREA[0] * area) & (counts < 0.5 * area)]
    if not len(names):
        return None
    chosen = random.choice(names, min(len(names), int(random.choice((1, 1, 2)))), replace=False)
    return torch.from_numpy(np.isin(labels, chosen).astype(np.float32))[None, None]


def _polygon(image: Tensor, random: np.random.Generator) -> Tensor:
    count = int(random.integers(4, 9))
    angle = np.sort(random.uniform(0, 2 * np.pi, count))
    radius, center = random.uniform(0.5, 1, count) * random.uniform(0.08, 0.35), random.uniform(0.2, 0.8, 2)
    points = np.stack((center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)), 1).clip(0, 1)
    mask = scenes.object_mask(image, tuple(map(tuple, points)), False)
    return (masks.gaussian_blur(mask, 3) > 0.5).float() if random.random() < 0.5 else mask
