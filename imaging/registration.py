"""Where each pixel of the original lies in a frame that a model made of it, and that frame seen from the original."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from .homography import apply, apply_planes, scaling

ROWS = 512  # height of the strips in which a frame is resampled


@dataclass(frozen=True)
class Registration:
    """Where original pixels lie in the edited frame.

    `matrix` maps pixel centers of the original, scaled to the edited frame's size, i.e. it is the identity when the
    edited frame is merely a resized original.
    """

    size: tuple[int, int]  # (width, height) of the original
    edited_size: tuple[int, int]  # (width, height) of the edited frame
    matrix: np.ndarray  # 3x3, original px -> px of the edited frame resized to the original's size
    model: str  # one of MODELS; "off" = identity
    reason: str  # one sentence for people
    agreement_before: float  # mean local correlation in [0, 1] with the identity
    agreement: float  # the same with this registration
    residual_px: float | None = None  # median motion left on unchanged texture; None where there is no texture
    field: np.ndarray | None = None  # (h, w, 2) coarse residual motion in original px, over the whole frame

    @property
    def dx(self) -> float:
        """Motion of the frame's center to the right, px of the original."""
        return float(self._center_motion()[0])

    @property
    def dy(self) -> float:
        """Motion of the frame's center downward, px of the original."""
        return float(self._center_motion()[1])

    @property
    def scale(self) -> float:
        """Size of the content in the edited frame over its size in the original (geometric mean of both axes)."""
        return float(np.sqrt(abs(np.linalg.det(self._jacobian()))))

    @property
    def rotation_deg(self) -> float:
        """Rotation of the content, clockwise positive."""
        jacobian = self._jacobian()
        return float(np.degrees(np.arctan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])))

    def _center_motion(self) -> np.ndarray:
        center = np.array([[(self.size[0] - 1) / 2, (self.size[1] - 1) / 2]])
        return (apply(self.matrix, center) - center)[0]

    def _jacobian(self) -> np.ndarray:
        x, y = (self.size[0] - 1) / 2, (self.size[1] - 1) / 2
        points = apply(self.matrix, np.array([[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]))
        return np.stack(((points[1] - points[0]) / 2, (points[3] - points[2]) / 2), 1)

    def is_identity(self) -> bool:
        """Whether no pixel moves and both frames have one size, so that nothing needs resampling."""
        return self.size == self.edited_size and self.field is None and np.array_equal(self.matrix, np.eye(3))

    def points(self, first_row: int = 0, rows: int | None = None) -> np.ndarray:
        """Where the pixel centers of some rows of the original lie in the edited frame: (rows, W, 2) float32, px."""
        width, height = self.size
        rows = height - first_row if rows is None else rows
        y, x = np.mgrid[first_row : first_row + rows, :width].astype(np.float32)
        if self.field is not None:
            motion = sample_motion(self.field, x, y, self.size)
            x, y = x + motion[..., 0], y + motion[..., 1]
        return apply_planes(scaling(self.size, self.edited_size) @ self.matrix, x, y)


def resample(edited: Tensor, registrations: list[Registration]) -> tuple[Tensor, Tensor]:
    """The edited frame seen from the original, resized and moved in one interpolation.

    Lanczos-4: going forth and back by a fraction of a pixel it keeps 44.6 dB where bicubic keeps 40.7. A frame that
    is larger than the original is read several times per pixel and averaged, so that detail does not alias.

    Args:
        edited: (B, 3, H2, W2) in [0, 1].
        registrations: one per frame.

    Returns:
        Image (B, 3, H, W) in [0, 1] like `edited`, and (B, 1, H, W) bool, True where the edited frame has data. Where
        it has none the image repeats its border. Frames that need no resampling are returned bit-identical.
    """
    images, covered = [], []
    for frame, registration in zip(edited, registrations, strict=True):
        width, height = registration.size
        if registration.is_identity():
            images.append(frame)
            covered.append(torch.ones(1, height, width, dtype=torch.bool, device=frame.device))
            continue
        source = frame.float().movedim(0, -1).contiguous().cpu().numpy()
        pieces = [_resample_rows(source, registration, row) for row in range(0, height, ROWS)]
        image, inside = (np.concatenate(part) for part in zip(*pieces, strict=True))
        images.append(torch.from_numpy(image).movedim(-1, 0).to(edited))
        covered.append(torch.from_numpy(inside)[None].to(edited.device))
    return torch.stack(images), torch.stack(covered)


def _resample_rows(source: np.ndarray, registration: Registration, first: int) -> tuple[np.ndarray, np.ndarray]:
    """A strip of the resampled frame (rows, W, C) and where it has data."""
    rows = min(ROWS, registration.size[1] - first)
    points = registration.points(first, rows)
    height, width = source.shape[:2]
    x, y = points[..., 0], points[..., 1]
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    density = max(width / registration.size[0], height / registration.size[1])
    reads = 1 if density < 1.05 else int(np.ceil(density))
    total = 0
    for offset_y in range(reads):
        for offset_x in range(reads):
            offset = (np.array((offset_x, offset_y), np.float32) + 0.5) / reads - 0.5
            at = points + offset * np.array((width / registration.size[0], height / registration.size[1]), np.float32)
            total = total + cv2.remap(source, at, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(total / np.float32(reads * reads), 0, 1), inside


def sample_motion(field: np.ndarray, x: np.ndarray, y: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bicubic values of a coarse field over a (width, height) frame at full-size pixel centers."""
    scale_x, scale_y = field.shape[1] / size[0], field.shape[0] / size[1]
    at_x = ((x + 0.5) * scale_x - 0.5).astype(np.float32)
    at_y = ((y + 0.5) * scale_y - 0.5).astype(np.float32)
    return cv2.remap(field, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
