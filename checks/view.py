"""One frame of an edit beside its original, at the size at which it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging import color, masks
from .report import Place

# Longer side, in px. Larger frames are reduced to it, so that one edit gets one verdict at every size it is saved at
# (docs/benchmarks/edit_check.md), and a 4K frame costs what a small one does.
JUDGED_SIDE = 1280
NEAR_PX = 24  # of the region: as far as any measurement of color looks around, its blur included
WINDOW_PX = 16  # of contour; a seam is seen piece by piece, so the step is averaged over pieces, not over the whole


@dataclass(frozen=True)
class View:
    """What a measurement of one frame needs. Arrays are at the judged size.

    `before` is None where no original is at hand; `region` is what may have changed and is not locked.
    """

    before: np.ndarray | None  # (h, w, 3) float32
    after: np.ndarray  # (h, w, 3) float32
    region: np.ndarray  # (h, w) bool
    size: tuple[int, int]  # (width, height) of the full frame
    frame: int = 0

    @property
    def scale(self) -> float:
        """Judged px for each px of the full frame."""
        return self.after.shape[1] / self.size[0]

    @cached_property
    def distance(self) -> np.ndarray:
        """Signed distance to the region's edge, positive inside: (h, w)."""
        return masks.signed_distance(torch.from_numpy(self.region[None, None].astype(np.float32)))[0, 0].numpy()

    @cached_property
    def windows(self) -> tuple[np.ndarray, int]:
        """Pieces of the region's contour: `contour_windows`."""
        return contour_windows(self.distance)

    @cached_property
    def changed(self) -> np.ndarray:
        """Where the region differs from the original at all, (h, w) bool; all of it without an original."""
        if self.before is None:
            return self.region
        return self.region & (np.abs(self.after - self.before).max(2) > 0.5 / 255)

    @cached_property
    def luma(self) -> tuple[np.ndarray | None, np.ndarray]:
        """Luma of `before` and `after`, (h, w) each."""
        return tuple(None if image is None else color.luma(image)[0, 0].numpy() for image in self.tensors)

    @cached_property
    def lab(self) -> tuple[np.ndarray | None, np.ndarray]:
        """CIELAB of `before` and `after`, (h, w, 3) each: up to `NEAR_PX` from the box around the region, 0 beyond."""
        return tuple(None if image is None else self._lab_near(image) for image in self.tensors)

    def _lab_near(self, image: Tensor) -> np.ndarray:
        window = masks.around(torch.from_numpy(self.region)[None, None].float(), NEAR_PX)
        lab = np.zeros(self.after.shape, np.float32)
        if window is not None:
            lab[window[1:]] = to_array(color.srgb_to_lab(image[window]))
        return lab

    @cached_property
    def change(self) -> np.ndarray:
        """After minus before in CIELAB, (h, w, 3)."""
        return self.lab[1] - self.lab[0]

    @cached_property
    def tensors(self) -> tuple[Tensor | None, Tensor]:
        """`before` and `after` as (1, 3, h, w)."""
        return tuple(None if image is None else to_tensor(image) for image in (self.before, self.after))

    def place(self, where: np.ndarray) -> Place | None:
        """Box around the True pixels of (h, w), in px of the full frame; None without any."""
        if not where.any():
            return None
        x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
        left, top = (int(value / self.scale) for value in (x, y))
        right, bottom = (int(np.ceil(value / self.scale)) for value in (x + width, y + height))
        right, bottom = min(right, self.size[0]), min(bottom, self.size[1])
        return Place(left, top, max(1, right - left), max(1, bottom - top), self.frame)

    def enlarge(self, plane: np.ndarray) -> Tensor:
        """A judged plane (h, w) at the full frame's size, (1, 1, H, W)."""
        if plane.shape[::-1] != self.size:
            plane = cv2.resize(plane.astype(np.float32), self.size, interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(np.ascontiguousarray(plane, np.float32))[None, None]


def make_view(before: Tensor | None, after: Tensor, region: Tensor, frame: int = 0) -> View:
    """Reduce one frame to the judged size.

    Args:
        before, after: (1, 3, H, W); `before` may be None.
        region: (1, 1, H, W), above 0 = may have changed and is not locked.
        frame: number of the frame in its batch.
    """
    height, width = after.shape[2:]
    scale = min(1.0, JUDGED_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    inside = shrink((region[0, 0] > 0).to(torch.float32).cpu().numpy(), size) > 0.5
    return View(_reduced(before, size), _reduced(after, size), inside, (width, height), frame)


def _reduced(image: Tensor | None, size: tuple[int, int]) -> np.ndarray | None:
    if image is None:
        return None
    # Channel by channel: a large frame is never copied as a whole.
    return np.stack([shrink(plane.float().cpu().numpy(), size) for plane in image[0]], 2)


def shrink(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An (h, w) or (h, w, 3) array averaged down to (width, height)."""
    if plane.shape[1::-1] == size:
        return plane
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def to_array(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) as (H, W, 3) float32."""
    return np.ascontiguousarray(image[0].movedim(0, 2).cpu().numpy(), np.float32)


def to_tensor(image: np.ndarray) -> Tensor:
    """(H, W, 3) as (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


def contour_windows(distance: np.ndarray) -> tuple[np.ndarray, int]:
    """Divide the surroundings of a region's edge into windows of about `WINDOW_PX` of contour.

    Args:
        distance: (H, W) signed distance, > 0 inside.

    Returns:
        (H, W) int number of the window nearest to each pixel, and how many windows there are.
    """
    edge = (distance > 0) & (distance < 1.5)
    if not edge.any():
        return np.zeros(distance.shape, np.int64), 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~edge).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = edge.nonzero()
    # A contour pixel belongs to the cell of a grid it lies in: pieces of about the cell's side without tracing it.
    cells = (y // WINDOW_PX) * (distance.shape[1] // WINDOW_PX + 1) + x // WINDOW_PX
    _, number = np.unique(cells, return_inverse=True)
    of_label = np.zeros(nearest.max() + 1, np.int64)
    of_label[nearest[edge]] = number
    return of_label[nearest], int(number.max()) + 1
