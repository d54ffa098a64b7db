"""The core image nodes that model-free workflows use, with ComfyUI's ids, inputs and results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from comfy_api.latest import io
from PIL import Image

from . import files

MAX_SIDE = 16384


def node(
    node_id: str,
    display_name: str,
    inputs: list,
    outputs: list,
    *,
    output_node: bool = False,
    input_list: bool = False,
):
    """Declare a function as a node class."""

    def declare(function):
        def define_schema(cls) -> io.Schema:
            return io.Schema(
                node_id=node_id,
                display_name=display_name,
                inputs=inputs,
                outputs=outputs,
                is_output_node=output_node,
                is_input_list=input_list,
            )

        members = {"define_schema": classmethod(define_schema), "execute": classmethod(function)}
        return type(node_id, (io.ComfyNode,), members)

    return declare


@node("LoadImage", "Load Image", [io.String.Input("image")], [io.Image.Output("IMAGE"), io.Mask.Output("MASK")])
def LoadImage(cls, image):
    return io.NodeOutput(*files.read_image(files.find_input(image)))


@node(
    "LoadImageMask",
    "Load Image (as Mask)",
    [io.String.Input("image"), io.Combo.Input("channel", options=["alpha", "red", "green", "blue"])],
    [io.Mask.Output("MASK")],
)
def LoadImageMask(cls, image, channel):
    colors, mask = files.read_image(files.find_input(image))
    if channel == "alpha":
        return io.NodeOutput(mask)
    return io.NodeOutput(colors[..., ("red", "green", "blue").index(channel)])


@node(
    "SaveImage",
    "Save Image",
    [io.Image.Input("images"), io.String.Input("filename_prefix", default="ComfyUI")],
    [],
    output_node=True,
)
def SaveImage(cls, images, filename_prefix="ComfyUI"):
    paths = files.save_images(images, filename_prefix, cls.hidden.prompt)
    return io.NodeOutput(ui={"images": _saved(paths, filename_prefix)})


def _saved(paths: list[Path], filename_prefix: str) -> list[dict]:
    """Files in the output folder as `/history` lists them."""
    subfolder = Path(filename_prefix).parent.as_posix()
    return [{"filename": path.name, "subfolder": subfolder, "type": "output"} for path in paths]


@node("PreviewImage", "Preview Image", [io.Image.Input("images")], [], output_node=True)
def PreviewImage(cls, images):
    return io.NodeOutput()


@node("MaskPreview", "Preview Mask", [io.Mask.Input("mask")], [io.Mask.Output("mask")], output_node=True)
def MaskPreview(cls, mask):
    return io.NodeOutput(mask)


@node("PreviewAny", "Preview as Text", [io.AnyType.Input("source")], [io.String.Output("STRING")], output_node=True)
def PreviewAny(cls, source):
    text = source if isinstance(source, str) else str(source)
    return io.NodeOutput(text, ui={"text": (text,)})


@node("MaskToImage", "Convert Mask to Image", [io.Mask.Input("mask")], [io.Image.Output("IMAGE")])
def MaskToImage(cls, mask):
    return io.NodeOutput(mask.reshape(-1, *mask.shape[-2:], 1).expand(-1, -1, -1, 3))


@node(
    "ImageToMask",
    "Convert Image to Mask",
    [io.Image.Input("image"), io.Combo.Input("channel", options=["red", "green", "blue", "alpha"])],
    [io.Mask.Output("MASK")],
)
def ImageToMask(cls, image, channel):
    return io.NodeOutput(image[..., ("red", "green", "blue", "alpha").index(channel)])


@node("InvertMask", "Invert Mask", [io.Mask.Input("mask")], [io.Mask.Output("MASK")])
def InvertMask(cls, mask):
    return io.NodeOutput(1 - mask)


@node("ImageInvert", "Invert Image Colors", [io.Image.Input("image")], [io.Image.Output("IMAGE")])
def ImageInvert(cls, image):
    return io.NodeOutput(1 - image)


@node(
    "ImageBlur",
    "Blur Image",
    [
        io.Image.Input("image"),
        io.Int.Input("blur_radius", default=1, min=1, max=31),
        io.Float.Input("sigma", default=1.0, min=0.1, max=10.0, step=0.1),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageBlur(cls, image, blur_radius, sigma):
    axis = torch.linspace(-1, 1, 2 * blur_radius + 1)
    kernel = torch.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[3], 1, -1, -1)
    padded = F.pad(image.movedim(3, 1), (blur_radius,) * 4, "reflect")
    return io.NodeOutput(F.conv2d(padded, kernel, groups=image.shape[3]).movedim(1, 3))


@node(
    "SolidMask",
    "Solid Mask",
    [
        io.Float.Input("value", default=1.0, min=0.0, max=1.0, step=0.01),
        io.Int.Input("width", default=512, min=1, max=MAX_SIDE),
        io.Int.Input("height", default=512, min=1, max=MAX_SIDE),
    ],
    [io.Mask.Output("MASK")],
)
def SolidMask(cls, value, width, height):
    return io.NodeOutput(torch.full((1, height, width), value))


@node(
    "FeatherMask",
    "Feather Mask",
    [
        io.Mask.Input("mask"),
        *(io.Int.Input(name, default=0, min=0, max=MAX_SIDE) for name in ("left", "top", "right", "bottom")),
    ],
    [io.Mask.Output("MASK")],
)
def FeatherMask(cls, mask, left, top, right, bottom):
    height, width = mask.shape[-2:]
    x, y = torch.arange(1, width + 1), torch.arange(1, height + 1)[:, None]
    for distance, depth in ((x, left), (y, top), (x.flip(0), right), (y.flip(0), bottom)):
        mask = mask * (distance / max(1, min(depth, distance.numel()))).clamp(max=1)
    return io.NodeOutput(mask)


@node(
    "ImageScale",
    "Upscale Image",
    [
        io.Image.Input("image"),
        io.Combo.Input("upscale_method", options=["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]),
        io.Int.Input("width", default=512, min=0, max=MAX_SIDE),
        io.Int.Input("height", default=512, min=0, max=MAX_SIDE),
        io.Combo.Input("crop", options=["disabled", "center"]),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageScale(cls, image, upscale_method, width, height, crop):
    if crop == "center":
        raise ValueError("headless Upscale Image knows no center crop; switch it off, or run in ComfyUI")
    if width == 0 and height == 0:
        return io.NodeOutput(image)
    width = width or max(1, round(image.shape[2] * height / image.shape[1]))
    height = height or max(1, round(image.shape[1] * width / image.shape[2]))
    if upscale_method == "lanczos":
        return io.NodeOutput(_lanczos(image, width, height))
    return io.NodeOutput(F.interpolate(image.movedim(3, 1), (height, width), mode=upscale_method).movedim(1, 3))


def _lanczos(image: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Pillow's filter on 8-bit levels, as ComfyUI does it."""
    frames = []
    for frame in image:
        levels = np.clip(255.0 * frame.numpy(), 0, 255).astype(np.uint8)
        picture = Image.fromarray(levels).resize((width, height), Image.Resampling.LANCZOS)
        frames.append(torch.from_numpy(np.asarray(picture).astype(np.float32) / 255))
    return torch.stack(frames)


