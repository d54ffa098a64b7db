"""Follow a region and its surroundings through a clip, one frame at a time.

All lengths are px of the work size, at most 640 px wide or high; light is in 8-bit levels. Two comparisons are made for
every frame. Against the frame before: what flickers, boils or jumps. Against an anchor frame, the first one for as long
as enough of it stays in sight: how far the region has slid since. Adding up the steps between neighbors instead would
add up their errors too, and hide a slow slide below them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, motion_step, optical_flow
from .optical_flow import FEWEST_POINTS

WORK_SIDE = 640
COLOR_SIDE = 160  # color is compared on an area average of this size
RING_FRACTION = 0.1  # surroundings: this far around the region, of the longer side; near enough to share its depth
GAP_PX = 4  # between region and surroundings: flow is smoothed over about as much
LEAST_SHARE = 0.4  # a new anchor is taken when less of the surroundings or the region can still be matched
UNSURE = 0.003  # of the width: where a place is less certain than this it counts as not measured
SEEN_EDGE_PX = 4  # at the edge of what is in sight nothing is compared: it was resampled against black
HIGH_PASS_PX = 4.0
TEXTURE_BINS = 6
FEWEST_BIN_PX = 50


@dataclass(frozen=True)
class WorkFrame:
    """One frame, reduced."""

    plane: np.ndarray  # luma (h, w) uint8
    light: np.ndarray  # luma (h, w) float32, 8-bit levels
    small: np.ndarray  # (h', w', 3) float32 sRGB in [0, 1]


@dataclass
class FrameMotion:
    """What one frame showed. None: it could not be measured."""

    surroundings_map: np.ndarray  # frame 0 -> this frame
    region_map: np.ndarray
    followed: bool = False
    drift: np.ndarray | None = None  # (x, y) of the region against its surroundings since frame 0, as far as certain
    slip: np.ndarray | None = None  # (x, y), since the frame before, as far as certain
    position: tuple[np.ndarray, np.ndarray] | None = None  # the region's drift as measured, and its covariance (2, 2)
    residual: float | None = None  # 75th percentile of the surroundings' motion that no affine map explains
    morph: float | None = None  # 90th percentile of the region's own motion beyond a common drift, as far as certain
    brightness_step: float | None = None  # levels, region beyond surroundings, since the frame before
    boil: float | None = None  # levels, change of fine texture beyond the surroundings'
    speed: float | None = None  # 95th percentile of the motion of all texture since the frame before
    color_shift: float | None = None  # CIEDE2000 of the surroundings against the reference
    region_color_shift: float | None = None  # CIEDE2000 of the region, the surroundings' change taken off
    heat: dict[str, np.ndarray] = field(default_factory=dict)  # "place" px and "light" levels, (h, w) in this frame


def work_size(height: int, width: int) -> tuple[int, int]:
    """(width, height) at which a clip is followed."""
    factor = min(1.0, WORK_SIDE / max(height, width))
    return max(1, round(width * factor)), max(1, round(height * factor))


def reduce(frame: Tensor) -> WorkFrame:
    """A frame (1, 3, H, W) at work size."""
    width, height = work_size(*frame.shape[2:])
    frame = frame.to(torch.float32).clamp(0, 1)
    if (height, width) != tuple(frame.shape[2:]):
        frame = F.interpolate(frame, (height, width), mode="area")
    light = (255 * color.luma(frame))[0, 0].cpu().numpy()
    factor = min(1.0, COLOR_SIDE / max(height, width))
    small = F.interpolate(frame, (max(1, round(height * factor)), max(1, round(width * factor))), mode="area")
    return WorkFrame(np.rint(light).astype(np.uint8), light, np.ascontiguousarray(small[0].movedim(0, 2).cpu().numpy()))


def reduce_mask(mask: Tensor) -> np.ndarray:
    """A mask (1, 1, H, W) at work size, (h, w) bool: where more than half of a work pixel may change."""
    width, height = work_size(*mask.shape[2:])
    plane = (mask > 0).to(torch.float32)
    if (height, width) != tuple(mask.shape[2:]):
        plane = F.interpolate(plane, (height, width), mode="area")
    return plane[0, 0].cpu().numpy() > 0.5


def split(region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What counts as the region and as its surroundings, apart from each other by a gap; (h, w) bool.

    Without a region everything is surroundings.
    """
    if not region.any():
        return region, np.ones_like(region)
    outside = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5)
    inside = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    core = inside > GAP_PX
    if core.sum() < 0.5 * region.sum():  # small or thin: its edge is all there is
        core = region
    reach = RING_FRACTION * max(region.shape)
    ring = (outside > GAP_PX) & (outside <= GAP_PX + reach)
    return core, ring


