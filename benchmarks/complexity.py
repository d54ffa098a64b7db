"""Does the Edit Complexity Check foretell how visible the border of an edit will be?

    PHOTOS_PATH=<folder of PNG photographs> python benchmarks/complexity.py [--outcomes FILE]

What becomes of the edits is measured by `edit_outcomes.py`, which needs flip-evaluator, and opencv-contrib-python-headless
for the fill by exemplars (left out without it). It takes half an hour; --outcomes keeps it in a file, or reads it from there.
Forecasts were chosen on the tuning half.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import calibration
import cv2
import harness
import numpy as np
import torch
from edit_first.checks import complexity, seam, thresholds
from edit_first.checks.view import View, make_view, to_array
from edit_first.imaging import color
from scipy.stats import rankdata, spearmanr
from torch import Tensor

SIDE = 768
ONE_SIDED_REACH = 3.0  # bands; hidden so far that the other side cannot be filled from
CAP = 8.0  # CIELAB: half of what one pixel of the capped bridge can count
FORECASTS = (
    "border structure", "border bridge", "strands", "Laplacian variance", "Laplacian variance, same strip", "gradient",
    "entropy", "mask area",
)  # fmt: skip
CANDIDATES = (
    "border structure", "structure, capped", "structure, both sides", "border bridge", "bridge, inside, capped",
    "fill from the other side", "fill from the own side", "structure and one-sided fill", "outline contrast",
)  # fmt: skip


@dataclass(frozen=True)
class Region:
    """One mask of one picture."""

    photo: str
    half: str
    kind: str  # "blob" or "object"
    seed: int
    image: Tensor
    mask: Tensor

    @property
    def name(self) -> str:
        return f"{self.photo} {self.kind}"


def regions() -> Iterator[Region]:
    """Every photograph of the set with a blob, and with an object where it has one."""
    for number, photo in enumerate(calibration.photo_set()):
        image = photo.load(SIDE)
        both = {"blob": calibration.blob_mask(image, number), "object": calibration.object_mask(image, number)}
        for kind, mask in both.items():
            if mask is not None:
                yield Region(photo.name, photo.half, kind, number, image, mask)


def forecasts(region: Region) -> dict[str, float]:
    """What is said of a region before its edit."""
    view = make_view(None, region.image, region.mask)
    gradient = complexity.visible_gradient(view)
    return {
        "border structure": complexity.border_structure(gradient, view.distance),
        "strands": complexity.strand_fraction(view),
        **common_forecasts(view),
        **candidates(view, gradient),
    }


def band_of(view: View) -> np.ndarray:
    """The band on both sides of the border in which the bridge fills."""
    return np.abs(view.distance) <= max(2.0, complexity.BAND_SHARE * max(view.region.shape))


def common_forecasts(view: View) -> dict[str, float]:
    """What one would try first, in the band on both sides of the border."""
    luma, band = view.luma[1], band_of(view)
    gradient = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    share = np.histogram(luma[band], 32, (0, 1))[0] / band.sum()
    return {
        "Laplacian variance": float(laplacian[band].var()),
        "Laplacian variance, same strip": float(laplacian[complexity.inner_border(view.distance)].var()),
        "gradient": float(gradient[band].mean()),
        "entropy": float(-(share[share > 0] * np.log2(share[share > 0])).sum()),
        "mask area": float(view.region.mean()),
    }


def candidates(view: View, gradient: np.ndarray) -> dict[str, float]:
    """What was tried beside the border's structure, and the measure that it took over from."""
    band, width = band_of(view), max(2.0, complexity.BAND_SHARE * max(view.region.shape))
    strip, inside = complexity.inner_border(view.distance), view.region
    bridge = complexity.fill_error(view, band)
    reach = ONE_SIDED_REACH * width
    from_outside = complexity.fill_error(view, (view.distance > -width) & (view.distance <= reach))
    from_inside = complexity.fill_error(view, (view.distance < width) & (view.distance >= -reach))
    window, count = view.windows
    lab = to_array(color.srgb_to_lab(view.tensors[1]))
    steps = np.linalg.norm(seam._window_steps(lab, view.distance, window, count, 4), axis=1)
    capped = bridge[band & inside]
    one_sided = (from_outside + from_inside)[band & inside].mean() / 2
    return {
        "structure, capped": float((gradient[strip] / (gradient[strip] + CAP)).mean()),
        "structure, both sides": float(gradient[band].mean()),
        "border bridge": float(bridge[band].mean()),
        "bridge, inside, capped": float((capped / (capped + CAP)).mean()),
        "fill from the other side": float(np.where(inside, from_outside, from_inside)[band].mean()),
        "fill from the own side": float(np.where(inside, from_inside, from_outside)[band].mean()),
        "structure and one-sided fill": complexity.border_structure(gradient, view.distance) * float(one_sided) ** 0.5,
        "outline contrast": float(np.nanmean(steps)),
    }


