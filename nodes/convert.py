"""ComfyUI's tensors to the library's and back: (B, H, W, C) to (B, 3, H, W), (B, H, W) to (B, 1, H, W)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def size(tensor: Tensor) -> str:
    """Width x height of a library tensor, for messages."""
    return f"{tensor.shape[3]}x{tensor.shape[2]}"


def image_in(image: Tensor, name: str = "image") -> Tensor:
    """IMAGE to (B, 3, H, W) float32; an alpha channel is left behind (`image_out` re-attaches it).

    Raises:
        ValueError: not an image batch, or it holds values that are not numbers.
    """
    if image.ndim != 4 or image.shape[3] not in (1, 3, 4) or not image.numel():
        raise ValueError(f"{name} has shape {tuple(image.shape)}; expected (frames, height, width, 3 or 4 channels)")
    colors = image[..., :3].expand(-1, -1, -1, 3).movedim(3, 1).to(torch.float32)
    # A sum is not a number as soon as one value is none; only an overflow needs the look at every value.
    if not torch.isfinite(colors.sum()) and not torch.isfinite(colors).all():
        raise ValueError(f"{name} holds values that are not numbers (NaN or infinite); check the node that made it")
    return colors


def image_out(image: Tensor, like: Tensor) -> Tensor:
    """(B, 3, H, W) to IMAGE with the dtype and the alpha channel of the IMAGE it was made from."""
    image = image.movedim(1, 3).to(like.dtype)
    if like.shape[3] == 4 and like.shape[1:3] == image.shape[1:3]:
        image = torch.cat((image, like[..., 3:].expand(len(image), -1, -1, -1)), 3)
    return image.contiguous()


def mask_in(mask: Tensor | None, image: Tensor, name: str, image_name: str = "image") -> Tensor | None:
    """MASK to (1 or B, 1, H, W) float32 in [0, 1], checked against a library image.

    Load Image gives an all-zero 64x64 mask to a picture without alpha; on an image of another size that means "not
    connected", and so does None.

    Raises:
        ValueError: the mask's size or batch does not fit the image; names both.
    """
    if mask is None:
        return None
    if mask.ndim == 2:
        mask = mask[None]
    if mask.ndim == 4 and mask.shape[1] == 1:
        mask = mask[:, 0]
    if mask.ndim != 3:
        raise ValueError(f"{name} has shape {tuple(mask.shape)}; expected (frames, height, width)")
    if mask.shape[1:] != image.shape[2:]:
        if mask.shape[1:] == (64, 64) and not mask.any():
            return None
        if mask.shape[1:] == (64, 64) and (mask == 1).all():
            raise ValueError(
                f"{name} is the inverted empty 64x64 mask of a picture without alpha; load {image_name} as a PNG with "
                f"alpha, or connect a mask of it ({size(image)}), for example from Anchor-Zone Mask"
            )
        raise ValueError(
            f"{name} is {mask.shape[2]}x{mask.shape[1]} but {image_name} is {size(image)} (WxH); "
            f"resize the mask or connect the mask of this image"
        )
    if len(mask) not in (1, len(image)):
        raise ValueError(
            f"{name} has {len(mask)} frames but {image_name} has {len(image)}; connect 1 mask or one for each frame"
        )
    return mask.unsqueeze(1).to(image.device, torch.float32).nan_to_num(0, 0, 0).clamp(0, 1)


def required_mask_in(mask: Tensor, image: Tensor, name: str, image_name: str = "image") -> Tensor:
    """`mask_in` for a mask without which the node has nothing to do.

    Raises:
        ValueError: as `mask_in`, or the mask is the empty one of a picture without alpha.
    """
    converted = mask_in(mask, image, name, image_name)
    if converted is None:
        raise ValueError(
            f"{name} is the empty 64x64 mask that Load Image gives to a picture without alpha; "
            f"connect a mask of the image ({size(image)}), for example from Anchor-Zone Mask"
        )
    return converted


def united_mask_in(mask: Tensor) -> Tensor:
    """MASK of any size and batch to one plane (1, 1, H, W) float32 in [0, 1], its frames united.

    A batch of no frames, as a detector gives that found nothing, is an empty plane.
    """
    height, width = mask.shape[-2:]
    frames = mask.to(torch.float32).nan_to_num(0, 0, 0).clamp(0, 1)
    frames = frames.reshape(math.prod(mask.shape[:-2]), 1, height, width)
    return frames.amax(0, keepdim=True) if len(frames) else frames.new_zeros(1, 1, height, width)


def check_not_empty(mask: Tensor, name: str) -> None:
    """Check that a mask selects anything at all.

    Raises:
        ValueError: it does not; says what to draw or connect.
    """
    if not (mask > 0).any():
        raise ValueError(f"{name} is empty: nothing may change; draw an edit zone, or connect another mask")


def mask_out(mask: Tensor, like: Tensor | None = None) -> Tensor:
    """(B, 1, H, W) to MASK."""
    return mask[:, 0].to(like.dtype if like is not None else mask.dtype).contiguous()


def same_frames(original: Tensor, image: Tensor, image_name: str, original_name: str = "original") -> None:
    """Check that two library images can be compared pixel by pixel.

    Raises:
        ValueError: sizes or frame counts differ; names both.
    """
    if original.shape[2:] != image.shape[2:]:
        raise ValueError(
            f"{image_name} is {size(image)} but {original_name} is {size(original)} (WxH); "
            f"bring it to the original's size first, for example with Anchor Lock"
        )
    if len(original) not in (1, len(image)):
        raise ValueError(
            f"{image_name} has {len(image)} frames but {original_name} has {len(original)}; "
            f"connect 1 original or one for each frame"
        )


def progress() -> Callable[[float], None]:
    """ComfyUI's progress bar as a function of the fraction done; raises ComfyUI's exception when the user cancels."""
    from comfy.utils import ProgressBar

    steps = 1000
    bar = ProgressBar(steps)
    return lambda fraction: bar.update_absolute(round(fraction * steps), steps)
