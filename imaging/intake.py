"""What an image-to-video node does to a still before the model sees it: crop, stretch, resize."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

RESIZES = ("bilinear", "area", "bicubic", "lanczos")


@dataclass(frozen=True)
class Intake:
    """Which part of a still becomes which canvas, and how. All sizes in px."""

    width: int  # of the still
    height: int
    left: int  # of the window that is kept
    top: int
    window_width: int
    window_height: int
    canvas_width: int  # what the model sees
    canvas_height: int
    resize: str  # one of RESIZES

    @property
    def crop_fraction(self) -> float:
        """Share of the frame that is cut away."""
        return 1 - self.window_width * self.window_height / (self.width * self.height)

    @property
    def scale(self) -> float:
        """Px of the still for every px of the canvas, along the axis that has less; below 1 the still is enlarged."""
        return min(self.window_width / self.canvas_width, self.window_height / self.canvas_height)

    @property
    def stretch(self) -> float:
        """How much one axis is enlarged over the other; 0 = shapes keep their proportions."""
        ratio = self.window_width * self.canvas_height / (self.window_height * self.canvas_width)
        return max(ratio, 1 / ratio) - 1

    @property
    def window(self) -> tuple[slice, slice]:
        """The kept rows and columns."""
        return (
            slice(self.top, self.top + self.window_height),
            slice(self.left, self.left + self.window_width),
        )

    def to_still(self, x: float, y: float, width: float, height: float) -> tuple[int, int, int, int]:
        """A box of the canvas as a box (x, y, width, height) of the still that holds it."""
        across, down = self.window_width / self.canvas_width, self.window_height / self.canvas_height
        left, top = math.floor(self.left + x * across), math.floor(self.top + y * down)
        right, bottom = math.ceil(self.left + (x + width) * across), math.ceil(self.top + (y + height) * down)
        right, bottom = min(right, self.width), min(bottom, self.height)
        return left, top, max(1, right - left), max(1, bottom - top)


def plan_intake(width: int, height: int, canvas: tuple[int, int], *, crop: bool, resize: str) -> Intake:
    """Which window of a still fills a canvas.

    Args:
        width, height: of the still.
        canvas: width and height that the model will see.
        crop: True keeps the proportions and cuts off what does not fit, evenly on both sides; False stretches.
        resize: one of `RESIZES`.

    Raises:
        ValueError: an unknown resize, or a side below 1.

    Source: ComfyUI 0.33, `comfy.utils.common_upscale`, whose rounding is repeated exactly.
    """
    if resize not in RESIZES:
        raise ValueError(f"resize is '{resize}'; choose one of {', '.join(RESIZES)}")
    canvas_width, canvas_height = canvas
    if min(width, height, canvas_width, canvas_height) < 1:
        raise ValueError(f"cannot fit {width}x{height} into {canvas_width}x{canvas_height} (WxH); sides start at 1 px")
    left = top = 0
    aspect, wanted = width / height, canvas_width / canvas_height
    if crop and aspect > wanted:
        left = round((width - width * (wanted / aspect)) / 2)
    elif crop and aspect < wanted:
        top = round((height - height * (aspect / wanted)) / 2)
    # Of a strip one pixel wide ComfyUI would keep nothing and stop; a check still has to say something.
    left, top = min(left, (width - 1) // 2), min(top, (height - 1) // 2)
    return Intake(width, height, left, top, width - 2 * left, height - 2 * top, canvas_width, canvas_height, resize)


def model_input(image: Tensor, plan: Intake) -> Tensor:
    """The canvas as ComfyUI makes it, bit for bit: bilinear and bicubic alias when they shrink, Lanczos works in 8 bits.

    Args:
        image: (B, 3, H, W) in [0, 1], float32.

    Returns:
        (B, 3, canvas height, canvas width).

    Source: ComfyUI 0.33, `comfy.utils.common_upscale`.
    """
    window = image[(..., *plan.window)]
    size = (plan.canvas_height, plan.canvas_width)
    if plan.resize == "lanczos":
        return torch.cat([_lanczos(frame, size) for frame in window])
    return F.interpolate(window, size=size, mode=plan.resize)


def _lanczos(frame: Tensor, size: tuple[int, int]) -> Tensor:
    levels = np.clip(255.0 * frame.movedim(0, 2).cpu().numpy(), 0, 255).astype(np.uint8)
    resized = Image.fromarray(levels).resize(size[::-1], resample=Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(resized).astype(np.float32) / 255.0).movedim(2, 0)[None].to(frame)


def clean_canvas(image: Tensor, plan: Intake) -> Tensor:
    """The canvas without aliasing, on which the checks judge: what they find is then the still's, not the resize's.

    Returns:
        (B, 3, canvas height, canvas width) in [0, 1].
    """
    size = (plan.canvas_height, plan.canvas_width)
    window = image[(..., *plan.window)]
    if window.shape[2:] == size:
        return window
    # A cubic with antialiasing keeps edges as wide as they are at any factor; a triangle would soften them.
    frames = [F.interpolate(f[None], size=size, mode="bicubic", antialias=True) for f in window]
    return torch.cat(frames).clamp(0, 1)


def mask_to_canvas(mask: Tensor, plan: Intake) -> Tensor:
    """A mask (B, 1, H, W) of the still on the canvas, antialiased."""
    window = mask[(..., *plan.window)]
    size = (plan.canvas_height, plan.canvas_width)
    return F.interpolate(window.float(), size=size, mode="bilinear", antialias=True).clamp(0, 1)


def to_still(plane: Tensor, plan: Intake) -> Tensor:
    """A map (B, 1, canvas height, canvas width) on the still (B, 1, H, W); 0 where the still is cut away."""
    size = (plan.window_height, plan.window_width)
    inner = F.interpolate(plane.float(), size=size, mode="bilinear", align_corners=False)
    still = plane.new_zeros(len(plane), 1, plan.height, plan.width, dtype=torch.float32)
    still[(..., *plan.window)] = inner
    return still


def aliasing_db(image: Tensor, plan: Intake) -> float | None:
    """How near the model's canvas is to an antialiased one, as a peak signal-to-noise ratio; None without shrinking.

    Args:
        image: (1, 3, H, W).
    """
    if plan.resize not in ("bilinear", "bicubic") or plan.scale <= 1:
        return None
    error = (model_input(image, plan) - _triangle(image, plan)).square().mean()
    return float(-10 * torch.log10(error.clamp(min=1e-10)))


def _triangle(image: Tensor, plan: Intake) -> Tensor:
    size = (plan.canvas_height, plan.canvas_width)
    return F.interpolate(image[(..., *plan.window)], size=size, mode=plan.resize, antialias=True)
