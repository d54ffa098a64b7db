"""`python . check`: the checks on files, for pipelines."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from ..checks.edit import check_edit
from ..checks.report import Report
from ..imaging import color
from . import files

EXIT_STATUS = {"pass": 0, "warn": 1, "fail": 2}
UNREADABLE = 4


def main(options) -> int:
    """Compare two files; prints the findings and returns the exit status."""
    try:
        report = check_files(
            options.after,
            options.before,
            mask=options.mask,
            lock=options.lock,
            brand_colors=color.parse_colors(options.brand_colors),
        )
    except (OSError, ValueError) as error:
        print(f"edit-first: {error}", file=sys.stderr)
        return UNREADABLE
    print(report.to_json() if options.json else report.text(options.level))
    return EXIT_STATUS[report.verdict(options.level)]


def check_files(
    after: Path, before: Path, *, mask: Path | None = None, lock: Path | None = None, brand_colors: list[str] = ()
) -> Report:
    """Report on an edited picture against its original.

    Raises:
        OSError: a file cannot be read.
        ValueError: sizes differ.
    """
    original, image = _read_picture(before), _read_picture(after)
    if original.shape != image.shape:
        raise ValueError(
            f"{after} is {_size(image)} but {before} is {_size(original)} (WxH); check pictures of one size"
        )
    edit = torch.zeros_like(image[:, :1]) if mask is None else _read_mask(mask, image)
    locked = None if lock is None else _read_mask(lock, image)
    result = check_edit(original, image, edit, lock_mask=locked, brand_colors=brand_colors)
    return Report(inputs={"image": after.name, "original": before.name}) + result.report


def _size(image: Tensor) -> str:
    return f"{image.shape[3]}x{image.shape[2]}"


def _read_picture(path: Path) -> Tensor:
    return files.read_image(path)[0].movedim(3, 1)


def _read_mask(path: Path, image: Tensor) -> Tensor:
    """A mask file: its transparency where it has any, else its brightness."""
    colors, alpha = files.read_image(path)
    mask = alpha if alpha.shape[1:] == colors.shape[1:3] and alpha.any() else colors[..., 0]
    if mask.shape[1:] != image.shape[2:]:
        raise ValueError(f"{path} is {mask.shape[2]}x{mask.shape[1]} but the picture is {_size(image)} (WxH)")
    return mask[:, None]
