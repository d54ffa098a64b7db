"""Time and memory of every node at 1, 4, 8 and 33 megapixels and in batches, and of what others do in its place.

python benchmarks/speed.py [Node …] [--sizes 1 8] [--no-batches] [--no-rivals] [--note "…"]
python benchmarks/speed.py --page > docs/benchmarks/speed.md

Each measurement runs in a process of its own, a fork of one that holds the inputs. Seconds are the fastest of the runs,
once as they pass and once as the processor worked; memory is what the process held at most beyond what it held when its
inputs were ready, in frames of float RGB, the unit that a node's inputs come in. Results are saved after every
measurement; naming nodes measures those and keeps the rest. speed_rivals.py says where rivals are looked for.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import calibration
import cv2
import harness
import speed_page
import torch
from edit_first.checks.report import Measurement, Report
from edit_first.headless import files, runner
from edit_first.imaging import crop, masks, zones
from speed_rivals import RIVALS

MEGAPIXELS = (1, 4, 8, 33)  # 33 is 8K
BATCHES = (1, 4, 16)  # frames of 1 megapixel
WARM_MEGAPIXELS = 0.1
THREADS = 2
RUNS = 2
ENOUGH_SECONDS = 8  # a call that takes longer is not repeated
LIMIT_SECONDS = 60  # of one measurement; what takes longer is told so
EDIT_SHARE = 0.1  # of the frame
ZONES = '[{"name":"cup","role":"edit","shape":"ellipse","points":[[0.3,0.3],[0.65,0.7]]}]'
CLIP_FRAMES = 5  # what the check of a clip gets at each size
SKIPPED = {
    "EditFirst_RegionalPrompt": "works on prompts, not on pixels",
    "EditFirst_CampaignManifest": "reads a table",
    "EditFirst_AddZone": "works on zones, not on pixels",
}
LEFT_OUT = {"EditFirst_SKUSwap": {"lock_mask"}, "EditFirst_CastShadow": {"lock_mask"}}  # nothing would be left to do
GIVEN = {
    "EditFirst_ZoneMask": {"zones": zones.Zones.from_json(ZONES)},
    "EditFirst_RegionCrop": {"resize": "megapixels"},
    "EditFirst_QualityGate": {"filename_prefix": "speed", "level": "good enough"},
}


def inputs_at(megapixels: float, frames: int = 1) -> dict:
    """Sound inputs for any node by the names that nodes give them: a photograph, its re-rendering, an edit of a tenth."""
    photo = calibration.Photo(harness.ROOT / "assets" / "photos" / "coffee.png", "tune").load()
    width = round(math.sqrt(megapixels * 1e6 * 1.5))
    size = (round(width / 1.5), width)
    original = torch.nn.functional.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1)
    original = (original + torch.randn(original.shape, generator=calibration.seeded(0)) * 2 / 255).clamp(0, 1)
    rows, columns = torch.linspace(-1, 1, size[0])[:, None], torch.linspace(-1, 1, size[1])[None, :]
    radius = math.sqrt(EDIT_SHARE * 4 / math.pi)
    mask = ((rows / radius) ** 2 + (columns / radius) ** 2 < 1).float()[None]
    edited = masks.gaussian_blur(original, 0.7)
    edited = torch.where(mask[:, None] > 0, edited.flip(3), edited * 0.97 + 0.01).clamp(0, 1)
    frame, raw = (image.movedim(1, 3).repeat(frames, 1, 1, 1) for image in (original, edited))
    pasted = torch.where(mask[..., None] > 0, raw, frame)
    plan = crop.plan_crop(mask[:, None], resize="megapixels")
    small = torch.nn.functional.interpolate(edited, scale_factor=0.5, mode="area").movedim(1, 3)
    return {
        "image": pasted, "original": frame, "edited": raw, "scene": frame, "product": small, "still": frame[:1],
        "edit_mask": mask, "object_mask": mask, "mask": mask, "target_mask": mask, "subject_mask": mask,
        "product_mask": torch.ones(small.shape[:3]), "lock_mask": 1 - mask, "zones": ZONES, "crop": plan,
        "patch": crop.crop(edited, plan).movedim(1, 3).repeat(frames, 1, 1, 1), "name": "*edit", "color": "#0057B8",
        "report": Report((Measurement("anchor_changed_px", 0.0),)),
        "frames": pasted.expand(CLIP_FRAMES, -1, -1, -1) if frames == 1 else pasted,
    }  # fmt: skip


def arguments(schema, pool: dict) -> dict:
    """What a node is called with: every input that the pool has, and the defaults of the rest."""
    pool = {**pool, **GIVEN.get(schema.node_id, {})}
    chosen = {}
    for port in schema.inputs:
        if port.id in pool and port.id not in LEFT_OUT.get(schema.node_id, ()):
            chosen[port.id] = pool[port.id]
        elif not port.optional:
            chosen[port.id] = port.options.get("default", port.options.get("options", [None])[0])
    return {name: [value] for name, value in chosen.items()} if schema.is_input_list else chosen


def node_call(node: str, pool: dict) -> Callable[[], object]:
    """The node on the pool, with files in a folder that is thrown away."""
    cls = runner.node_classes()[node]
    folder = Path(tempfile.mkdtemp())
    files.folders.set(files.Folders((folder,), folder))
    inputs = arguments(cls.GET_SCHEMA(), pool)
    return lambda: cls.execute(**inputs)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _now_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def measure_here(make: Callable[[dict], Callable[[], object]], pool: dict) -> dict:
    """One measurement, in this process."""
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    with torch.inference_mode():
        make(inputs_at(WARM_MEGAPIXELS))()  # code and threads are loaded on first use
    call = make(pool)
    frame_mb = pool["image"][0].numel() * 4 / 2**20
    ballast = torch.zeros(int(max(0, peak_mb() - _now_mb()) * 2**18)) + 1  # so that what inputs took is not free again
    before, wall, busy = peak_mb(), [], []
    while len(wall) < RUNS and sum(wall) < ENOUGH_SECONDS:
        start, started = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            call()
        wall.append(time.perf_counter() - start)
        busy.append(time.process_time() - started)
    frames = (peak_mb() - before) / frame_mb
    del ballast
    return {"seconds": round(min(wall), 3), "busy": round(min(busy), 3), "frames": round(frames, 1)}


def _report(connection, make, pool) -> None:
    try:
        connection.send(measure_here(make, pool))
    except Exception as error:  # whatever stops a measurement is its result
        connection.send({"error": f"{type(error).__name__}: {error}"[:200]})


def measure(make: Callable[[dict], Callable[[], object]], pool: dict) -> dict:
    """One measurement in a fork of this process, whose threads must not have started yet."""
    load = round(os.getloadavg()[0], 1)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_report, args=(sender, make, pool))
    process.start()
    sender.close()
    try:
        result = receiver.recv() if receiver.poll(LIMIT_SECONDS) else {"error": f"not done in {LIMIT_SECONDS} s"}
    except EOFError:
        result = {"error": "the process died"}
    process.terminate()
    process.join()
    return {**result, "load": load}


def growth(cases: dict[str, dict]) -> float | None:
    """Exponent of the processor's time over the pixels between the two largest sizes; 1 = as the pixels grow."""
    known = [(float(size), case["busy"]) for size, case in cases.items() if isinstance(case, dict) and case.get("busy")]
    if len(known) < 2:
        return None
    (small, before), (large, after) = sorted(known)[-2:]
    return round(math.log(after / before) / math.log(large / small), 2)


