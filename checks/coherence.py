"""Does an edited region stay where it belongs, and as it was, throughout a clip?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..imaging import clip_motion, color, curves, masks, optical_flow, overlay
from ..imaging.clip_motion import ClipFollower, FrameMotion, WorkFrame
from .report import Measurement, Place, Report
from .score import score
from .thresholds import threshold

REGION_MOTIONS = ("attached", "free")
NONRIGID_PERCENT = 0.1  # of the width: 0.64 px at 640; beyond, no single camera motion explains the surroundings
STATIC_PERCENT = 0.01  # of the width per frame
SHEET_WIDTH = 1200  # px
FLASH_WINDOW, FLICKER_WINDOW, STEP_WINDOW, BOIL_WINDOW, COLOR_WINDOW, DRIFT_WINDOW = 7, 9, 5, 5, 5, 3  # frames
FEWEST_FOR_FLASH = 5
HEAT_PICTURE_LEVELS = 12.0  # change of light at the end of the heat map's scale


@dataclass(frozen=True)
class CoherenceResult:
    """Whether a clip holds together, and where it does not."""

    coherent: bool  # nothing fails at the level; warnings pass
    score: float  # 0 to 100, to sort takes by; the verdict does not depend on it
    report: Report  # places in px of the clip
    heatmap: Tensor  # (1, 3, h, w): the worst frame, and curves over time with their limits
    fix_mask: Tensor  # (T, 1, H, W): the region in the frames where it missed the level's limit


def check_coherence(
    frames: Tensor,
    edit_mask: Tensor,
    *,
    level: str = "production",
    still: Tensor | None = None,
    region_motion: str = "attached",
    progress: Callable[[float], None] | None = None,
) -> CoherenceResult:
    """Follow an edited region through a clip and measure what video models break.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        edit_mask: (1 or T, 1, H, W), above 0 = the region, in the first frame or in every frame. Empty: only what
            concerns the whole frame is measured.
        level: "good enough" or "production".
        still: the approved picture (1, 3, h, w) that colors are compared with; cut and scaled to the clip. None = the
            first frame.
        region_motion: "attached" when the region belongs to its surroundings; "free" when it is meant to move by
            itself, as a walking person is: then drift, jumps and bending are not judged.
        progress: called with the fraction done.

    Raises:
        ValueError: sizes differ, an unknown level or region motion, or values that are not numbers.
    """
    if region_motion not in REGION_MOTIONS:
        raise ValueError(f"region_motion is '{region_motion}'; choose one of {', '.join(REGION_MOTIONS)}")
    if edit_mask.shape[2:] != frames.shape[2:] or len(edit_mask) not in (1, len(frames)):
        raise ValueError(
            f"edit_mask is {tuple(edit_mask.shape)} but frames are {tuple(frames.shape)}; connect a mask of the first "
            f"frame, or one for each frame, at the clip's size"
        )
    track = _follow(frames, edit_mask, still, region_motion == "attached", progress)
    report = Report(tuple(_measure(track)), _inputs(track, still))
    missed = _missed_frames(track, level)
    heatmap = _draw(frames, track, report, level)
    verdict = report.verdict(level)
    return CoherenceResult(verdict != "fail", score(report), report, heatmap, _fix_mask(track, edit_mask, missed))


@dataclass
class _Track:
    """What was measured in every frame, and the region it speaks of."""

    size: tuple[int, int]  # (width, height) of the clip
    work: tuple[int, int]  # of the frames that were compared
    attached: bool
    region: np.ndarray  # (h, w) bool at work size, in the first frame
    steps: list[FrameMotion]  # one for each frame
    mean_lab: np.ndarray  # (T, 3)
    heats: dict[str, tuple[float, int, np.ndarray]]  # kind -> largest value, its frame, its map at work size

    def percent(self, lengths: np.ndarray) -> np.ndarray:
        """Work px to percent of the clip's width."""
        return 100 * lengths / self.work[0]

    def series(self, name: str) -> np.ndarray:
        """One value for each frame; NaN = not measured."""
        values = [getattr(step, name) for step in self.steps]
        return np.array([np.nan if value is None else np.linalg.norm(value) for value in values], float)

    def signed(self, name: str) -> np.ndarray:
        values = [getattr(step, name) for step in self.steps]
        return np.array([np.nan if value is None else value for value in values], float)