class ClipFollower:
    """Follows one region through one clip; feed it the frames in order.

    Args:
        first: the first frame.
        region: (h, w) bool at work size; may be empty or cover the frame.
        reference: what colors are compared with; None = the first frame.
        attached: the region belongs to its surroundings. Otherwise it may move, and only its light is judged.
    """

    def __init__(
        self, first: WorkFrame, region: np.ndarray, *, reference: WorkFrame | None = None, attached: bool = True
    ):
        self.attached = attached
        self.shape = first.plane.shape
        self.core, self.ring = split(region)
        self.reference = _ColorReference(reference or first, self.core, self.ring)
        still = np.zeros(2)
        self.last = FrameMotion(np.eye(3), np.eye(3), True, still, still, (still, np.zeros((2, 2))), 0.0, 0.0)
        self.last.color_shift, self.last.region_color_shift = self.reference.shifts(first, np.eye(3), np.eye(3))
        self.previous = first
        self._given: tuple[np.ndarray, np.ndarray] | None = None
        self._set_anchor(first, self.last.position)

    def step(self, frame: WorkFrame, region: np.ndarray | None = None) -> FrameMotion:
        """Measure the next frame.

        A frame that cannot be matched with the last one that could, such as a flash or a new shot, is left out.

        Args:
            region: the region in this frame, (h, w) bool, where it is known better than by following.
        """
        found = FrameMotion(self.last.surroundings_map, self.last.region_map)
        if min(self.shape) < optical_flow.SMALLEST_SIDE:
            return found
        motion, certain = optical_flow.both_ways(self.previous.plane, frame.plane)
        usable = certain & optical_flow.textured(self.previous.plane)
        core, ring = self._masks_now()
        camera = optical_flow.fit_affine(motion, usable & ring)
        if camera is None:
            return found
        found.followed = True
        found.speed = float(np.percentile(np.hypot(motion[..., 0], motion[..., 1])[usable], 95))
        self._compare_light(found, frame, motion, certain, core, ring)
        region_step = self._region_step(motion, usable & core, camera)
        found.surroundings_map = camera @ self.last.surroundings_map
        found.region_map = region_step @ self.last.region_map
        self._compare_with_anchor(found, frame)
        found.color_shift, found.region_color_shift = self.reference.shifts(
            frame, found.surroundings_map, found.region_map
        )
        self.previous, self.last = frame, found
        self._given = None if region is None else split(region)
        return found

    def _masks_now(self) -> tuple[np.ndarray, np.ndarray]:
        """Region and surroundings in the last frame that was followed."""
        if self._given is not None:
            return self._given
        core = optical_flow.push(self.core, self.last.region_map)
        return core, optical_flow.push(self.ring, self.last.surroundings_map) & ~core

    def _region_step(self, motion: np.ndarray, usable: np.ndarray, camera: np.ndarray) -> np.ndarray:
        """How the region moved: as its own pixels say, or with its surroundings where they say too little."""
        own = optical_flow.fit_affine(motion, usable)
        return camera if own is None else own

    def _compare_light(self, found, frame, motion, certain, core, ring):
        """Brightness and fine texture against the frame before, motion taken off."""
        before, after = self.previous.light, optical_flow.sample(frame.light, motion)
        inside, around = core & certain, ring & certain
        if inside.sum() < FEWEST_POINTS or around.sum() < FEWEST_POINTS:
            return
        # A change of the scene's light scales 8-bit levels about alike, so the surroundings' ratio is taken off.
        gain = float(after[around].sum() / max(before[around].sum(), 1.0))
        change = after - gain * before
        found.brightness_step = float(change[inside].mean() - change[around].mean())
        fine = np.abs(change - cv2.GaussianBlur(change, (0, 0), HIGH_PASS_PX))
        found.heat["light"] = np.where(core & certain, np.abs(change), 0)
        found.boil = texture_change(fine, before, inside, around)

    def _compare_with_anchor(self, found: FrameMotion, frame: WorkFrame):
        """Where the region has got to since the anchor frame, against its surroundings."""
        anchor = self._anchor
        guess = found.surroundings_map @ np.linalg.inv(anchor.surroundings_map)
        if not self.attached:  # only the region is followed
            guess = found.region_map @ np.linalg.inv(anchor.region_map)
        size = self.shape[::-1]
        aligned = optical_flow.pull(frame.plane, guess, size)
        in_sight = optical_flow.pull(np.ones(self.shape, np.uint8), guess, size, nearest=True) > 0
        motion, certain = optical_flow.both_ways(anchor.frame.plane, aligned)
        usable = certain & in_sight & anchor.textured
        ring, core = usable & anchor.ring, usable & anchor.core
        if self.attached:
            rest = optical_flow.fit_affine(motion, ring)
            if rest is not None:
                self._measure_fit(found, motion, rest, ring, core, guess)
                self._measure_place(found, frame, guess)
        if ring.sum() < LEAST_SHARE * anchor.ring_px or core.sum() < LEAST_SHARE * anchor.core_px:
            self.last = found
            self._set_anchor(frame, found.position or anchor.position)

    def _measure_fit(self, found, motion, rest, ring, core, guess):
        """Rigidity from the motion that is left after alignment; corrects the maps."""
        anchor = self._anchor
        apart = motion - optical_flow.affine_motion(rest, self.shape)
        found.residual = float(np.percentile(np.hypot(apart[..., 0], apart[..., 1])[ring], 75))
        found.surroundings_map = guess @ rest @ anchor.surroundings_map
        own = optical_flow.fit_affine(motion, core)
        if own is not None:
            found.region_map = guess @ own @ anchor.region_map

    def _measure_place(self, found: FrameMotion, frame: WorkFrame, guess: np.ndarray):
        """Drift, jump and bending from the step that motion takes at the region's border."""
        anchor, size = self._anchor, self.shape[::-1]
        if not len(anchor.cells):
            return
        seen = optical_flow.pull(np.ones(self.shape, np.uint8), guess, size, nearest=True)
        seen = cv2.copyMakeBorder(seen, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        seen = cv2.distanceTransform(seen, cv2.DIST_C, 3)[1:-1, 1:-1] > SEEN_EDGE_PX
        aligned = optical_flow.pull(frame.light, guess, size)
        around = anchor.ring & seen
        gain = float(anchor.frame.light[around].sum() / max(aligned[around].sum(), 1.0))
        pair = anchor.frame.light, gain * aligned, seen, anchor.cells
        cells = motion_step.measure(*pair, self._field)
        self._field = cells.field
        step = motion_step.fit(cells, anchor.cells.inside, self.shape[1])
        if step is None:
            return
        slid, bent = motion_step.confirmed(*pair, cells, step)
        certain = motion_step.certain_part(step.shift, step.covariance).any()
        unsure = math.sqrt(np.linalg.eigvalsh(step.covariance)[-1]) > UNSURE * self.shape[1]
        if certain and not slid:  # a region that melts need not match itself better after a common shift
            if bent and anchor.core_px >= FEWEST_POINTS:
                found.morph = motion_step.BEND_90 * step.bend
            return
        if unsure and not certain:
            return
        to_first = np.linalg.inv(anchor.surroundings_map)[:2, :2]
        before, so_far = anchor.position
        found.position = before + to_first @ step.shift, so_far + to_first @ step.covariance @ to_first.T
        found.drift = motion_step.certain_part(*found.position)
        if self.last.position is not None:
            moved = found.position[0] - self.last.position[0]
            found.slip = motion_step.certain_part(moved, found.position[1] + self.last.position[1])
        found.morph = motion_step.BEND_90 * step.bend if bent else 0.0
        found.heat["place"] = self._heat(step.apart, guess)

    def _heat(self, lengths: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """A length for each of the anchor's cells, (h, w) where they lie now."""
        cells, plane = self._anchor.cells, np.zeros(self.shape, np.float32)
        plane[cells.box] = np.append(lengths, 0)[cells.label]
        return optical_flow.pull(plane, np.linalg.inv(guess), self.shape[::-1], nearest=True)

    def _set_anchor(self, frame: WorkFrame, position: tuple[np.ndarray, np.ndarray]):
        self._given = None
        core, ring = self._masks_now()
        textured = optical_flow.textured(frame.plane)
        cells = motion_step.lay_cells(core, ring)
        self._anchor = _Anchor(
            frame, self.last.surroundings_map, self.last.region_map, position, core, ring, textured, cells
        )
        self._field = None  # the motion found last starts the next search


@dataclass(frozen=True)
class _Anchor:
    """A frame that later ones are compared with."""

    frame: WorkFrame
    surroundings_map: np.ndarray  # frame 0 -> anchor
    region_map: np.ndarray
    position: tuple[np.ndarray, np.ndarray]  # of the region by then, as in FrameMotion
    core: np.ndarray
    ring: np.ndarray
    textured: np.ndarray
    cells: motion_step.Cells

    @property
    def ring_px(self) -> int:
        return int((self.ring & self.textured).sum())

    @property
    def core_px(self) -> int:
        return int((self.core & self.textured).sum())


def texture_change(fine: np.ndarray, before: np.ndarray, inside: np.ndarray, around: np.ndarray) -> float | None:
    """Change of fine texture inside a region beyond that around it, where both are as busy, in levels (one sigma).

    Noise of compression and errors of motion grow with contrast, so a busy region is compared with the busy part of its
    surroundings.

    Args:
        fine: size of the change, (h, w).
        before: the picture that changed, levels.
        inside, around: (h, w) bool.
    """
    slope = cv2.GaussianBlur(before, (0, 0), 1.0)
    slope = np.hypot(cv2.Sobel(slope, cv2.CV_32F, 1, 0), cv2.Sobel(slope, cv2.CV_32F, 0, 1)) / 8
    edges = np.quantile(slope[inside], np.linspace(0, 1, TEXTURE_BINS + 1)[1:-1])
    bins_in, bins_out = np.searchsorted(edges, slope[inside]), np.searchsorted(edges, slope[around])
    count_in = np.bincount(bins_in, minlength=TEXTURE_BINS)
    count_out = np.bincount(bins_out, minlength=TEXTURE_BINS)
    both = (count_in >= FEWEST_BIN_PX) & (count_out >= FEWEST_BIN_PX)
    if not both.any():
        return None
    mean_in = np.bincount(bins_in, fine[inside], TEXTURE_BINS)[both] / count_in[both]
    mean_out = np.bincount(bins_out, fine[around], TEXTURE_BINS)[both] / count_out[both]
    to_sigma = math.sqrt(math.pi / 2) / math.sqrt(2)  # mean of |x| to sigma; both frames' noise is in a difference
    return to_sigma * float(np.average(mean_in - mean_out, weights=count_in[both]))


class _ColorReference:
    """Colors of the approved still, or of the first frame, over region and surroundings."""

    def __init__(self, reference: WorkFrame, core: np.ndarray, ring: np.ndarray):
        self.lab = _lab(reference.small)
        self.linear = _linear(reference.small)
        self.shape = reference.small.shape[:2]
        self.factors = self.shape[1] / core.shape[1], self.shape[0] / core.shape[0]
        self.core, self.outside = (_shrink(core, self.shape), _shrink(~_shrink_back(core), self.shape))
        self.ring = _shrink(ring, self.shape)

    def shifts(self, frame: WorkFrame, surroundings_map: np.ndarray, region_map: np.ndarray):
        """CIEDE2000 of the frame outside the region, and of the region beyond its surroundings; None = out of sight."""
        outside, seen = self._pulled(frame, surroundings_map)
        region, region_seen = self._pulled(frame, region_map)
        compared = self.outside & seen
        frame_shift = None
        if compared.sum() >= FEWEST_POINTS:
            shift = np.median(_lab(outside)[compared] - self.lab[compared], axis=0)
            mean = self.lab[compared].mean(0)
            frame_shift = _delta_e00(mean, mean + shift)
        inside, around = self.core & region_seen, self.ring & seen
        if inside.sum() < FEWEST_POINTS // 3 or around.sum() < FEWEST_POINTS:
            return frame_shift, None
        light_before = self.linear[around].sum(0)
        gain = _linear(outside)[around].sum(0) / np.maximum(light_before, 1e-6)
        expected = self.linear[inside].mean(0) * gain
        got = _linear(region)[inside].mean(0)
        return frame_shift, _delta_e00(_linear_to_lab(expected), _linear_to_lab(got))

    def _pulled(self, frame: WorkFrame, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        matrix = optical_flow.scale_matrix(matrix, *self.factors)
        size = self.shape[::-1]
        seen = optical_flow.pull(np.ones(self.shape, np.uint8), matrix, size, nearest=True) > 0
        return optical_flow.pull(frame.small, matrix, size), seen


def _shrink(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA) > 0.5


def _shrink_back(core: np.ndarray) -> np.ndarray:
    """The region with its gap, so that its edge counts as neither."""
    return cv2.dilate(core.astype(np.uint8), np.ones((4 * GAP_PX + 1,) * 2, np.uint8)) > 0


def _planes(pixels: np.ndarray) -> Tensor:
    """(..., 3) as (1, 3, N, 1)."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32).reshape(-1, 3).T)[None, :, :, None]


def _lab(pixels: np.ndarray) -> np.ndarray:
    lab = color.srgb_to_lab(_planes(pixels).clamp(0, 1))
    return lab[0, :, :, 0].T.numpy().reshape(pixels.shape)


def _linear(pixels: np.ndarray) -> np.ndarray:
    return color.srgb_to_linear(torch.from_numpy(pixels).clamp(0, 1)).numpy()


def _linear_to_lab(rgb: np.ndarray) -> np.ndarray:
    return _lab(color.linear_to_srgb(torch.from_numpy(np.asarray(rgb, np.float32))).numpy()[None])[0]


def _delta_e00(first: np.ndarray, second: np.ndarray) -> float:
    return float(color.delta_e00(_planes(first), _planes(second)))
