"""Does Lighting Harmonize undo a known recoloring? `python benchmarks/harmonize.py [--quick]`

Rivals: doing nothing, mean and standard deviation of the ring, ComfyUI's Color Transfer (set COMFYUI_PATH and run with
ComfyUI's Python) and color-matcher (GPL; installed beside, never a dependency), each the way their users connect them:
target = the edited frame, reference = the original (paired), or object and surroundings (unpaired).
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")
scenes = importlib.import_module("benchmarks.light_scenes")
from edit_first import __version__  # noqa: E402
from edit_first.imaging import brand, color, harmonize, masks  # noqa: E402

STRENGTHS = (0.4, 1.0, 2.5)
BRAND_BUDGET = 2.0
SIDE = 256  # longer side of the photographs


def core_methods() -> dict:
    """ComfyUI's own Color Transfer, one entry for each method."""
    if not os.environ.get("COMFYUI_PATH"):
        return {}
    sys.path.insert(0, os.environ["COMFYUI_PATH"])
    argv, sys.argv = sys.argv, ["benchmark", "--cpu"]  # ComfyUI reads the command line when it is imported
    importlib.import_module("comfy.options").enable_args_parsing()
    node = importlib.import_module("comfy_extras.nodes_post_processing").ColorTransfer
    sys.argv = argv

    def run(method):
        def transfer(target, reference):
            out = node.execute(
                target.movedim(1, 3), reference.movedim(1, 3), method, {"source_stats": "per_frame"}, 1.0
            )
            return out.args[0].movedim(3, 1)

        return transfer

    return {f"core {method}": run(method) for method in ("reinhard_lab", "mkl_lab", "histogram")}


def matcher_methods() -> dict:
    """KJNodes' Color Match calls color-matcher."""
    try:
        matcher = importlib.import_module("color_matcher").ColorMatcher
    except ImportError:
        return {}

    def run(method):
        def transfer(target, reference):
            arrays = [np.ascontiguousarray(image[0].permute(1, 2, 0).double().numpy()) for image in (target, reference)]
            out = matcher().transfer(src=arrays[0], ref=arrays[1], method=method)
            return torch.from_numpy(np.ascontiguousarray(out)).float().permute(2, 0, 1)[None].clamp(0, 1)

        return transfer

    return {f"color-matcher {method}": run(method) for method in ("mkl", "hm-mvgd-hm")}


def mean_std(target, reference):
    """Mean and standard deviation in CIELAB's place: OKLab."""
    lab, other = color.srgb_to_oklab(target), color.srgb_to_oklab(reference)
    mean, deviation = (lab.mean((2, 3), keepdim=True), lab.std((2, 3), keepdim=True) + 1e-4)
    moved = (lab - mean) / deviation * (other.std((2, 3), keepdim=True)) + other.mean((2, 3), keepdim=True)
    return color.oklab_to_srgb(moved).clamp(0, 1)


def strip(image, where):
    """The selected pixels as an image of one row, so that a node without a mask sees only them."""
    return image[0][:, where[0, 0]][None, :, None]


def on_object(transfer, image, mask):
    """A transfer from surroundings to object, for nodes that know no mask."""
    inside = mask > 0
    reach = max(8.0, 0.75 * float(inside.sum()) ** 0.5)
    distance = masks.signed_distance(mask)
    moved = transfer(strip(image, inside), strip(image, (distance < -2) & (distance > -reach)))
    result = image.clone()
    result[0][:, inside[0, 0]] = moved[0, :, 0].to(result)
    return result


def summarize(errors: dict[str, list[float]]) -> dict:
    """Means, ratio to doing nothing, and how often it is worse."""
    start = np.array(errors["nothing"])
    table = {}
    for name, values in errors.items():
        values = np.array(values)
        table[name] = {
            "fmse": round(float(values.mean()), 2),
            "ratio": round(float(values.mean() / start.mean()), 3),
            "median_fmse": round(float(np.median(values)), 2),
            "psnr_db": round(float(np.mean(10 * np.log10(255**2 / np.maximum(values, 1e-3)))), 2),
            "worse_share": round(float((values > start).mean()), 3),
        }
    return table


