"""The step that motion takes at the border of a region, and how sure it is.

What belongs to its surroundings moves as they do on both sides of its border, however the scene bends in depth; what
slides over them does not. So motion is measured in small cells that each lie wholly on one side of the border, a smooth
field is laid through those of the surroundings and continued into the region, and the region's cells are compared with
it. Each cell says how much its texture knows of its motion, and in which direction; the continued field is as uncertain
as the surroundings show it to be. So a calm region speaks as far as it can, and what only depth could have made is not
taken for a defect.

Lengths are px of the work size; positions (x, y) are those of pixel centers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from . import optical_flow

CELL_PX = 12  # side of a cell, at least
MOST_CELLS = 320  # of region and surroundings: time grows with the third power
FEWEST_CELL_PX = 25
FEWEST_CELLS = 8  # of the surroundings, to lay a field through
BLURS_PX = (4.0, 2.0, 1.0, 1.0)  # rounds of a search: the first finds motion of some px, the last is exact
NOISE_AREA_PX = 6.0  # pixels that share their noise after a blur of 1 px
GRAIN_SLOPE = 0.6  # squared slope per px of blurred grain against its variance, twice the mean: few cells have more
LEAST_ERROR_PX = 0.02  # no cell is surer than this: resampling is not exact
STRIDE_PX = 3.0  # a cell moves this far in one round, at most
SURE_PX = 1.0  # a cell whose motion is known better than this in every direction is shown
FAINT_PX = 20.0  # a cell that is less sure of its motion than this says nothing
ASTRAY = 6.0  # squared deviation, in variances, beyond which a cell of the surroundings counts for less
FIELD_CELLS = 120  # of the surroundings, to choose a field by
REACHES = (0.06, 0.2)  # of the width: how far apart the surroundings' motion is still alike
STRENGTHS_PX = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # how far it departs from an affine one
BEND_REACH = 0.12  # of the width: parts of a melting region this far apart still move alike
BENDS_PX = np.concatenate(([0.0], np.geomspace(0.01, 20, 77)))
BEND_90 = math.sqrt(2 * math.log(10))  # 90th percentile of a length whose x and y have a standard deviation of 1
BETTER = 1.15  # mean squared difference that a shift must explain to be believed: false ones explain up to 1.1
CERTAIN_SIGMA = 4.0  # what chance makes in 1 of 15000 cases: every frame of a clip is looked at


@dataclass(frozen=True)
class Cells:
    """Small squares of a picture, each wholly within the region or wholly within its surroundings."""

    label: np.ndarray  # (h, w) int within the box; -1 = in none
    inside: np.ndarray  # (N,) bool: part of the region
    slot: np.ndarray  # (N,) place in the grid
    grid: tuple[int, int]  # rows, columns
    pitch: int
    box: tuple[slice, slice]  # of the picture

    def __len__(self) -> int:
        return len(self.inside)


def lay_cells(core: np.ndarray, ring: np.ndarray) -> Cells:
    """Cells over a region and its surroundings, both (h, w) bool and apart from each other."""
    either = core | ring
    rows, columns = (np.flatnonzero(either.any(axis)) if either.any() else np.zeros(1, int) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    core, ring = core[box], ring[box]
    pitch = max(CELL_PX, math.ceil(math.sqrt(either.sum() / MOST_CELLS)))
    grid = -(-core.shape[0] // pitch), -(-core.shape[1] // pitch)
    slots = grid[0] * grid[1]
    y, x = np.indices(core.shape)
    slot = (y // pitch) * grid[1] + x // pitch
    key = np.where(core, slots + slot, np.where(ring, slot, -1))
    kept, count = np.unique(key, return_counts=True)
    kept = kept[(kept >= 0) & (count >= FEWEST_CELL_PX)]
    number = np.full(2 * slots + 1, -1)  # its last entry answers the key -1
    number[kept] = np.arange(len(kept))
    return Cells(number[key], kept >= slots, kept % slots, grid, pitch, box)


@dataclass(frozen=True)
class CellMotion:
    """What every cell says of its motion."""

    place: np.ndarray  # (N, 2) where its texture lies
    motion: np.ndarray  # (N, 2)
    certainty: np.ndarray  # (N, 2, 2), inverse of the covariance
    field: np.ndarray  # (h, w, 2) float32 within the cells' box: motion of either side, smoothed


def measure(
    first: np.ndarray, second: np.ndarray, seen: np.ndarray, cells: Cells, start: np.ndarray | None = None
) -> CellMotion:
    """Motion of every cell from one plane to the next, both (h, w) float32 levels.

    Args:
        seen: (h, w) bool; only these pixels are compared.
        start: a guess of the motion, as `CellMotion.field`; None = it stands still.

    Source: Lucas and Kanade 1981. A change of light that is the same all over a cell is no motion.
    """
    index = np.flatnonzero(((cells.label >= 0) & seen[cells.box]).ravel())
    label = cells.label.ravel()[index]
    y, x = np.divmod(index, cells.label.shape[1])
    field = np.zeros((*cells.label.shape, 2), np.float32) if start is None else start
    for turn, blur in enumerate(BLURS_PX):
        before, after = (cv2.GaussianBlur(plane[cells.box], (0, 0), blur) for plane in (first, second))
        after = optical_flow.sample(after, field)
        middle = (before + after) / 2  # the slope of either frame alone would be noisier
        slope_x, slope_y = (cv2.Scharr(middle, cv2.CV_32F, *d).ravel()[index] / 32 for d in ((1, 0), (0, 1)))
        weight = slope_x**2 + slope_y**2 + 1e-6
        total = np.maximum(np.bincount(label, weight, len(cells)), 1e-12)

        def mean(values, weight=weight, total=total):
            return np.bincount(label, weight * values, len(cells)) / total

        step, certainty = _solve(label, len(cells), slope_x, slope_y, (after - before).ravel()[index], blur)
        motion = np.stack([mean(field[..., axis].ravel()[index]) for axis in (0, 1)], 1) + step
        field = _spread(cells, motion, certainty, 1.0 if turn else 3.0)
    place = np.stack((mean(x), mean(y)), 1) + (cells.box[1].start, cells.box[0].start)
    return CellMotion(place, motion, certainty, field)


def _solve(label, count, slope_x, slope_y, change, blur) -> tuple[np.ndarray, np.ndarray]:
    """Displacement (N, 2) of every cell and its certainty (N, 2, 2)."""
    pixels = np.maximum(np.bincount(label, minlength=count), 1)
    values = [v - (np.bincount(label, v, count) / pixels)[label] for v in (slope_x, slope_y, change)]

    def product(a, b):
        return np.bincount(label, values[a] * values[b], count)

    normal = np.stack([product(0, 0), product(0, 1), product(0, 1), product(1, 1)], -1).reshape(-1, 2, 2)
    right = -np.stack([product(0, 2), product(1, 2)], -1)[..., None]
    free = np.linalg.solve(normal + 1e-3 * np.eye(2), right)
    left = np.maximum(product(2, 2) - (free * right).sum((1, 2)), 0) / pixels
    # A codec may hold a calm cell still without a trace; no cell is trusted far beyond what is common.
    noise = np.maximum(left, 0.5 * np.median(left)) + 0.01
    noise = (noise * NOISE_AREA_PX * blur**2)[:, None, None]
    step = np.linalg.solve(normal + noise / STRIDE_PX**2 * np.eye(2), right)[..., 0]
    step *= np.minimum(1, STRIDE_PX / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))
    # Grain has a slope as well, and would pass for texture that knows it stands still. The mean of two frames holds a
    # quarter of the variance of their difference.
    grain = left * pixels / 4 * GRAIN_SLOPE / blur**2
    known, axes = np.linalg.eigh((normal - grain[:, None, None] * np.eye(2)) / noise)
    known = 1 / (1 / np.maximum(known, 1e-12) + LEAST_ERROR_PX**2)
    return step, (axes * known[:, None, :]) @ axes.swapaxes(-1, -2)


def _spread(cells: Cells, motion: np.ndarray, certainty: np.ndarray, sigma: float) -> np.ndarray:
    """A smooth field (h, w, 2) over the box, on each side of the border from that side's cells alone."""
    weight = 1 / (np.linalg.inv(certainty + 1e-6 * np.eye(2)).trace(axis1=1, axis2=2) + 0.1**2)
    height, width = cells.label.shape
    fields = []
    for side in (False, True):
        own = cells.inside == side
        planes = np.zeros((*cells.grid, 3), np.float32)
        planes.reshape(-1, 3)[cells.slot[own]] = np.column_stack((motion[own], np.ones(own.sum()))) * weight[own, None]
        overall = planes.sum((0, 1))
        smooth = cv2.GaussianBlur(planes, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        smooth += 1e-3 / max(own.sum(), 1) * overall  # where nothing is known: as the side as a whole
        field = smooth[..., :2] / np.maximum(smooth[..., 2:], 1e-12)
        size = cells.grid[1] * cells.pitch, cells.grid[0] * cells.pitch
        fields.append(cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)[:height, :width])
    inside = np.append(cells.inside, False)[cells.label]
    return np.where(inside[..., None], fields[1], fields[0])