@node(
    "GetImageSize",
    "Get Image Size",
    [io.Image.Input("image")],
    [io.Int.Output("width"), io.Int.Output("height"), io.Int.Output("batch_size")],
)
def GetImageSize(cls, image):
    return io.NodeOutput(image.shape[2], image.shape[1], image.shape[0])


MatchType = io.Custom("COMFY_MATCHTYPE_V3")


@node(
    "ComfySwitchNode",
    "If/Else Switch",
    [io.Boolean.Input("switch"), MatchType.Input("on_false", lazy=True), MatchType.Input("on_true", lazy=True)],
    [io.AnyType.Output("output")],  # as ComfyUI describes it
)
def ComfySwitchNode(cls, switch, on_false=None, on_true=None):
    return io.NodeOutput(on_true if switch else on_false)


def _wanted(cls, switch, on_false=None, on_true=None) -> list[str]:
    return ["on_true" if switch else "on_false"]


ComfySwitchNode.check_lazy_status = classmethod(_wanted)


@node(
    "ImageCompositeMasked",
    "Image Composite Masked",
    [
        io.Image.Input("destination"),
        io.Image.Input("source"),
        io.Int.Input("x", default=0, min=0, max=MAX_SIDE),
        io.Int.Input("y", default=0, min=0, max=MAX_SIDE),
        io.Boolean.Input("resize_source", default=False),
        io.Mask.Input("mask", optional=True),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageCompositeMasked(cls, destination, source, x, y, resize_source, mask=None):
    result, source = destination.clone(), source.movedim(3, 1)
    if resize_source:
        source = F.interpolate(source, destination.shape[1:3], mode="bilinear")
    alpha = torch.ones_like(source[:, :1]) if mask is None else mask.reshape(-1, 1, *mask.shape[-2:])
    alpha = F.interpolate(alpha, source.shape[2:], mode="bilinear").movedim(1, 3)
    source = source.movedim(1, 3)
    height, width = min(source.shape[1], result.shape[1] - y), min(source.shape[2], result.shape[2] - x)
    below = result[:, y : y + height, x : x + width]
    alpha, source = alpha[:, :height, :width], source[:, :height, :width]
    result[:, y : y + height, x : x + width] = alpha * source + (1 - alpha) * below
    return io.NodeOutput(result)


@node(
    "EmptyImage",
    "EmptyImage",
    [
        io.Int.Input("width", default=512, min=1, max=MAX_SIDE),
        io.Int.Input("height", default=512, min=1, max=MAX_SIDE),
        io.Int.Input("batch_size", default=1, min=1, max=4096),
        io.Int.Input("color", default=0, min=0, max=0xFFFFFF),
    ],
    [io.Image.Output("IMAGE")],
)
def EmptyImage(cls, width, height, batch_size, color):
    channels = torch.tensor([color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF]) / 0xFF
    return io.NodeOutput(channels.expand(batch_size, height, width, 3).clone())


def _scale_and_crop(image, height, width):
    """To a size by cutting off what its aspect has no room for, as `comfy.utils.common_upscale` does."""
    aspect, wanted = image.shape[3] / image.shape[2], width / height
    x = max(0, round(image.shape[3] * (1 - wanted / aspect) / 2))
    y = max(0, round(image.shape[2] * (1 - aspect / wanted) / 2))
    return F.interpolate(image[..., y : image.shape[2] - y, x : image.shape[3] - x], (height, width), mode="bicubic")


def _soft_light(below, above):
    darker = torch.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, below.sqrt())
    return torch.where(
        above <= 0.5, below - (1 - 2 * above) * below * (1 - below), below + (2 * above - 1) * (darker - below)
    )


BLEND_MODES = {
    "normal": lambda below, above: above,
    "multiply": lambda below, above: below * above,
    "screen": lambda below, above: 1 - (1 - below) * (1 - above),
    "overlay": lambda below, above: torch.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above)),
    "soft_light": _soft_light,
    "difference": lambda below, above: below - above,
}


