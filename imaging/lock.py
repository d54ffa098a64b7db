"""Undo what an edit model did to the rest of the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import change, masks, misfit
from .color import delta_e00, srgb_to_lab, srgb_to_oklab
from .detail import fit_detail
from .light import fit_light
from .photometric import fit_color
from .register import register
from .registration import Registration, resample
from .seam import feather

FEATHER_PX = 1.0  # of partial blend: the drift is undone, so that a wider ramp hides nothing and fades the edit's rim
INLIER = 2.5  # a pixel counts as unchanged up to this many times the usual difference
CHANGED_MARGIN_PX = 6  # around changed pixels, kept out of the fits: their blurred edges


def restore_anchors(original: Tensor, edited: Tensor, edit_mask: Tensor, lock_mask: Tensor | None = None) -> Tensor:
    """Copy the original back wherever the edit mask is 0 or the lock mask is above 0.

    Args:
        original: (B or 1, 3, H, W).
        edited: (B, 3, H, W).
        edit_mask: (B or 1, 1, H, W); pixels above 0 keep the edited picture, whatever the value.
        lock_mask: (B or 1, 1, H, W); wins over the edit mask.

    Returns:
        (B, 3, H, W); copied, never blended, so that restored pixels are bit-identical.
    """
    return torch.where(free_region(edit_mask, lock_mask) > 0, edited, original)


def free_region(edit_mask: Tensor, lock_mask: Tensor | None = None) -> Tensor:
    """Where a result may differ from the original: 1 where the edit mask is above 0 and nothing is locked."""
    free = edit_mask > 0
    if lock_mask is not None:
        free = free & (lock_mask <= 0)
    return free.to(edit_mask.dtype)


@dataclass(frozen=True)
class FrameDrift:
    """What was undone in one frame."""

    registration: Registration
    color_shift: float | None  # median CIEDE2000 of unchanged pixels before the match; None: nothing unchanged
    color_residual: float | None  # the same after it
    changed_fraction: float  # share of the frame that the edit mask covers
    detail_restored: bool  # unchanged pixels proved a loss of detail, and it was taken back


@dataclass(frozen=True)
class LockResult:
    """All (B, C, H, W) at the original's size."""

    image: Tensor  # the edit on the original's own pixels
    edit_mask: Tensor  # [0, 1]: where image may differ from the original; 0 on locks
    aligned: Tensor  # the whole edited frame, in register, in the original's colors and as sharp as proof reaches
    found: Tensor  # 0 or 1: what really changed, whatever mask was given
    spill: Tensor  # 0 or 1: changed outside the given edit mask or on a lock; all 0 when there is neither
    drift: tuple[FrameDrift, ...]


def restore(
    original: Tensor,
    edited: Tensor,
    *,
    align: str = "auto",
    match_color: bool = True,
    match_detail: bool = True,
    sensitivity: float = 0.5,
    edit_mask: Tensor | None = None,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> LockResult:
    """Put an edit back on the original's own pixels: align, match color, find what really changed, composite.

    Args:
        original: (B or 1, 3, H, W), the approved picture, sRGB in [0, 1].
        edited: (B, 3, H2, W2), the raw frame that a model made of it, at any size of about the same aspect.
        align: "auto", "off", "shift", "similarity" or "perspective", see `register.register`.
        match_color: take the color drift of the whole frame back, fitted on unchanged pixels.
        match_detail: bring back detail that the model's frame lost, as far as unchanged pixels prove it. Without align
            and match_color, and with an edit mask, the frame is taken as it is.
        sensitivity: 0..1, how faint a change counts as an edit; used when no edit mask is given, and for the spill.
        edit_mask: (B or 1, 1, H, W), 1 = may change. None: what really changed.
        lock_mask: (B or 1, 1, H, W); pixels above 0 stay the original's.
        progress: called with the fraction done.

    Returns:
        `LockResult`; its image is bit-identical to the original wherever its edit mask is 0.

    Raises:
        ValueError: sizes of masks, frame counts or aspects do not fit; sensitivity is not in [0, 1].
    """
    _check(original, edited, sensitivity, edit_mask, lock_mask)
    count = max(len(original), len(edited))
    settings = _Settings(align, match_color, match_detail, sensitivity)
    parts = []
    for index in range(count):
        frame = tuple(_frame_of(batch, index) for batch in (original, edited, edit_mask, lock_mask))
        parts.append(_restore_frame(*frame, settings, partial(_share_done, progress, index, count)))
    return LockResult(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("image", "edit_mask", "aligned", "found", "spill")
        ),
        tuple(part.drift[0] for part in parts),
    )