def rows(kept: Path | None) -> list[dict]:
    """Forecasts of every region, its outcomes, and the draws that these are the means of."""
    known = json.loads(kept.read_text()) if kept and kept.exists() else {}
    found = []
    for region in regions():
        if region.name not in known:
            import edit_outcomes  # here, so that kept outcomes need no FLIP

            known[region.name] = edit_outcomes.measure(region.image, region.mask, region.seed)
            if kept:
                kept.write_text(json.dumps(known))
        draws = known[region.name]
        means = {name: float(np.nanmean(values)) for name, values in draws.items()}
        about = {"photo": region.photo, "half": region.half, "mask": region.kind}
        found.append({**about, "draws": draws, **means, **forecasts(region)})
    return found


def agreement(chosen: list[dict], one: str, other: str) -> float:
    """Spearman's rank correlation of two numbers over the regions that have both."""
    pairs = np.array([(row.get(one, np.nan), row.get(other, np.nan)) for row in chosen])
    ranks = [rankdata(column) for column in pairs[np.isfinite(pairs).all(1)].T]
    return float(np.corrcoef(*ranks)[0, 1])


def with_interval(chosen: list[dict], forecast: str, outcome: str, rival: str | None = None) -> dict:
    """Agreement, or by how much it exceeds a rival's, with an interval over photographs."""
    by_photo: dict[str, list[dict]] = {}
    for row in chosen:
        by_photo.setdefault(row["photo"], []).append(row)

    def statistic(group: list[dict]) -> float:
        return agreement(group, forecast, outcome) - (agreement(group, rival, outcome) if rival else 0)

    return {"value": round(statistic(chosen), 3), "interval": calibration.interval(statistic, by_photo)}


def between_draws(chosen: list[dict], outcome: str) -> float | None:
    """How well one draw of an outcome foretells another of the same region, mean over pairs; None of a single draw."""
    draws = np.array([row["draws"][outcome] for row in chosen if outcome in row["draws"]])
    pairs = [(a, b) for a in range(draws.shape[1]) for b in range(a)]
    found = [spearmanr(draws[:, a], draws[:, b], nan_policy="omit").statistic for a, b in pairs]
    return round(float(np.mean(found)), 3) if found else None


def summarize(found: list[dict]) -> dict:
    """Agreement of every forecast with every outcome on the verifying half; the choice on the tuning half."""
    halves = {half: [row for row in found if row["half"] == half] for half in calibration.HALVES}
    held_out = halves["verify"]
    kinds = {kind: [row for row in held_out if row["mask"] == kind] for kind in ("blob", "object")}
    outcomes = list(dict.fromkeys(name for row in found for name in row["draws"]))
    return {
        "photographs": len({row["photo"] for row in found}),
        "regions": {half: len(group) for half, group in halves.items()},
        "quantiles, tuning half": quantiles(halves["tune"]),
        "warned": {
            f"over {level}": round(float(np.mean([r["border structure"] > limit for r in halves["tune"]])), 3)
            for level in thresholds.LEVELS
            if (limit := thresholds.threshold("border_structure").limit(level))
        },
        "one draw with another, held out": {
            outcome: {"all": between_draws(held_out, outcome)}
            | {kind: between_draws(group, outcome) for kind, group in kinds.items()}
            for outcome in outcomes
        },
        "spearman, held out": {
            outcome: {forecast: with_interval(held_out, forecast, outcome) for forecast in FORECASTS}
            for outcome in outcomes
        },
        "border structure beyond a rival, held out": {
            outcome: {
                rival: with_interval(held_out, "border structure", outcome, rival)
                for rival in ("border bridge", "Laplacian variance")
            }
            for outcome in outcomes
        },
        "spearman by mask, held out": {
            kind: {
                outcome: {forecast: with_interval(group, forecast, outcome) for forecast in FORECASTS[:4]}
                for outcome in outcomes
            }
            for kind, group in kinds.items()
        },
        "candidates": {half: chosen_from(group, outcomes) for half, group in halves.items()},
        "hardest": _extreme(found, -1),
        "easiest": _extreme(found, 1),
    }


def quantiles(group: list[dict]) -> dict:
    """Of what the check warns by."""
    return {
        name: {f"p{p}": round(float(np.quantile([r[name] for r in group], p / 100)), 3) for p in (10, 50, 75, 90, 95)}
        for name in ("border structure", "border bridge", "strands")
    }


def chosen_from(group: list[dict], outcomes: list[str]) -> dict:
    """Mean agreement of every candidate over the measures of each family of outcomes, and over the families."""
    families: dict[str, list[str]] = {}
    for outcome in outcomes:
        families.setdefault(outcome.rsplit(", ", 1)[0], []).append(outcome)
    table = {}
    for name in (*CANDIDATES, *FORECASTS[2:]):
        means = {f: float(np.mean([agreement(group, name, o) for o in of])) for f, of in families.items()}
        table[name] = {key: round(value, 3) for key, value in {**means, "mean": np.mean(list(means.values()))}.items()}
    return table


def _extreme(found: list[dict], sign: int, count: int = 10) -> list[str]:
    ordered = sorted(found, key=lambda row: sign * row["border structure"])
    return [
        f"{row['photo']} ({row['mask']}) {row['border structure']:.1f}, strands {row['strands']:.2f}"
        for row in ordered[:count]
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=Path, help="JSON file that keeps the outcomes")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    cv2.setNumThreads(1)
    harness.save("complexity", summarize(rows(parser.parse_args().outcomes)))