@dataclass(frozen=True)
class Step:
    """How a region moves beyond the continuation of its surroundings."""

    shift: np.ndarray  # (x, y), of all of it
    covariance: np.ndarray  # (2, 2), of the shift
    bend: float  # standard deviation of its parts' own motion, in x and y, as far as that is certain
    apart: np.ndarray  # (N,) length, every cell's departure; 0 in the surroundings and where nothing is known
    attached: np.ndarray  # (N, 2) motion of every cell if the region went along


@dataclass(frozen=True)
class _Field:
    """How the surroundings' motion departs from an affine one: Matern covariance of smoothness 3/2.

    A Gaussian covariance expects depth to be smoother than it is, and is too sure of what it continues.
    """

    reach: float
    strength: float

    def covariance(self, distance: Tensor) -> Tensor:
        scaled = math.sqrt(3) / self.reach * distance
        return self.strength**2 * (1 + scaled) * torch.exp(-scaled)


def fit(motion: CellMotion, inside: np.ndarray, width: int) -> Step | None:
    """The step at the border; None: region or surroundings hold too little.

    Args:
        inside: (N,) bool, the region's cells.
        width: of the frame.

    Source: universal kriging, e.g. Cressie 1993; its parameters by restricted maximum likelihood.
    """
    known, axes = np.linalg.eigh(motion.certainty)
    usable = known[:, 1] > 1 / FAINT_PX**2
    ring, core = usable & ~inside, usable & inside
    if ring.sum() < FEWEST_CELLS or not core.any():
        return None
    variance = 1 / np.maximum(known, 1 / (4 * FAINT_PX) ** 2)
    noise = (axes * variance[:, None, :]) @ axes.swapaxes(-1, -2)
    # Large matrices go through torch: its threads wait for each other, and those of NumPy would fight with them.
    place, moved, errors = (torch.from_numpy(values) for values in (motion.place, motion.motion, noise))
    field = _likeliest(place[ring], moved[ring], errors[ring], width)
    expected, covariance = _continue(field, place[ring], moved[ring], errors[ring], place[core])
    departure = moved[core] - expected
    _add_noise(covariance, errors[core])
    same = torch.eye(2, dtype=torch.float64).repeat(int(core.sum()), 1)
    weighted = torch.cholesky_solve(same, torch.linalg.cholesky(covariance))
    of_shift = torch.linalg.inv(same.T @ weighted)
    shift = (of_shift @ (weighted.T @ departure.ravel())).numpy()
    bend = _bend(place[core], departure.ravel(), covariance, width)
    expected, departure, of_shift = expected.numpy(), departure.numpy(), of_shift.numpy()
    apart, sure = np.zeros(len(inside)), known[core, 0] > 1 / SURE_PX**2
    apart[core] = np.linalg.norm(departure, axis=1) * sure
    if sure.any():  # a torn region is not smooth, and would be read as one that bends much further than any part of it
        bend = min(bend, float(np.percentile(np.linalg.norm(departure - shift, axis=1)[sure], 90)) / BEND_90)
    attached = motion.motion.copy()
    attached[inside] = expected.mean(0)
    attached[core] = expected
    return Step(shift, of_shift, bend, apart, attached)


