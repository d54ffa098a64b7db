"""Color drift between two renderings of the same picture, fitted on pixels that both hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import color

CURVE_BINS = 16
TABLE = 4096  # values at which a curve is read; the step between them is a sixteenth of an 8-bit level
MAX_SAMPLES = 20_000
MIN_SAMPLES = 200
IRLS_STEPS = 5
RIDGE = 1e-4  # pull of an affine step toward identity, relative to one sample; scatter of a picture's hues is 1e-3
# Affine maps and curves in turn. Affine first extrapolates best to colors that only the edit has (a saturation or
# contrast change: 30 times less squared error), but a gamma needs the curves first, and shows it on unseen pixels.
AFFINE_FIRST = ("affine", "curves", "affine", "curves", "affine")
CURVES_FIRST = ("curves", "affine", "curves", "affine")
# Maps that explain most pictures about equally well and differ where there is nothing to fit on.
EXPLANATIONS = (AFFINE_FIRST, CURVES_FIRST, ("affine",), ("gain",))
# Light alone, and with what a gain and offset or a mix of channels leave: right far from all evidence where the change
# is one of exposure or white balance, and no explanation at all of other changes.
LIGHT_EXPLANATIONS = (("light",), ("light", "gain"), ("light", "affine"))
CURVES_FIRST_GAIN = 0.2
USABLE = (0.03, 0.985)  # sRGB values of which a ratio of light can be read
MIN_USABLE = 50
LIGHT_FLOOR = 1e-4  # linear light
# The fit is kept when it takes this share off the error of pixels it has not seen.
MIN_GAIN = 0.05


@dataclass(frozen=True)
class Affine:
    """Mixes the channels: (3, 4) weights and offset."""

    matrix: Tensor

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colors (3, N)."""
        return self.matrix[:, :3] @ colors + self.matrix[:, 3:]


@dataclass(frozen=True)
class Curves:
    """A monotone curve for each channel: (3, bins) knots, increasing, and the difference to the input at each."""

    knots: Tensor
    differences: Tensor

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colors (3, N). Beyond the outer knots the difference to the input stays what it is at the knot."""
        low, high = self.knots[:, :1], self.knots[:, -1:]
        position = (colors - low) * ((TABLE - 1) / (high - low).clamp(min=1e-9))
        return colors + self._table().gather(1, position.add_(0.5).clamp_(0, TABLE - 1).long())

    def _table(self) -> Tensor:
        """The differences at `TABLE` values between the outer knots: one read for each color, no search."""
        last = self.knots.shape[1] - 1
        share = torch.linspace(0, 1, TABLE, device=self.knots.device, dtype=self.knots.dtype)
        values = torch.lerp(self.knots[:, :1], self.knots[:, -1:], share)
        right = torch.searchsorted(self.knots, values).clamp(1, last)
        left = right - 1
        low, high = self.knots.gather(1, left), self.knots.gather(1, right)
        t = ((values - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        return torch.lerp(self.differences.gather(1, left), self.differences.gather(1, right), t)


@dataclass(frozen=True)
class Gain:
    """A gain (3, 1) of linear light for each channel: exposure and white balance."""

    gain: Tensor

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colors (3, N)."""
        light = color.srgb_to_linear(colors.clamp(min=0))
        return color.linear_to_srgb(light * self.gain)


