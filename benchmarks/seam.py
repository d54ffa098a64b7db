"""Which blend leaves the least error and the least visible seam? Seam Feather against what users have today.

    python benchmarks/seam.py [--ours | --timing | --page]

Rivals are run from where they are installed, never copied: COMFYUI_PATH is a ComfyUI folder (core's
ImageCompositeMasked, and what the packs import), RIVALS_PATH a folder that holds checkouts of
ComfyUI-Inpaint-CropAndStitch, ComfyUI-NKD-Basic-Tools and flux-kontext-diff-merge. A rival that is absent or fails is
named in the result. Every rival gets the same raw frame and mask, and its own default settings.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.util
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]
importlib.import_module("conftest")  # loads the pack as edit_first

import scenes  # noqa: E402
from edit_first.checks.seam import seam_steps  # noqa: E402
from edit_first.imaging import color, masks, seam  # noqa: E402

BAND_PX = 16
TIMED = ("plain paste", "core ImageCompositeMasked", "cv2.seamlessClone", "Seam Feather alpha", "Seam Feather auto",
         "Seam Feather multiband", "Seam Feather gradient", "CropAndStitch", "NKD stitch")  # fmt: skip
CROP_AND_STITCH = dict(
    downscale_algorithm="bilinear", upscale_algorithm="bicubic", preresize=False,
    preresize_mode="ensure minimum resolution", preresize_min_width=1024, preresize_min_height=1024,
    preresize_max_width=16384, preresize_max_height=16384, extend_for_outpainting=False, extend_up_factor=1.0,
    extend_down_factor=1.0, extend_left_factor=1.0, extend_right_factor=1.0, mask_hipass_filter=0.1,
    mask_fill_holes=True, mask_expand_pixels=0, mask_invert=False, mask_blend_pixels=32,
    context_from_mask_extend_factor=1.2, output_resize_to_target_size=False, output_target_width=512,
    output_target_height=512, output_padding="32", device_mode="cpu (compatible)",
)  # fmt: skip
Blend = Callable[[scenes.Scene], torch.Tensor]


def to_array(image: torch.Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).numpy()


def to_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]


def hosted(image: torch.Tensor) -> torch.Tensor:
    """(1, C, H, W) in ComfyUI's layout."""
    return image.movedim(1, -1).contiguous()


def measure(scene: scenes.Scene, image: torch.Tensor) -> dict[str, float]:
    """Error in the band inside the border, seam step, detail, and how many pixels outside the edit changed."""
    distance = masks.signed_distance(scene.mask)[0, 0].numpy()
    error = ((to_array(image) - to_array(scene.truth)) * 255) ** 2
    band, near = (distance > 0) & (distance <= BAND_PX), np.abs(distance) < 12
    same = (np.abs(to_array(scene.truth) - to_array(scene.original)).max(2) < 1 / 255) & band
    steps = to_array(color.srgb_to_oklab(image) - color.srgb_to_oklab(scene.truth)) * 100
    detail = [np.abs(cv2.Laplacian(to_array(color.luma(t)), cv2.CV_32F))[near].sum() for t in (image, scene.truth)]
    outside = torch.from_numpy(distance <= 0)[None, None]
    moved = (image - scene.original).abs().amax(1, keepdim=True) > 0.5 / 255
    return {
        "band_rmse": float(np.sqrt(error[band].mean())),
        "band_unchanged_rmse": float(np.sqrt(error[same].mean())) if same.any() else 0.0,
        "inside_rmse": float(np.sqrt(error[distance > 0].mean())),
        "seam_step": seam_steps(steps, distance)[0],
        "detail_ratio": float(detail[0] / detail[1]),
        "outside_changed_px": int((moved & outside).sum()),
    }


def paste(scene: scenes.Scene) -> torch.Tensor:
    return torch.where(scene.mask > 0, scene.edited, scene.original)


def gaussian_feather(scene: scenes.Scene) -> torch.Tensor:
    return torch.lerp(scene.original, scene.edited, masks.gaussian_blur(scene.mask, 8.0))