def measure_all(result: dict, nodes: list[str], key: str, size: str, pool: dict, *, rivals: bool) -> None:
    """Measure nodes and their rivals on one pool, into result[key] and result["rivals"]."""
    for node in nodes:
        makes = [(result[key].setdefault(node, {}), node, lambda pool, node=node: node_call(node, pool))]
        for name, make in RIVALS.get(node, {}).items() if rivals else ():
            makes.append((result["rivals"].setdefault(node, {}).setdefault(name, {}), name, make))
        for cases, name, make in makes:
            cases[size] = measure(make, pool)
            sys.stderr.write(f"{key} {size} {name} {cases[size]}\n")
            harness.save("speed", result, show=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nodes", nargs="*")
    parser.add_argument("--sizes", nargs="+", type=float, default=MEGAPIXELS)
    parser.add_argument("--no-batches", action="store_true")
    parser.add_argument("--no-rivals", action="store_true")
    parser.add_argument("--note", default="", help="what else the reader of the figures must know")
    parser.add_argument("--page", action="store_true", help="print docs/benchmarks/speed.md from the saved results")
    options = parser.parse_args()
    saved = harness.RESULTS / "speed.json"
    if options.page:
        sys.stdout.write(speed_page.page(json.loads(saved.read_text(encoding="utf-8"))))
        return
    torch.set_num_threads(1)  # a fork of a process with more threads would wait for them for ever
    cv2.setNumThreads(1)
    ours = [name for name in sorted(runner.node_classes()) if name.startswith("EditFirst_") and name not in SKIPPED]
    nodes = [f"EditFirst_{name}" for name in options.nodes] or ours
    result = json.loads(saved.read_text(encoding="utf-8")) if options.nodes and saved.exists() else {}
    result = {part: result.get(part, {}) for part in ("nodes", "batches", "rivals")}
    result |= {"edit_share": EDIT_SHARE, "threads": THREADS, "note": options.note, "skipped": SKIPPED}
    for size in options.sizes:
        pool = inputs_at(size)
        measure_all(result, nodes, "nodes", f"{size:g}", pool, rivals=not options.no_rivals)
        del pool
        gc.collect()
    for frames in () if options.no_batches else BATCHES:
        measure_all(result, nodes, "batches", str(frames), inputs_at(1, frames), rivals=False)
    for cases in (
        *result["nodes"].values(),
        *(case for rivals in result["rivals"].values() for case in rivals.values()),
    ):
        cases["growth"] = growth(cases)
    harness.save("speed", result, show=False)


if __name__ == "__main__":
    main()
