"""Registration: where each pixel of the original lies in a frame that an edit model made of it.

A registration is a homography plus, where the data support it, a smooth residual field. It is estimated on locally
normalized luma, so that recoloring does not pull it, with robust weights, so that the edit does not either, and it is
kept only if it is measurably better than mapping one frame onto the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from .color import luma
from .frame_pair import MIN_GAIN, FramePair
from .homography import MODELS, distance, plausible, project
from .lucas_kanade import refine
from .registration import Registration
from .registration_start import estimate
from .residual_field import add_field

MODES = ("auto", "off", "shift", "similarity", "perspective")
WORK_PIXELS = 0.6e6  # estimation runs at this many pixels, then once more on samples of the full frame
MAX_ASPECT_RATIO = 1.25  # larger differences of aspect are another crop, not a drift
NEGLIGIBLE_PX = 0.05  # a motion below this is not worth a resampling
MIN_AGREEMENT = 0.22  # below it two frames do not show the same picture: pairs of unrelated photographs reach 0.20


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
    pair = FramePair.at(original, edited, ignore, WORK_PIXELS)
    identity = np.eye(3)
    before = pair.agreement(identity)
    start = Registration(size, edited_size, identity, "off", "not aligned: off", before, before)
    if model == "off":
        return replace(start, residual_px=pair.residual(identity))
    if pair.texture < 0.002:
        return replace(start, reason="not aligned: the picture has too little texture to measure a motion")
    matrix, kind = estimate(pair, "affine" if model == "auto" else model)
    matrix, kind = _finish(original, edited, ignore, pair, matrix, kind, auto=model == "auto")
    after = pair.agreement(pair.from_full(matrix))
    if max(after, before) < MIN_AGREEMENT or (after < 0.35 and after < before + 0.05):
        return replace(start, reason=f"not aligned: the frames do not show the same picture (agreement {after:.2f})")
    found = replace(start, matrix=matrix, model=kind, agreement=after, reason=f"aligned by {kind}")
    if kind == "off" or after < before + MIN_GAIN:
        found = replace(start, reason="not moved: the frames already lie on each other")
    if model == "auto":
        found = add_field(pair, found)
    return replace(found, residual_px=pair.residual(pair.from_full(found.matrix), pair.coarse_field(found.field)))


def _finish(original, edited, ignore, pair: FramePair, matrix, model: str, auto: bool) -> tuple[np.ndarray, str]:
    """Choose the simplest sufficient model, then refine at the frames' own resolution. Returns full-size px."""
    if auto:
        matrix, model = _simplest(pair, matrix)
    else:
        matrix = refine(pair.levels[0], matrix, model, 15)
    full = pair.to_full(matrix)
    if min(original.size, edited.size) > 1.3 * pair.template.size:
        fine = FramePair.at(original, edited, ignore, np.inf, levels=1)
        full = fine.to_full(refine(fine.levels[0], fine.from_full(full), model, 4))
    if not plausible(full, pair.full_size) or distance(full, np.eye(3), pair.full_size) < NEGLIGIBLE_PX:
        return np.eye(3), "off"
    return full, model


def _simplest(pair: FramePair, matrix: np.ndarray) -> tuple[np.ndarray, str]:
    """Fit every model from a start; a richer one must move pixels and raise the agreement, or it fits noise."""
    size = pair.template.shape[::-1]
    best, model, score = np.eye(3), "off", pair.agreement(np.eye(3))
    for kind in MODELS[1:]:
        fit = refine(pair.levels[0], project(matrix, kind, size), kind, 12)
        if not plausible(fit, size) or distance(fit, best, size) < NEGLIGIBLE_PX:
            continue
        agreement = pair.agreement(fit)
        if agreement > score + MIN_GAIN:
            best, model, score = fit, kind, agreement
    return best, model