def _follow(frames, edit_mask, still, attached, progress) -> _Track:
    """Step through the clip; never more than two reduced frames are held."""
    first = _reduce(frames[:1], 0)
    region = clip_motion.reduce_mask(edit_mask[:1])
    reference = None if still is None else clip_motion.reduce(fit_still(still[:1], frames.shape[2:]))
    follower = ClipFollower(first, region, reference=reference, attached=attached)
    track = _Track(
        (frames.shape[3], frames.shape[2]), clip_motion.work_size(*frames.shape[2:]), attached, region,
        [follower.last], np.zeros((len(frames), 3)), {},
    )  # fmt: skip
    track.mean_lab[0] = _mean_lab(first)
    for index in range(1, len(frames)):
        frame = _reduce(frames[index : index + 1], index)
        known = clip_motion.reduce_mask(edit_mask[index : index + 1]) if len(edit_mask) > 1 else None
        step = follower.step(frame, known)
        track.mean_lab[index] = _mean_lab(frame)
        _keep_worst_heat(track, step, index)
        track.steps.append(step)
        if progress:
            progress(index / len(frames))
    return track


def _reduce(frame: Tensor, index: int) -> WorkFrame:
    if not torch.isfinite(frame).all():
        raise ValueError(
            f"frame {index} holds values that are not numbers (NaN or infinite); check the node that made it"
        )
    return clip_motion.reduce(frame)


def _mean_lab(frame: WorkFrame) -> np.ndarray:
    small = torch.from_numpy(frame.small).movedim(2, 0)[None]
    return color.srgb_to_lab(small).mean((0, 2, 3)).numpy()


def _keep_worst_heat(track: _Track, step: FrameMotion, index: int):
    """Maps are kept of the worst frame alone."""
    sizes = {"place": step.drift, "light": step.brightness_step}
    for kind, plane in step.heat.items():
        size = 0.0 if sizes[kind] is None else float(np.linalg.norm(sizes[kind]))
        if kind not in track.heats or size > track.heats[kind][0]:
            track.heats[kind] = (size, index, plane)
    step.heat = {}