@dataclass(frozen=True)
class ColorFit:
    """Gains, affine maps and monotone curves in turn. sRGB to sRGB."""

    steps: tuple[Affine | Curves | Gain, ...]

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colors (3, N), not clamped."""
        for step in self.steps:
            colors = step(colors)
        return colors

    def apply(self, image: Tensor) -> Tensor:
        """Map an image (1, 3, H, W), not clamped; a band of rows at a time, so that a 4K frame fits in memory."""
        fit = ColorFit(
            tuple(type(s)(*(v.to(image.device, torch.float32) for v in vars(s).values())) for s in self.steps)
        )
        bands = image[0].float().split(max(1, 1_000_000 // image.shape[3]), 1)
        return torch.cat([fit(band.flatten(1)).view_as(band) for band in bands], 1)[None].to(image.dtype)


def fit_color(
    edited: Tensor, original: Tensor, weight: Tensor, order: tuple[str, ...] | None = None
) -> ColorFit | None:
    """Fit the color map that takes the edited rendering to the original one.

    Args:
        edited, original: (1, 3, H, W); blur both a little first, so that a small misregistration does not count.
        weight: (1, 1, H, W), > 0 where both show the same thing.
        order: steps ("affine", "curves", "gain", "light") to fit in turn, on all pixels and untested; None = the better of
            `AFFINE_FIRST` and `CURVES_FIRST`.

    Returns:
        The map, or None where there is too little to fit on, or (without `order`) the fit does not pay on pixels left
        out of it.

    Source: per-channel monotone curves and robust ridge regression toward identity (iteratively reweighted, Cauchy
    weights). A free polynomial fits the context better and extrapolates badly to colors that only the edit has.
    """
    index = (weight.flatten() > 0).nonzero()[:, 0]
    if len(index) < MIN_SAMPLES:
        return None
    index = index[:: max(1, len(index) // MAX_SAMPLES)]
    source = edited[0].reshape(3, -1)[:, index].double()
    target = original[0].reshape(3, -1)[:, index].double()
    if order is not None:
        return _fit(source, target, order)
    unseen = slice(1, None, 2)
    fits = [_fit(source[:, ::2], target[:, ::2], order) for order in (AFFINE_FIRST, CURVES_FIRST)]
    errors = [float((fit(source[:, unseen]) - target[:, unseen]).abs().median()) for fit in fits]
    before = float((source - target)[:, unseen].abs().median())
    best = 1 if errors[1] < (1 - CURVES_FIRST_GAIN) * errors[0] else 0
    return fits[best] if errors[best] < (1 - MIN_GAIN) * before else None


def _fit(source: Tensor, target: Tensor, order: tuple[str, ...]) -> ColorFit:
    fitters = {"affine": _fit_affine, "curves": _fit_curves, "gain": _fit_gain, "light": _fit_light}
    steps, mapped = [], source
    for name in order:
        step = fitters[name](mapped, target)
        steps.append(step)
        mapped = step(mapped)
    return ColorFit(tuple(steps))


def _fit_curves(source: Tensor, target: Tensor) -> Curves:
    """Knots at equal counts of samples; each value is the knot plus the median difference there."""
    order = source.argsort(dim=1, stable=True)
    parts = order.tensor_split(CURVE_BINS, 1)
    knots = torch.stack([source.gather(1, part).median(1).values for part in parts], 1)
    values = knots + torch.stack([(target - source).gather(1, part).median(1).values for part in parts], 1)
    knots = torch.cummax(knots + 1e-6 * torch.arange(CURVE_BINS, device=knots.device), 1).values
    return Curves(knots, torch.cummax(values, 1).values - knots)


def _fit_gain(source: Tensor, target: Tensor) -> Affine:
    """A gain and an offset for each channel."""
    fits = [_fit_affine(source[c : c + 1], target[c : c + 1]).matrix[0] for c in range(3)]
    gains, offsets = torch.stack(fits).T
    return Affine(torch.cat((gains.diag(), offsets[:, None]), 1))


def _fit_light(source: Tensor, target: Tensor) -> Gain:
    """A gain of linear light for each channel, off pixels that neither clipping nor noise has changed."""
    both = torch.cat((source, target))
    usable = (both.amin(0) > USABLE[0]) & (both.amax(0) < USABLE[1])
    if int(usable.sum()) >= MIN_USABLE:
        source, target = source[:, usable], target[:, usable]
    before, after = (color.srgb_to_linear(colors.clamp(min=0)) + LIGHT_FLOOR for colors in (source, target))
    return Gain(torch.log(after / before).median(1, keepdim=True).values.exp())


def _fit_affine(source: Tensor, target: Tensor) -> Affine:
    channels, count = source.shape
    design = torch.cat((source, torch.ones_like(source[:1])))
    identity = torch.eye(channels, channels + 1, dtype=source.dtype, device=source.device)
    pull = torch.tensor([RIDGE * count] * channels + [0], dtype=source.dtype, device=source.device)
    matrix = identity
    for _ in range(IRLS_STEPS):
        residual = (target - matrix @ design).square().sum(0).sqrt()  # `norm` over few rows is ten times slower
        weight = 1 / (1 + (residual / (2 * residual.median()).clamp(min=1e-4)) ** 2)
        weighted = weight * design
        matrix = torch.linalg.solve(
            weighted @ design.T + pull.diag(), weighted @ target.T + pull[:, None] * identity.T
        ).T
    return Affine(matrix)
