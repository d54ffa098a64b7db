"""A campaign over two real ComfyUI servers: kill one server and the client, resume, and every row has one result."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "sku_recolor.json"
COLORS = ("#c03020", "#1d9a8a", "#2b59c3", "#e8c420", "#f0f0f0", "#1c1c1c")


@pytest.fixture
def folder(tmp_path, coffee):
    for name, image in (("a.png", coffee), ("b.png", coffee.flip(3))):
        files.write_png(tmp_path / name, image.movedim(1, 3)[0])
    (tmp_path / "m.csv").write_text(f"scene,color\n*.png,{'|'.join(COLORS)}\n")
    prompt = runner.load_workflow(WORKFLOW)
    prompt[runner.find_node(prompt, "Gate")]["inputs"]["on_fail"] = "pass"  # the zones are another picture's
    (tmp_path / "recolor.json").write_text(json.dumps(prompt))
    return tmp_path


def command(*servers):
    arguments = [sys.executable, str(ROOT), "campaign", "m.csv", "--workflow", "recolor.json", "--output", "out"]
    return arguments + [part for server in servers for part in ("--server", server)]


def results(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*_*.json")}


def test_every_row_has_exactly_one_result_after_two_kills(comfy, folder, tmp_path_factory):
    second = type(comfy)(tmp_path_factory.mktemp("second"))
    with second:
        client = subprocess.Popen(
            command(comfy.url, second.url), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while len(results(folder)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(second.process.pid, signal.SIGKILL)
        time.sleep(0.5)
        os.kill(client.pid, signal.SIGKILL)
        client.wait()
        early = results(folder)
        assert 2 <= len(early) < 12, "killed in the middle"
        done = subprocess.run(command(comfy.url), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((folder / "out" / "ledger.csv").open()))
    assert len(rows) == 12 and {row["state"] for row in rows} == {"done"}
    late = results(folder)
    assert len(late) == 12 and all(late[name] == when for name, when in early.items()), "nothing was made twice"
    for row in rows:
        assert Image.open(folder / "out" / row["picture"]).size == (600, 400)
    # The surviving server saved one picture for every job that it was given, and no job twice.
    on_server = [path.name for path in (comfy.base / "output").glob("*_00001_.png")]
    again = [path.name for path in (comfy.base / "output").glob("[ab]_*_00002_.png")]
    assert len(on_server) >= 6 and again == []


def test_rows_run_inside_comfyui_as_lists(comfy, coffee):
    for index in range(2):
        files.write_png(comfy.base / "input" / f"list_{index}.png", coffee.movedim(1, 3)[0, index * 50 :])
    (comfy.base / "input" / "campaign.csv").write_text("scene,color,name\nlist_0.png,#c03020,x\nlist_1.png,#2b59c3,y\n")
    prompt = {
        "1": {
            "class_type": "EditFirst_CampaignManifest",
            "inputs": {"manifest": "campaign.csv", "start": 0, "limit": 0},
        },
        "2": {
            "class_type": "EditFirst_SKURecolor",
            "inputs": {"image": ["1", 0], "mask": ["1", 2], "color": ["1", 4], "strength": 1.0},
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": ["1", 7]}},
    }
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    names = sorted(path.name for path in comfy.output_files(entry))
    assert names == ["x_00001_.png", "y_00001_.png"]
    assert Image.open(comfy.base / "output" / "y_00001_.png").size == (600, 350)
