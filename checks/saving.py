"""Files that are whole or not there, and the verdict beside its picture."""

from __future__ import annotations

import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from .anchors import to_levels
from .gate import Picture

MAX_NAME_BYTES = 200  # file systems take 255; number and ending still have to fit
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)  # devices on Windows
FORBIDDEN = set('<>:"|?*')  # on Windows; a colon also starts a drive or a hidden stream there
DIRECTION_CONTROLS = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make a name lie


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there; a failure leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files private; a saved picture is not
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_png(path: Path, image: Tensor, metadata: dict | None = None) -> None:
    """Save one IMAGE frame (H, W, C) as 8-bit PNG with the values that ComfyUI's Save Image writes (truncated)."""
    levels = to_levels(image.float().cpu()).byte().contiguous().numpy()
    info = PngInfo()
    for key, value in (metadata or {}).items():
        info.add_text(key, json.dumps(value))
    write_atomically(path, lambda temporary: Image.fromarray(levels).save(temporary, pnginfo=info, compress_level=4))


def check_prefix(prefix: str) -> str:
    """A file name prefix with `/` between folders, safe on every system and inside whatever folder it is used in.

    Letters of every script are fine. A name is refused rather than cleaned: a file under another name than asked for
    is a file that a script does not find.

    Raises:
        ValueError: says which part is refused, and why.
    """
    parts = prefix.replace("\\", "/").split("/")
    if parts[0] == "" or any(part in (".", "..") for part in parts):
        raise ValueError(f"filename_prefix {prefix!r} leads out of the output folder; use a name inside it")
    for part in parts:
        problem = _name_problem(part)
        if problem:
            raise ValueError(f"filename_prefix {prefix[:80]!r}: {problem}; use a plain name such as edit_first/strike")
    return "/".join(parts)


def _name_problem(name: str) -> str | None:
    """What speaks against one folder's or file's name, or None."""
    bad = sorted(
        {c for c in name if c in FORBIDDEN or c in DIRECTION_CONTROLS or unicodedata.category(c) in ("Cc", "Cs")}
    )
    if not name:
        return "a name between slashes, or the last one, is empty"
    if bad:
        return f"{name[:40]!r} holds {' '.join(ascii(c) for c in bad[:5])}, which not every system can store"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"{name[:20]!r}... has {len(name.encode())} bytes, at most {MAX_NAME_BYTES} fit"
    if RESERVED.fullmatch(name):
        return f"{name!r} is the name of a device on Windows"
    if name[0] in ". " or name[-1] in ". ":
        return f"{name!r} starts or ends with a dot or a space, which systems hide or drop"
    return None


def save_verdict(
    folder: Path,
    stem: str,
    number: int,
    frames: Tensor | None,
    pictures: list[Picture],
    to_dict: Callable[[list[Picture]], dict],
    metadata: dict | None = None,
) -> tuple[list[Picture], Path]:
    """Write pictures and, beside the first one, the verdict: `<stem>_00001_.png` and `<stem>_00001_.json`.

    The verdict is written last, and a failure takes back the pictures: no picture lies there without its verdict.

    Args:
        folder: where to; made if need be.
        stem: checked by `check_prefix`.
        number: the first picture's; those of a batch count on.
        frames: IMAGE (B, H, W, C) to be saved; None saves the verdict alone.
        pictures: facts of the frames.
        to_dict: the verdict as JSON value, for the pictures with their file names.
        metadata: goes into every PNG.

    Returns:
        The pictures with their file names, and the verdict's path.

    Raises:
        OSError: says what could not be written, and why.
    """
    saved: list[Path] = []
    verdict = folder / f"{stem}_{number:05}_.json"
    try:
        for frame in frames if frames is not None else ():
            path = folder / f"{stem}_{number + len(saved):05}_.png"
            write_png(path, frame, metadata)
            saved.append(path)
        named = [replace(p, file=path.name) for p, path in zip(pictures, saved, strict=True)] if saved else pictures
        write_text(verdict, json.dumps(to_dict(named), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        for path in saved:
            path.unlink(missing_ok=True)
        raise cannot_write(verdict.name, folder, error) from error
    return named, verdict


def cannot_write(name: str, folder: Path | str, error: OSError) -> OSError:
    """The error that tells a person what could not be written, why, and what to do."""
    reason = error.strerror or str(error)
    return OSError(
        f"cannot write {name} into {folder}: {reason}; nothing was left there. "
        f"Free space, or give a filename_prefix where writing is allowed"
    )
