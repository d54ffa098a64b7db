"""What the border of an object says about its light when there is no original to compare with."""

from __future__ import annotations

from dataclasses import dataclass

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
NEGLIGIBLE = 0.03  # OKLab; a predicted shift this small is as often wrong as right, and is not made

# Weights of each channel's evidence, in the order of `border_steps`: mean, median and mode of the step across the
# border, the mode times the share of pairs that agree on it, and times how much that exceeds the share without a step.
# Fitted by benchmarks/fit_evidence.py on photographs outside the repository: an object that stands out from its
# surroundings is mostly an object of another color, so the weights are small.
WEIGHTS = {
    "L": (0.1013, 0.0148, -0.04, 0.2339, 0.1039),
    "a": (0.1288, 0.0117, -0.0738, 0.5773, 0.5033),
    "b": (0.3706, 0.064, -0.0759, 0.2369, 0.2585),
}


@dataclass(frozen=True)
class LightShift:
    """A shift of lightness and tint in OKLab."""

    shift: tuple[float, float, float]  # OKLab
    confidence: float  # share of the predicted shift that is made
    reason: str

    def __call__(self, image: Tensor) -> Tensor:
        """Apply to (1, 3, H, W), not clamped."""
        if not any(self.shift):
            return image
        shift = torch.tensor(self.shift, device=image.device).view(1, 3, 1, 1)
        return color.oklab_to_srgb(color.srgb_to_oklab(image) + shift)


def estimate_shift(image: Tensor, mask: Tensor) -> LightShift:
    """The shift that the border between an object and its surroundings speaks for, shrunk to what can be known.

    Args:
        image: (1, 3, H, W).
        mask: (1, 1, H, W), the object.

    Returns:
        The shift; none where the border is too short or says too little.
    """
    steps = border_steps(image, mask)
    if steps is None:
        return LightShift((0.0, 0.0, 0.0), 0.0, "no original, and too little border to judge by; nothing was done")
    predicted = [float((steps[:, channel] * torch.tensor(WEIGHTS[name])).sum()) for channel, name in enumerate(WEIGHTS)]
    size = sum(value**2 for value in predicted) ** 0.5
    share = max(0.0, 1 - (NEGLIGIBLE / size) ** 2) if size else 0.0
    if not share:
        reason = (
            "no original, and no difference to the surroundings beyond what objects naturally have; nothing was done"
        )
        return LightShift((0.0, 0.0, 0.0), 0.0, reason)
    reason = (
        f"no original: {share:.0%} of the shift that the border speaks for was made; connect the original for a fit"
    )
    return LightShift(tuple(share * value for value in predicted), share, reason)


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
    mode, peak = _mode(steps)
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


def _mode(steps: Tensor) -> tuple[Tensor, float]:
    """The densest place among steps (3, N) by mean shift, and the share of steps there."""
    starts = steps[:, :: max(1, steps.shape[1] // 40)]
    density = torch.exp(-((starts[:, :, None] - steps[:, None]) ** 2).sum(0) / (2 * CLUSTER**2)).mean(1)
    mode = starts[:, density.argmax()]
    for _ in range(CLUSTER_STEPS):
        weight = torch.exp(-((steps - mode[:, None]) ** 2).sum(0) / (2 * CLUSTER**2))
        mode = (steps * weight).sum(1) / weight.sum()
    return mode, float(weight.mean())
