"""Clips on disk: a folder of frames, or a video file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from . import files
from .check_jobs import pictures_in


def read_clip(path: Path) -> Tensor:
    """All frames of a clip as a library image (B, 3, H, W).

    Raises:
        OSError: no frames, frames of different sizes, or a video that OpenCV cannot read.
    """
    return _read_folder(path) if path.is_dir() else _read_video(path)


def _read_folder(folder: Path) -> Tensor:
    paths = pictures_in(folder)
    if not paths:
        raise OSError(f"{folder} holds no frames; expected pictures, one for each frame")
    frames = []
    for path in paths:
        frame = files.read_image(path)[0].movedim(3, 1)
        if frames and frame.shape != frames[0].shape:
            size, first = (f"{f.shape[3]}x{f.shape[2]}" for f in (frame, frames[0]))
            raise OSError(f"{path} is {size} but the first frame is {first} (WxH); frames are of one size")
        frames.append(frame)
    return torch.cat(frames)


def _read_video(path: Path) -> Tensor:
    video = cv2.VideoCapture(str(path))
    frames = []
    try:
        while True:
            more, frame = video.read()
            if not more:
                break
            frames.append(torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).movedim(2, 0))
    finally:
        video.release()
    if not frames:
        raise OSError(f"{path} is not a video that OpenCV can read; give a folder of its frames instead")
    return torch.stack(frames).float() / 255