def _check(original: Tensor, edited: Tensor, sensitivity: float, edit_mask: Tensor | None, lock_mask: Tensor | None):
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"sensitivity is {sensitivity}; expected 0 (only strong changes) to 1 (faint ones too)")
    if len(edited) != len(original) and 1 not in (len(edited), len(original)):
        raise ValueError(f"edited has {len(edited)} frames but original has {len(original)}; connect 1 or as many")
    count = max(len(original), len(edited))
    for name, mask in (("edit_mask", edit_mask), ("lock_mask", lock_mask)):
        if mask is None:
            continue
        if mask.shape[2:] != original.shape[2:]:
            size = "{}x{}".format(*mask.shape[:1:-1])
            raise ValueError(
                f"{name} is {size} but original is {original.shape[3]}x{original.shape[2]} (WxH); "
                "masks are drawn on the original: resize the mask to it"
            )
        if len(mask) not in (1, count):
            raise ValueError(
                f"{name} has {len(mask)} frames but there are {count}; connect 1 mask or one for each frame"
            )


def _frame_of(batch: Tensor | None, index: int) -> Tensor | None:
    return None if batch is None else batch[min(index, len(batch) - 1)][None]


@dataclass(frozen=True)
class _Settings:
    """What `restore` was asked for."""

    align: str
    match_color: bool
    match_detail: bool
    sensitivity: float


def _share_done(progress: Callable[[float], None] | None, frame: int, frames: int, share: float) -> None:
    """Tell how much of all frames is done when a share of one is."""
    if progress:
        progress((frame + share) / frames)


def _restore_frame(original, edited, edit_mask, lock_mask, settings: _Settings, done: Callable[[float], None]):
    """`restore` for one frame; the shares of its time are those of a picture of 4 megapixels."""
    registration = register(
        original, edited, model=settings.align, ignore=edit_mask, progress=lambda share: done(0.45 * share)
    )[0]
    aligned, covered = resample(edited, [registration])
    done(0.55)
    work = _Work.of(original, aligned, covered, edit_mask)
    before = work.color_difference()
    if settings.match_color:
        aligned, work = _match(work, aligned)
    done(0.75)
    found = change.find(work.proof(), settings.sensitivity).to(original)
    done(0.8)
    allowed = found if edit_mask is None else edit_mask
    region = allowed if lock_mask is None else torch.where(lock_mask > 0, torch.zeros_like(allowed), allowed)
    as_it_is = settings.align == "off" and not settings.match_color and edit_mask is not None  # its own blend included
    detail = None
    if settings.match_detail and not as_it_is:
        detail = fit_detail(aligned, original, work.unchanged_at_full_size())
    aligned = aligned if detail is None else detail.apply(aligned)
    done(0.95)
    if as_it_is:
        image = restore_anchors(original, aligned, region)
    else:
        # A plain narrow ramp measured best of all seam methods: what remains of the drift is too small to hide.
        image, _ = feather(original, aligned, region, method="alpha", feather_px=FEATHER_PX)
        image = restore_anchors(original, image, region)
    spill = torch.zeros_like(found)
    if region is not found:  # `found` carries a margin; only what lies beyond it has left the region
        spill = found * (masks.grow((region > 0).float(), 2 * change.margin_px(found)) <= 0)
    changed = float((region > 0).float().mean())
    drift = FrameDrift(registration, before, work.color_difference(), changed, detail is not None)
    done(1.0)
    return LockResult(image, region, aligned, found, spill, (drift,))


