"""One job of `python . check`: read its files, run the checks that apply to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..checks.edit import check_edit
from ..checks.report import Report
from . import files
from .check_jobs import Job
from .clips import read_clip


@dataclass(frozen=True)
class Settings:
    """What is asked of every file."""

    level: str
    brand_colors: tuple[str, ...] = ()
    video_model: str | None = None  # also judge pictures as first frames of a clip


def check_job(job: Job, settings: Settings) -> Report:
    """Report on a picture against its original, on a still, or on a clip.

    Raises:
        OSError: a file cannot be read.
        ValueError: sizes differ.
    """
    if job.clip:
        return _check_clip(job, settings)
    report = Report(inputs={"image": job.after.name})
    if job.before:
        report += _check_edit(job, settings)
    if settings.video_model:
        report += _check_still(job, settings)
    return report


def _check_edit(job: Job, settings: Settings) -> Report:
    original, image = read_picture(job.before), read_picture(job.after)
    if original.shape != image.shape:
        raise ValueError(
            f"{job.after} is {_size(image)} but {job.before} is {_size(original)} (WxH); check pictures of one size"
        )
    edit = torch.zeros_like(image[:, :1]) if job.mask is None else read_mask(job.mask, image)
    locked = None if job.lock is None else read_mask(job.lock, image)
    result = check_edit(original, image, edit, lock_mask=locked, brand_colors=settings.brand_colors)
    return Report(inputs={"original": job.before.name}) + result.report


def _check_still(job: Job, settings: Settings) -> Report:
    from ..checks.motion import check_motion

    image = read_picture(job.after)
    edit = None if job.mask is None else read_mask(job.mask, image)
    return check_motion(image, settings.level, settings.video_model, edit_mask=edit).report


def _check_clip(job: Job, settings: Settings) -> Report:
    from ..checks.coherence import check_coherence

    frames = read_clip(job.after)
    edit = torch.zeros_like(frames[:1, :1]) if job.mask is None else read_mask(job.mask, frames)
    still = None if job.before is None else read_picture(job.before)
    result = check_coherence(frames, edit, level=settings.level, still=still)
    return Report(inputs={"clip": job.after.name}) + result.report


def _size(image: Tensor) -> str:
    return f"{image.shape[3]}x{image.shape[2]}"


def read_picture(path: Path) -> Tensor:
    """A picture file as library image (1, 3, H, W)."""
    return files.read_image(path)[0].movedim(3, 1)


def read_mask(path: Path, image: Tensor) -> Tensor:
    """A mask file (1, 1, H, W) for an image: its transparency where it has any, else its brightness.

    Raises:
        OSError: not a picture.
        ValueError: not the image's size.
    """
    colors, alpha = files.read_image(path)
    mask = alpha if alpha.shape[1:] == colors.shape[1:3] and alpha.any() else colors[..., 0]
    if mask.shape[1:] != image.shape[2:]:
        raise ValueError(f"{path} is {mask.shape[2]}x{mask.shape[1]} but the picture is {_size(image)} (WxH)")
    return mask[:, None]
