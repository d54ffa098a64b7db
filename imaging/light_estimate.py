"""How an object would look in the light of its surroundings, when there is no original to compare with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .light_cues import light_cues

WEIGHTS = Path(__file__).resolve().parent.parent / "assets" / "light_estimate.npz"
PIVOT = 0.45  # sRGB value about which contrast turns
LIMIT = 3.0  # standard deviations beyond which a cue says no more
# RMS step on the object, in sRGB, below which a prediction is as often wrong as right and is not made, and above which
# all of it is: benchmarks/fit_light.py, photographs that the network had not seen.
NEGLIGIBLE, CLEAR = 0.055, 0.075
# Share of the squared error that a correction took off, over its RMS step: benchmarks/fit_light.py, the mean of objects
# in their own photograph and of objects from another one.
CONFIDENCE = ((0.05, 0.07, 0.1, 0.15, 0.25), (0.1, 0.23, 0.28, 0.4, 0.42))


@dataclass(frozen=True)
class LightEstimate:
    """A small correction of exposure, white balance, contrast and saturation: an affine map of sRGB colors."""

    offset: Tensor  # (3,) at the pivot
    mix: Tensor  # (3, 3), change of the channels for a difference to the pivot
    confidence: float  # share of the squared error that steps of this size took off, on photographs
    reason: str

    def __call__(self, image: Tensor) -> Tensor:
        """Apply to (1, 3, H, W), not clamped."""
        if not (self.offset.any() or self.mix.any()):
            return image
        offset, mix = self.offset.to(image), self.mix.to(image)
        change = torch.einsum("ij,bjhw->bihw", mix, image - PIVOT) + offset.view(1, 3, 1, 1)
        return image + change


def estimate_light(image: Tensor, mask: Tensor) -> LightEstimate:
    """The correction that the cues of object and surroundings speak for, as far as they do.

    Small networks, fitted to known recolorings of parts of photographs (`benchmarks/fit_light.py`), predict the mean
    of the corrections that photographs with such cues needed. The mean has the least squared error, and it is small
    where the cues leave the answer open; too small a step is not made.

    Args:
        image: (1, 3, H, W).
        mask: (1, 1, H, W), above 0.5 = the object.

    Returns:
        The correction; none where there is too little to see, or it would be negligible.
    """
    cues = light_cues(image, mask)
    if cues is None:
        return _none("no original, and too little of the object or its surroundings to judge by; nothing was done")
    predicted = torch.stack([network(cues) for network in networks()]).mean(0)
    estimate = LightEstimate(predicted[:, 0], predicted[:, 1:], 0.0, "")
    inside = (mask[0, 0] > 0.5).flatten().nonzero()[:, 0]
    pixels = image[0].flatten(1)[:, inside].cpu()[None, :, None]
    size = float((estimate(pixels).clamp(0, 1) - pixels).square().mean().sqrt())
    share = min(1.0, max(0.0, (size - NEGLIGIBLE) / (CLEAR - NEGLIGIBLE)))
    if not share:
        return _none("no original, and no difference to the surroundings beyond what objects naturally have; "
                     "nothing was done")  # fmt: skip
    confidence = share * float(np.interp(size, *CONFIDENCE))
    reason = (
        f"no original: estimated from the object and its surroundings, as photographs with such cues needed "
        f"(about {confidence:.0%} of the error is expected to go); connect the original for a fit"
    )
    return LightEstimate(share * estimate.offset, share * estimate.mix, confidence, reason)


def _none(reason: str) -> LightEstimate:
    return LightEstimate(torch.zeros(3), torch.zeros(3, 3), 0.0, reason)


@dataclass(frozen=True)
class Network:
    """A perceptron that maps cues to an affine correction."""

    center: Tensor
    scale: Tensor
    layers: tuple[tuple[Tensor, Tensor], ...]

    def __call__(self, cues: Tensor) -> Tensor:
        """Cues (N,) to (3, 4): an offset and a mix for each channel."""
        values = ((cues - self.center) / self.scale).clamp(-LIMIT, LIMIT)
        for number, (weight, bias) in enumerate(self.layers):
            values = F.linear(values if number == 0 else F.silu(values), weight, bias)
        return values.view(3, 4)


@functools.cache
def networks() -> tuple[Network, ...]:
    """The networks of `assets/light_estimate.npz`; each has seen two thirds of the photographs."""
    with np.load(WEIGHTS) as file:
        stored = {name: torch.from_numpy(file[name].astype(np.float32)) for name in file.files}
    count = 1 + max(int(name.split("_")[0]) for name in stored)
    depth = 1 + max(int(name.split("_")[2]) for name in stored if "weight" in name)
    return tuple(
        Network(
            stored[f"{number}_center"],
            stored[f"{number}_scale"],
            tuple((stored[f"{number}_weight_{k}"], stored[f"{number}_bias_{k}"]) for k in range(depth)),
        )
        for number in range(count)
    )
