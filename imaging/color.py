"""Colour spaces and colour difference: sRGB, linear light, OKLab, CIELAB (D65), CIEDE2000."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import torch
from torch import Tensor

# IEC 61966-2-1 (sRGB) primaries to CIE XYZ, D65 white.
SRGB_TO_XYZ = (
    (0.4123907992659593, 0.3575843393838780, 0.1804807884018343),
    (0.2126390058715102, 0.7151686787677560, 0.0721923153607337),
    (0.0193308187155918, 0.1191947797946260, 0.9505321522496607),
)
WHITE_D65 = (0.9504559270516716, 1.0, 1.0890577507598784)

# Ottosson 2020, "A perceptual color space for image processing" (linear sRGB to LMS, LMS^(1/3) to OKLab).
RGB_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LMS_TO_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
OKLAB_TO_LMS = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
LMS_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)

BAND_VALUES = 2**19  # values of the largest input worked on at once: two megabytes, which a processor's cache holds
BAND_ROWS = 16  # bands are multiples of it, so that vector instructions leave no rest and the result is the same

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def _in_bands(pixelwise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Let a function of single pixels work on bands of rows in the CPU's memory.

    Its temporaries then stay in the cache and are not fetched from the system anew: from 4 megapixels on two to three
    times faster, and the result is the only thing of the frame's size. The values are those of the whole frame.
    """

    @functools.wraps(pixelwise)
    def banded(*images: Tensor) -> Tensor:
        largest = max(images, key=Tensor.numel)
        if largest.device.type != "cpu" or largest.ndim != 4 or largest.numel() <= 2 * BAND_VALUES:
            return pixelwise(*images)
        rows, result = largest.shape[2], None
        band = max(1, BAND_VALUES * rows // largest.numel() // BAND_ROWS) * BAND_ROWS
        for top in range(0, rows, band):
            part = pixelwise(*(image if image.shape[2] == 1 else image[:, :, top : top + band] for image in images))
            if result is None:
                interleaved = largest.is_contiguous(memory_format=torch.channels_last)
                layout = torch.channels_last if interleaved else torch.contiguous_format
                size = (*part.shape[:2], rows, part.shape[3])
                result = torch.empty(size, dtype=part.dtype, memory_format=layout)
            result[:, :, top : top + band] = part
        return result

    return banded


def _mix(image: Tensor, matrix: tuple) -> Tensor:
    """Multiply the channels of (B, 3, H, W) by a 3x3 matrix."""
    weights = torch.tensor(matrix, dtype=image.dtype, device=image.device)
    return torch.einsum("ij,bjhw->bihw", weights, image)


@_in_bands
def srgb_to_linear(image: Tensor) -> Tensor:
    """Decode sRGB to linear light (IEC 61966-2-1). Any shape; negative values keep the linear segment."""
    return torch.where(image <= 0.04045, image / 12.92, ((image.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


@_in_bands
def linear_to_srgb(image: Tensor) -> Tensor:
    """Encode linear light as sRGB (IEC 61966-2-1). Any shape; negative values keep the linear segment."""
    return torch.where(image <= 0.0031308, image * 12.92, 1.055 * image.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def luma(image: Tensor) -> Tensor:
    """Rec. 709 luma of (B, 3, H, W) as (B, 1, H, W), in the encoding of the input."""
    return 0.2126 * image[:, 0:1] + 0.7152 * image[:, 1:2] + 0.0722 * image[:, 2:3]


@_in_bands
def srgb_to_oklab(image: Tensor) -> Tensor:
    """sRGB (B, 3, H, W) to OKLab: L in [0, 1], a and b about [-0.4, 0.4]. Source: Ottosson 2020."""
    lms = _mix(srgb_to_linear(image), RGB_TO_LMS)
    return _mix(lms.sign() * lms.abs() ** (1 / 3), LMS_TO_OKLAB)


@_in_bands
def oklab_to_srgb(lab: Tensor) -> Tensor:
    """OKLab (B, 3, H, W) to sRGB, not clamped to the gamut. Source: Ottosson 2020."""
    return linear_to_srgb(_mix(_mix(lab, OKLAB_TO_LMS) ** 3, LMS_TO_RGB))


@_in_bands
def srgb_to_lab(image: Tensor) -> Tensor:
    """sRGB (B, 3, H, W) to CIELAB under D65: L in [0, 100]. Source: CIE 15:2004."""
    white = torch.tensor(WHITE_D65, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    xyz = _mix(srgb_to_linear(image), SRGB_TO_XYZ) / white
    f = torch.where(xyz > 216 / 24389, xyz.clamp(min=1e-8) ** (1 / 3), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f[:, 0:1], f[:, 1:2], f[:, 2:3]
    return torch.cat((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


@_in_bands
def lightness(image: Tensor) -> Tensor:
    """CIE L* of sRGB (B, 3, H, W) as (B, 1, H, W), 0 to 100: the first channel of `srgb_to_lab` alone."""
    weights = torch.tensor(SRGB_TO_XYZ[1], dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    luminance = (srgb_to_linear(image) * weights).sum(1, keepdim=True)
    bright = 116 * luminance.clamp(min=1e-8) ** (1 / 3) - 16
    return torch.where(luminance > 216 / 24389, bright, 24389 / 27 * luminance)


@_in_bands
def delta_e00(lab1: Tensor, lab2: Tensor) -> Tensor:
    """Color difference CIEDE2000 of two CIELAB images (B, 3, H, W), as (B, 1, H, W).

    A difference of 1 is about the smallest that a trained eye sees. Shapes broadcast.

    Source: Sharma, Wu and Dalal 2005, "The CIEDE2000 color-difference formula".
    """
    l1, a1, b1 = lab1[:, 0:1], lab1[:, 1:2], lab1[:, 2:3]
    l2, a2, b2 = lab2[:, 0:1], lab2[:, 1:2], lab2[:, 2:3]
    mean_chroma7 = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - torch.sqrt(mean_chroma7 / (mean_chroma7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    chroma1, chroma2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    hue1 = torch.rad2deg(torch.atan2(b1, a1)) % 360
    hue2 = torch.rad2deg(torch.atan2(b2, a2)) % 360

    grey = chroma1 * chroma2 == 0
    turn = hue2 - hue1
    turn = torch.where(turn > 180, turn - 360, torch.where(turn < -180, turn + 360, turn))
    turn = torch.where(grey, torch.zeros_like(turn), turn)
    d_light, d_chroma = l2 - l1, chroma2 - chroma1
    d_hue = 2 * torch.sqrt(chroma1 * chroma2) * torch.sin(torch.deg2rad(turn / 2))

    light, chroma, total = (l1 + l2) / 2, (chroma1 + chroma2) / 2, hue1 + hue2
    wrapped = torch.where(total < 360, (total + 360) / 2, (total - 360) / 2)
    hue = torch.where((hue1 - hue2).abs() <= 180, total / 2, wrapped)
    hue = torch.where(grey, total, hue)
    t = (
        1
        - 0.17 * torch.cos(torch.deg2rad(hue - 30))
        + 0.24 * torch.cos(torch.deg2rad(2 * hue))
        + 0.32 * torch.cos(torch.deg2rad(3 * hue + 6))
        - 0.20 * torch.cos(torch.deg2rad(4 * hue - 63))
    )
    s_light = 1 + 0.015 * (light - 50) ** 2 / torch.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = -torch.sin(torch.deg2rad(60 * torch.exp(-(((hue - 275) / 25) ** 2)))) * (
        2 * torch.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    )
    l_term, c_term, h_term = d_light / s_light, d_chroma / s_chroma, d_hue / s_hue
    return torch.sqrt((l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term).clamp(min=0))


def parse_colors(text: str) -> list[str]:
    """Split a comma-, space- or newline-separated list of `#rrggbb` or `#rgb` colors; returns `#rrggbb`.

    Raises:
        ValueError: an entry is not a color; names the entry.
    """
    colors = []
    for word in re.split(r"[\s,;]+", text.strip()):
        if not word:
            continue
        match = _HEX.fullmatch(word)
        if not match:
            raise ValueError(f"'{word[:40]}' is not a color; write colors as #rrggbb, separated by commas or new lines")
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        colors.append("#" + digits.lower())
    return colors


def hex_to_rgb(color: str) -> tuple[float, float, float]:
    """`#rrggbb` to three sRGB values in [0, 1]."""
    (color,) = parse_colors(color)
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def swatch(color: str, like: Tensor) -> Tensor:
    """`#rrggbb` as an sRGB image of one pixel, (1, 3, 1, 1), with the dtype and device of another tensor."""
    return torch.tensor(hex_to_rgb(color), dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def near_colors(image: Tensor, colors: list[str] | tuple[str, ...], tolerance: float) -> Tensor:
    """Where an sRGB image (B, 3, H, W) is within a CIEDE2000 tolerance of any of the colors: (B, 1, H, W), 0 or 1."""
    near = torch.zeros_like(image[:, :1])
    for index, frame in enumerate(image.split(1)):  # one frame at a time: CIEDE2000 holds a dozen planes
        lab = srgb_to_lab(frame)
        for color in colors:
            target = srgb_to_lab(swatch(color, image))
            near[index : index + 1] = torch.maximum(
                near[index : index + 1], (delta_e00(lab, target) <= tolerance).to(near)
            )
    return near
