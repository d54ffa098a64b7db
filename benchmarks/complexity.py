"""Does the Edit Complexity Check foretell how visible an imperfect edit's border is?

PHOTOS_PATH=<folder of PNG photographs> python benchmarks/complexity.py

The outcome is a proxy: one standard imperfect edit of each region (misplaced by 2.5 and 2 px, softened by 0.7 px, off
by 1.6 in lightness, feathered over 3 px), and how visible it is in the border's band, by two measures that the check
does not use. Real inpaints were not measured.
"""

from __future__ import annotations

import calibration
import cv2
import harness
import numpy as np
import torch
from edit_first.checks import complexity, effect
from edit_first.checks.view import View, make_view, to_array
from edit_first.imaging import masks
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import Tensor

SIDE = 768
MISPLACED_PX = (2.5, 2.0)
SOFT_PX, LIGHTER, FEATHER_PX = 0.7, 0.016, 3.0
OUTCOMES = ("S-CIELAB difference", "1 - SSIM")
FORECASTS = ("border bridge", "strands", "Laplacian variance", "gradient", "entropy", "mask area")


def imperfect(image: Tensor, mask: Tensor) -> Tensor:
    """The standard imperfect edit of a region."""
    height, width = image.shape[2:]
    shift = np.float32([[1, 0, MISPLACED_PX[0]], [0, 1, MISPLACED_PX[1]]])
    moved = cv2.warpAffine(
        to_array(image), shift, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    moved = torch.from_numpy(moved.transpose(2, 0, 1).copy())[None]
    edited = (masks.gaussian_blur(moved, SOFT_PX) + LIGHTER).clamp(0, 1)
    return torch.lerp(image, edited, masks.feather_inward(mask, FEATHER_PX))


def measure(image: Tensor, mask: Tensor) -> dict[str, float]:
    """Forecasts of one region, and its outcomes."""
    view = make_view(image, imperfect(image, mask), mask)
    plan = make_view(None, image, mask)
    band = np.abs(view.distance) <= max(2.0, complexity.BAND_SHARE * max(view.region.shape))
    before, after = view.luma
    _, similarity = structural_similarity(before, after, data_range=1.0, full=True)
    return {
        "border bridge": complexity.border_bridge(plan)[0],
        "strands": complexity.strand_fraction(plan),
        **common_forecasts(view, before, band),
        "S-CIELAB difference": float(effect.visible_change(view)[band].mean()),
        "1 - SSIM": float(1 - similarity[band].mean()),
    }


def common_forecasts(view: View, luma: np.ndarray, band: np.ndarray) -> dict[str, float]:
    """What one would try first."""
    gradient = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    share = np.histogram(luma[band], 32, (0, 1))[0] / band.sum()
    return {
        "Laplacian variance": float(cv2.Laplacian(luma, cv2.CV_32F)[band].var()),
        "gradient": float(gradient[band].mean()),
        "entropy": float(-(share[share > 0] * np.log2(share[share > 0])).sum()),
        "mask area": float(view.region.mean()),
    }


def rows() -> list[dict]:
    """Every photograph of the set with a blob, and with an object where it has one."""
    found = []
    for number, photo in enumerate(calibration.photo_set()):
        image = photo.load(SIDE)
        both = {"blob": calibration.blob_mask(image, number), "object": calibration.object_mask(image, number)}
        for kind, mask in both.items():
            if mask is not None:
                found.append({"photo": photo.name, "half": photo.half, "mask": kind, **measure(image, mask)})
    return found


def rank_agreement(chosen: list[dict], forecast: str, outcome: str) -> dict:
    """Spearman's correlation with an interval over photographs."""

    def statistic(group: list[dict]) -> float:
        return float(spearmanr([r[forecast] for r in group], [r[outcome] for r in group]).statistic)

    by_photo: dict[str, list[dict]] = {}
    for row in chosen:
        by_photo.setdefault(row["photo"], []).append(row)
    return {"value": round(statistic(chosen), 3), "interval": calibration.interval(statistic, by_photo)}


def summarize(found: list[dict]) -> dict:
    """Agreement of every forecast with every outcome on the verifying half; quantiles of both."""
    held_out = [row for row in found if row["half"] == "verify"]
    quantiles = {
        name: {
            f"p{share:g}": round(float(np.quantile([r[name] for r in found], share / 100)), 3)
            for share in (10, 50, 75, 90, 95)
        }
        for name in ("border bridge", "strands")
    }
    return {
        "photographs": len({row["photo"] for row in found}),
        "held-out regions": len(held_out),
        "quantiles of all regions": quantiles,
        "spearman, held out": {
            outcome: {forecast: rank_agreement(held_out, forecast, outcome) for forecast in FORECASTS}
            for outcome in OUTCOMES
        },
        "spearman of the border bridge by mask, held out": {
            kind: {
                outcome: rank_agreement([row for row in held_out if row["mask"] == kind], "border bridge", outcome)
                for outcome in OUTCOMES
            }
            for kind in ("blob", "object")
        },
        "hardest": _extreme(found, -1),
        "easiest": _extreme(found, 1),
    }


def _extreme(found: list[dict], sign: int, count: int = 10) -> list[str]:
    ordered = sorted(found, key=lambda row: sign * row["border bridge"])
    return [
        f"{row['photo']} ({row['mask']}) {row['border bridge']:.1f}, strands {row['strands']:.2f}"
        for row in ordered[:count]
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    harness.save("complexity", summarize(rows()))
