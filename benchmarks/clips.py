"""Clips with known truth: a photograph under a moving camera, a region in it, and what a video model does to it.

Every step is deterministic from the clip's seed. Nothing here is used by the pack itself.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from edit_first.imaging import color

CAMERAS = ("static", "pan and zoom", "parallax")
RELIEF_PX = {"parallax": 0.6, "mild parallax": 0.35}  # px per frame that near and far parts move at the most
MARGIN = 1.25  # the scene is this much larger than the frame, so that the camera has somewhere to go


@dataclass(frozen=True)
class Defect:
    """What happens to a clip. Lengths in px of a frame 640 px wide; everything off by default."""

    slide: float = 0.0  # px per frame that the region moves over its surroundings
    lag: float = 0.0  # share of the camera's motion that the region does not follow
    flicker: float = 0.0  # standard deviation of the region's gain, by frame
    boil: float = 0.0  # fine texture of the region redrawn in every frame, standard deviation in levels
    morph: float = 0.0  # px that the region's farthest part is bent by at the end
    jump: float = 0.0  # px that the region is off in one frame
    flash: float = 0.0  # gain of one frame, all of it
    first: float = 0.0  # gain of the first frame against all others
    tint: float = 0.0  # relative gain of red over blue in the region at the end
    frame_tint: float = 0.0  # the same for the whole frame


@dataclass(frozen=True)
class Finish:
    """What is done to all of the frame and must not be taken for a defect."""

    noise: float = 0.0  # grain, standard deviation in levels
    jpeg: int = 0  # quality of every frame, 0 = none
    crf: int = 0  # H.264 round trip, 0 = none
    light: float = 0.0  # slow change of the scene's light, peak gain


@dataclass(frozen=True)
class Clip:
    """Frames (T, H, W, 3) float32 sRGB in [0, 1]; the region (H, W) bool in the first; `slide_px` by the last frame."""

    frames: np.ndarray
    region: np.ndarray
    slide_px: np.ndarray


def make(
    photo: np.ndarray,
    *,
    camera: str = "static",
    defect: Defect = Defect(),
    finish: Finish = Finish(),
    frames: int = 13,
    size: tuple[int, int] = (640, 360),
    region_area: float = 0.08,
    region: np.ndarray | None = None,
    seed: int = 0,
) -> Clip:
    """A clip from a photograph (H, W, 3).

    Args:
        region: (h, w) bool at frame size; None = a random ellipse of about `region_area` of the frame.
    """
    rng = np.random.default_rng(seed)
    scene = _cover(photo, (round(size[0] * MARGIN), round(size[1] * MARGIN)))
    mask = _to_scene(_ellipse(size, region_area, rng) if region is None else region, scene.shape)
    hidden = cv2.inpaint((scene * 255).astype(np.uint8), cv2.dilate(mask, np.ones((5, 5))).astype(np.uint8), 3, 1)
    behind = np.where(mask[..., None] > 0, hidden.astype(np.float32) / 255, scene)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    unit = size[0] / 640
    path = _camera_path(camera, frames, size, rng)
    bend = _smooth_field(scene.shape, 0.12, rng)
    bend = bend / np.hypot(bend[..., 0], bend[..., 1])[mask > 0].max()
    relief = _smooth_field(scene.shape, 0.15, rng) * (unit * RELIEF_PX.get(camera, 0.0))
    angle = rng.uniform(0, 2 * np.pi)
    heading = np.array((np.cos(angle), np.sin(angle)))
    found, pushed = [], np.zeros(2)
    for t in range(frames):
        share = t / max(1, frames - 1)
        lagged = defect.lag * (path[0][:2, 2] - path[t][:2, 2])
        pushed = unit * (defect.slide * t + defect.jump * (t == frames // 2)) * heading + lagged
        warp = relief * t
        image = _view(behind, path[t], size, warp)
        layer_warp = warp + unit * defect.morph * share * bend - pushed
        layer = _region_light(_view(scene, path[t], size, layer_warp), defect, share, rng)
        alpha = _view(soft, path[t], size, warp - pushed)[..., None]
        found.append(_frame_light(image + alpha * (layer - image), defect, finish, t, frames))
    inside = _view(mask.astype(np.float32), path[0], size, relief * 0) > 0.5
    return Clip(_finish(np.stack(found), finish, rng), inside, pushed)


def difference(defective: Clip, whole: Clip, edge_px: int = 8) -> float:
    """How much a defect changes what is seen: CIEDE2000 that 1 % of the region and its border exceed, worst frame.

    Both clips are blurred as an eye blurs them that sees 30 px in a degree, after S-CIELAB (Zhang and Wandell 1996), and
    must come without grain and compression.
    """
    where = cv2.dilate(whole.region.astype(np.uint8), np.ones((2 * edge_px + 1,) * 2)) > 0
    found = []
    for pair in zip(defective.frames, whole.frames, strict=True):
        seen = [torch.from_numpy(cv2.GaussianBlur(frame, (0, 0), 1.5)).movedim(2, 0)[None] for frame in pair]
        delta = color.delta_e00(*(color.srgb_to_lab(frame.clamp(0, 1)) for frame in seen))
        found.append(float(np.quantile(delta[0, 0].numpy()[where], 0.99)))
    return max(found)


def _cover(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut to the aspect and scale to a size."""
    height, width = photo.shape[:2]
    factor = max(size[0] / width, size[1] / height)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    large = cv2.resize(
        photo, (max(size[0], round(width * factor)), max(size[1], round(height * factor))), interpolation=how
    )
    y, x = (large.shape[0] - size[1]) // 2, (large.shape[1] - size[0]) // 2
    return np.clip(large[y : y + size[1], x : x + size[0]], 0, 1)


