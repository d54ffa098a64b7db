"""Projected shadows against ray-traced truth: `python benchmarks/shadow.py`.

The rival is the drop shadow of the field: the matte moved and blurred, here with the best offset and blur for each
scene, found by search on the truth, which no user has.
"""

from __future__ import annotations

import datetime
import importlib
import json
import statistics
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")
scenes = importlib.import_module("benchmarks.shadow_scenes")
from edit_first import __version__  # noqa: E402
from edit_first.imaging import masks, projection, shadow_light  # noqa: E402

LIGHTS = ((150, 40, 6), (70, 35, 4), (30, 55, 10))  # azimuth, elevation, angular radius
OPACITY = 0.7
SETTINGS = projection.ShadowLight(0, 45, 5, 0.5)  # what auto starts from


def errors(shade, truth) -> dict:
    """Root mean square error where either is, overlap of the halves, areas of shadow and of penumbra."""
    either = (shade > 0.01) | (truth > 0.01)
    both = (shade > 0.5) & (truth > 0.5)
    soft = [int(((plane > 0.1) & (plane < 0.9)).sum()) for plane in (shade, truth)]
    return {
        "rmse": round(float((shade - truth)[either].pow(2).mean().sqrt()), 3),
        "iou": round(float(both.sum() / ((shade > 0.5) | (truth > 0.5)).sum()), 3),
        "area_ratio": round(float(shade.sum() / truth.sum()), 3),
        "penumbra_ratio": round(soft[0] / max(1, soft[1]), 3),
    }


def drop_shadow(matte, truth):
    """The best moved and blurred matte."""
    best = None
    for sigma in (1, 4, 8):
        soft = masks.gaussian_blur(matte, sigma)
        for dx in range(-80, 81, 10):
            for dy in range(-40, 81, 10):
                moved = soft.roll((dy, dx), (2, 3)) * (1 - matte)
                error = float((moved - truth).pow(2).sum())
                if best is None or error < best[0]:
                    best = error, moved
    return best[1]


def main() -> None:
    rows = []
    for shape in scenes.SHAPES:
        for azimuth, elevation, radius in LIGHTS:
            scene = scenes.Scene(shape, azimuth_deg=azimuth, elevation_deg=elevation, light_deg=radius)
            image, matte, truth = scenes.render(scene, opacity=OPACITY)
            light = projection.ShadowLight(azimuth, elevation, scenes.top_softness_px(scene), 1.0)
            ground = {"depth": 0.0 if shape == "card" else 1.0, "foreshortening": scene.foreshortening}
            started = time.perf_counter()
            shade = projection.project_shadow(matte, light, **ground) * (1 - matte)
            seconds = time.perf_counter() - started
            found = shadow_light.estimate_light(image, SETTINGS, reference=matte, **ground)
            alone = shadow_light.estimate_light(image, SETTINGS, reference=None, **ground)
            rows.append(
                {
                    "shape": shape,
                    "azimuth_deg": azimuth,
                    "elevation_deg": elevation,
                    "projected": errors(shade, truth),
                    "best drop shadow": errors(drop_shadow(matte, truth), truth),
                    "auto_azimuth_error_deg": round(abs((found.azimuth_deg - azimuth + 180) % 360 - 180), 1),
                    "auto_elevation_error_deg": round(abs(found.elevation_deg - elevation), 1),
                    "auto_softness_ratio": round(found.softness_px / light.softness_px, 2),
                    "auto_density_error": round(abs(found.opacity - OPACITY), 3),
                    "auto_confidence": round(found.confidence, 3),
                    "alone_azimuth_error_deg": round(abs((alone.azimuth_deg - azimuth + 180) % 360 - 180), 1),
                    "alone_confidence": round(alone.confidence, 3),
                    "seconds": round(seconds, 3),
                }
            )
            print(rows[-1], flush=True)
    result = {
        "date": datetime.date.today().isoformat(),
        "version": __version__,
        "torch": torch.__version__,
        "projection_seconds_median": statistics.median(row["seconds"] for row in rows),
        "scenes": rows,
    }
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shadow.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
