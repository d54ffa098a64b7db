"""Registration: where each pixel of the original lies in a frame that an edit model made of it.

A registration is a homography plus, where the data support it, a smooth residual field. It is estimated on locally
normalized luma, so that recoloring does not pull it, with robust weights, so that the edit does not either, and it is
kept only if it is measurably better than mapping one frame onto the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from .color import luma

MODELS = ("off", "shift", "similarity", "affine", "perspective")
MODES = ("auto", "off", "shift", "similarity", "perspective")

WORK_PIXELS = 0.6e6  # estimation runs at this many pixels, then once more on samples of the full frame
SAMPLES = 200_000  # pixels that enter one least-squares step; more change the result by less than 0.01 px
MAX_ASPECT_RATIO = 1.25  # larger differences of aspect are another crop, not a drift
NORM_SIGMA_PX = 8.0  # window of the local normalization
NORM_FLOOR = 0.02  # contrast below this is noise: it must not be amplified to full strength
SMOOTH_SIGMA_PX = 0.8  # both frames: evens out unequal sharpness and interpolation error
TUKEY = 4.685  # 95 % efficiency on normal errors (Beaton and Tukey 1974)
NEGLIGIBLE_PX = 0.05  # a motion below this is not worth a resampling
MIN_GAIN = 0.001  # gain of mean local correlation that a motion must bring
MIN_AGREEMENT = 0.22  # below it two frames do not show the same picture: pairs of unrelated photographs reach 0.20
MAX_INLIER_SIGMA = 0.45  # normalized luma; keeps a majority of edited pixels from passing as noise
ROWS = 512  # height of the strips in which a frame is resampled
ALIKE, ALIKE_SHARE = 0.8, 0.25  # a start is right when this share of the windows correlates this well
WINDOW_PX = 15  # window of the local correlation
LOCALLY_ALIKE = 0.6  # correlation of a window whose motion can be believed; keeps an edit's content out
FIELD_CELL_PX = 8  # grid of the residual field, in px of the estimation grid
FIELD_BLOCK_CELLS = 4  # side of the blocks left out when a field is put to the test
FIELD_MIN_PX = 0.12  # median local motion below which it is noise of the measurement
FIELD_MAX_ERROR = 0.7  # a field must predict left-out blocks with at most this share of the motion left


@dataclass(frozen=True)
class Registration:
    """Where original pixels lie in the edited frame.

    `matrix` maps pixel centers of the original, scaled to the edited frame's size, i.e. it is the identity when the
    edited frame is merely a resized original.
    """

    size: tuple[int, int]  # (width, height) of the original
    edited_size: tuple[int, int]  # (width, height) of the edited frame
    matrix: np.ndarray  # 3x3, original px -> px of the edited frame resized to the original's size
    model: str  # one of MODELS; "off" = identity
    reason: str  # one sentence for people
    agreement_before: float  # mean local correlation in [0, 1] with the identity
    agreement: float  # the same with this registration
    residual_px: float | None = None  # median motion left on unchanged texture; None where there is no texture
    field: np.ndarray | None = None  # (h, w, 2) coarse residual motion in original px, over the whole frame

    @property
    def dx(self) -> float:
        """Motion of the frame's center to the right, px of the original."""
        return float(self._center_motion()[0])

    @property
    def dy(self) -> float:
        """Motion of the frame's center downward, px of the original."""
        return float(self._center_motion()[1])

    @property
    def scale(self) -> float:
        """Size of the content in the edited frame over its size in the original (geometric mean of both axes)."""
        return float(np.sqrt(abs(np.linalg.det(self._jacobian()))))

    @property
    def rotation_deg(self) -> float:
        """Rotation of the content, clockwise positive."""
        jacobian = self._jacobian()
        return float(np.degrees(np.arctan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])))

    def _center_motion(self) -> np.ndarray:
        center = np.array([[(self.size[0] - 1) / 2, (self.size[1] - 1) / 2]])
        return (_apply(self.matrix, center) - center)[0]

    def _jacobian(self) -> np.ndarray:
        x, y = (self.size[0] - 1) / 2, (self.size[1] - 1) / 2
        points = _apply(self.matrix, np.array([[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]))
        return np.stack(((points[1] - points[0]) / 2, (points[3] - points[2]) / 2), 1)

    def is_identity(self) -> bool:
        """Whether no pixel moves and both frames have one size, so that nothing needs resampling."""
        return self.size == self.edited_size and self.field is None and np.array_equal(self.matrix, np.eye(3))

    def points(self, first_row: int = 0, rows: int | None = None) -> np.ndarray:
        """Where the pixel centers of some rows of the original lie in the edited frame: (rows, W, 2) float32, px."""
        width, height = self.size
        rows = height - first_row if rows is None else rows
        y, x = np.mgrid[first_row : first_row + rows, :width].astype(np.float32)
        if self.field is not None:
            motion = _sample_coarse(self.field, x, y, self.size)
            x, y = x + motion[..., 0], y + motion[..., 1]
        return _apply_planes(_scaling(self.size, self.edited_size) @ self.matrix, x, y)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A homography applied to (N, 2) points."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    return homogeneous[:, :2] / homogeneous[:, 2:]


def _apply_planes(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A homography applied to float32 coordinate planes (h, w): (h, w, 2)."""
    m = _unit(matrix).astype(np.float32)
    at = np.stack((m[0, 0] * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + m[1, 1] * y + m[1, 2]), -1)
    if m[2, 0] or m[2, 1]:
        at /= (m[2, 0] * x + m[2, 1] * y + 1)[..., None]
    return at


def register(
    original: Tensor,
    edited: Tensor,
    *,
    model: str = "auto",
    ignore: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Registration]:
    """Find where the pixels of `original` lie in `edited`, frame by frame.

    Estimation is coarse to fine Gauss-Newton on locally normalized luma with Tukey weights, from the identity and,
    where that does not agree well, from phase correlation and from SIFT matches. A richer model is taken only where it
    moves pixels; "auto" adds a smooth residual field where left-out data confirm it. What does not raise the local
    correlation is dropped for the identity, and `reason` says so.

    Args:
        original: (B, 3, H, W) in [0, 1].
        edited: (B, 3, H2, W2), of about the same aspect.
        model: one of `MODES`; "off" maps frame onto frame.
        ignore: (B or 1, 1, H, W); pixels > 0 are known to be edited and are not read.
        progress: called with the fraction done.

    Returns:
        One `Registration` per frame.

    Raises:
        ValueError: unknown model, or aspects that differ by more than `MAX_ASPECT_RATIO`.

    Source: Baker and Matthews 2004, "Lucas-Kanade 20 Years On" (inverse compositional); Lowe 2004 (SIFT).
    """
    if model not in MODES:
        raise ValueError(f"align is '{model}'; choose one of {', '.join(MODES)}")
    _check_aspect(original, edited)
    result = []
    for frame in range(original.shape[0]):
        skip = None if ignore is None else (ignore[min(frame, len(ignore) - 1), 0] > 0).cpu().numpy()
        result.append(_register_frame(_gray(original[frame]), _gray(edited[frame]), model, skip))
        if progress:
            progress((frame + 1) / original.shape[0])
    return result


def resample(edited: Tensor, registrations: list[Registration]) -> tuple[Tensor, Tensor]:
    """The edited frame seen from the original, resized and moved in one interpolation.

    Lanczos-4: going forth and back by a fraction of a pixel it keeps 44.6 dB where bicubic keeps 40.7. A frame that
    is larger than the original is read several times per pixel and averaged, so that detail does not alias.

    Args:
        edited: (B, 3, H2, W2) in [0, 1].
        registrations: one per frame.

    Returns:
        Image (B, 3, H, W) in [0, 1] like `edited`, and (B, 1, H, W) bool, True where the edited frame has data. Where
        it has none the image repeats its border. Frames that need no resampling are returned bit-identical.
    """
    images, covered = [], []
    for frame, registration in zip(edited, registrations, strict=True):
        width, height = registration.size
        if registration.is_identity():
            images.append(frame)
            covered.append(torch.ones(1, height, width, dtype=torch.bool, device=frame.device))
            continue
        source = frame.float().movedim(0, -1).contiguous().cpu().numpy()
        pieces = [_resample_rows(source, registration, row) for row in range(0, height, ROWS)]
        image, inside = (np.concatenate(part) for part in zip(*pieces, strict=True))
        images.append(torch.from_numpy(image).movedim(-1, 0).to(edited))
        covered.append(torch.from_numpy(inside)[None].to(edited.device))
    return torch.stack(images), torch.stack(covered)


def _resample_rows(source: np.ndarray, registration: Registration, first: int) -> tuple[np.ndarray, np.ndarray]:
    """A strip of the resampled frame (rows, W, C) and where it has data."""
    rows = min(ROWS, registration.size[1] - first)
    points = registration.points(first, rows)
    height, width = source.shape[:2]
    inside = (points > -0.5).all(-1) & (points < (width - 0.5, height - 0.5)).all(-1)
    density = max(width / registration.size[0], height / registration.size[1])
    reads = 1 if density < 1.05 else int(np.ceil(density))
    total = 0
    for offset_y in range(reads):
        for offset_x in range(reads):
            offset = (np.array((offset_x, offset_y), np.float32) + 0.5) / reads - 0.5
            at = points + offset * np.array((width / registration.size[0], height / registration.size[1]), np.float32)
            total = total + cv2.remap(source, at, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(total / np.float32(reads * reads), 0, 1), inside


def _check_aspect(original: Tensor, edited: Tensor) -> None:
    width, height, edited_width, edited_height = *original.shape[:-3:-1], *edited.shape[:-3:-1]
    ratio = width / height * edited_height / edited_width
    if max(ratio, 1 / ratio) > MAX_ASPECT_RATIO:
        raise ValueError(
            f"edited is {edited_width}x{edited_height} but original is {width}x{height} (WxH): the aspects differ by "
            f"{max(ratio, 1 / ratio):.2f}, at most {MAX_ASPECT_RATIO} is one picture; crop the original as the model "
            "saw it, or connect the frame that the model made of this original"
        )


def _gray(image: Tensor) -> np.ndarray:
    """Luma of (3, H, W) as a float32 (H, W) array."""
    return luma(image.float().unsqueeze(0))[0, 0].cpu().numpy()


def _register_frame(original: np.ndarray, edited: np.ndarray, model: str, ignore: np.ndarray | None) -> Registration:
    size, edited_size = original.shape[::-1], edited.shape[::-1]
    pair = _Pair.at(original, edited, ignore, WORK_PIXELS)
    identity = np.eye(3)
    before = pair.agreement(identity)
    start = Registration(size, edited_size, identity, "off", "not aligned: off", before, before)
    if model == "off":
        return replace(start, residual_px=pair.residual(identity))
    if pair.texture < 0.002:
        return replace(start, reason="not aligned: the picture has too little texture to measure a motion")
    matrix, kind = _estimate(pair, "affine" if model == "auto" else model)
    matrix, kind = _finish(original, edited, ignore, pair, matrix, kind, auto=model == "auto")
    after = pair.agreement(pair.from_full(matrix))
    if max(after, before) < MIN_AGREEMENT or (after < 0.35 and after < before + 0.05):
        return replace(start, reason=f"not aligned: the frames do not show the same picture (agreement {after:.2f})")
    found = replace(start, matrix=matrix, model=kind, agreement=after, reason=f"aligned by {kind}")
    if kind == "off" or after < before + MIN_GAIN:
        found = replace(start, reason="not moved: the frames already lie on each other")
    if model == "auto":
        found = _add_field(pair, found)
    return replace(found, residual_px=pair.residual(pair.from_full(found.matrix), pair.coarse_field(found.field)))


@dataclass(frozen=True)
class _Pair:
    """Both frames' luma on one grid, and what estimation needs of them."""

    template: np.ndarray  # (h, w) luma of the original
    moving: np.ndarray  # (h, w) luma of the edited frame, resized to the same grid
    usable: np.ndarray  # (h, w) bool: not known to be edited
    full_size: tuple[int, int]  # (width, height) of the original
    levels: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]  # normalized (template, moving, usable), fine first
    texture: float  # share of the frame with enough contrast

    @classmethod
    def at(cls, original, edited, ignore: np.ndarray | None, pixels: float, levels: int = 99) -> _Pair:
        """Reduce both luma frames to a common grid of at most `pixels`, no finer than either."""
        height, width = original.shape
        factor = min(1.0, np.sqrt(pixels / original.size), np.sqrt(edited.size / original.size))
        size = (max(16, round(width * factor)), max(16, round(height * factor)))
        template, moving = _resize(original, size), _resize(edited, size)
        usable = np.ones(template.shape, bool)
        if ignore is not None:
            usable = cv2.resize(ignore.astype(np.uint8), size, interpolation=cv2.INTER_AREA) == 0
            usable = usable if usable.mean() > 0.02 else np.ones(template.shape, bool)
        pyramid, t, m, u = [], template, moving, usable
        while True:
            pyramid.append((_normalize(t), _normalize(m), u))
            if min(t.shape) < 96 or len(pyramid) == levels:
                break
            t, m = cv2.pyrDown(t), cv2.pyrDown(m)
            u = cv2.resize(u.astype(np.uint8), t.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        texture = float((_local_std(template) > NORM_FLOOR / 2).mean())
        return cls(template, moving, usable, (width, height), tuple(pyramid), texture)

    def scaling(self) -> np.ndarray:
        """The 3x3 map from full-size pixel centers to this grid's."""
        return _scaling(self.full_size, self.template.shape[::-1])

    def from_full(self, matrix: np.ndarray) -> np.ndarray:
        """A full-size homography in this grid's pixels."""
        return _unit(self.scaling() @ matrix @ np.linalg.inv(self.scaling()))

    def to_full(self, matrix: np.ndarray) -> np.ndarray:
        """A homography of this grid in full-size pixels."""
        return _unit(np.linalg.inv(self.scaling()) @ matrix @ self.scaling())

    def coarse_field(self, field: np.ndarray | None) -> np.ndarray | None:
        """A residual field in full-size px, in this grid's pixels."""
        return None if field is None else field * np.float32(self.template.shape[1] / self.full_size[0])

    def warped(self, image: np.ndarray, matrix: np.ndarray, field: np.ndarray | None = None):
        """`image` of the edited frame (any pyramid level) seen from the original, and where it has data."""
        height, width = image.shape
        grid = _scaling(self.template.shape[::-1], (width, height))
        matrix = grid @ matrix @ np.linalg.inv(grid)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        if field is not None:
            motion = _sample_coarse(field, x, y, (width, height)) * np.float32(width / self.template.shape[1])
            x, y = x + motion[..., 0], y + motion[..., 1]
        points = _apply_planes(matrix, x, y)
        inside = (points[..., 0] >= 1) & (points[..., 0] <= width - 2)
        inside &= (points[..., 1] >= 1) & (points[..., 1] <= height - 2)
        return cv2.remap(image, points, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE), inside

    def agreement(self, matrix: np.ndarray, field: np.ndarray | None = None) -> float:
        """Mean local correlation over textured windows; negative ones count 0, so an edit adds the same to all."""
        correlation = self.correlations(matrix, field)
        return float(correlation.clip(0, 1).mean()) if len(correlation) else 0.0

    def correlations(self, matrix: np.ndarray, field: np.ndarray | None = None) -> np.ndarray:
        """Local correlation of luma in every textured window, (N,)."""
        moved, inside = self.warped(self.moving, matrix, field)
        a, b = (cv2.GaussianBlur(image, (0, 0), SMOOTH_SIGMA_PX) for image in (self.template, moved))
        mean_a, mean_b = _box(a), _box(b)
        var_a, var_b = _box(a * a) - mean_a**2, _box(b * b) - mean_b**2
        chosen = (var_a > (NORM_FLOOR / 2) ** 2) & inside & self.usable
        covariance = (_box(a * b) - mean_a * mean_b)[chosen]
        return covariance / np.sqrt((var_a[chosen] + 1e-6) * (var_b[chosen] + 1e-6).clip(1e-6))

    def motion(self, matrix: np.ndarray, field: np.ndarray | None = None, level: int = 0):
        """Local motion left by a registration, (h, w, 2) px of this grid, and its weight (h, w), 0 on edits."""
        template, moving, usable = self.levels[level]
        moved, inside = self.warped(moving, matrix, field)
        motion, weight = _local_motion(template, moved, inside & usable)
        return motion * np.float32(self.template.shape[1] / template.shape[1]), weight

    def residual(self, matrix: np.ndarray, field: np.ndarray | None = None) -> float | None:
        """Median length of the local motion on unchanged texture, in px of the original."""
        motion, weight = self.motion(matrix, field)
        chosen = weight > 0
        if chosen.mean() < 0.002:
            return None
        length = np.hypot(motion[..., 0], motion[..., 1])[chosen]
        return _weighted_median(length, weight[chosen]) * self.full_size[0] / self.template.shape[1]


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize (H, W) to (width, height): area averaging down, bicubic up."""
    if image.shape[::-1] == size:
        return image
    smaller = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _box(image: np.ndarray) -> np.ndarray:
    return cv2.blur(image, (WINDOW_PX, WINDOW_PX))


def _local_std(gray: np.ndarray) -> np.ndarray:
    """Standard deviation in a Gaussian window."""
    high = gray - cv2.GaussianBlur(gray, (0, 0), NORM_SIGMA_PX)
    return np.sqrt(cv2.GaussianBlur(high * high, (0, 0), NORM_SIGMA_PX))


def _normalize(gray: np.ndarray) -> np.ndarray:
    """Locally normalized luma: zero mean and unit contrast in a Gaussian window; flat areas fade to 0."""
    gray = cv2.GaussianBlur(gray, (0, 0), SMOOTH_SIGMA_PX)
    high = gray - cv2.GaussianBlur(gray, (0, 0), NORM_SIGMA_PX)
    return high / np.sqrt(cv2.GaussianBlur(high * high, (0, 0), NORM_SIGMA_PX) + NORM_FLOOR**2)


def _scaling(size: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Pixel centers of a (width, height) frame to those of the same frame resized to `grid`."""
    across, down = grid[0] / size[0], grid[1] / size[1]
    return np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1.0]])


