"""Grain and sharpness of an edit against its original: pixel by pixel where both show the same, else at like structure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .bands import CLIPPED, Bands, at_like_structure, block_mean

# What rounding to 8 bits leaves in the bands, as standard deviations: measured on flat noise.
ROUNDING = {"fine": 0.23 / 255, "mid": 0.07 / 255, "coarse": 0.035 / 255}
REST = 0.3  # of rounding's power, below which no detail is told from another
# Of the changes that two pictures allow, the one nearest to none counts, and a share of the way to the farthest: more
# finds softness that an enlargement's false detail hides, and takes more missing grain for softness.
FARTHER, FARTHEST = 0.35, 2.0  # share, and doublings beyond which the farthest tells nothing
# Doublings of contrast that an edit may take from coarse detail; more than that is softness, unless the forms lost it too.
FLATTER = -0.5
MIN_BLOCKS = 12  # of what changed
LEAST_DETAIL = 0.25 / 255  # coarse detail of a region in which there is something to be sharp or soft
LEAST_COARSE = 0.4 / 255  # the same of a block of new content
# Blur takes this many doublings of fine over coarse detail for each of fine over mid detail. Measured on photographs
# blurred by 1 px: 1.6 and 1.0.
COARSE_OVER_MID = 1.5

CLIPPED_PAIR = 0.01  # as bands.CLIPPED, where both pictures are clipped alike
GRAIN_FLOOR = 2 / 255  # grain of less is hardly seen, and ratios of nothing mean nothing
QUIET, QUIET_FLOOR = 0.15, 1 / 255  # quantile of a bin's blocks that shows grain rather than texture, and its floor
# How much more blur takes from what the noise operator sees than from the mid band, as an exponent: frequencies squared.
# Measured on photographs blurred by 0.6 and 1 px: 5.9 and 6.0.
NOISE_OVER_MID = 6
SOFTENED = 0.9  # of the mid band left; above, what is missing may be grain that was in the band
LEAST_GAIN = 0.3  # of fine texture; with less it is not told what blur took from what was grain
LOST_TEXTURE = 4 / 255  # detail that fine, with less left than that: texture, and grain has no number
MASKING = 0.1  # of the texture: grain of less is not seen in it
KEPT_GRAIN = 0.5 / 255  # of grain that both pictures share and that is not told from texture
AROUND = (9, 9)  # blocks over which a place is judged


@dataclass(frozen=True)
class Pair:
    """Mean products of one band in every block: the edit's own, both pictures' common, and the original's own."""

    edit: np.ndarray
    common: np.ndarray
    original: np.ndarray

    def sums(self, chosen: np.ndarray) -> tuple[float, float, float]:
        """Their means over the chosen blocks."""
        return tuple(float(plane[chosen].mean()) for plane in vars(self).values())

    def around(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Their means over the chosen blocks around each block."""
        weight = chosen.astype(np.float32)
        share = np.maximum(cv2.blur(weight, AROUND), 1e-6)
        return tuple(cv2.blur(plane * weight, AROUND) / share for plane in vars(self).values())


def pair_of(edit: Bands, original: Bands, band: str) -> Pair:
    """Products of one band of two pictures of the same."""
    ours, theirs = getattr(edit, band), getattr(original, band)
    return Pair(block_mean(ours * ours), block_mean(ours * theirs), block_mean(theirs * theirs))


# ---------------------------------------------------------------- both show the same


def sharpness_of_pair(edit: Bands, original: Bands, inside: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Doublings of detail that the edit has more or less than the original, and those of every block.

    With d the detail that both show, h what is left of it in the edit, and each picture's own grain, the mean products
    of a band are h^2 d^2 + grain, h d^2 and d^2 + grain: the edit's, the common and the original's. If all that the
    original has alone is grain, h is the edit's over the common; if all that the edit has alone is, h is the common
    over the original's. It lies between the two, so that neither grain that was added nor grain that is missing
    counts as sharpness, and the strongest edges tell most. h is told from the finest band, or from coarser ones where
    those lost more, and against what the edit did to the contrast.
    """
    if inside.sum() < MIN_BLOCKS:
        return None
    pairs = {band: pair_of(edit, original, band) for band in ROUNDING}
    if pairs["coarse"].sums(inside)[2] < LEAST_DETAIL**2:
        return None
    forms = [block_mean(picture.luma)[inside].std() + GRAIN_FLOOR for picture in (edit, original)]
    flatter = min(FLATTER, float(np.log2(forms[0] / forms[1])))
    value = _change_of_detail({band: pair.sums(inside) for band, pair in pairs.items()}, flatter)
    places = _change_of_detail({band: pair.around(inside) for band, pair in pairs.items()}, flatter)
    return float(value), np.where(inside, places, 0.0)


def _change_of_detail(products: dict[str, tuple], flatter: float) -> np.ndarray:
    """`sharpness_of_pair` from the mean products of every band, and the doublings that contrast may have lost."""
    logs = {
        band: [np.log2(product) for product in _without_rounding(products[band], rounding)]
        for band, rounding in ROUNDING.items()
    }
    contrast = np.maximum((logs["coarse"][0] - logs["coarse"][2]) / 2, flatter)
    ours, common, theirs = logs.pop("fine")
    least, most = common - theirs - contrast, ours - common - contrast
    softer = most - FARTHER * np.minimum(most - least, FARTHEST)
    for ours, _, theirs in logs.values():
        softer = np.minimum(softer, (ours - theirs) / 2 - contrast)  # grain counts little there
    return np.minimum(softer, 0) + np.maximum(least, 0)


def _without_rounding(products: tuple, rounding: float) -> tuple:
    """Mean products less what rounding to 8 bits adds to each picture's own, and never nothing.

    Both may be rounded alike, the more so the more alike they are: what they have in common stays.
    """
    own, common, others = products
    unlike = 1 - np.clip(common, 0, None) ** 2 / np.maximum(own * others, 1e-20)
    rest = REST * rounding**2
    own = np.maximum(own - unlike * rounding**2, 0)
    others = np.maximum(others - unlike * rounding**2, np.clip(common, 0, others))
    return own + rest, np.maximum(common, 0) + rest, others + rest


def grain_of_pair(edit: Bands, original: Bands, inside: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Doublings of the grain where both show the same, and those of every block.

    What both pictures have in common is texture, so that the rest is the one's and the other's own grain, also where
    no part is flat: with t the original's texture and g t what is left of it, the covariance of both is g t^2. Blocks
    count the less, the more texture hides in them.
    """
    usable = inside.copy()
    for picture in (edit, original):
        usable &= np.abs(block_mean(picture.luma) - 0.5) < 0.5 - CLIPPED_PAIR
    if usable.sum() < MIN_BLOCKS:
        return None
    noise = pair_of(edit, original, "noise")
    gain = _fine_gain(pair_of(edit, original, "mid"), noise, usable)
    weight = usable / (np.maximum(cv2.blur(noise.common, (3, 3)), 0) / gain + GRAIN_FLOOR**2)
    texture = math.sqrt(max(0.0, _mean(noise.common, weight)) / gain)
    if gain <= LEAST_GAIN and np.median(noise.original[weight >= np.quantile(weight[usable], 0.65)]) > LOST_TEXTURE**2:
        return None
    own = (noise.edit - gain * noise.common, noise.original - noise.common / gain)
    unseen = max(min(KEPT_GRAIN, texture), MASKING * texture)

    def doublings(powers):
        ours, theirs = (np.sqrt(np.maximum(power, 0) + unseen**2) + GRAIN_FLOOR for power in powers)
        return np.log2(ours / theirs)

    share = np.maximum(cv2.blur(weight, AROUND), 1e-6 * weight.max())
    nearby = (cv2.blur(power * weight, AROUND) / share for power in own)
    return float(doublings(_mean(power, weight) for power in own)), np.where(usable, doublings(nearby), 0.0)


def _mean(plane: np.ndarray, weight: np.ndarray) -> float:
    return float((plane * weight).sum() / weight.sum())


def _fine_gain(mid: Pair, noise: Pair, usable: np.ndarray) -> float:
    """What is left of the original's finest texture, 1 = all.

    Told from the mid band, in which noise counts little, and within what the noise operator itself allows.
    """
    strong = usable & (mid.original >= np.quantile(mid.original[usable], 0.75))
    ours, common, _ = mid.sums(strong)
    left = ours / max(common, 1e-12)
    gain = left**NOISE_OVER_MID if left < SOFTENED else 1.0
    ours, common, theirs = noise.sums(usable)
    common = max(common, 1e-12)
    least = common / max(theirs, 1e-12)
    return float(np.clip(min(max(gain, least), max(ours / common, least)), 0.02, 1.0))


# ---------------------------------------------------------------- the edit shows something else


@dataclass(frozen=True)
class Powers:
    """Mean squares of a picture's blocks, and their mean luma: (rows, columns) each, or (n,) of chosen ones."""

    fine: np.ndarray
    mid: np.ndarray
    coarse: np.ndarray
    noise: np.ndarray
    mean: np.ndarray

    @property
    def sharpness(self) -> np.ndarray:
        """Doublings of fine over mid detail."""
        fine, mid = (
            np.maximum(power - rounding**2, 0) + REST * rounding**2
            for power, rounding in ((self.fine, ROUNDING["fine"]), (self.mid, ROUNDING["mid"]))
        )
        return np.log2(fine / mid) / 2

    @property
    def grain(self) -> np.ndarray:
        """Doublings of the noise above nothing that is seen."""
        return np.log2(np.sqrt(self.noise) + QUIET_FLOOR)

    @property
    def unclipped(self) -> np.ndarray:
        return np.abs(self.mean - 0.5) < 0.5 - CLIPPED

    def at(self, chosen: np.ndarray) -> Powers:
        """The chosen blocks alone, (n,)."""
        return Powers(*(plane[chosen] for plane in vars(self).values()))

    def joined(self, other: Powers) -> Powers:
        """Both, (n,) each."""
        return Powers(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def powers_of(bands: Bands) -> Powers:
    """Mean squares of every block."""
    squares = (block_mean(band * band) for band in (bands.fine, bands.mid, bands.coarse, bands.noise))
    return Powers(*squares, block_mean(bands.luma))


def sharpness_of_new(blocks: Powers, inside: np.ndarray, reference: Powers) -> tuple[float, np.ndarray] | None:
    """Difference in sharpness from the reference's blocks with as much coarse detail, and that of every block."""
    here, there = inside & (blocks.coarse > LEAST_COARSE**2), reference.at(reference.coarse > LEAST_COARSE**2)
    found = at_like_structure(blocks.coarse, blocks.sharpness, here, there.coarse, there.sharpness)
    return found and (COARSE_OVER_MID * found[0], COARSE_OVER_MID * found[1])


def grain_of_new(blocks: Powers, inside: np.ndarray, reference: Powers) -> tuple[float, np.ndarray] | None:
    """Doublings of the grain over that of the reference's blocks with as much coarse detail, and those of every block.

    Of blocks with like structure the quietest show grain, the others the finest texture too.
    """
    here, there = inside & blocks.unclipped, reference.at(reference.unclipped)
    return at_like_structure(blocks.coarse, blocks.grain, here, there.coarse, there.grain, quantile=QUIET)
