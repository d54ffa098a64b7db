"""Time and memory of every node at 1, 4, 8 and 33 megapixels, each measurement in a process of its own.

python benchmarks/speed.py [Node …]

Seconds are the fastest of the runs, once as they pass and once as the processor worked; memory is what the process held at
most beyond what it held when its inputs were ready, in frames of float RGB, the unit that a node's inputs come in.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import calibration
import harness
import torch
from edit_first.checks.report import Measurement, Report
from edit_first.headless import files, runner
from edit_first.imaging import crop, masks, zones

MEGAPIXELS = (1, 4, 8, 33)  # 33 is 8K
RUNS = 2
LIMIT_SECONDS = 60  # of one measurement; what takes longer is told so
EDIT_SHARE = 0.1  # of the frame
ZONES = '[{"name":"cup","role":"edit","shape":"ellipse","points":[[0.3,0.3],[0.65,0.7]]}]'


def inputs_at(megapixels: float) -> dict:
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
    frame, raw = original.movedim(1, 3).contiguous(), edited.movedim(1, 3).contiguous()
    pasted = torch.where(mask[..., None] > 0, raw, frame)
    plan = crop.plan_crop(mask[:, None])
    small = torch.nn.functional.interpolate(edited, scale_factor=0.5, mode="area").movedim(1, 3)
    return {
        "image": pasted, "original": frame, "edited": raw, "scene": frame, "product": small, "still": frame,
        "edit_mask": mask, "object_mask": mask, "mask": mask, "target_mask": mask, "subject_mask": mask,
        "product_mask": torch.ones(small.shape[:3]), "lock_mask": 1 - mask, "zones": ZONES, "crop": plan,
        "patch": crop.crop(edited, plan).movedim(1, 3), "report": Report((Measurement("anchor_changed_px", 0.0),)),
        "name": "*edit", "color": "#0057B8", "frames": pasted.expand(5, -1, -1, -1),
    }  # fmt: skip


SKIPPED = {
    "EditFirst_RegionalPrompt": "works on prompts, not on pixels",
    "EditFirst_CampaignManifest": "reads a table",
    "EditFirst_AddZone": "works on zones, not on pixels",
}
LEFT_OUT = {"EditFirst_SKUSwap": {"lock_mask"}, "EditFirst_CastShadow": {"lock_mask"}}  # nothing would be left to do
OTHERS = {"EditFirst_ZoneMask": {"zones": zones.Zones.from_json(ZONES)}}


def arguments(schema, pool: dict) -> dict:
    """What a node is called with: every input that the pool has, and the defaults of the rest."""
    pool = {**pool, **OTHERS.get(schema.node_id, {})}
    chosen = {}
    for port in schema.inputs:
        if port.id in pool and port.id not in LEFT_OUT.get(schema.node_id, ()):
            chosen[port.id] = pool[port.id]
        elif not port.optional:
            chosen[port.id] = port.options.get("default", port.options.get("options", [None])[0])
    return {name: [value] for name, value in chosen.items()} if schema.is_input_list else chosen


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_here(node: str, megapixels: float) -> dict:
    """One measurement, in this process."""
    torch.set_num_threads(2)
    cls = runner.node_classes()[node]
    folder = Path(harness.ROOT / "benchmarks" / "results")
    files.folders.set(files.Folders((folder,), folder))
    pool = inputs_at(megapixels)
    frame_mb = pool["image"].numel() * 4 / 2**20
    inputs = arguments(cls.GET_SCHEMA(), pool)
    ballast = torch.zeros(int(max(0, peak_mb() - _now_mb()) * 2**18)) + 1  # so that what inputs took is not free again
    before, wall, busy = peak_mb(), [], []
    for _ in range(RUNS):
        start, started = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            cls.execute(**inputs)
        wall.append(time.perf_counter() - start)
        busy.append(time.process_time() - started)
        if wall[-1] > 60:
            break
    frames = (peak_mb() - before) / frame_mb
    del ballast
    return {"seconds": round(min(wall), 3), "busy": round(min(busy), 3), "frames": round(frames, 1)}


def _now_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def measure(node: str, megapixels: float) -> dict:
    """One measurement, in a process of its own."""
    command = [sys.executable, __file__, "--here", node, str(megapixels)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"error": f"not done in {LIMIT_SECONDS} s"}
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr else f"ended with {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def growth(cases: dict[str, dict]) -> float | None:
    """Exponent of the processor's time over the pixels between the two largest sizes; 1 = as the pixels grow."""
    known = [(float(size), case["busy"]) for size, case in cases.items() if case.get("busy")]
    if len(known) < 2:
        return None
    (small, before), (large, after) = known[-2:]
    return round(math.log(after / before) / math.log(large / small), 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nodes", nargs="*")
    parser.add_argument("--here", nargs=2)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure_here(options.here[0], float(options.here[1]))))
        return
    ours = [name for name in sorted(runner.node_classes()) if name.startswith("EditFirst_") and name not in SKIPPED]
    result = {}
    for node in [f"EditFirst_{name}" for name in options.nodes] or ours:
        result[node] = {}
        for size in MEGAPIXELS:
            result[node][str(size)] = measure(node, size)
            print(node, size, result[node][str(size)], file=sys.stderr, flush=True)
        result[node]["growth"] = growth(result[node])
    harness.save("speed", {"edit_share": EDIT_SHARE, "megapixels": MEGAPIXELS, "nodes": result, "skipped": SKIPPED})


if __name__ == "__main__":
    main()