def fit_still(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale a still or its mask (B, C, h, w) to cover a frame of (height, width) and cut the middle out.

    So do ComfyUI's image-to-video nodes.
    """
    height, width = image.shape[2:]
    factor = max(size[0] / height, size[1] / width)
    inner = round(min(height, size[0] / factor)), round(min(width, size[1] / factor))
    y, x = (height - inner[0]) // 2, (width - inner[1]) // 2
    cut = image[:, :, y : y + max(1, inner[0]), x : x + max(1, inner[1])]
    return torch.nn.functional.interpolate(cut, tuple(size), mode="bilinear", antialias=True).clamp(0, 1)


# Curves over time. Every metric is the worst value of its curve.


def _curves(track: _Track) -> dict[str, np.ndarray]:
    """Metric -> value for every frame."""
    drift = track.percent(_running(track.series("drift"), DRIFT_WINDOW, np.nanmedian))
    residual = track.percent(track.series("residual"))
    loose = residual > NONRIGID_PERCENT
    return {
        "clip_drift_percent": np.where(loose, np.nan, drift),
        "clip_parallax_drift_percent": np.where(loose, drift, np.nan),
        "clip_slip_percent": track.percent(track.series("slip")),
        "clip_flicker_levels": _flicker(track.signed("brightness_step")),
        "clip_boil_levels": np.maximum(_running(track.signed("boil"), BOIL_WINDOW, np.nanmedian), 0),
        "clip_morph_percent": track.percent(_running(track.series("morph"), DRIFT_WINDOW, np.nanmedian)),
        "clip_flash_lightness": _flash(track.mean_lab[:, 0]),
        "clip_color_delta_e00": _running(track.series("color_shift"), COLOR_WINDOW, np.nanmedian),
        "clip_region_color_delta_e00": _running(track.series("region_color_shift"), COLOR_WINDOW, np.nanmedian),
        "clip_rigidity_percent": residual,
        "clip_motion_percent": track.percent(track.series("speed")),
    }


def _running(values: np.ndarray, window: int, statistic) -> np.ndarray:
    """A statistic over the frames around each; NaN where the frame itself was not measured."""
    half = window // 2
    found = np.full(len(values), np.nan)
    for index in np.flatnonzero(np.isfinite(values)):
        found[index] = statistic(values[max(0, index - half) : index + half + 1])
    return found


def _flicker(steps: np.ndarray) -> np.ndarray:
    """Root mean square of brightness steps around each frame, slow changes taken off."""
    from scipy import ndimage  # here: its import takes longer than the pack's

    known = np.flatnonzero(np.isfinite(steps))
    if len(known) < 2:
        return np.full(len(steps), np.nan)
    quick = np.full(len(steps), np.nan)
    series = steps[known]
    quick[known] = series - ndimage.uniform_filter1d(series, min(STEP_WINDOW, len(series)), mode="nearest")
    return np.sqrt(_running(quick**2, FLICKER_WINDOW, np.nanmean))


def _flash(lightness: np.ndarray) -> np.ndarray:
    """How far each frame's lightness is from the median around it; ramps are continued beyond the ends.

    The first frame is another matter: `clip_first_frame_delta_e00`.
    """
    from scipy import ndimage  # here: its import takes longer than the pack's

    found = np.full(len(lightness), np.nan)
    if len(lightness) < FEWEST_FOR_FLASH:
        return found
    series, half = lightness[1:], FLASH_WINDOW // 2
    padded = np.pad(series, min(half, len(series) - 1), mode="reflect", reflect_type="odd")
    middle = ndimage.median_filter(padded, FLASH_WINDOW, mode="nearest")
    inner = (len(padded) - len(series)) // 2
    found[1:] = np.abs(series - middle[inner : inner + len(series)])
    return found


def _first_jump(mean_lab: np.ndarray) -> float | None:
    """Color difference of the first two frames beyond that of the next ones."""
    if len(mean_lab) < FEWEST_FOR_FLASH:
        return None
    lab = torch.from_numpy(mean_lab.astype(np.float32))[:10, :, None, None]
    jumps = color.delta_e00(lab[:-1], lab[1:]).flatten().numpy()
    return float(max(0.0, jumps[0] - np.median(jumps[1:])))


# Measurements


def _measure(track: _Track):
    """All measurements of a clip, in the order of the table."""
    found = _curves(track)
    reasons = _reasons(track)
    for metric, values in found.items():
        known = np.flatnonzero(np.isfinite(values[1:])) + 1 if len(values) > 1 else []
        reason = reasons.get(metric, "")
        if len(known) == 0 or reason:
            yield Measurement(metric, None, detail=reason or _why_not(track, metric))
            continue
        worst = int(known[np.argmax(values[known])])
        place = Place(0, 0, *track.size, frame=worst)
        if metric not in FRAME_METRICS:
            place = _region_place(track, worst)
        yield Measurement(metric, round(float(values[worst]), 4), place, _detail(track, metric, worst))
    jump = _first_jump(track.mean_lab)
    detail = "" if jump is not None else f"needs {FEWEST_FOR_FLASH} frames"
    yield Measurement(
        "clip_first_frame_delta_e00",
        jump if jump is None else round(jump, 4),
        Place(0, 0, *track.size, frame=1) if jump else None,
        detail,
    )
    yield _followed(track, reasons)


FRAME_METRICS = {"clip_flash_lightness", "clip_color_delta_e00", "clip_motion_percent", "clip_rigidity_percent"}
PLACE_METRICS = {"clip_drift_percent", "clip_parallax_drift_percent", "clip_slip_percent", "clip_morph_percent"}
LIGHT_METRICS = {"clip_flicker_levels", "clip_boil_levels", "clip_region_color_delta_e00"}


def _reasons(track: _Track) -> dict[str, str]:
    """Metrics that do not apply to a clip, and why."""
    every = PLACE_METRICS | LIGHT_METRICS | FRAME_METRICS
    if len(track.steps) == 1:
        return dict.fromkeys(every, "one frame is not a clip")
    if min(track.work) < optical_flow.SMALLEST_SIDE:
        small = f"frames of {track.size[0]}x{track.size[1]} px are too small to follow"
        return dict.fromkeys(every - {"clip_flash_lightness", "clip_color_delta_e00"}, small)
    if not track.region.any():
        return dict.fromkeys(PLACE_METRICS | LIGHT_METRICS, "edit_mask is empty: only the whole frame was checked")
    if track.region.mean() > 0.9:
        return dict.fromkeys(
            PLACE_METRICS | LIGHT_METRICS | {"clip_rigidity_percent", "clip_color_delta_e00"},
            "edit_mask leaves no surroundings to compare with",
        )
    if not track.attached:
        return dict.fromkeys(PLACE_METRICS, "region_motion is free: the region may move and change its shape")
    return {}


def _why_not(track: _Track, metric: str) -> str:
    """Why a metric that applies has no value."""
    if metric == "clip_parallax_drift_percent":
        return "the surroundings move as one"
    if metric == "clip_flash_lightness":
        return f"needs {FEWEST_FOR_FLASH} frames"
    if not any(step.followed for step in track.steps[1:]):
        return "the surroundings are too smooth to follow, or every frame is another shot"
    if metric == "clip_drift_percent" and np.isfinite(track.series("drift")[1:]).any():
        return "the surroundings do not move as one: depth, water or other moving things"
    return "the region is too smooth or too small to follow"


def _detail(track: _Track, metric: str, frame: int) -> str:
    """What a person should know beyond the number."""
    step = track.steps[frame]
    if metric in ("clip_drift_percent", "clip_parallax_drift_percent"):
        text = f"it slid {_heading(step.drift * track.size[0] / track.work[0])}"
        if metric == "clip_parallax_drift_percent":
            text += "; the surroundings do not move as one, and what stands before them may do so without a defect: look at it"
        return text
    if metric == "clip_slip_percent":
        return f"it jumped {_heading(step.slip * track.size[0] / track.work[0])} since the frame before"
    if metric == "clip_motion_percent" and track.percent(track.series("speed"))[1:].max() < STATIC_PERCENT:
        return "the clip hardly moves"
    return ""


def _heading(vector: np.ndarray) -> str:
    x, y = vector
    parts = []
    if abs(x) >= 0.3 * np.hypot(x, y):
        parts.append(f"{abs(x):.1f} px {'right' if x > 0 else 'left'}")
    if abs(y) >= 0.3 * np.hypot(x, y):
        parts.append(f"{abs(y):.1f} px {'down' if y > 0 else 'up'}")
    return " and ".join(parts) or "0 px"


def _followed(track: _Track, reasons: dict[str, str]) -> Measurement:
    """Share of the frames in which the surroundings could be matched with the frame before."""
    total = len(track.steps) - 1
    followed = [step.followed for step in track.steps[1:]]
    if not any(followed):
        detail = reasons.get("clip_motion_percent") or _why_not(track, "clip_motion_percent")
        return Measurement("clip_followed_fraction", None, detail=detail)
    share = sum(followed) / total
    if share == 1:
        return Measurement("clip_followed_fraction", 1.0)
    lost = 1 + followed.index(False)
    place = Place(0, 0, *track.size, frame=lost)
    return Measurement(
        "clip_followed_fraction", share, place, f"lost in frame {lost}: a flash, a cut, or very fast motion"
    )


def _region_at(track: _Track, frame: int) -> np.ndarray:
    return optical_flow.push(track.region, track.steps[frame].region_map)


def _region_place(track: _Track, frame: int) -> Place | None:
    """The region's box in a frame, in px of the clip."""
    box = masks.bounding_box(torch.from_numpy(_region_at(track, frame)).float()[None, None])
    if box is None:
        return None
    x, y = track.size[0] / track.work[0], track.size[1] / track.work[1]
    return Place(round(box[0] * x), round(box[1] * y), round(box[2] * x), round(box[3] * y), frame)


def _inputs(track: _Track, still: Tensor | None) -> dict:
    return {
        "frames": len(track.steps),
        "width": track.size[0],
        "height": track.size[1],
        "measured_at": list(track.work),
        "region_fraction": round(float(track.region.mean()), 5),
        "region_motion": "attached" if track.attached else "free",
        "still": still is not None,
    }


# Pictures


def _missed_frames(track: _Track, level: str) -> np.ndarray:
    """(T,) bool: frames in which the region misses a limit of the level."""
    missed, found, reasons = np.zeros(len(track.steps), bool), _curves(track), _reasons(track)
    for metric in PLACE_METRICS | LIGHT_METRICS:
        limit = threshold(metric).limit(level)
        if metric not in reasons and limit is not None:
            over = np.nan_to_num(found[metric], nan=0.0) > limit
            over[0] &= metric not in PLACE_METRICS  # everything is where it was; only the median over time says else
            missed |= over
    return missed


def _fix_mask(track: _Track, edit_mask: Tensor, missed: np.ndarray) -> Tensor:
    """The region where it lies in the frames that missed; 0 elsewhere."""
    width, height = track.size
    result = torch.zeros(len(missed), 1, height, width, dtype=edit_mask.dtype, device=edit_mask.device)
    plane = (edit_mask[0, 0] > 0).cpu().numpy()
    factors = width / track.work[0], height / track.work[1]
    for frame in np.flatnonzero(missed):
        if len(edit_mask) > 1:
            result[frame] = (edit_mask[frame] > 0).to(result.dtype)
            continue
        matrix = optical_flow.scale_matrix(track.steps[frame].region_map, *factors)
        result[frame, 0] = torch.from_numpy(optical_flow.push(plane, matrix)).to(result)
    return result


TITLES = {
    "clip_drift_percent": "drift against the surroundings, % of width",
    "clip_slip_percent": "jump since the frame before, % of width",
    "clip_flicker_levels": "flicker of the region, 8-bit levels",
    "clip_boil_levels": "boiling texture, 8-bit levels",
    "clip_morph_percent": "bending, % of width",
    "clip_region_color_delta_e00": "color of the region, CIEDE2000",
    "clip_color_delta_e00": "color of the frame, CIEDE2000",
}


def _draw(frames: Tensor, track: _Track, report: Report, level: str) -> Tensor:
    """The worst frame beside its heat, over the curves."""
    found, reasons = _curves(track), _reasons(track)
    panels = []
    for metric, title in TITLES.items():
        row, values = threshold(metric), found[metric]
        if metric in reasons:
            values = np.full(len(values), np.nan)
        elif metric == "clip_drift_percent":  # one curve; its limits are those of the part that was judged strictly
            loose = found["clip_parallax_drift_percent"]
            row = row if np.isfinite(values[1:]).any() else threshold("clip_parallax_drift_percent")
            values = np.fmax(values, loose)
        panels.append(curves.Curve(title, values, (row.production, row.good_enough)))
    panels.append(curves.Curve("lightness of the frame, L*", track.mean_lab[:, 0]))
    worst = next((m for m in report.findings(level) if m.where and m.metric.startswith("clip_")), None)
    frame = worst.where.frame if worst else 0
    name = f"frame {frame}" + (f": {worst.metric.removeprefix('clip_').replace('_', ' ')}" if worst else "")
    pictures = [(name, overlay.to_pil(_outlined(frames, track, frame)))]
    heat = _heat_picture(frames, track, worst)
    if heat is not None:
        pictures.append(heat)
    return overlay.from_pil(curves.sheet(report.summary(level), pictures, panels, SHEET_WIDTH)).to(frames)


def marked_frames(frames: Tensor, fix_mask: Tensor, numbers: list[int]) -> Tensor:
    """Some frames of a clip, (len(numbers), 3, H, W), with what missed its limit outlined: places lie in these."""
    return torch.cat([_with_outline(frames[number : number + 1], fix_mask[number : number + 1]) for number in numbers])


def _small(frames: Tensor, track: _Track, frame: int) -> Tensor:
    """One frame at work size, (1, 3, h, w)."""
    image = frames[frame : frame + 1].to(torch.float32).cpu()
    return torch.nn.functional.interpolate(image, track.work[::-1], mode="area")


def _outlined(frames: Tensor, track: _Track, frame: int) -> Tensor:
    """A frame with the region outlined where it is by then."""
    region = torch.from_numpy(_region_at(track, frame)).float()[None, None]
    return _with_outline(_small(frames, track, frame), region)


def _with_outline(image: Tensor, region: Tensor) -> Tensor:
    """A picture (1, 3, h, w) with the border of a region (1, 1, h, w) drawn in; as it is where there is none."""
    if not (region > 0).any() or not (region <= 0).any():
        return image
    width_px = max(1.5, min(image.shape[2:]) / 300)
    outline = masks.signed_distance(region).abs() <= width_px
    return torch.where(outline, color.swatch(overlay.EDIT_COLOR, image), image)


def _heat_picture(frames: Tensor, track: _Track, worst: Measurement | None):
    """(title, picture) of where it moved or changed, in the frame where that was worst."""
    kind = "light" if worst is not None and worst.metric in LIGHT_METRICS else "place"
    if kind not in track.heats:
        kind = "light"
    if kind not in track.heats:
        return None
    _, frame, plane = track.heats[kind]
    full = HEAT_PICTURE_LEVELS
    if kind == "place":
        full = threshold("clip_drift_percent").good_enough / 100 * track.work[0]
    heat = torch.from_numpy(plane / full)[None, None].float()
    title = "motion against the surroundings" if kind == "place" else "change of light since the frame before"
    return f"frame {frame}: {title}", overlay.to_pil(overlay.heatmap(_small(frames, track, frame), heat))
