"""What every calibration shares: photographs split into a tuning and a verifying half, masks, and detection statistics.

PHOTOS_PATH names a folder of PNG photographs; names that begin with `flat_` are drawings, a hard negative.
HELD_OUT_PATH, where it is set, names a folder of photographs that are taken instead and of which none tunes anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
import numpy as np
import torch
from edit_first.headless import files
from edit_first.imaging import masks
from torch import Tensor

HALVES = ("tune", "verify")


@dataclass(frozen=True)
class Photo:
    """One photograph of the set and the half it belongs to."""

    path: Path
    half: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def drawing(self) -> bool:
        """Whether it is a flat graphic, not a photograph."""
        return self.name.startswith("flat_")

    def load(self, max_side: int | None = None) -> Tensor:
        """(1, 3, H, W) in [0, 1], reduced with antialiasing to at most `max_side` px."""
        image = files.read_image(self.path)[0].movedim(3, 1).contiguous()
        scale = 1 if max_side is None else max_side / max(image.shape[2:])
        if scale >= 1:
            return image
        size = [max(1, round(side * scale)) for side in image.shape[2:]]
        return torch.nn.functional.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)


def photo_set() -> list[Photo]:
    """All photographs by name; every other one tunes, the rest verify, drawings and photographs alike."""
    if folder := os.environ.get("HELD_OUT_PATH"):
        return [Photo(path, "verify") for path in sorted(Path(folder).glob("*.png"))]
    paths = {path.stem: path for path in harness.photo_paths()}  # a sample that PHOTOS_PATH holds too counts once
    ordered = sorted(paths, key=lambda name: (name.startswith("flat_"), name))
    return [Photo(paths[name], HALVES[number % 2]) for number, name in enumerate(ordered)]


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU."""
    return torch.Generator().manual_seed(seed)


def blob_mask(image: Tensor, seed: int) -> Tensor:
    """A random ellipse of 4 to 16 % of the frame: (1, 1, H, W), 0 or 1."""
    height, width = image.shape[2:]
    x, y, a, b = torch.rand(4, generator=seeded(seed)).tolist()
    rows, columns = torch.arange(height)[:, None] / height, torch.arange(width)[None, :] / width
    radius_x, radius_y = 0.12 + 0.1 * a, 0.12 + 0.1 * b
    inside = ((columns - 0.25 - 0.5 * x) / radius_x) ** 2 + ((rows - 0.25 - 0.5 * y) / radius_y) ** 2 < 1
    return inside.float()[None, None]


def object_mask(image: Tensor, seed: int, *, least: float = 0.01, most: float = 0.25) -> Tensor | None:
    """A segment of the picture that follows its edges, of `least` to `most` of the frame; None where there is none.

    Source: Felzenszwalb and Huttenlocher 2004, as in scikit-image, at 256 px.
    """
    from skimage.segmentation import felzenszwalb

    small = torch.nn.functional.interpolate(image, _within(image, 256), mode="area")
    labels = felzenszwalb(small[0].permute(1, 2, 0).numpy(), scale=300, sigma=0.8, min_size=200)
    areas = np.bincount(labels.ravel()) / labels.size
    usable = np.flatnonzero((areas >= least) & (areas <= most))
    if not len(usable):
        return None
    chosen = usable[int(torch.randint(len(usable), (1,), generator=seeded(seed)))]
    plane = torch.from_numpy((labels == chosen).astype(np.float32))[None, None]
    large = torch.nn.functional.interpolate(plane, image.shape[2:], mode="bilinear", align_corners=False)
    return (masks.gaussian_blur(large, 2.0) > 0.5).float()


def _within(image: Tensor, side: int) -> list[int]:
    scale = min(1.0, side / max(image.shape[2:]))
    return [max(1, round(length * scale)) for length in image.shape[2:]]


def area_under_curve(clean: Sequence[float], defective: Sequence[float]) -> float:
    """Chance that a defective case measures higher than a clean one."""
    a, b = np.sort(np.asarray(clean, float)), np.asarray(defective, float)
    below = (np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")) / 2  # an equal value counts half
    return float(below.mean() / len(a))


def detection_rate(clean: Sequence[float], defective: Sequence[float], false_alarms: float = 0.05) -> float:
    """Share of the defective cases above the value that `false_alarms` of the clean ones exceed."""
    return float((np.asarray(defective, float) > np.quantile(np.asarray(clean, float), 1 - false_alarms)).mean())


def interval(
    statistic: Callable[..., float], *groups: dict[str, list[float]], draws: int = 500, seed: int = 0
) -> list[float]:
    """95 % confidence interval of a statistic, by drawing photographs with replacement.

    Args:
        statistic: takes one list of values for each group.
        groups: values by the name of the photograph they came from.
    """
    rng = np.random.default_rng(seed)
    names = sorted(set().union(*groups))
    found = []
    for _ in range(draws):
        drawn = rng.choice(names, len(names))
        values = [[value for name in drawn for value in group.get(name, [])] for group in groups]
        if all(values):
            found.append(statistic(*values))
    return [round(float(bound), 3) for bound in np.quantile(found, (0.025, 0.975))]
