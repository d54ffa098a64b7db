"""Sub-pixel displacement of a re-rendered frame near an edit, measured in the surroundings whose truth is known.

A model's frame that is in register as a whole still sways by fractions of a pixel. At the border of the edit that shows
as broken contours and, in what is compared with the original, as change where there is none.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks

CONTEXT_PX = 48.0  # surroundings that are read
MIN_CONTEXT_PX = 400
DETAIL_PX = (0.8, 4.0)  # band of detail that is compared: above the noise, below the drift of tone
WINDOW_PX = 24.0  # standard deviation of the window over which the displacement is one
STEP_PX = 4  # the displacement is smooth, so it is solved on a grid this coarse
RIDGE = 0.1  # weight of the common displacement, in units of a full window's mean texture
ROUNDS = 3
TUKEY = 4.0  # residuals beyond this many standard deviations are other content
# A displacement must explain this share of the residual; a larger one than the limit is no sway, and whole-frame
# registration is the tool.
MIN_EXPLAINED, LARGEST_PX = 0.02, 3.0


def align_locally(original: Tensor, edited: Tensor, distance: Tensor) -> Tensor:
    """Move the edited frame by what its surroundings prove it to be displaced; the frame itself where they do not.

    Args:
        original, edited: (1, 3, H, W).
        distance: (1, 1, H, W) signed distance to the edit's edge in px, > 0 inside.

    Returns:
        (1, 3, H, W), not clamped.
    """
    context = ((distance <= -1) & (distance >= -CONTEXT_PX)).float()
    if int(context.sum()) < MIN_CONTEXT_PX:
        return edited
    luma, shift = color.luma(edited), edited.new_zeros(1, 2, *edited.shape[2:])
    outside = (distance <= 0).float()
    truth = _detail(color.luma(original), outside)
    residual = truth - _detail(luma, outside)
    limit = TUKEY * (1.4826 * residual[context > 0].abs().median() + 1e-4)
    before = _capped_energy(residual, limit, context)
    for _ in range(ROUNDS):
        shift = shift + _step(truth, truth - residual, context)
        residual = truth - _detail(shift_image(luma, shift), outside)
    explains = _capped_energy(residual, limit, context) < (1 - MIN_EXPLAINED) * before
    proven = explains and float(shift.abs().max()) < LARGEST_PX
    return shift_image(edited, shift) if proven else edited


def shift_image(image: Tensor, shift: Tensor) -> Tensor:
    """Read (1, C, H, W) at each pixel's place plus the shift (1, 2, H, W), x and y in px; Lanczos, reflected borders."""
    height, width = image.shape[2:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dx, dy = shift[0].cpu().numpy()
    planes = [
        cv2.remap(plane, x + dx, y + dy, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
        for plane in image[0].cpu().numpy()
    ]
    return torch.from_numpy(np.stack(planes))[None].to(image.device)


def _detail(luma: Tensor, outside: Tensor) -> Tensor:
    """Luma (1, 1, H, W) without noise and without tone, read outside the edit: its content must not leak out."""
    fine, tone = (
        masks.gaussian_blur(luma * outside, sigma) / masks.gaussian_blur(outside, sigma).clamp(min=1e-3)
        for sigma in DETAIL_PX
    )
    return fine - tone


def _capped_energy(residual: Tensor, limit: Tensor, context: Tensor) -> float:
    return float((residual.square().clamp(max=float(limit) ** 2) * context).sum())


def _step(truth: Tensor, moved: Tensor, context: Tensor) -> Tensor:
    """Displacement (1, 2, H, W) that explains the residual best within each window.

    Source: Lucas and Kanade 1981, "An iterative image registration technique with an application to stereo vision";
        weights after Beaton and Tukey 1974.
    """
    residual = truth - moved
    scale = 1.4826 * residual[context > 0].abs().median() + 1e-4
    weight = context * (1 - (residual / (TUKEY * scale)) ** 2).clamp(min=0) ** 2
    dx, dy = slopes((truth + moved) / 2)
    terms = weight * torch.cat((dx * dx, dx * dy, dy * dy, dx * residual, dy * residual), 1)
    small = F.avg_pool2d(terms, STEP_PX, ceil_mode=True)
    total = small.sum((2, 3), keepdim=True)
    common = _solve(total, torch.zeros_like(total[:, :2]), 1e-4)
    texture = float((total[:, 0] + total[:, 2]).mean()) / 2 / max(float(context.sum()) / STEP_PX**2, 1.0)
    # A window that lies half inside the edit sees half as much and leans on the common displacement.
    field = _solve(masks.gaussian_blur(small, WINDOW_PX / STEP_PX), common, RIDGE * texture + 1e-9)
    full = F.interpolate(field, scale_factor=STEP_PX, mode="bilinear", align_corners=False)
    return full[:, :, : truth.shape[2], : truth.shape[3]]


def _solve(terms: Tensor, prior: Tensor, ridge: float) -> Tensor:
    """Least-squares displacement (1, 2, …) of the normal equations (1, 5, …), drawn to a prior one."""
    xx, xy, yy, bx, by = terms.split(1, 1)
    xx, yy = xx + ridge, yy + ridge
    bx, by = bx + ridge * prior[:, :1], by + ridge * prior[:, 1:]
    determinant = xx * yy - xy * xy
    return torch.cat((yy * bx - xy * by, xx * by - xy * bx), 1) / determinant


def slopes(plane: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of (1, 1, H, W) per px."""
    padded = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    return dx, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
