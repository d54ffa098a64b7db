"""What becomes of an edit's border: outcomes that a forecast made before the edit is held against.

None of them is a real model's edit. Each is measured several times, with another direction or seed, so that the
agreement of one draw with another tells how much of it can be foretold at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import flip_evaluator
import numpy as np
import scenes
import torch
from edit_first.checks import complexity, effect, seam
from edit_first.checks.view import View, contour_windows, make_view, to_array, to_tensor
from edit_first.imaging import color, masks
from edit_first.imaging import seam as blending
from skimage.metrics import structural_similarity
from torch import Tensor

MISPLACED_PX = (2.5, 2.0)
TURNS = 4  # directions of the displacement, 90 degrees apart
SOFT_PX, LIGHTER, FEATHER_PX = 0.7, 0.016, 3.0
DRAWS = 4  # drifted renderings of each region
CROP_PX = 40  # around the mask: more than any of the measures looks around
FILL_SIDE = 384  # px: exemplars are searched at half size, where it takes a second
PARALLEL_PX = 10  # contours as far from the border, on either side, say how much the picture steps anyway
MEASURES = ("S-CIELAB", "1 - SSIM", "FLIP")
Draws = dict[str, list[float]]  # outcome -> one value for each draw


def measure(image: Tensor, mask: Tensor, seed: int) -> Draws:
    """All outcomes of one region: names such as "standard edit, FLIP"; higher = seen more.

    Args:
        image: (1, 3, H, W).
        mask: (1, 1, H, W), 0 or 1.
    """
    scene = Scene(image, mask)
    found: Draws = {}
    for family, edits in (
        ("standard edit", standard_edits(image, mask)),
        ("drift, feathered", (feathered(image, frame, mask) for frame in drifted(image, seed))),
        ("drift, Seam Feather", (packed(image, frame, mask) for frame in drifted(image, seed))),
    ):
        for edited in edits:
            scene.against_truth(found, family, edited, scene.band)
    scene.against_truth(found, "filled, Navier-Stokes", fill_smoothly(image, mask), scene.inner)
    if hasattr(cv2, "xphoto"):
        small, few = (torch.nn.functional.interpolate(t, scale_factor=0.5, mode="area") for t in (image, mask))
        half = Scene(small, (few > 0.5).float())
        half.against_truth(found, "filled, exemplars", fill_by_exemplars(small, half.mask), half.inner)
    for other in other_contents(image):
        edited = packed(image, other, mask)
        for name, value in blind_misfit(to_array(edited)[scene.crop], scene.view.distance[scene.crop]).items():
            found.setdefault(f"other content, {name}", []).append(value)
    return found


class Scene:
    """A region with its border's band, cut down to what the measures look at."""

    def __init__(self, image: Tensor, mask: Tensor):
        self.image, self.mask = to_array(image), mask
        self.view = make_view(None, image, mask)
        self.band = np.abs(self.view.distance) <= max(2.0, complexity.BAND_SHARE * max(self.view.region.shape))
        self.inner = self.band & self.view.region
        x, y, width, height = masks.bounding_box(mask)
        self.crop = (
            slice(max(0, y - CROP_PX), y + height + CROP_PX),
            slice(max(0, x - CROP_PX), x + width + CROP_PX),
        )

    def against_truth(self, found: Draws, family: str, edited: Tensor, where: np.ndarray) -> None:
        """Add the mean visible difference from the untouched picture, by every measure."""
        before, after = self.image[self.crop], to_array(edited)[self.crop].clip(0, 1)
        view = View(before, after, self.view.region[self.crop], before.shape[1::-1])
        _, alike = structural_similarity(*view.luma, data_range=1.0, full=True)
        maps = (effect.visible_change(view), 1 - alike, flip(before, after))
        for name, plane in zip(MEASURES, maps, strict=True):
            found.setdefault(f"{family}, {name}", []).append(float(plane[where[self.crop]].mean()))