@dataclass(frozen=True)
class _Work:
    """One frame pair on the grid of detection, and which of its pixels are unchanged."""

    original: Tensor  # (1, 3, h, w)
    aligned: Tensor
    raw_lab: np.ndarray  # (h, w, 3) OKLab; aligned before its colors were matched
    original_lab: np.ndarray  # (h, w, 3) OKLab
    trust: np.ndarray  # (h, w), see `change.clipping_trust`
    covered: np.ndarray  # (h, w) bool
    allowed: np.ndarray  # (h, w) bool: not known to be edited
    unchanged: np.ndarray  # (h, w) bool
    size: tuple[int, int]  # (width, height) of the full frame

    @classmethod
    def of(cls, original: Tensor, aligned: Tensor, covered: Tensor, edit_mask: Tensor | None) -> _Work:
        """Reduce both frames to the grid of detection and start from what looks alike."""
        height, width = original.shape[2:]
        factor = min(1.0, (change.DETECT_PIXELS / (width * height)) ** 0.5)
        grid = (round(width * factor), round(height * factor))
        a, b = (_reduce(image, grid) for image in (original, aligned))
        inside = cv2.resize(covered[0, 0].cpu().numpy().astype(np.uint8), grid, interpolation=cv2.INTER_NEAREST) > 0
        free = np.ones(inside.shape, bool)
        if edit_mask is not None:
            free = (
                cv2.resize((edit_mask[0, 0] > 0).cpu().numpy().astype(np.float32), grid, interpolation=cv2.INTER_AREA)
                == 0
            )
            free = free if free.mean() > 0.02 else np.ones(inside.shape, bool)
        # Interpolation and the frame's own border row spoil a few px: the mask is carried over them instead.
        inside_deep = cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0) > 0
        unchanged = change.unchanged_start(a, b, inside_deep & free)
        trust = change.clipping_trust(a, b)
        a, b = (torch.from_numpy(image).movedim(-1, 0)[None] for image in (a, b))
        return cls(a, b, _oklab(b), _oklab(a), trust, inside_deep, free, unchanged, (width, height))

    def with_aligned(self, aligned: Tensor, tolerance: float) -> _Work:
        """The same pair in other colors, and the unchanged pixels that these show; tolerance scales the limits."""
        work = replace(self, aligned=aligned)
        ratio = work.evidence().ratio / tolerance
        changed = masks.connected_to(ratio > change.SEED, ratio > change.REACH)
        near_change = masks.grow(torch.from_numpy(changed)[None, None], CHANGED_MARGIN_PX)[0, 0].numpy()
        unchanged = (ratio < INLIER) & self.covered & self.allowed & ~near_change
        return replace(work, unchanged=unchanged) if unchanged.mean() > 0.02 else work

    def evidence(self) -> change.Evidence:
        """How far the difference of each pixel is beyond the usual."""
        ratio = change.evidence(self.original_lab, _oklab(self.aligned), self.trust, self.covered, self.unchanged)
        return change.Evidence(ratio, self.covered, self.size)

    def proof(self) -> change.Evidence:
        """The evidence, less what errors of the color match explain."""
        found = self.evidence()
        known = self.trust, self.covered, self.unchanged
        ratio = misfit.discount(found.ratio, self.original_lab, _oklab(self.aligned), self.raw_lab, *known)
        return replace(found, ratio=ratio)

    def unchanged_at_full_size(self) -> Tensor:
        """(1, 1, H, W), 1 where a pixel is unchanged."""
        plane = cv2.resize(self.unchanged.astype(np.uint8), self.size, interpolation=cv2.INTER_NEAREST)
        return torch.from_numpy(plane)[None, None]

    def color_difference(self) -> float | None:
        """Median CIEDE2000 of unchanged pixels, in means of 3 x 3 px so that grain does not count."""
        if not self.unchanged.any():
            return None
        a, b = (srgb_to_lab(F.avg_pool2d(image, 3, ceil_mode=True)) for image in (self.original, self.aligned))
        unchanged = torch.from_numpy(self.unchanged[::3, ::3])
        return float(delta_e00(a, b)[0, 0][unchanged].median()) if unchanged.any() else None


def _oklab(image: Tensor) -> np.ndarray:
    """(1, 3, h, w) sRGB as float32 OKLab (h, w, 3)."""
    return srgb_to_oklab(image)[0].movedim(0, -1).contiguous().numpy()


def _reduce(image: Tensor, grid: tuple[int, int]) -> np.ndarray:
    """(1, 3, H, W) as float32 (h, w, 3) on a smaller grid."""
    array = image[0].float().movedim(0, -1).contiguous().cpu().numpy()
    return array if array.shape[1::-1] == grid else cv2.resize(array, grid, interpolation=cv2.INTER_AREA)


def _match(work: _Work, aligned: Tensor) -> tuple[Tensor, _Work]:
    """Fit color and light in turn on unchanged pixels, telling those anew each time, and apply both to the frame."""
    for fit, tolerance in ((_fit_color, 3), (fit_light, 2), (_fit_color, 1)):
        weight = torch.from_numpy(work.unchanged)[None, None]
        step = fit(work.aligned, work.original, weight)
        if step is None:
            continue
        aligned = step.apply(aligned).clamp(0, 1)
        work = work.with_aligned(step.apply(work.aligned).clamp(0, 1), tolerance)
    return aligned, work


def _fit_color(edited: Tensor, original: Tensor, weight: Tensor):
    # A small misregistration must not count.
    return fit_color(*(masks.gaussian_blur(image, 1.0) for image in (edited, original)), weight.float())
