"""Fit `assets/light_estimate.npz`: `python benchmarks/fit_light.py PHOTOS CACHE [--part 0/2]`, then without `--part`.

Objects of the photographs of a folder (PNG) are recolored as in the harmonize benchmark, with other seeds; a third of
them come from another photograph, where the natural difference to the surroundings has to be left alone. Photographs
of the benchmark are left out. Three networks are fitted, each to two thirds of the photographs; the figures are those
of the third that it has not seen.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
importlib.import_module("conftest")
light_samples = importlib.import_module("benchmarks.light_samples")
from edit_first.imaging import light_estimate  # noqa: E402

from benchmarks.harmonize import write  # noqa: E402

FOLDS = 3
HIDDEN = (64, 32)
EPOCHS, BATCH, RATE, DECAY = 20, 256, 2e-3, 1e-2
DROPOUT, CUE_DROPOUT, CUE_NOISE = 0.3, 0.1, 0.1
FOREIGN_WEIGHT = 4.0  # a foreign object that is repainted is worse than an own one that is not corrected
UNTOUCHED_WEIGHT = 0.5
PIXELS = 32  # of each object in one step
EDGES = (0.04, 0.06, 0.08, 0.1, 0.13, 0.17, 0.22, 0.3, 0.5)


class Network(nn.Module):
    """Cues to an affine correction (3, 4); nothing at the start."""

    def __init__(self, cues: int) -> None:
        super().__init__()
        sizes, layers = (cues, *HIDDEN), [nn.Dropout(CUE_DROPOUT)]
        for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(inputs, outputs), nn.SiLU(), nn.Dropout(DROPOUT)]
        last = nn.Linear(HIDDEN[-1], 12)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, cues: Tensor) -> Tensor:
        return self.layers(cues).view(-1, 3, 4)


def corrected(colors: Tensor, maps: Tensor) -> Tensor:
    """Colors (N, P, 3) after maps (N, 3, 4), not clamped."""
    centered = colors - light_estimate.PIVOT
    design = torch.cat((torch.ones_like(centered[..., :1]), centered), -1)
    return colors + design @ maps.transpose(1, 2)


def standardized(cues: np.ndarray, center: np.ndarray, scale: np.ndarray) -> Tensor:
    limit = light_estimate.LIMIT
    return torch.from_numpy(np.clip((cues - center) / scale, -limit, limit).astype(np.float32))


def fit(cues: Tensor, colors: Tensor, truth: Tensor, weight: Tensor, seed: int) -> Network:
    """Least squared error of the corrected object."""
    torch.manual_seed(seed)
    network = Network(cues.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(cues) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(cues)).split(BATCH):
            some = torch.randint(0, colors.shape[1], (PIXELS,))
            noisy = cues[batch] + CUE_NOISE * torch.randn(len(batch), cues.shape[1])
            result = corrected(colors[batch][:, some], network(noisy))
            shown = result.clamp(0, 1)
            shown = shown + 0.01 * (result - shown)  # a little slope beyond the range, or clipped colors never return
            error = (shown - truth[batch][:, some]).square().mean((1, 2))
            optimizer.zero_grad()
            (50 * (weight[batch] * error).mean()).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def report(samples, maps: Tensor) -> dict:
    """What the networks do on photographs they have not seen."""
    colors, truth = torch.from_numpy(samples.colors).float(), torch.from_numpy(samples.truth).float()
    result = corrected(colors, maps).clamp(0, 1)
    step = (result - colors).square().mean((1, 2)).sqrt().numpy()
    low, high = light_estimate.NEGLIGIBLE, light_estimate.CLEAR
    share = torch.from_numpy(((step - low) / (high - low)).clip(0, 1)).float()[:, None, None]
    made = corrected(colors, maps * share).clamp(0, 1)
    start, full, end = (((image - truth) * 255).square().mean((1, 2)).numpy() for image in (colors, result, made))
    table: dict = {"samples": len(start), "photographs": len(np.unique(samples.photo))}
    for name, group in (("own", ~samples.foreign), ("foreign", samples.foreign)):
        changed, untouched = group & (samples.strength > 0), group & (samples.strength == 0)
        table[name] = {
            "ratio": round(float(end[changed].sum() / start[changed].sum()), 3),
            "worse_share": round(float((end[changed] > start[changed] * 1.0001).mean()), 3),
            "untouched_acted_share": round(float((share[:, 0, 0].numpy()[untouched] > 0).mean()), 3),
            "error_removed_by_step": {
                f"{a:g}-{b:g}": round(float(1 - full[bin_].sum() / start[bin_].sum()), 2)
                for a, b in zip(EDGES[:-1], EDGES[1:], strict=True)
                if (bin_ := group & (step >= a) & (step < b)).sum() > 20
            },
        }
    return table


def main(folder: Path, cache: Path) -> None:
    paths = light_samples.photographs(folder)
    samples = light_samples.load(paths, cache)
    colors, truth = torch.from_numpy(samples.colors).float(), torch.from_numpy(samples.truth).float()
    weight = np.where(samples.foreign, FOREIGN_WEIGHT, 1) * np.where(samples.strength == 0, UNTOUCHED_WEIGHT, 1)
    weight = torch.from_numpy(weight).float()
    stored, maps = {}, torch.zeros(len(colors), 3, 4)
    for fold in range(FOLDS):
        seen = samples.photo % FOLDS != fold
        center, scale = np.median(samples.cues[seen], 0), samples.cues[seen].std(0) + 1e-6
        network = fit(standardized(samples.cues[seen], center, scale), colors[seen], truth[seen], weight[seen], fold)
        with torch.no_grad():
            maps[~seen] = network(standardized(samples.cues[~seen], center, scale))
        stored |= {f"{fold}_center": center.astype(np.float32), f"{fold}_scale": scale.astype(np.float32)}
        for number, layer in enumerate(layer for layer in network.layers if isinstance(layer, nn.Linear)):
            stored[f"{fold}_weight_{number}"] = layer.weight.detach().numpy().astype(np.float16)
            stored[f"{fold}_bias_{number}"] = layer.bias.detach().numpy().astype(np.float16)
    np.savez_compressed(light_estimate.WEIGHTS, **stored)
    write("fit_light.json", report(samples, maps))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--part", help="collect samples only, such as 0/2: the first of two halves")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.part:
        index, count = map(int, options.part.split("/"))
        light_samples.collect(light_samples.photographs(options.folder), options.cache, (index, count))
    else:
        main(options.folder, options.cache)
