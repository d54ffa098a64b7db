"""Where the limits of the texture check come from: clean photographs against injected defects, half each to tune and verify.

PHOTOS_PATH=<folder of PNG photographs> python benchmarks/texture.py
"""

from __future__ import annotations

import calibration
import harness
import torch
from edit_first.checks.texture import texture_report
from edit_first.imaging import masks

MASKS_PER_PHOTO = 3
MAX_SIDE = 768
METRICS = ("grain_log2_ratio", "sharpness_log2_ratio")
DEFECTS = {  # what an ungrained, soft or over-grained patch looks like
    "blur 0.7 px": lambda image, seed: masks.gaussian_blur(image, 0.7),
    "blur 1.2 px": lambda image, seed: masks.gaussian_blur(image, 1.2),
    "grain 4/255": lambda image, seed: image + torch.randn(image.shape, generator=calibration.seeded(seed)) * 4 / 255,
}


def measure() -> dict[str, list[dict]]:
    """Values of both metrics by case, for every photograph and mask."""
    found: dict[str, list[dict]] = {"clean": [], **{name: [] for name in DEFECTS}}
    for number, photo in enumerate(harness.load_photos()):
        scale = max(photo.shape[2:]) / MAX_SIDE
        if scale > 1:
            size = [round(side / scale) for side in photo.shape[2:]]
            photo = torch.nn.functional.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1)
        for index in range(MASKS_PER_PHOTO):
            seed = 100 * number + index
            mask = calibration.blob_mask(photo, seed)
            for name in found:
                changed = photo if name == "clean" else DEFECTS[name](photo, seed).clamp(0, 1)
                report = texture_report(torch.where(mask > 0, changed, photo), mask)
                values = {m.metric: m.value for m in report.measurements}
                found[name].append({"photo": number, **{metric: values[metric] for metric in METRICS}})
    return found


def quantile(values: list[float], share: float) -> float:
    return round(float(torch.tensor(values).quantile(share)), 3)


def summarize(found: dict[str, list[dict]]) -> dict:
    """Quantiles of clean values on the tuning half, and what these limits do on the other half."""
    result = {}
    for metric in METRICS:
        halves = {
            name: [[e[metric] for e in cases if e["photo"] % 2 == half and e[metric] is not None] for half in (0, 1)]
            for name, cases in found.items()
        }
        warn, beyond = quantile(halves["clean"][0], 0.95), quantile(halves["clean"][0], 0.99)
        entry = {"tuned": {"n": len(halves["clean"][0]), "clean p95": warn, "clean p99": beyond}, "verified": {}}
        for name in halves:
            values = halves[name][1]
            over = {f"over {limit}": round(sum(v > limit for v in values) / len(values), 3) for limit in (warn, beyond)}
            auc = None if name == "clean" else round(calibration.area_under_curve(halves["clean"][1], values), 3)
            entry["verified"][name] = {"n": len(values), "median": quantile(values, 0.5), **over, "auc": auc}
        result[metric] = entry
    return result


if __name__ == "__main__":
    torch.set_num_threads(2)
    harness.save("texture", {"photos": len(harness.photo_paths()), **summarize(measure())})