def _unit(matrix: np.ndarray) -> np.ndarray:
    return matrix / matrix[2, 2]


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


# ---------------------------------------------------------------------------- least squares


def _steps(u: np.ndarray, v: np.ndarray, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Motion (dx, dy) of normalized points per unit of each parameter of a model, both (parameters, N)."""
    one, zero = np.ones_like(u), np.zeros_like(u)
    dx, dy = [one, zero], [zero, one]
    if model == "similarity":
        dx, dy = dx + [u, -v], dy + [v, u]
    elif model in ("affine", "perspective"):
        dx, dy = dx + [u, v, zero, zero], dy + [zero, zero, u, v]
    if model == "perspective":
        dx, dy = dx + [-u * u, -u * v], dy + [-u * v, -v * v]
    return np.stack(dx), np.stack(dy)


def _step_matrix(parameters: np.ndarray, model: str) -> np.ndarray:
    """The homography of normalized coordinates whose first-order motion `_steps` describes."""
    matrix = np.eye(3)
    matrix[:2, 2] = parameters[:2]
    if model == "similarity":
        scale, turn = parameters[2:4]
        matrix[:2, :2] += [[scale, -turn], [turn, scale]]
    elif model in ("affine", "perspective"):
        matrix[:2, :2] += parameters[2:6].reshape(2, 2)
    if model == "perspective":
        matrix[2, :2] = parameters[6:8]
    return matrix


def _refine(level, matrix: np.ndarray, model: str, iterations: int, near: bool = True) -> np.ndarray:
    """Inverse compositional Gauss-Newton with Tukey weights from a start, on one pyramid level."""
    template, moving, usable = level
    height, width = template.shape
    gx, gy = cv2.Scharr(template, -1, 1, 0) / 32, cv2.Scharr(template, -1, 0, 1) / 32
    y, x = _informative(gx, gy, usable)
    if len(x) < 64:
        return matrix
    radius = np.hypot(width, height) / 2
    normal = np.array(
        [[1 / radius, 0, -(width - 1) / 2 / radius], [0, 1 / radius, -(height - 1) / 2 / radius], [0, 0, 1]]
    )
    points = np.stack((x, y), 1).astype(np.float32)
    u, v = ((points - ((width - 1) / 2, (height - 1) / 2)) / radius).T.astype(np.float32)
    dx, dy = _steps(u, v, model)
    slope_x, slope_y, values = gx[y, x], gy[y, x], template[y, x]
    jacobian = ((slope_x * dx + slope_y * dy) * radius).astype(np.float32)
    for _ in range(iterations):
        at = _apply(matrix, points).astype(np.float32)
        inside = (at[:, 0] >= 1) & (at[:, 0] <= width - 2) & (at[:, 1] >= 1) & (at[:, 1] <= height - 2)
        error = _sample(moving, at, slope_x, slope_y) - values
        weight = _tukey(error, inside, MAX_INLIER_SIGMA if near else np.inf)
        if weight.sum() < 64:
            return matrix
        weighted = jacobian * weight
        normal_matrix = weighted @ jacobian.T
        damping = 1e-6 * np.trace(normal_matrix) / len(normal_matrix) * np.eye(len(normal_matrix))
        step = np.linalg.solve(normal_matrix + damping, weighted @ error)
        matrix = _unit(matrix @ np.linalg.inv(normal) @ np.linalg.inv(_step_matrix(step, model)) @ normal)
        if np.abs(step).max() * radius < 0.003:
            break
    return matrix


def _informative(gx: np.ndarray, gy: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels worth reading: enough gradient, evenly thinned to `SAMPLES`."""
    strong = (gx * gx + gy * gy > 0.03**2) & usable
    strong[:2] = strong[-2:] = False
    strong[:, :2] = strong[:, -2:] = False
    y, x = strong.nonzero()
    # A stride prime to any width thins evenly and deterministically.
    step = max(1, -(-len(x) // SAMPLES))
    return y[::step], x[::step]


def _sample(image: np.ndarray, points: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray) -> np.ndarray:
    """Lanczos values of an image at (N, 2) points, given the slopes there.

    cv2.remap rounds positions to 1/32 px, which would bias a pure shift; the slopes make up for the rest. Bicubic
    kernels (a = -0.75, cv2 and torch) do not reproduce a ramp and would bias it by 0.03 px.
    """
    columns = 1024  # cv2.remap refuses more than 32767 columns
    read = np.round(points * 32) / np.float32(32)
    padded = np.pad(read, ((0, -len(points) % columns), (0, 0)), mode="edge").reshape(-1, columns, 2)
    values = cv2.remap(image, padded, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE).ravel()
    rest = points - read
    return values[: len(points)] + slope_x * rest[:, 0] + slope_y * rest[:, 1]


def _tukey(error: np.ndarray, valid: np.ndarray, largest: float = MAX_INLIER_SIGMA) -> np.ndarray:
    """Biweights of residuals at their own robust scale, which stays within limits; 0 where not valid."""
    scale = 1.4826 * np.median(np.abs(error[valid])) if valid.any() else 1.0
    ratio = error / (TUKEY * min(max(scale, 0.02), largest))
    return (np.clip(1 - ratio * ratio, 0, 1) ** 2 * valid).astype(np.float32)


# ---------------------------------------------------------------------------- start and choice of model


def _estimate(pair: _Pair, model: str) -> tuple[np.ndarray, str]:
    """The best registration of a model over several starts, in px of the pair's grid."""
    best = _descend(pair, np.eye(3), model, len(pair.levels) - 1)
    correlation = pair.correlations(best)
    score = float(correlation.clip(0, 1).mean()) if len(correlation) else 0.0
    if not len(correlation) or (correlation > ALIKE).mean() < ALIKE_SHARE:  # not clearly right: try other starts
        for start in (_phase_start(pair), _sift_start(pair)):
            if start is None:
                continue
            other = _descend(pair, start, model, min(2, len(pair.levels) - 1))
            other_score = pair.agreement(other)
            if other_score > score + 0.01:
                best, score = other, other_score
    return best, model


def _descend(pair: _Pair, matrix: np.ndarray, model: str, first: int) -> np.ndarray:
    """Coarse to fine from a start; few parameters while the motion is large."""
    for index in range(first, min(1, first) - 1, -1):
        grid = _scaling(pair.template.shape[::-1], pair.levels[index][0].shape[::-1])
        local = _unit(grid @ matrix @ np.linalg.inv(grid))
        if index == first:
            local = _refine(pair.levels[index], local, "shift", 15, near=False)
        if model != "shift":
            local = _refine(pair.levels[index], local, "similarity", 12, near=False)
        if index < max(first - 1, 2):
            local = _refine(pair.levels[index], local, model, 12, near=False)
        matrix = _unit(np.linalg.inv(grid) @ local @ grid)
        if not _plausible(matrix, pair.template.shape[::-1]):
            return np.eye(3)
    return matrix


def _plausible(matrix: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether a homography keeps the frame's corners in order and within a quarter of the frame."""
    corners = _corners(size)
    moved = _apply(matrix, corners)
    return bool(np.isfinite(moved).all() and (np.abs(moved - corners) < np.array(size) / 4).all())


def _corners(size: tuple[int, int]) -> np.ndarray:
    width, height = size
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)


def _phase_start(pair: _Pair) -> np.ndarray:
    """A shift by phase correlation of the second level."""
    index = min(1, len(pair.levels) - 1)
    template, moving, usable = pair.levels[index]
    window = cv2.createHanningWindow(template.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(template * usable, moving * usable, window)
    matrix = np.eye(3)
    matrix[:2, 2] = np.array((dx, dy)) * pair.template.shape[1] / template.shape[1]
    return matrix


def _sift_start(pair: _Pair) -> np.ndarray | None:
    """A similarity by SIFT matches and RANSAC, or None where too few points match."""
    images = [_to_8bit(_normalize(image)) for image in (pair.template, pair.moving)]
    sift = cv2.SIFT_create(3000)
    (points, found), (moved_points, moved_found) = (sift.detectAndCompute(image, None) for image in images)
    if found is None or moved_found is None or min(len(points), len(moved_points)) < 8:
        return None
    matches = cv2.BFMatcher().knnMatch(found, moved_found, k=2)
    good = [m[0] for m in matches if len(m) == 2 and m[0].distance < 0.8 * m[1].distance]
    good = [m for m in good if pair.usable[tuple(int(c) for c in points[m.queryIdx].pt[::-1])]]
    if len(good) < 8:
        return None
    a = np.float32([points[m.queryIdx].pt for m in good])
    b = np.float32([moved_points[m.trainIdx].pt for m in good])
    matrix, inliers = cv2.estimateAffinePartial2D(a, b, method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if matrix is None or inliers.sum() < 8:
        return None
    return np.vstack((matrix, (0, 0, 1)))


def _to_8bit(normalized: np.ndarray) -> np.ndarray:
    return (np.clip(normalized / 5 + 0.5, 0, 1) * 255).astype(np.uint8)


def _finish(original, edited, ignore, pair: _Pair, matrix, model: str, auto: bool) -> tuple[np.ndarray, str]:
    """Choose the simplest sufficient model, then refine at the frames' own resolution. Returns full-size px."""
    if auto:
        matrix, model = _simplest(pair, matrix)
    else:
        matrix = _refine(pair.levels[0], matrix, model, 15)
    full = pair.to_full(matrix)
    if min(original.size, edited.size) > 1.3 * pair.template.size:
        fine = _Pair.at(original, edited, ignore, np.inf, levels=1)
        full = fine.to_full(_refine(fine.levels[0], fine.from_full(full), model, 4))
    if not _plausible(full, pair.full_size) or _distance(full, np.eye(3), pair.full_size) < NEGLIGIBLE_PX:
        return np.eye(3), "off"
    return full, model


def _simplest(pair: _Pair, matrix: np.ndarray) -> tuple[np.ndarray, str]:
    """Fit every model from a start; a richer one must move pixels and raise the agreement, or it fits noise."""
    size = pair.template.shape[::-1]
    best, model, score = np.eye(3), "off", pair.agreement(np.eye(3))
    for kind in MODELS[1:]:
        fit = _refine(pair.levels[0], _project(matrix, kind, size), kind, 12)
        if not _plausible(fit, size) or _distance(fit, best, size) < NEGLIGIBLE_PX:
            continue
        agreement = pair.agreement(fit)
        if agreement > score + MIN_GAIN:
            best, model, score = fit, kind, agreement
    return best, model


def _project(matrix: np.ndarray, model: str, size: tuple[int, int]) -> np.ndarray:
    """The member of a simpler model closest to a homography over the frame (one linear least-squares step)."""
    if model == "perspective":
        return matrix
    x, y = np.meshgrid(np.linspace(-1, 1, 9) * size[0] / 2, np.linspace(-1, 1, 9) * size[1] / 2)
    points = np.stack((x.ravel(), y.ravel()), 1)
    center = np.array([[1, 0, (size[0] - 1) / 2], [0, 1, (size[1] - 1) / 2], [0, 0, 1.0]])
    motion = _apply(np.linalg.inv(center) @ matrix @ center, points) - points
    dx, dy = _steps(*points.T, model)
    parameters = np.linalg.lstsq(np.hstack((dx, dy)).T, np.hstack((motion[:, 0], motion[:, 1])), rcond=None)[0]
    return _unit(center @ _step_matrix(parameters, model) @ np.linalg.inv(center))


def _distance(a: np.ndarray, b: np.ndarray, size: tuple[int, int]) -> float:
    """Largest distance in px between two homographies' images of a grid over the frame."""
    x, y = np.meshgrid(np.linspace(0, size[0] - 1, 5), np.linspace(0, size[1] - 1, 5))
    points = np.stack((x.ravel(), y.ravel()), 1)
    return float(np.linalg.norm(_apply(a, points) - _apply(b, points), axis=1).max())


# ---------------------------------------------------------------------------- residual field


def _local_motion(template: np.ndarray, moved: np.ndarray, usable: np.ndarray, sigma: float = 10.0):
    """One Lucas-Kanade step in Gaussian windows: motion (h, w, 2) in px and its weight (h, w)."""
    error = moved - template
    weight = _tukey(error, usable & (np.abs(template) > 0.05))
    gx = cv2.Scharr(template + moved, -1, 1, 0) / 64
    gy = cv2.Scharr(template + moved, -1, 0, 1) / 64

    def window(image):
        return cv2.GaussianBlur(image, (0, 0), sigma)

    share = window(weight) / np.maximum(window(((np.abs(template) > 0.05) & usable).astype(np.float32)), 1e-3)
    xx, xy, yy = window(weight * gx * gx), window(weight * gx * gy), window(weight * gy * gy)
    xe, ye = window(weight * gx * error), window(weight * gy * error)
    power = np.sqrt(window(template * template) * window(moved * moved))
    alike = window(template * moved) > LOCALLY_ALIKE * power + 1e-6
    smallest = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    determinant = np.maximum(xx * yy - xy * xy, 1e-12)
    motion = np.stack(((xy * ye - yy * xe) / determinant, (xy * xe - xx * ye) / determinant), -1)
    confidence = np.where((smallest > 1e-3) & (share > 0.7) & alike & usable, smallest, 0).astype(np.float32)
    return motion.astype(np.float32), confidence


def _add_field(pair: _Pair, found: Registration) -> Registration:
    """Add a smooth residual motion, as far as left-out data and the agreement confirm it."""
    matrix = pair.from_full(found.matrix)
    left = pair.residual(matrix)
    if left is None or left * pair.template.shape[1] / pair.full_size[0] < FIELD_MIN_PX:
        return found
    cells = tuple(-(-side // FIELD_CELL_PX) for side in pair.template.shape[::-1])
    field, agreement = None, pair.agreement(matrix)
    for level in (2, 1, 1, 0, 0, 0):
        if level >= len(pair.levels):
            continue
        step = _confirmed_smooth(*_to_cells(*pair.motion(matrix, field, level), cells))
        if step is None:
            continue
        candidate = step if field is None else field + step
        score = pair.agreement(matrix, candidate)
        remaining = pair.residual(matrix, candidate)
        # An edit's windows gain agreement from any motion that happens to fit them; the residual does not read them.
        if score > agreement + MIN_GAIN and remaining is not None and remaining < 0.9 * left:
            field, agreement, left = candidate, score, remaining
    if field is None:
        return found
    field = field * np.float32(pair.full_size[0] / pair.template.shape[1])
    reason = f"{found.reason} and a smooth local motion of up to {np.hypot(*field.reshape(-1, 2).T).max():.1f} px"
    return replace(found, field=field, agreement=agreement, reason=reason)


def _to_cells(motion: np.ndarray, weight: np.ndarray, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over a (columns, rows) grid of cells; no cell outweighs another more than a few times."""
    total = cv2.resize(weight, cells, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(motion * weight[..., None], cells, interpolation=cv2.INTER_AREA)
    mean = mean / np.maximum(total, 1e-9)[..., None]
    if total.any():
        total = np.minimum(total, np.median(total[total > 0]))
    return mean, total


def _confirmed_smooth(motion: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """Smooth the motion at the scale that best predicts left-out blocks; None where nothing predicts them."""
    if (weight > 0).mean() < 0.05:
        return None
    rows, columns = np.indices(weight.shape) // FIELD_BLOCK_CELLS
    even = (rows + columns) % 2 == 0
    longest = max(weight.shape)
    length = _weighted_median(np.hypot(*motion[weight > 0].T), weight[weight > 0])
    if length < FIELD_MIN_PX:
        return None
    best, best_error = None, FIELD_MAX_ERROR * length
    for share in (0.2, 0.1, 0.05, 0.025):
        errors, weights = [], []
        for fold in (even, ~even):
            left_out = fold & (weight > 0)
            predicted = _smooth(motion, weight * ~fold, share * longest)
            errors.append(np.hypot(*(predicted - motion)[left_out].T))
            weights.append(weight[left_out])
        error = _weighted_median(np.concatenate(errors), np.concatenate(weights))
        if error < best_error:
            best, best_error = share, error
    return None if best is None else _smooth(motion, weight, best * longest)


def _smooth(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Weighted Gaussian means; where data are thin, the means of ever larger windows take over."""
    result = np.zeros_like(values)
    trust = 0.05 * float(weight.mean()) + 1e-12
    for wide in (4 * sigma, 2 * sigma, sigma):
        around = cv2.GaussianBlur(weight, (0, 0), wide, borderType=cv2.BORDER_REPLICATE)[..., None]
        total = cv2.GaussianBlur(values * weight[..., None], (0, 0), wide, borderType=cv2.BORDER_REPLICATE)
        result = (total + trust * result) / (around + trust)
    return result


def _sample_coarse(field: np.ndarray, x: np.ndarray, y: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bicubic values of a coarse field over a (width, height) frame at full-size pixel centers."""
    scale_x, scale_y = field.shape[1] / size[0], field.shape[0] / size[1]
    at_x = ((x + 0.5) * scale_x - 0.5).astype(np.float32)
    at_y = ((y + 0.5) * scale_y - 0.5).astype(np.float32)
    return cv2.remap(field, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