def flip(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    """FLIP's error map (h, w) of two (h, w, 3), as its authors compute it."""
    planes = (np.ascontiguousarray(plane, np.float32) for plane in (reference, test))
    return flip_evaluator.evaluate(*planes, "LDR", applyMagma=False, computeMeanError=False)[0][..., 0]


def standard_edits(image: Tensor, mask: Tensor) -> Iterator[Tensor]:
    """One imperfect edit for each direction of its displacement."""
    height, width = image.shape[2:]
    x, y = MISPLACED_PX
    for _ in range(TURNS):
        shift = np.float32([[1, 0, x], [0, 1, y]])
        moved = cv2.warpAffine(
            to_array(image), shift, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        edited = (masks.gaussian_blur(to_tensor(moved), SOFT_PX) + LIGHTER).clamp(0, 1)
        yield feathered(image, edited, mask)
        x, y = -y, x


def drifted(image: Tensor, seed: int) -> Iterator[Tensor]:
    """The picture as an edit model re-renders it: warp, softening, grain, tone."""
    for draw in range(DRAWS):
        rng = np.random.default_rng(100 * seed + draw)
        yield to_tensor(scenes.apply_drift(to_array(image), scenes.Drift(), rng).astype(np.float32))


def feathered(image: Tensor, edited: Tensor, mask: Tensor) -> Tensor:
    """Pasted back with a plain ramp."""
    return torch.lerp(image, edited, masks.feather_inward(mask, FEATHER_PX))


def packed(image: Tensor, edited: Tensor, mask: Tensor) -> Tensor:
    """Blended by Seam Feather as a composite: of a raw frame it would keep the original wherever nothing changed."""
    return blending.feather(image, torch.where(mask > 0, edited, image), mask)[0]


def fill_smoothly(image: Tensor, mask: Tensor) -> Tensor:
    """The whole region from its surroundings: Bertalmio et al. 2001, "Navier-Stokes, Fluid Dynamics ... Inpainting"."""
    filled = cv2.inpaint(levels(to_array(image)), (mask[0, 0].numpy() > 0).astype(np.uint8), 3, cv2.INPAINT_NS)
    return to_tensor(np.float32(filled) / 255)


def fill_by_exemplars(image: Tensor, mask: Tensor) -> Tensor:
    """The whole region from pieces of the picture: He and Sun 2012, "Statistics of Patch Offsets", OpenCV's contrib."""
    lab = cv2.cvtColor(levels(to_array(image)), cv2.COLOR_RGB2Lab)
    filled = np.zeros_like(lab)
    known = np.where(mask[0, 0].numpy() > 0, 0, 255).astype(np.uint8)
    cv2.xphoto.inpaint(lab, known, filled, cv2.xphoto.INPAINT_SHIFTMAP)
    filled = to_tensor(np.float32(cv2.cvtColor(filled, cv2.COLOR_Lab2RGB)) / 255)
    return torch.where(mask > 0, filled, image)


def levels(image: np.ndarray) -> np.ndarray:
    """8-bit codes."""
    return np.ascontiguousarray((image.clip(0, 1) * 255).round().astype(np.uint8))


def other_contents(image: Tensor) -> Iterator[Tensor]:
    """The picture mirrored, upside down, both, and displaced by half its size."""
    height, width = image.shape[2:]
    yield from (image.flip(3), image.flip(2), image.flip(2, 3), image.roll((height // 2, width // 2), (2, 3)))


def blind_misfit(image: np.ndarray, distance: np.ndarray) -> dict[str, float]:
    """How much more a picture (h, w, 3) steps, and changes, across the border than across contours parallel to it."""
    oklab = 100 * to_array(color.srgb_to_oklab(to_tensor(image)))
    window, count = contour_windows(distance)

    def steps(offset: float) -> np.ndarray:
        return np.linalg.norm(seam._window_steps(oklab, distance - offset, window, count, 4), axis=1)

    beyond = steps(0) - np.nanmean(np.stack((steps(PARALLEL_PX), steps(-PARALLEL_PX))), 0)
    slope = across(cv2.GaussianBlur(oklab, (0, 0), 1.0), distance)
    border = np.abs(distance) <= 1.5
    parallel = np.abs(np.abs(distance) - PARALLEL_PX) <= 4
    return {
        "blind step": float(np.nanmean(beyond)),
        "blind gradient": float(slope[border].mean() - slope[parallel].mean()),
    }


def across(planes: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Size of the derivative of (h, w, 3) across the contours of a distance, (h, w)."""
    smooth = cv2.GaussianBlur(np.float32(distance), (0, 0), 2.0)
    normal = [cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1))]
    length = np.hypot(*normal) + 1e-6
    slopes = [cv2.Sobel(planes, cv2.CV_32F, *axis) / 8 for axis in ((1, 0), (0, 1))]
    return np.linalg.norm(sum(slope * (n / length)[..., None] for slope, n in zip(slopes, normal, strict=True)), axis=2)
