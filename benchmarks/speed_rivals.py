"""What other packs and libraries do in the place of a node, from their own code, for `speed.py` to time.

RIVALS_PATH names a folder with a checkout `ComfyUI-Inpaint-CropAndStitch`, COMFYUI_PATH a ComfyUI; color-matcher is
imported where it is installed. What is absent is told so.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

Call = Callable[[], object]


def stand_in_for_comfy() -> types.ModuleType:
    """As much of ComfyUI as the rivals ask for, on the CPU."""
    comfy = types.ModuleType("comfy")
    device, dtype = (lambda: torch.device("cpu")), (lambda: torch.float32)
    bar = type("ProgressBar", (), {"__init__": lambda self, total: None, "update": lambda self, steps: None})
    comfy.model_management = types.SimpleNamespace(
        get_torch_device=device, intermediate_device=device, intermediate_dtype=dtype
    )
    comfy.utils = types.SimpleNamespace(ProgressBar=bar)
    return comfy


def seamless_clone(pool: dict) -> Call:
    seam, scene = importlib.import_module("seam"), _scene(pool)
    return lambda: seam.seamless_clone(scene)


def core_composite(pool: dict) -> Call:
    rivals = importlib.import_module("placement_rivals")
    path = Path(os.environ["COMFYUI_PATH"]) / "comfy_extras" / "nodes_mask.py"
    comfy = stand_in_for_comfy()
    utils = rivals.definitions(
        path.parents[1] / "comfy" / "utils.py", {"repeat_to_batch_size"}, {**rivals.GIVEN, "math": math}
    )
    comfy.utils.repeat_to_batch_size = utils["repeat_to_batch_size"]
    composite = rivals.definitions(path, {"composite"}, {**rivals.GIVEN, "comfy": comfy})["composite"]
    original, edited, mask = pool["original"], pool["edited"], pool["edit_mask"]
    return lambda: composite(original.clone().movedim(-1, 1), edited.movedim(-1, 1), 0, 0, mask, 1, False)


def color_transfer(pool: dict) -> Call:
    """Core's Color Transfer, by Reinhard's method."""
    rivals, path = importlib.import_module("placement_rivals"), Path(os.environ["COMFYUI_PATH"])
    kornia = importlib.import_module("kornia")
    io = types.SimpleNamespace(ComfyNode=object, NodeOutput=lambda *values: values, Schema=object)
    given = {**rivals.GIVEN, "comfy": stand_in_for_comfy(), "kornia": kornia, "io": io}
    path = path / "comfy_extras" / "nodes_post_processing.py"
    node = rivals.definitions(path, {"ColorTransfer"}, given)["ColorTransfer"]
    options = ("reinhard_lab", {"source_stats": "per_frame"}, 1.0)
    return lambda: node.execute(pool["edited"], pool["original"], *options)


def color_matcher(pool: dict) -> Call:
    """What KJNodes' Color Match calls, by its default method."""
    matcher = importlib.import_module("color_matcher").ColorMatcher
    edited, original = (pool[name][0].double().numpy() for name in ("edited", "original"))
    return lambda: matcher().transfer(src=edited, ref=original, method="mkl")


def crop_and_stitch(pool: dict, *, stitching: bool) -> Call:
    """Inpaint Crop and Stitch, on the same mask and for a crop of the same size."""
    comfy = stand_in_for_comfy()
    sys.modules.update({"comfy": comfy, "comfy.utils": comfy.utils, "comfy.model_management": comfy.model_management})
    nodes = sys.modules["nodes"] = types.ModuleType("nodes")
    nodes.MAX_RESOLUTION = 16384
    seam = importlib.import_module("seam")
    folder = Path(os.environ["RIVALS_PATH"]) / "ComfyUI-Inpaint-CropAndStitch"
    module = seam.load(folder / "inpaint_cropandstitch.py", "rival_crop_and_stitch")
    crop, stitch = module.InpaintCropImproved(), module.InpaintStitchImproved()
    height, width = pool["patch"].shape[1:3]
    options = {**seam.CROP_AND_STITCH, "output_resize_to_target_size": True}
    options |= {"output_target_width": width, "output_target_height": height}
    cropping = lambda: crop.inpaint_crop(pool["original"], mask=pool["edit_mask"], **options)  # noqa: E731
    if not stitching:
        return cropping
    stitcher, patch, *_ = cropping()
    return lambda: stitch.inpaint_stitch(stitcher, patch)


def save_image(pool: dict) -> Call:
    """What core's Save Image does with a frame."""
    image_class, folder = importlib.import_module("PIL.Image"), tempfile.mkdtemp()

    def save() -> None:
        array = np.clip(255.0 * pool["image"][0].numpy(), 0, 255).astype(np.uint8)
        image_class.fromarray(array).save(Path(folder) / "frame.png", compress_level=4)

    return save


def _scene(pool: dict) -> types.SimpleNamespace:
    original, edited = (pool[name].movedim(-1, 1) for name in ("original", "edited"))
    return types.SimpleNamespace(original=original, edited=edited, mask=pool["edit_mask"][:, None])


RIVALS: dict[str, dict[str, Callable[[dict], Call]]] = {
    "EditFirst_SeamFeather": {"cv2.seamlessClone": seamless_clone, "core Image Composite Masked": core_composite},
    "EditFirst_LightingHarmonize": {"core Color Transfer": color_transfer, "color-matcher": color_matcher},
    "EditFirst_RegionCrop": {"Inpaint Crop": lambda pool: crop_and_stitch(pool, stitching=False)},
    "EditFirst_RegionStitch": {"Inpaint Stitch": lambda pool: crop_and_stitch(pool, stitching=True)},
    "EditFirst_QualityGate": {"core Save Image": save_image},
}
