"""Fit the weights of `imaging/evidence.py` on a folder of photographs: `python benchmarks/fit_evidence.py FOLDER`.

Objects are segments of the photographs (Felzenszwalb, scikit-image) and a GrabCut of the middle; each is recolored as in
the harmonize benchmark, with other seeds. Photographs of the benchmark must not be in the folder.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
importlib.import_module("conftest")
scenes = importlib.import_module("benchmarks.light_scenes")
from edit_first.imaging import color, evidence, masks  # noqa: E402

RIDGE = 0.1
STRENGTHS = (0.4, 1.0, 2.5)


def objects(image):
    """Masks of up to five parts of a photograph."""
    from skimage.segmentation import felzenszwalb

    smooth = masks.gaussian_blur(image, 1)[0].permute(1, 2, 0).numpy()
    labels = felzenszwalb(smooth, scale=400, sigma=0.8, min_size=600)
    names, counts = np.unique(labels, return_counts=True)
    largest = sorted(zip(counts, names, strict=True), reverse=True)
    found = [torch.from_numpy((labels == name).astype(np.float32))[None, None] for count, name in largest]
    found = [mask for mask in found if 0.015 < float(mask.mean()) < 0.4][:4]
    return [*found, scenes.object_mask(image, ((0.25, 0.25), (0.75, 0.8)))]


def samples(folder: Path):
    """Evidence (N, 5, 3) and the shift (N, 3) that would have been right."""
    evidences, truths = [], []
    for number, path in enumerate(sorted(folder.rglob("*.*"))):
        try:
            image = scenes.read_photo(path, 256)
        except OSError:
            continue
        for index, mask in enumerate(objects(image)):
            if float(mask.sum()) < 300:
                continue
            inside = (mask > 0)[0, 0]
            true = color.srgb_to_oklab(image)[0][:, inside].mean(1)
            for _, recolor in scenes.recolorings(STRENGTHS, draws=1, seed=100 + 17 * number + index):
                edited = scenes.composite(image, recolor(image), mask)
                steps = evidence.border_steps(edited, mask)
                if steps is not None:
                    evidences.append(steps)
                    truths.append(true - color.srgb_to_oklab(edited)[0][:, inside].mean(1))
    return torch.stack(evidences).double(), torch.stack(truths).double()


def main(folder: Path) -> None:
    steps, truth = samples(folder)
    weights = {}
    for channel, name in enumerate("Lab"):
        design = steps[:, :, channel]
        scale = design.pow(2).mean(0).sqrt()
        unit = design / scale
        normal = unit.T @ unit + RIDGE * len(unit) * torch.eye(5, dtype=torch.float64)
        weights[name] = [round(float(w), 4) for w in torch.linalg.solve(normal, unit.T @ truth[:, channel]) / scale]
    print(len(steps), "samples")
    print(json.dumps(weights))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