def _ellipse(size: tuple[int, int], area: float, rng: np.random.Generator) -> np.ndarray:
    aspect = rng.uniform(0.7, 1.4)
    radius = np.sqrt(area * size[0] * size[1] / np.pi)
    rx, ry = radius * aspect, radius / aspect
    cx = rng.uniform(rx + 0.1 * size[0], 0.9 * size[0] - rx)
    cy = rng.uniform(min(ry + 0.1 * size[1], 0.5 * size[1]), max(0.9 * size[1] - ry, 0.5 * size[1]))
    y, x = np.mgrid[: size[1], : size[0]]
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1


def _to_scene(region: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of the first frame, which shows the middle of the scene, on the scene."""
    plane = np.zeros(shape[:2], np.uint8)
    y, x = (shape[0] - region.shape[0]) // 2, (shape[1] - region.shape[1]) // 2
    plane[y : y + region.shape[0], x : x + region.shape[1]] = region
    return plane


def _camera_path(camera: str, frames: int, size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """Frame -> scene, for every frame. A pan of 4 % of the width and a zoom of 6 % where the camera moves."""
    middle = np.array(((1, 0, (MARGIN - 1) / 2 * size[0]), (0, 1, (MARGIN - 1) / 2 * size[1]), (0, 0, 1.0)))
    middle = np.rint(middle)
    if camera == "static":
        return [middle] * frames
    angle, zoom = rng.uniform(0, 2 * np.pi), rng.choice((-0.06, 0.06))
    path = []
    for t in range(frames):
        share = t / max(1, frames - 1)
        scale, reach = 1 + zoom * share, 0.04 * size[0] * share
        cx, cy = size[0] / 2, size[1] / 2
        move = np.array(
            (
                (scale, 0, cx - scale * cx + reach * np.cos(angle)),
                (0, scale, cy - scale * cy + reach * np.sin(angle)),
                (0, 0, 1),
            )
        )
        path.append(middle @ move)
    return path


def _view(scene: np.ndarray, matrix: np.ndarray, size: tuple[int, int], offset) -> np.ndarray:
    """What the camera sees; the scene is read `offset` px beside each place (a field on the scene, or one vector)."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    offset = np.broadcast_to(np.asarray(offset, np.float32), (*scene.shape[:2], 2))
    if np.ptp(offset) == 0:
        at_x, at_y = u + offset[0, 0, 0], v + offset[0, 0, 1]
    else:
        moved = cv2.remap(offset, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
        at_x, at_y = u + moved[..., 0], v + moved[..., 1]
    return cv2.remap(
        scene, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def _smooth_field(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> np.ndarray:
    """Random vectors (H, W, 2) that vary over `grain` of the width; the longest is 1."""
    noise = rng.standard_normal((*shape[:2], 2)).astype(np.float32)
    small = cv2.resize(noise, (64, 36), interpolation=cv2.INTER_AREA)
    field = cv2.resize(cv2.GaussianBlur(small, (0, 0), 32 * grain), shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return field / np.hypot(field[..., 0], field[..., 1]).max()


def _region_light(layer: np.ndarray, defect: Defect, share: float, rng: np.random.Generator) -> np.ndarray:
    if defect.flicker:
        layer = layer * (1 + defect.flicker * rng.standard_normal())
    if defect.boil:
        noise = cv2.GaussianBlur(rng.standard_normal(layer.shape[:2]).astype(np.float32), (0, 0), 0.8)
        layer = layer + (defect.boil / 255 * noise / noise.std())[..., None]
    return layer * _tint(defect.tint * share)


def _tint(strength: float) -> np.ndarray:
    return np.array((1 + strength / 2, 1.0, 1 - strength / 2), np.float32)


def _frame_light(image: np.ndarray, defect: Defect, finish: Finish, t: int, frames: int) -> np.ndarray:
    share = t / max(1, frames - 1)
    gain = (
        1 + finish.light * np.sin(2 * np.pi * 0.6 * share) + defect.flash * (t == frames // 2) + defect.first * (t == 0)
    )
    return image * gain * _tint(defect.frame_tint * share)


def _finish(frames: np.ndarray, finish: Finish, rng: np.random.Generator) -> np.ndarray:
    if finish.noise:
        frames = frames + (finish.noise / 255 * rng.standard_normal(frames.shape[:3]).astype(np.float32))[..., None]
    levels = (np.clip(frames, 0, 1) * 255).round().astype(np.uint8)
    if finish.jpeg:
        levels = np.stack([_jpeg(frame, finish.jpeg) for frame in levels])
    if finish.crf:
        levels = h264(levels, finish.crf)
    return levels.astype(np.float32) / 255


def _jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def h264(levels: np.ndarray, crf: int) -> np.ndarray:
    """Frames (T, H, W, 3) uint8 through x264 (4:2:0, preset medium) and back. Needs PyAV; width and height even."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24, options={"crf": str(crf), "preset": "medium", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = *levels.shape[1:3], "yuv420p"
        for frame in levels:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        file.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
