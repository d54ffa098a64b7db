"""Did a recolored product arrive at its color?"""

from __future__ import annotations

import torch
from torch import Tensor

from ..imaging import color, masks, recolor
from .report import Measurement, Place, Report


def recolor_report(
    original: Tensor,
    image: Tensor,
    mask: Tensor,
    target: str,
    *,
    protect: Tensor | None = None,
    strength: float = 1.0,
) -> Report:
    """Distance of a recolored surface's diffuse mid-tones from the target, on 8-bit values.

    The mid-tones are those of the original's surface, so that the measurement does not choose its own pixels.

    Args:
        original, image: (B, 3, H, W), before and after.
        mask: (B or 1, 1, H, W), the recolored surface; `protect` is taken out of it.
        target: `#rrggbb`.
        strength: below 1 the color was not meant to arrive; then nothing is judged.
    """
    if strength < 1:
        detail = f"strength is {strength:g}, so the color was not meant to arrive"
        return Report((Measurement("recolor_delta_e00", None, detail=detail, subject=target),))
    surface = mask if protect is None else mask * (1 - protect)
    box = masks.bounding_box(surface)
    worst = max(_distance(*frame, target) for frame in zip(*_frames(original, image, surface), strict=True))
    return Report((Measurement("recolor_delta_e00", worst, Place(*box), subject=target),))


def _frames(original: Tensor, image: Tensor, surface: Tensor) -> tuple[tuple[Tensor, ...], ...]:
    return original.split(1), image.split(1), surface.expand(len(image), -1, -1, -1).split(1)


def _distance(original: Tensor, image: Tensor, surface: Tensor, target: str) -> float:
    """CIEDE2000 between the target and the median of one frame's mid-tones."""
    inside = surface[0, 0] > 0.5 * surface.max()
    everything = torch.ones(int(inside.sum()), dtype=torch.bool, device=image.device)
    midtone = recolor.decompose(color.srgb_to_linear(original[0][:, inside]), everything).midtone
    shown = ((image[0][:, inside][:, midtone]) * 255).floor().median(1).values / 255
    wanted = color.swatch(target, image)
    return float(color.delta_e00(*(color.srgb_to_lab(value.view(1, 3, 1, 1)) for value in (shown, wanted))))