def brand_color(photo, mask) -> str:
    """The most common saturated color of an object, as a brand would own it."""
    pixels = photo[0][:, (mask > 0)[0, 0]]
    lab = color.srgb_to_oklab(pixels[None, :, None])[0, 1:, 0]
    vivid = pixels[:, lab.norm(dim=0) >= lab.norm(dim=0).quantile(0.8)]
    return "#" + "".join(f"{round(float(v) * 255):02x}" for v in vivid.median(1).values)


def main(quick: bool) -> None:
    rivals = {**core_methods(), **matcher_methods(), "mean/std": mean_std}
    unpaired, paired, held_brand, seconds = {}, {}, {"cases": 0, "within": 0}, []
    kinds: dict[str, dict[str, list[float]]] = {}
    for number, subject in enumerate(scenes.SUBJECTS[:: 4 if quick else 2]):
        photo = scenes.read_photo(scenes.PHOTOS / subject.photo, SIDE)
        mask = scenes.object_mask(photo, subject.points, subject.cut)
        name = brand_color(photo, mask)
        for kind, recolor in scenes.recolorings(STRENGTHS, draws=1, seed=number):
            frame = scenes.to_8bit(recolor(photo))
            composite = scenes.composite(photo, frame, mask)
            found = {"nothing": composite, "Lighting Harmonize": harmonize.harmonize(composite, mask)[0]}
            found |= {rival: on_object(transfer, composite, mask) for rival, transfer in rivals.items()}
            for method, image in found.items():
                error = scenes.foreground_mse(image, photo, mask)
                unpaired.setdefault(method, []).append(error)
                if method in ("nothing", "Lighting Harmonize"):
                    kinds.setdefault(kind.rsplit(" ", 1)[0], {}).setdefault(method, []).append(error)
            started = time.perf_counter()
            harmonized = harmonize.harmonize(frame, mask, original=photo)[0]
            seconds.append(time.perf_counter() - started)
            found = {"nothing": frame, "Lighting Harmonize": harmonized}
            found |= {rival: transfer(frame, photo) for rival, transfer in rivals.items()}
            for method, image in found.items():
                paired.setdefault(method, []).append(scenes.foreground_mse(image, photo, mask))
            check_brand(held_brand, composite, photo, mask, name)
        print(subject.name, flush=True)
    result = {
        "cases": len(unpaired["nothing"]),
        "strengths": STRENGTHS,
        "unpaired": summarize(unpaired),
        "unpaired_by_kind": {kind: summarize(errors)["Lighting Harmonize"] for kind, errors in kinds.items()},
        "paired": summarize(paired),
        "brand": held_brand,
        "paired_seconds_median": round(float(np.median(seconds)), 3),
    }
    write("harmonize.json", result)


def check_brand(counts, composite, photo, mask, name) -> None:
    """Is the brand color kept where the composite has it right to begin with? The object is the photograph's own."""
    original_object = scenes.to_8bit(photo)
    shifted = scenes.composite(composite, original_object, mask)  # right object; surroundings decide the correction
    held = harmonize.harmonize(shifted, mask, brand_colors=[name], max_delta_e=BRAND_BUDGET)[1][0].brand
    if not held:
        return
    counts["cases"] += 1
    counts["within"] += held[0].after <= max(BRAND_BUDGET, held[0].before) + 1e-3


