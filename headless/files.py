"""Pictures on disk: what Load Image and Save Image do in ComfyUI, inside folders that names cannot leave."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..checks.saving import write_atomically, write_png, write_text

__all__ = [
    "Folders",
    "find_input",
    "folders",
    "next_number",
    "read_image",
    "save_images",
    "write_atomically",
    "write_png",
    "write_text",
]


@dataclass(frozen=True)
class Folders:
    """Where a run reads and writes."""

    inputs: tuple[Path, ...]  # searched in order
    output: Path


folders: ContextVar[Folders] = ContextVar("folders")


def find_input(name: str) -> Path:
    """The file that Load Image means, from the input folders.

    Raises:
        ValueError: no such file there, or the name leads out of the folder.
    """
    name = re.sub(r" \[(input|output|temp)\]$", "", name)
    searched = folders.get().inputs
    for folder in searched:
        path = (folder / name).resolve()
        if path.is_file() and path.is_relative_to(folder.resolve()):
            return path
    places = ", ".join(str(folder) for folder in searched)
    raise ValueError(f"Invalid image file: {name}; put it into {places}, or name another folder with --input")


def read_image(path: Path) -> tuple[Tensor, Tensor]:
    """A picture as IMAGE (1, H, W, 3) and MASK (1, H, W) = 1 - alpha; without alpha a zero 64x64 mask.

    Raises:
        OSError: the file is missing or not a picture.
    """
    levels = _read_16_bit(path)
    if levels is None:
        try:
            with Image.open(path) as opened:
                picture = ImageOps.exif_transpose(opened)
                alpha = "A" in picture.getbands() or "transparency" in picture.info
                levels = np.asarray(picture.convert("RGBA" if alpha else "RGB"))
        except (UnidentifiedImageError, SyntaxError, ValueError) as error:
            raise OSError(f"{path} is not a picture that can be read ({error})") from None
    values = torch.from_numpy(levels.astype(np.float32) / np.iinfo(levels.dtype).max)[None]
    mask = 1 - values[..., 3] if values.shape[3] == 4 else torch.zeros(1, 64, 64)
    return values[..., :3].contiguous(), mask


def _read_16_bit(path: Path) -> np.ndarray | None:
    """RGB or RGBA of a 16-bit PNG, which Pillow would cut to 8 bit; None for any other file."""
    with open(path, "rb") as file:
        header = file.read(26)
    if header[:8] != b"\x89PNG\r\n\x1a\n" or header[24] != 16:
        return None
    levels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if levels is None:
        raise OSError(f"{path} is not a picture that can be read")
    if levels.ndim == 2:
        return np.repeat(levels[..., None], 3, 2)
    return cv2.cvtColor(levels, cv2.COLOR_BGRA2RGBA if levels.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def next_number(prefix: str) -> tuple[Path, str, int]:
    """Folder, name and first free number for `<prefix>_00001_`, counted over all files as ComfyUI does.

    Raises:
        ValueError: the prefix leads out of the output folder.
    """
    output = folders.get().output.resolve()
    target = (output / prefix).resolve()
    if not target.is_relative_to(output) or target == output:
        raise ValueError(f"filename_prefix '{prefix}' leads out of the output folder {output}; use a name inside it")
    pattern = re.compile(re.escape(target.name) + r"_(\d+)_?\..*")
    taken = [int(m[1]) for path in target.parent.glob("*") if (m := pattern.fullmatch(path.name))]
    return target.parent, target.name, max(taken, default=0) + 1


def save_images(images: Tensor, prefix: str, prompt: dict | None) -> list[Path]:
    """Save a batch under `<prefix>_00001_.png` and following numbers in the output folder.

    Raises:
        ValueError: the prefix leads out of the output folder.
    """
    folder, name, first = next_number(prefix)
    paths = []
    for number, frame in enumerate(images, first):
        path = folder / f"{name}_{number:05}_.png"
        write_png(path, frame, {"prompt": prompt} if prompt else None)
        paths.append(path)
    return paths


def save_webp(images: Tensor, prefix: str, *, fps: float, **options) -> Path:
    """Save a batch as one animated `<prefix>_00001_.webp` in the output folder; options are Pillow's.

    Raises:
        ValueError: the prefix leads out of the output folder.
    """
    folder, name, number = next_number(prefix)
    path = folder / f"{name}_{number:05}_.webp"
    levels = np.clip(255.0 * images[..., :3].float().cpu().numpy(), 0, 255).astype(np.uint8)
    first, *others = [Image.fromarray(frame) for frame in levels]
    more = {"save_all": True, "append_images": others, "duration": int(1000 / fps), **options}
    write_atomically(path, lambda temporary: first.save(temporary, **more))
    return path
