"""The step in color across the border of an object, and how many places along it agree on one."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks

SIDE = 256  # evidence is read at this size
REACH_PX = 3.0  # pairs of pixels so far on either side of the border, at that size
MAX_PAIRS = 1500
MIN_PAIRS = 60
BLUR_PX = 1.0
CLUSTER = 0.03  # OKLab radius of steps that belong to one cause
CLUSTER_STEPS = 8


def border_steps(image: Tensor, mask: Tensor) -> Tensor | None:
    """Steps in OKLab from the object to its surroundings, summarized: (5, 3), or None where the border is too short.

    Rows: mean, median and mode; the mode times the share of pairs that agree on it; and times how much that share
    exceeds that of pairs without any step. A recolored part of one material shows as one step that many pairs share.
    """
    height, width = image.shape[2:]
    scale = min(1.0, SIDE / max(height, width))
    size = [max(8, round(height * scale)), max(8, round(width * scale))]
    small = masks.gaussian_blur(F.interpolate(image, size, mode="area"), BLUR_PX)
    inside, outside = _pairs((F.interpolate(mask.float(), size, mode="area") > 0.5).float())
    if len(inside) < MIN_PAIRS:
        return None
    lab = color.srgb_to_oklab(small)[0].flatten(1).cpu()
    steps = lab[:, outside] - lab[:, inside]
    mode, peak = common_step(steps)
    still = float(torch.exp(-(steps**2).sum(0) / (2 * CLUSTER**2)).mean())
    return torch.stack((steps.mean(1), steps.median(1).values, mode, mode * peak, mode * max(0.0, peak - still)))


def _pairs(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of pixels on either side of the border, along its normal."""
    distance = masks.signed_distance(mask)[0, 0].cpu().numpy()
    slope_y, slope_x = np.gradient(distance)
    y, x = (distance == 1).nonzero()
    every = max(1, len(y) // MAX_PAIRS)
    y, x = y[::every], x[::every]
    length = np.hypot(slope_y[y, x], slope_x[y, x]) + 1e-6
    normal_y, normal_x = slope_y[y, x] / length, slope_x[y, x] / length
    ends = [
        (np.round(y + s * normal_y).astype(int), np.round(x + s * normal_x).astype(int))
        for s in (REACH_PX - 1, -REACH_PX)
    ]
    inside_frame = np.ones(len(y), bool)
    for rows, columns in ends:
        inside_frame &= (rows >= 0) & (columns >= 0) & (rows < distance.shape[0]) & (columns < distance.shape[1])
    (in_y, in_x), (out_y, out_x) = ((rows[inside_frame], columns[inside_frame]) for rows, columns in ends)
    apart = (distance[in_y, in_x] > 0) & (distance[out_y, out_x] < 0)
    width = distance.shape[1]
    return torch.from_numpy((in_y * width + in_x)[apart]), torch.from_numpy((out_y * width + out_x)[apart])


def common_step(steps: Tensor) -> tuple[Tensor, float]:
    """The densest place among steps (3, N) by mean shift, and the share of steps there."""
    starts = steps[:, :: max(1, steps.shape[1] // 40)]
    density = torch.exp(-((starts[:, :, None] - steps[:, None]) ** 2).sum(0) / (2 * CLUSTER**2)).mean(1)
    mode = starts[:, density.argmax()]
    for _ in range(CLUSTER_STEPS):
        weight = torch.exp(-((steps - mode[:, None]) ** 2).sum(0) / (2 * CLUSTER**2))
        mode = (steps * weight).sum(1) / weight.sum()
    return mode, float(weight.mean())
