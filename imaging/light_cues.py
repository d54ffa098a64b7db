"""What an object and its surroundings show of their light: a fixed list of numbers, read without an original."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks
from .evidence import CLUSTER, common_step

SIDE = 256  # cues are read at this size
MIN_PIXELS = 150  # of the object, and of its surroundings, at that size
MIN_PAIRS = 40  # pairs of pixels across the border
GAP_PX = 2  # pixels this close to the border belong to both sides
RING = 0.75  # width of the ring around the object, in square roots of its area
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
SMOOTH = (0.01, 0.04)  # OKLab; differences between neighbors on one side that count as one surface
NEUTRAL = 0.04  # OKLab chroma of what may be a neutral surface
LOG_FLOOR = 0.02  # sRGB value below which a ratio is noise
MAX_SAMPLES = 5000  # pixels of an area that are looked at
DEPTH = 3  # pixels looked at on either side of the border


def light_cues(image: Tensor, mask: Tensor) -> Tensor | None:
    """Cues (N,) of the light of an object against that of its surroundings; None where there is too little to read.

    Args:
        image: (1, 3, H, W).
        mask: (1, 1, H, W), above 0.5 = the object.

    Returns:
        In this order: the step across the border, between neighbors and a few pixels apart, as means, medians and
        the value most pairs agree on; the sharpness of the border; then, of object, ring and all surroundings,
        quantiles of the channels, tints of shadows, highlights and near-neutral pixels, saturation, clipping, noise and
        local contrast.
    """
    height, width = image.shape[2:]
    scale = min(1.0, SIDE / max(height, width))
    size = [max(8, round(height * scale)), max(8, round(width * scale))]
    small = F.interpolate(image.float(), size, mode="area").cpu()
    inside = (F.interpolate(mask.float(), size, mode="area") > 0.5).float().cpu()
    distance = masks.signed_distance(inside)[0, 0]
    core, outside = distance > GAP_PX, distance < -GAP_PX
    if int(core.sum()) < MIN_PIXELS:
        core = distance > 0
    ring = outside & (distance > -max(8.0, RING * float(inside.sum()) ** 0.5))
    if int(core.sum()) < MIN_PIXELS or int(ring.sum()) < MIN_PIXELS:
        return None
    lab = color.srgb_to_oklab(small)
    pairs = _pairs(inside[0, 0] > 0.5)
    if pairs.shape[1] < MIN_PAIRS:
        return None
    border = _border_cues(small[0].flatten(1)[:, pairs.flatten()], lab[0].flatten(1)[:, pairs.flatten()])
    detail = (color.luma(small) - masks.gaussian_blur(color.luma(small), 1.5))[0, 0]
    noise = _fine_noise(small)
    areas = [_area_cues(small[0], lab[0], detail, noise, area) for area in (core, ring, outside)]
    shape = torch.stack((torch.log(core.float().mean()), torch.log(ring.float().mean())))
    return torch.cat((border, *areas, shape))


def _pairs(inside: Tensor) -> Tensor:
    """Indices (2 * DEPTH, N) of runs of pixels straight across the border, from inside to outside."""
    height, width = inside.shape
    index = torch.arange(height * width).view(height, width)
    found = []
    for axis in (0, 1):
        for flip in (False, True):
            where, at = (plane.flip(axis) if flip else plane for plane in (inside, index))
            count = where.shape[axis] - 2 * DEPTH + 1
            runs = [where.narrow(axis, start, count) for start in range(2 * DEPTH)]
            crossing = torch.stack([*runs[:DEPTH], *(~run for run in runs[DEPTH:])]).all(0)
            found.append(torch.stack([at.narrow(axis, start, count)[crossing] for start in range(2 * DEPTH)]))
    return torch.cat(found, 1)


def _border_cues(pixels: Tensor, lab: Tensor) -> Tensor:
    """Cues of runs across the border; pixels and OKLab (3, 2 * DEPTH * N)."""
    pixels, lab = (plane.view(3, 2 * DEPTH, -1) for plane in (pixels, lab))
    slopes = lab.diff(dim=1)
    step, near, far = slopes[:, DEPTH - 1], slopes[:, DEPTH - 2], slopes[:, DEPTH]
    jump = step - 0.5 * (near + far)  # what a smooth surface on either side does not explain
    rough = (near.square().sum(0).sqrt() + far.square().sum(0).sqrt()) / 2
    wide = lab[:, -1] - lab[:, 0]
    logs = torch.log(pixels.clamp(min=0) + LOG_FLOOR)
    ratio = logs[:, DEPTH] - logs[:, DEPTH - 1]
    light = lab[0, DEPTH - 1]
    cues = [jump.median(1).values, wide.mean(1), wide.median(1).values]
    for smooth in SMOOTH:
        weight = 1 / (1 + (rough / smooth) ** 2)
        total = weight.sum() + 1
        mean = (weight * jump).sum(1) / total
        spread = ((weight * (jump - mean[:, None]) ** 2).sum(1) / total).sqrt()
        centered = light - (weight * light).sum() / total
        slope = (weight * centered * jump).sum(1) / ((weight * centered**2).sum() + 0.01 * total)
        cues += [mean, spread, slope, (weight * ratio).sum(1) / total, weight.mean()[None]]
    for steps in (jump, wide):
        mode, peak = common_step(steps)
        still = torch.exp(-steps.square().sum(0) / (2 * CLUSTER**2)).mean()
        cues += [mode, mode * peak, mode * (peak - still).clamp(min=0), torch.stack((torch.tensor(peak), still))]
    profile = slopes.square().sum(0).sqrt().mean(1)
    cues += [torch.log(profile + 1e-3), torch.log(slopes.square().sum(0).sqrt().median(1).values + 1e-3)]
    return torch.cat(cues)


def _fine_noise(image: Tensor) -> Tensor:
    """Mixed second differences of luma (H, W): noise, as edges along either axis cancel (Immerkaer 1996)."""
    plane = F.pad(color.luma(image), (1, 1, 1, 1), mode="replicate")[0, 0]
    for axis in (0, 1):
        plane = plane.diff(n=2, dim=axis)
    return plane.abs()


def _area_cues(pixels: Tensor, lab: Tensor, detail: Tensor, noise: Tensor, area: Tensor) -> Tensor:
    """Cues of one area; planes (3, H, W), detail and noise (H, W)."""
    index = area.flatten().nonzero()[:, 0]
    index = index[:: max(1, len(index) // MAX_SAMPLES)]
    colors, lab = (plane.flatten(1)[:, index] for plane in (pixels, lab))
    detail, noise = (plane.flatten()[index] for plane in (detail, noise))
    quantiles = torch.tensor(QUANTILES)
    levels = torch.quantile(colors, quantiles, dim=1).T.flatten()
    luma = color.luma(colors[None, :, None])[0, 0, 0]
    order = luma.argsort()
    tenth = max(1, len(order) // 10)
    chroma = lab[1:].square().sum(0).sqrt()
    neutral = torch.exp(-((chroma / NEUTRAL) ** 2))
    gray = (neutral * lab[1:]).sum(1) / (neutral.sum() + 0.01 * len(chroma))
    tints = [lab[1:, order[:tenth]].mean(1), lab[1:, order[-tenth:]].mean(1), gray, neutral.mean()[None]]
    spread = [lab.mean(1), lab.std(1), torch.quantile(chroma, quantiles[[1, 2, 3, 4]])]
    clipped = [(colors <= 0.004).float().mean(1), (colors >= 0.996).float().mean(1)]
    fine = torch.stack((noise.median(), detail.std(), detail.abs().median(), luma.std()))
    return torch.cat((levels, *tints, *spread, *clipped, torch.log(fine + 1e-3)))
