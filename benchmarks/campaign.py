"""A campaign of 5 scenes x 20 SKUs: headless, on one ComfyUI server, and on two.

python benchmarks/campaign.py

Every server gets one core and one thread, as a server of its own machine would; one more run lets a single server use
all cores. Needs a ComfyUI as the tests do. Other work on the machine counts: the load and the processor time are in
the result.
"""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness
import torch
from PIL import Image, ImageDraw

sys.path.insert(0, str(harness.ROOT / "tests" / "comfyui"))
from server import Server

SCENES = ("coffee.png", "brick.png", "gravel.png", "grass.png", "astronaut.png")
SKUS = 20
WORKFLOW = harness.ROOT / "workflows" / "api" / "campaign_row.json"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def make_table(folder: Path) -> None:
    """Scenes, labels as products with alpha, one slot, and the table that crosses them."""
    for name in SCENES:
        Image.open(harness.ROOT / "assets" / "photos" / name).convert("RGB").resize((600, 400)).save(folder / name)
    for number in range(SKUS):
        label = Image.new("RGBA", (240, 420))
        draw = ImageDraw.Draw(label)
        draw.rounded_rectangle((10, 10, 230, 410), 30, fill=(40 + 10 * number, 200 - 8 * number, 120, 255))
        draw.text((60, 190), f"SKU {number:02}", fill="white", font_size=36)
        label.save(folder / f"sku_{number:02}.png")
    slot = Image.new("RGB", (600, 400))
    ImageDraw.Draw(slot).rectangle((40, 150, 150, 340), fill="white")
    slot.save(folder / "slot.png")
    (folder / "table.csv").write_text(f"scene,product,target_mask\n{'|'.join(SCENES)},sku_*.png,slot.png\n")


@contextlib.contextmanager
def servers(count: int, *, limited: bool):
    """ComfyUI servers; limited = each has one thread on a core of its own."""
    cores, environment = sorted(os.sched_getaffinity(0)), dict(os.environ)
    with contextlib.ExitStack() as stack:
        started = []
        for number in range(count):
            if limited:
                os.environ.update(dict.fromkeys(THREADS, "1"))
                os.sched_setaffinity(0, {cores[number % len(cores)]})  # the server inherits it
            try:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                started.append(stack.enter_context(Server(folder)))
            finally:
                os.sched_setaffinity(0, cores)
                os.environ.clear()
                os.environ.update(environment)
        yield started


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(folder: Path, name: str, started: list) -> dict:
    """Run the campaign once; the wall time includes the client's start and the contact sheet."""
    command = [sys.executable, str(harness.ROOT), "campaign", "table.csv", "--workflow", str(WORKFLOW)]
    command += ["--output", name, *(part for server in started for part in ("--server", server.url))]
    before = [processor_seconds(server.process.pid) for server in started]
    load, begin = os.getloadavg()[0], time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    seconds = time.monotonic() - begin
    rows = list(csv.DictReader((folder / name / "ledger.csv").open()))
    used = [processor_seconds(s.process.pid) - b for s, b in zip(started, before, strict=True)]
    return {
        "rows": len(rows),
        "done": sum(row["state"] == "done" for row in rows),
        "rows of each server": [sum(row["server"] == server.url for row in rows) for server in started],
        "seconds": round(seconds, 1),
        "processor seconds of the servers": [round(value, 1) for value in used],
        "load before, 1 minute": round(load, 1),
        "load after, 1 minute": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    result = {"cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch)
        make_table(table)
        result["headless"] = run(table, "headless", [])
        for title, count, limited in (
            ("one server, one core", 1, True),
            ("two servers, one core each", 2, True),
            ("one server, all cores", 1, False),
        ):
            with servers(count, limited=limited) as started:
                result[title] = run(table, title.replace(" ", "_"), started)
                sys.stderr.write(f"{title}: {result[title]}\n")
    one, two = (result[key]["seconds"] for key in ("one server, one core", "two servers, one core each"))
    result["ratio of one to two servers"] = round(one / two, 2)
    result["ratio of one unlimited to two servers"] = round(result["one server, all cores"]["seconds"] / two, 2)
    torch.set_num_threads(1)
    harness.save("campaign", result)