def confirmed(
    first: np.ndarray, second: np.ndarray, seen: np.ndarray, cells: Cells, motion: CellMotion, step: Step
) -> tuple[bool, bool]:
    """Whether the region looks more like itself after its shift than without it, and after its bending than without.

    A cell of sky under a codec's blocks may be sure of a motion that nobody sees.

    Args:
        first, second, seen, cells: as they were measured.
    """
    inside = np.append(cells.inside, False)[cells.label] & seen[cells.box]
    before, after = (cv2.GaussianBlur(plane[cells.box], (0, 0), BLURS_PX[-1]) for plane in (first, second))
    alike = np.broadcast_to(np.eye(2), (len(cells), 2, 2))
    shifted = step.attached + cells.inside[:, None] * step.shift

    def mismatch(field: np.ndarray) -> float:
        change = (optical_flow.sample(after, field) - before)[inside]
        return float(change.var()) + 1e-6 if len(change) else 1e-6

    still, rigid = (mismatch(_spread(cells, guess, alike, 0.5)) for guess in (step.attached, shifted))
    return still > BETTER * rigid, rigid > mismatch(motion.field)


def _likeliest(place: Tensor, moved: Tensor, noise: Tensor, width: int) -> _Field:
    """The field that explains the surroundings best; x and y count as if they knew nothing of each other."""
    few = slice(None, None, -(-len(place) // FIELD_CELLS))
    place, moved, variance = place[few], moved[few], _mean_variance(noise[few])
    distance, explained = torch.cdist(place, place), torch.cat((_trend(place, place), moved), 1)
    fields = [_Field(r * width, s) for r in REACHES for s in STRENGTHS_PX]
    root = torch.linalg.cholesky(torch.stack([f.covariance(distance) for f in fields]) + torch.diag(variance))
    white = torch.linalg.solve_triangular(root, explained.expand(len(fields), -1, -1), upper=False)
    basis, values = torch.linalg.qr(white[..., :3])
    left = white[..., 3:] - basis @ (basis.mT @ white[..., 3:])
    scales = root.diagonal(dim1=1, dim2=2).log().sum(1) + values.diagonal(dim1=1, dim2=2).abs().log().sum(1)
    return fields[int((-0.5 * (left**2).sum((1, 2)) - 2 * scales).argmax())]


def _continue(field: _Field, place: Tensor, moved: Tensor, noise: Tensor, to: Tensor) -> tuple[Tensor, Tensor]:
    """The surroundings' motion (N, 2) as it would go on at other places, and its covariance (2N, 2N), x and y in turn.

    Cells that go astray, such as something that moves by itself, are found by leaving each out, and count for less.
    """
    alike, trend = field.covariance(torch.cdist(place, place)), _trend(place, place)
    alone = _Kriged(alike + torch.diag(_mean_variance(noise)), trend, moved)
    weight = (alone.left_out.amax(1) / ASTRAY).clamp(min=1)
    covariance = _both(alike)
    _add_noise(covariance, noise * weight[:, None, None])
    known = _Kriged(covariance, _both(trend), moved.reshape(-1, 1))
    cross, beyond = _both(field.covariance(torch.cdist(to, place))), _both(_trend(to, place))
    expected = beyond @ known.coefficients + cross @ known.pull
    rest = beyond - cross @ known.left
    covariance = _both(field.covariance(torch.cdist(to, to))) - cross @ known.inverse @ cross.T
    misfit = float(known.left_out.clamp(max=9).mean())  # 1 where the surroundings are as the field expects
    return expected.reshape(-1, 2), max(1.0, misfit) * (covariance + rest @ known.of_trend @ rest.T)


class _Kriged:
    """Values (N, K) explained by a trend (N, M) and a field of known covariance (N, N)."""

    def __init__(self, covariance: Tensor, trend: Tensor, values: Tensor):
        self.inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
        self.left = self.inverse @ trend
        self.of_trend = torch.linalg.inv(trend.T @ self.left)
        self.coefficients = self.of_trend @ (self.left.T @ values)
        self.pull = self.inverse @ values - self.left @ self.coefficients
        spread = self.inverse.diagonal() - ((self.left @ self.of_trend) * self.left).sum(1)
        # What each value is off by when it is predicted from all others, squared, in variances of that prediction.
        self.left_out = self.pull**2 / spread.clamp(min=1e-12)[:, None]


def _bend(place: Tensor, departure: Tensor, covariance: Tensor, width: int) -> float:
    """Strength of a smooth bending that is certain: the least one that is not much less likely than the likeliest."""
    if len(place) < 3:
        return 0.0
    common = torch.eye(2, dtype=torch.float64).repeat(len(place), 1)
    own = torch.linalg.qr(common, mode="complete")[0][:, 2:]  # blind to a common shift
    alike = _both(torch.exp(-0.5 * (torch.cdist(place, place) / (BEND_REACH * width)) ** 2))
    root = torch.linalg.cholesky(own.T @ covariance @ own)
    white = torch.linalg.solve_triangular(root, own.T, upper=False)
    strength, axes = torch.linalg.eigh(white @ alike @ white.T)
    values = (axes.T @ (white @ departure)) ** 2
    bends = torch.from_numpy(BENDS_PX)
    spread = 1 + bends[:, None] ** 2 * strength.clamp(min=0)
    likelihood = -0.5 * (values / spread + spread.log()).sum(1)
    likely = likelihood > likelihood.max() - CERTAIN_SIGMA**2 / 2
    return float(bends[likely][0])


def certain_part(vector: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """A vector shrunk by what chance may have made of it: nothing is left of one within `CERTAIN_SIGMA`.

    Source: James and Stein 1961, positive part.
    """
    squared = float(vector @ np.linalg.solve(covariance, vector))
    return vector * max(0.0, 1 - CERTAIN_SIGMA**2 / max(squared, 1e-12))


def _trend(place: Tensor, around: Tensor) -> Tensor:
    """Columns of an affine motion, (N, 3), scaled about the places it is fitted to."""
    scaled = (place - around.mean(0)) / max(float(around.std(correction=0)), 1.0)
    return torch.cat((torch.ones_like(scaled[:, :1]), scaled), 1)


def _mean_variance(noise: Tensor) -> Tensor:
    """Of x and y, (N,)."""
    return noise.diagonal(dim1=1, dim2=2).mean(1)


def _both(plane: Tensor) -> Tensor:
    """The same for x and for y, which take turns."""
    return torch.kron(plane, torch.eye(2, dtype=plane.dtype))


def _add_noise(covariance: Tensor, noise: Tensor):
    """Add each cell's own (2, 2) on the diagonal, in place."""
    count = len(noise)
    blocks, each = covariance.view(count, 2, count, 2), torch.arange(count)
    blocks[each, :, each, :] += noise