@node(
    "ImageBlend",
    "Blend Images",
    [
        io.Image.Input("image1"),
        io.Image.Input("image2"),
        io.Float.Input("blend_factor", default=0.5, min=0.0, max=1.0, step=0.01),
        io.Combo.Input("blend_mode", options=list(BLEND_MODES)),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageBlend(cls, image1, image2, blend_factor, blend_mode):
    below, above = image1[..., :3], image2[..., :3]
    if below.shape[1:] != above.shape[1:]:
        above = _scale_and_crop(above.movedim(3, 1), *below.shape[1:3]).movedim(1, 3)
    blended = BLEND_MODES[blend_mode](below, above)
    return io.NodeOutput((below * (1 - blend_factor) + blended * blend_factor).clamp(0, 1))


@node(
    "CreateList",
    "Create List",
    [io.Autogrow.Input("inputs", template=io.Autogrow.TemplatePrefix(io.AnyType.Input("input"), prefix="input"))],
    [io.AnyType.Output("list", is_output_list=True)],
    input_list=True,
)
def CreateList(cls, inputs):
    return io.NodeOutput([value for values in inputs.values() for value in values])


@node(
    "ImageFromBatch",
    "Get Image from Batch",
    [
        io.Image.Input("image"),
        io.Int.Input("batch_index", default=0, min=-MAX_SIDE, max=MAX_SIDE),
        io.Int.Input("length", default=1, min=1, max=4096),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageFromBatch(cls, image, batch_index, length):
    first = batch_index + len(image) if batch_index < 0 else batch_index
    first = max(0, min(len(image) - 1, first))
    return io.NodeOutput(image[first : first + length].clone())


@node(
    "RepeatImageBatch",
    "Repeat Image Batch",
    [io.Image.Input("image"), io.Int.Input("amount", default=1, min=1, max=4096)],
    [io.Image.Output("IMAGE")],
)
def RepeatImageBatch(cls, image, amount):
    return io.NodeOutput(image.repeat(amount, 1, 1, 1))


@node(
    "ImageAddNoise",
    "Add Noise to Image",
    [
        io.Image.Input("image"),
        io.Int.Input("seed", default=0, min=0, max=0xFFFFFFFFFFFFFFFF),
        io.Float.Input("strength", default=0.5, min=0.0, max=1.0, step=0.01),
    ],
    [io.Image.Output("IMAGE")],
)
def ImageAddNoise(cls, image, seed, strength):
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return io.NodeOutput((image + strength * noise.to(image)).clamp(0, 1))


@node(
    "SaveAnimatedWEBP",
    "Save Animated WEBP",
    [
        io.Image.Input("images"),
        io.String.Input("filename_prefix", default="ComfyUI"),
        io.Float.Input("fps", default=6.0, min=0.01, max=1000.0, step=0.01),
        io.Boolean.Input("lossless", default=True),
        io.Int.Input("quality", default=80, min=0, max=100),
        io.Combo.Input("method", options=["default", "fastest", "slowest"]),
    ],
    [io.Image.Output("images")],
    output_node=True,
)
def SaveAnimatedWEBP(cls, images, fps, filename_prefix, lossless, quality, method):
    effort = {"default": 4, "fastest": 0, "slowest": 6}[method]
    path = files.save_webp(images, filename_prefix, fps=fps, lossless=lossless, quality=quality, method=effort)
    return io.NodeOutput(images, ui={"images": _saved([path], filename_prefix), "animated": (True,)})


NODES = [
    LoadImage,
    LoadImageMask,
    SaveImage,
    PreviewImage,
    MaskPreview,
    PreviewAny,
    MaskToImage,
    ImageToMask,
    InvertMask,
    ImageInvert,
    ImageBlur,
    SolidMask,
    FeatherMask,
    ImageScale,
    GetImageSize,
    ComfySwitchNode,
    ImageCompositeMasked,
    EmptyImage,
    ImageBlend,
    CreateList,
    ImageFromBatch,
    RepeatImageBatch,
    ImageAddNoise,
    SaveAnimatedWEBP,
]