def seamless_clone(scene: scenes.Scene) -> torch.Tensor:
    edited, original = ((to_array(t)[..., ::-1] * 255).round().astype(np.uint8) for t in (scene.edited, scene.original))
    mask = (to_array(scene.mask)[..., 0] * 255).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(mask)
    center = (x + width // 2, y + height // 2)
    image = cv2.seamlessClone(edited.copy(), original.copy(), mask, center, cv2.NORMAL_CLONE)
    return to_tensor(image[..., ::-1].astype(np.float32) / 255)


def ours(method: str) -> Blend:
    return lambda scene: seam.feather(scene.original, scene.edited, scene.mask, method=method)[0]


def load(path: Path, name: str):
    """A module, or a package when the path is a folder."""
    package = path.is_dir()
    locations = [str(path)] if package else None
    spec = importlib.util.spec_from_file_location(
        name, path / "__init__.py" if package else path, submodule_search_locations=locations
    )
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def core_composite() -> Blend:
    from comfy_extras.nodes_mask import ImageCompositeMasked

    def blend(scene):
        result = ImageCompositeMasked.execute(
            hosted(scene.original), hosted(scene.edited), 0, 0, False, scene.mask[:, 0]
        )
        return result.args[0].movedim(-1, 1)

    return blend


def crop_and_stitch(folder: Path) -> Blend:
    module = load(folder / "ComfyUI-Inpaint-CropAndStitch" / "inpaint_cropandstitch.py", "rival_crop_and_stitch")
    crop, stitch = module.InpaintCropImproved(), module.InpaintStitchImproved()

    def blend(scene):
        stitcher, *_ = crop.inpaint_crop(hosted(scene.original), mask=scene.mask[:, 0], **CROP_AND_STITCH)
        _, patch, *_ = crop.inpaint_crop(hosted(scene.edited), mask=scene.mask[:, 0], **CROP_AND_STITCH)
        return stitch.inpaint_stitch(stitcher, patch)[0].movedim(-1, 1)

    return blend


def nkd_stitch(folder: Path, *, match_colors: float, seamless: bool) -> Blend:
    name = "rival_nkd"
    if name not in sys.modules:
        package = sys.modules[name] = importlib.util.module_from_spec(
            importlib.util.spec_from_loader(name, loader=None, is_package=True)
        )
        package.__path__ = [str(folder / "ComfyUI-NKD-Basic-Tools")]
    module = importlib.import_module(f"{name}.nkd_crop_stitch")

    def blend(scene):
        height, width = scene.mask.shape[2:]
        helpers = sys.modules[f"{name}.helpers"]
        mask = helpers._mask_grow(scene.mask[:, 0], 20, 10)  # the crop node's default growth and blur
        data = module.NKDCropData(hosted(scene.original), (0, 0, width, height), (height, width), mask)
        result = module.NKDInpaintStitch.execute(
            [hosted(scene.edited)], [data], [10], [0.0], [match_colors], [seamless]
        )
        return result.args[0].movedim(-1, 1)

    return blend


def diff_merge(folder: Path, method: str) -> Blend:
    module = load(folder / "flux-kontext-diff-merge" / "flux_kontext_diff_merge.py", "rival_diff_merge")
    node = module.FluxKontextDiffMerge()

    def blend(scene):
        image = node.merge_diff(
            hosted(scene.original), hosted(scene.edited), 0.02, "adaptive", method, 15, 8, 15, 250, 0.15,
            manual_mask=scene.mask[:, 0],
        )[0]  # fmt: skip
        return image.movedim(-1, 1)

    return blend


def all_blends() -> tuple[dict[str, Blend], dict[str, str]]:
    """Everything that can run here, and why the rest cannot."""
    blends: dict[str, Blend] = {f"Seam Feather {method}": ours(method) for method in seam.METHODS}
    blends |= {"plain paste": paste, "Gaussian feather 8 px": gaussian_feather, "cv2.seamlessClone": seamless_clone}
    comfyui, folder = os.environ.get("COMFYUI_PATH"), Path(os.environ.get("RIVALS_PATH", "-"))
    if comfyui:
        sys.path.insert(0, comfyui)
        sys.argv[1:] = ["--cpu"]  # ComfyUI reads its options on import
        importlib.import_module("comfy.options").enable_args_parsing()
    rivals: dict[str, Callable[[], Blend]] = {
        "core ImageCompositeMasked": core_composite,
        "CropAndStitch": lambda: crop_and_stitch(folder),
        "NKD stitch": lambda: nkd_stitch(folder, match_colors=0.0, seamless=False),
        "NKD stitch, match colors, seamless edges": lambda: nkd_stitch(folder, match_colors=1.0, seamless=True),
        "diff-merge poisson": lambda: diff_merge(folder, "poisson"),
        "diff-merge alpha": lambda: diff_merge(folder, "alpha"),
        "diff-merge multiband": lambda: diff_merge(folder, "multiband"),
    }
    absent = {}
    for name, make in rivals.items():
        try:
            blends[name] = make()
        except Exception as error:  # whatever a foreign pack raises, the rest is still measured
            absent[name] = f"{type(error).__name__}: {error}"[:200]
    return blends, absent


def quality(blends: dict[str, Blend]) -> tuple[list[dict], dict[str, str]]:
    """One row per scene and blend."""
    rows, failed = [], {}
    for scene in scenes.scenes():
        for name, blend in blends.items():
            try:
                image = blend(scene)
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"[:200]
                continue
            row = {
                "scene": scene.name,
                "shape": scene.shape,
                "texture": scene.texture,
                "seed": scene.seed,
                "blend": name,
            }
            rows.append(row | measure(scene, image.float()))
    return rows, failed


def timing(blends: dict[str, Blend], repeats: int = 2) -> dict[str, dict[str, float]]:
    """Seconds for a 3840x2160 frame of which a tenth is edited, and the growth of the process's peak memory.

    Every blend runs in a process of its own, forked once the frame is there. Processor time is what a shared machine
    leaves comparable; the least of the repeats is taken.
    """
    photo = cv2.resize(scenes.photographs(512)["coffee"], (3840, 2160), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    rng = np.random.default_rng(0)
    photo = np.clip(photo + rng.standard_normal(photo.shape).astype(np.float32) * 0.01, 0, 1)
    edited = scenes.apply_drift(photo, scenes.Drift(), rng)
    mask = np.zeros((2160, 3840, 1), np.float32)
    mask[600:1510, 1400:2311] = 1  # 10 % of the frame
    scene = scenes.Scene(
        "4K", "straight", to_tensor(photo), to_tensor(edited), to_tensor(mask), to_tensor(photo), 0, False
    )
    return {name: row for name, blend in blends.items() if (row := in_child(blend, scene, repeats))}


def in_child(blend: Blend, scene: scenes.Scene, repeats: int) -> dict[str, float]:
    """Processor and wall seconds and growth of peak memory of a blend in a forked process; empty when it fails."""
    forked = multiprocessing.get_context("fork")
    receiver, sender = forked.Pipe(duplex=False)
    child = forked.Process(target=_time_blend, args=(blend, scene, repeats, sender))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return {}
    finally:
        child.join()


def _time_blend(blend: Blend, scene: scenes.Scene, repeats: int, sender) -> None:
    before, cpu, wall = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, [], []
    for _ in range(repeats):
        start, start_wall = time.process_time(), time.perf_counter()
        blend(scene)
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - start_wall)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sender.send({"cpu_s": round(min(cpu), 2), "spread_s": round(max(cpu) - min(cpu), 2), "wall_s": round(min(wall), 2),
                 "peak_growth_mib": round(grown)})  # fmt: skip


def summarize(rows: list[dict]) -> dict[str, dict[str, dict[str, float]]]:
    """Means by group of scenes and blend."""
    groups = {"all": lambda r: True, "texture": lambda r: r["texture"], "smooth": lambda r: not r["texture"]}
    groups |= {shape: (lambda r, shape=shape: r["shape"] == shape) for shape in scenes.SHAPES}
    numbers = ("band_rmse", "band_unchanged_rmse", "inside_rmse", "seam_step", "detail_ratio", "outside_changed_px")
    summary = {}
    for group, belongs in groups.items():
        for name in dict.fromkeys(row["blend"] for row in rows):
            chosen = [row for row in rows if row["blend"] == name and belongs(row)]
            if chosen:
                means = {number: round(statistics.mean(row[number] for row in chosen), 3) for number in numbers}
                summary.setdefault(group, {})[name] = {"n": len(chosen), **means}
    return summary


def worse_than_ramp(rows: list[dict]) -> list[dict]:
    """Scenes in which auto has more band error, or more of a seam, than our own plain ramp."""
    by_scene: dict[str, dict[str, dict]] = {}
    for row in rows:
        by_scene.setdefault(row["scene"], {})[row["blend"]] = row
    losses = []
    for name, found in by_scene.items():
        auto, ramp = found["Seam Feather auto"], found["Seam Feather alpha"]
        for number in ("band_rmse", "seam_step"):
            if auto[number] > ramp[number] + 0.01:
                losses.append(
                    {"scene": name, "measure": number, "auto": round(auto[number], 3), "alpha": round(ramp[number], 3)}
                )
    return losses


def _timing_lines(result: dict) -> list[str]:
    lines = ["", "## A 3840x2160 frame, a tenth of it edited", ""]
    lines += ["| blend | processor s | spread s | wall s | growth of peak memory, MiB |", "|---|---|---|---|---|"]
    for name, row in result["timing_4k_10_percent"].items():
        wall = "" if row.get("earlier_run") else f"{row['wall_s']:.2f}"
        mark = " (earlier run)" if row.get("earlier_run") else ""
        lines.append(
            f"| {name}{mark} | {row['cpu_s']:.2f} | {row['spread_s']:.2f} | {wall} | {row['peak_growth_mib']} |"
        )
    lines += [
        "",
        f"Timed {result.get('timing_measured', result['date'])}. One thread, every blend in a process of its own, the "
        "least of its runs; on a shared machine",
        "only the processor time can be compared. Memory is what the blend needs on top of the frames themselves.",
    ]
    return lines


def _rivals_lines(result: dict) -> list[str]:
    """Says so when the packs were measured in an earlier run."""
    date = result.get("rivals_measured")
    return ["", f"The packs' rows are of {date}, on the same scenes."] if date else []


def to_markdown(result: dict) -> str:
    """The result as a page, `docs/benchmarks/seam.md`."""
    drift, versions = result["drift"], result["versions"]
    lines = [
        "# Seam Feather against what users have today",
        "",
        "Printed by `benchmarks/seam.py --page` from `benchmarks/results/seam.json`; run the benchmark, do not edit",
        "this page.",
        "",
        f"Measured {result['date']} on {result['device']} ({result['threads']} thread), Python {versions['python']}, torch "
        f"{versions['torch']}, OpenCV {versions['opencv']}.",
        f"Seven photographs x four mask shapes, {result['side_px']} px, fixed seeds. The raw frame is the truth with "
        f"simulated drift: exposure ramp {drift['exposure']} stops, color gains {drift['color']}, blur {drift['blur_px']} px, "
        f"grain {drift['grain']} levels, warp {drift['warp_px']} px. Real models also change content; no such case is here.",
        *_rivals_lines(result),
        "",
        "- *band error*: RMSE to the truth within 16 px inside the mask's edge, in 8-bit levels; *kept* counts only pixels the",
        "  truth leaves as they were.",
        "- *seam*: step across the edge beyond the truth's, OKLab x 100, RMS over pieces of 16 px.",
        "- *outside*: pixels outside the mask that changed by more than half a level.",
    ]
    for group, blends in result["summary"].items():
        lines += ["", f"## {group} (n = {next(iter(blends.values()))['n']})", ""]
        lines += ["| blend | band error | kept | seam | detail | outside |", "|---|---|---|---|---|---|"]
        for name, row in blends.items():
            lines.append(
                f"| {name} | {row['band_rmse']:.2f} | {row['band_unchanged_rmse']:.2f} | {row['seam_step']:.2f} | "
                f"{row['detail_ratio']:.2f} | {row['outside_changed_px']:.0f} |"
            )
    lines += ["", "## Where `auto` loses to our own plain ramp", ""]
    lines += [
        f"- {loss['scene']}, {loss['measure']}: auto {loss['auto']}, alpha {loss['alpha']}"
        for loss in result["auto_worse_than_alpha"]
    ] or ["Nowhere."]
    if result["timing_4k_10_percent"]:
        lines += _timing_lines(result)
    if result["absent"]:
        lines += ["", "Not measured: " + "; ".join(f"{name} ({why})" for name, why in result["absent"].items()) + "."]
    return "\n".join(lines) + "\n"


def write_page(file: Path) -> None:
    page = ROOT / "docs" / "benchmarks" / "seam.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(to_markdown(json.loads(file.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timing", action="store_true", help="time a 4K frame and add that to the last result")
    parser.add_argument("--ours", action="store_true", help="measure our blends again, keep the rivals' last rows")
    parser.add_argument("--page", action="store_true", help="only print the page from the last result")
    options = parser.parse_args()
    file = ROOT / "benchmarks" / "results" / "seam.json"
    if options.page:
        return write_page(file)
    torch.set_grad_enabled(False)
    blends, absent = all_blends()
    if options.timing:
        chosen = {name: blends[name] for name in TIMED if name in blends}
        measured = {"timing_4k_10_percent": timing(chosen), "timing_measured": datetime.date.today().isoformat()}
        result = json.loads(file.read_text()) | measured
        file.write_text(json.dumps(result, indent=1) + "\n")
        return write_page(file)
    if options.ours:
        result = json.loads(file.read_text())
        rows, failed = quality(
            {name: blend for name, blend in blends.items() if not name.startswith(("diff", "Crop", "NKD"))}
        )
        again = {row["blend"] for row in rows}
        rows += [row for row in result["rows"] if row["blend"] not in again]
        result |= {
            "rivals_measured": result.get("rivals_measured", result["date"]),
            "date": datetime.date.today().isoformat(),
            "summary": summarize(rows),
            "auto_worse_than_alpha": worse_than_ramp(rows),
            "rows": rows,
        }
        file.write_text(json.dumps(result, indent=1) + "\n")
        return write_page(file)
    rows, failed = quality(blends)
    result = {
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "opencv": cv2.__version__},
        "device": "cpu", "threads": torch.get_num_threads(), "drift": vars(scenes.Drift()), "side_px": scenes.SIDE_PX,
        "absent": absent | failed, "summary": summarize(rows), "auto_worse_than_alpha": worse_than_ramp(rows),
        "timing_4k_10_percent": {}, "rows": rows,
    }  # fmt: skip
    if file.exists():  # a frame of 4K is timed apart
        last = json.loads(file.read_text())
        result |= {key: last[key] for key in ("timing_4k_10_percent", "timing_measured") if key in last}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    write_page(file)
    sys.stdout.write(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1) + "\n")


if __name__ == "__main__":
    main()