def brand_budget(quick: bool) -> None:
    """How often a color that the object has right is still within the budget afterward: ours and the rivals."""
    rivals = {**core_methods(), **matcher_methods(), "mean/std": mean_std}
    distances: dict[str, list[float]] = {}
    within: dict[str, list[bool]] = {}
    for number, subject in enumerate(scenes.SUBJECTS[:: 4 if quick else 2]):
        photo = scenes.read_photo(scenes.PHOTOS / subject.photo, SIDE)
        mask = scenes.object_mask(photo, subject.points, subject.cut)
        name = brand_color(photo, mask)
        target = brand.swatch(name, photo)
        meant = (color.delta_e00(color.srgb_to_lab(photo), target) <= brand.CATCH_DELTA_E) & (mask > 0)
        for _, recolor in scenes.recolorings(STRENGTHS, draws=1, seed=number):
            composite = scenes.composite(scenes.to_8bit(recolor(photo)), scenes.to_8bit(photo), mask)
            held = harmonize.harmonize(composite, mask, brand_colors=[name], max_delta_e=BRAND_BUDGET)[0]
            found = {"nothing": composite, "Lighting Harmonize": held}
            found |= {rival: on_object(transfer, composite, mask) for rival, transfer in rivals.items()}
            for method, image in found.items():
                median = color.srgb_to_lab(image)[0][:, meant[0, 0]].median(1).values.view(1, 3, 1, 1)
                distance = float(color.delta_e00(median, target))
                distances.setdefault(method, []).append(distance)
                within.setdefault(method, []).append(distance <= max(BRAND_BUDGET, distances["nothing"][-1]) + 1e-3)
        print(subject.name, flush=True)
    table = {
        method: {
            "within_share": round(float(np.mean(within[method])), 3),
            "median_delta_e00": round(float(np.median(values)), 2),
            "worst_delta_e00": round(max(values), 2),
        }
        for method, values in distances.items()
    }
    write("harmonize_brand.json", {"cases": len(distances["nothing"]), "budget": BRAND_BUDGET, "methods": table})


def new_objects(quick: bool) -> None:
    """The paired case as it happens: the region shows something new, which pollutes statistics of the whole frame.

    The truth inside is another photograph in the object's place; the whole frame is recolored, as a model does it.
    """
    rivals = {**core_methods(), **matcher_methods(), "mean/std": mean_std}
    errors, outside = {}, {}
    subjects = scenes.SUBJECTS[:: 4 if quick else 2]
    for number, subject in enumerate(subjects):
        photo = scenes.read_photo(scenes.PHOTOS / subject.photo, SIDE)
        mask = scenes.object_mask(photo, subject.points, subject.cut)
        other = scenes.read_photo(scenes.PHOTOS / subjects[(number + 2) % len(subjects)].photo, SIDE)
        other = torch.nn.functional.interpolate(other, photo.shape[2:], mode="area")
        truth = torch.where(mask > 0, other, photo)
        cast = torch.tensor((1.05, 1.0, 0.95)).view(1, 3, 1, 1)
        for kind, recolor in [*scenes.recolorings(STRENGTHS, draws=1, seed=number), ("drift", lambda x: x * cast)]:  # noqa: B023
            frame = scenes.to_8bit(recolor(truth))
            found = {"nothing": frame, "Lighting Harmonize": harmonize.harmonize(frame, mask, original=photo)[0]}
            found |= {rival: transfer(frame, photo) for rival, transfer in rivals.items()}
            for method, image in found.items():
                errors.setdefault(method, []).append(scenes.foreground_mse(image, truth, mask))
                if kind == "drift":
                    level = float(((image - truth) * 255).abs()[(mask > 0).expand_as(image)].mean())
                    outside.setdefault(method, []).append(level)
        print(subject.name, flush=True)
    drift = {method: round(float(np.mean(values)), 3) for method, values in outside.items()}
    write(
        "harmonize_new_object.json",
        {"cases": len(errors["nothing"]), "paired": summarize(errors), "drift_levels": drift},
    )


def write(name: str, result: dict) -> None:
    """Results with their circumstances."""
    head = {"date": datetime.date.today().isoformat(), "version": __version__, "torch": torch.__version__}
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**head, "python": platform.python_version(), **result}, indent=1)
    (folder / name).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half as many objects")
    parser.add_argument("--new-object", action="store_true", help="the paired case with new content in the region")
    parser.add_argument("--brand", action="store_true", help="the color budget, against the rivals")
    torch.set_num_threads(1)
    options = parser.parse_args()
    chosen = brand_budget if options.brand else new_objects if options.new_object else main
    chosen(options.quick)
