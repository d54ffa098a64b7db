"""Are brand colours still what they should be?"""

from __future__ import annotations

from torch import Tensor

from ..imaging import brand, color
from .report import Measurement, Place, Report

MAX_PIXELS = 1_000_000  # of a region that are looked at, evenly spaced: a median needs no more


def brand_colors(image: Tensor, region: Tensor, colors: list[str]) -> Report:
    """How far the median of the pixels meant as each brand color is from it, inside a region.

    A color that does not appear at all is measured by the pixels that come closest to it, so that a repainted logo
    fails instead of going unnoticed.

    Args:
        image: (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        colors: `#rrggbb`.

    Returns:
        One `brand_delta_e00` for every color; without a value where the region is smaller than `MIN_PIXELS`.
    """
    if not colors:
        return Report()
    places = (region[:, 0] > 0).expand(len(image), *image.shape[2:]).nonzero()
    places = places[:: max(1, len(places) // MAX_PIXELS)]
    pixels = image.movedim(1, 3)[tuple(places.T)]  # (N, 3): only the region is converted
    lab = color.srgb_to_lab(pixels.T[None, :, :, None])
    return Report(tuple(_brand_color(lab, places, name) for name in colors))


def brand_shift(before: Tensor, after: Tensor, region: Tensor, colors: list[str]) -> Report:
    """How far each brand color moved: median before against median after, of the pixels meant as it before.

    Args:
        before, after: (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        colors: `#rrggbb`.

    Returns:
        One `brand_shift_delta_e00` for every color; without a value where the color does not appear before.
    """
    measurements = []
    for name in colors:
        where = brand.meant_as(before, region, name)
        count = int(where.sum())
        if count < brand.MIN_PIXELS:
            detail = f"{count} pixels of the product are near this color"
            measurements.append(Measurement("brand_shift_delta_e00", None, detail=detail, subject=name))
            continue
        frame, y, x = where.nonzero()[0].tolist()
        shift = brand.median_shift(before, after, where)
        measurements.append(Measurement("brand_shift_delta_e00", shift, Place(x, y, frame=frame), subject=name))
    return Report(tuple(measurements))


def _brand_color(pixels: Tensor, places: Tensor, name: str) -> Measurement:
    """One color against a region's pixels in Lab (1, 3, N, 1) and their places (N, 3) as frame, y, x."""
    if len(places) < brand.MIN_PIXELS:
        return Measurement("brand_delta_e00", None, subject=name, detail=f"the region holds {len(places)} pixels")
    target = brand.swatch(name, pixels)
    distance = color.delta_e00(pixels, target).flatten()
    meant = distance <= brand.CATCH_DELTA_E
    detail = ""
    if meant.sum() < brand.MIN_PIXELS:
        meant = distance <= distance.kthvalue(brand.MIN_PIXELS).values
        detail = "the color does not appear; measured on the pixels that come closest"
    median = pixels[0, :, meant, 0].median(1).values.view(1, 3, 1, 1)
    frame, y, x = places[meant][0].tolist()
    return Measurement(
        "brand_delta_e00", float(color.delta_e00(median, target)), Place(x, y, frame=frame), detail, name
    )
