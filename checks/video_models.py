"""What image-to-video nodes expect of a still: canvas, grids, and what they do to it on the way in.

Facts of ComfyUI 0.33.0, `comfy_extras` and `comfy_api_nodes`. The names are saved in workflows: they never change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class VideoModel:
    """One way of making a clip from a still."""

    name: str  # as the node offers it
    nodes: str  # the ComfyUI nodes that take the still
    canvas: tuple[int, int] | None  # width and height by default; None = any shape, of `area_px`
    multiple_of: int = 16  # px; width and height must be divisible
    frame_step: int = 4  # clips have a multiple of this many frames, plus `frame_offset`
    frame_offset: int = 1
    resize: str = "bilinear"  # what shrinks or enlarges the still
    crop: bool = True  # False: the still is stretched
    compresses: bool = False  # the still is sent through a video codec first, so that its own blocks do not matter
    area_px: int = 832 * 480  # of the canvas on which a model of any shape is judged
    least_side_px: int = 1
    most_side_px: int | None = None
    most_aspect: float | None = None  # longer over shorter side
    aspect_excluded: bool = False  # a still of exactly that shape is refused, too

    def canvas_for(self, width: int, height: int) -> tuple[int, int]:
        """The canvas for a still. It turns with it: a portrait gets a portrait canvas."""
        if self.canvas is None:
            side = math.sqrt(self.area_px * width / height), math.sqrt(self.area_px * height / width)
            wide, high = (max(1, round(length / self.multiple_of)) * self.multiple_of for length in side)
            return wide, high
        short, long = sorted(self.canvas)
        if width == height:
            return self.canvas
        return (long, short) if width > height else (short, long)


def _api(name: str, nodes: str, **limits) -> VideoModel:
    """A model behind an API: it crops and resizes on its own server, unseen; judged at 720p in the still's shape."""
    return VideoModel(name, nodes, None, area_px=1280 * 720, resize="area", **limits)


ANY_MODEL = "any video model"
VIDEO_MODELS = (
    VideoModel(ANY_MODEL, "", None, resize="area"),
    VideoModel("Wan 480p (832x480)", "WanImageToVideo, WanFirstLastFrameToVideo, ARVideoI2V", (832, 480)),
    VideoModel("Wan 720p (1280x720)", "WanImageToVideo, WanFirstLastFrameToVideo", (1280, 720)),
    VideoModel("Wan 2.2 5B (1280x704)", "Wan22ImageToVideoLatent", (1280, 704), multiple_of=32),
    VideoModel("Wan Animate (832x480)", "WanAnimateToVideo, WanAnimate2ToVideo", (832, 480), resize="area"),
    VideoModel("Wan SCAIL (896x512)", "WanSCAILToVideo", (896, 512), multiple_of=32, resize="bicubic"),
    VideoModel("LTX-Video (768x512)", "LTXVImgToVideo", (768, 512), 32, 8, compresses=True),
    # A two-stage graph halves the size first: multiples of 64 avoid a second, hidden crop.
    VideoModel("LTX-2 (1280x704)", "LTXVImgToVideoInplace", (1280, 704), 64, 8, compresses=True),
    VideoModel("HunyuanVideo (848x480)", "HunyuanImageToVideo, HunyuanVideo15ImageToVideo", (848, 480)),
    VideoModel("HunyuanVideo 720p (1280x720)", "HunyuanImageToVideo, HunyuanVideo15ImageToVideo", (1280, 720)),
    VideoModel("Cosmos (1280x704)", "CosmosImageToVideoLatent", (1280, 704), frame_step=8),
    VideoModel("Cosmos Predict2 (848x480)", "CosmosPredict2ImageToVideoLatent", (848, 480)),
    VideoModel("Kandinsky 5 (768x512)", "Kandinsky5ImageToVideo", (768, 512)),
    VideoModel("MiniMax H3 (1344x768)", "MiniMaxH3ImageToVideo", (1344, 768), 32, 17, 5, "lanczos", crop=False),
    VideoModel("Stable Video Diffusion (1024x576)", "SVD_img2vid_Conditioning", (1024, 576), 8, 1, 0),
    _api("Kling API", "Kling nodes", least_side_px=300, most_aspect=2.5, aspect_excluded=True),
    _api("Runway API", "Runway nodes", most_side_px=7999, most_aspect=2.0, aspect_excluded=True),
    _api("Seedance API", "ByteDance nodes", least_side_px=300, most_side_px=6000, most_aspect=2.5),
    _api("MiniMax Hailuo API", "MiniMax nodes", least_side_px=256, most_aspect=2.5),
    _api("Vidu API", "Vidu nodes", most_aspect=4.0, aspect_excluded=True),
    _api("Flux 3 Video API", "Flux3ImageToVideoNode", least_side_px=256, most_aspect=64.0),
    _api("HappyHorse API", "HappyHorseImageToVideoApi", least_side_px=300, most_aspect=2.5),
)
_BY_NAME = {model.name: model for model in VIDEO_MODELS}
NAMES = tuple(_BY_NAME)


def video_model(name: str) -> VideoModel:
    """A model by its name.

    Raises:
        ValueError: unknown; names the choices.
    """
    if name not in _BY_NAME:
        raise ValueError(f"video_model is '{name}'; choose one of {', '.join(NAMES)}")
    return _BY_NAME[name]
