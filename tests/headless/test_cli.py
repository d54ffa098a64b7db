"""The command line as people call it: `python . …` in a process of its own."""

import json
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch
from edit_first.headless import files

pytestmark = pytest.mark.slow  # every test starts Python, torch and the pack anew
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, cwd=ROOT):
    return subprocess.run([sys.executable, str(ROOT), *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def pictures(tmp_path, chelsea, make_disc):
    disc = make_disc(chelsea)
    after = torch.where(disc > 0, 1 - chelsea, chelsea)
    spilled = after.clone()
    spilled[:, :, 0, 0] = 1 - spilled[:, :, 0, 0]
    for name, image in (
        ("before", chelsea),
        ("after", after),
        ("spilled", spilled),
        ("mask", disc.expand(-1, 3, -1, -1)),
    ):
        files.write_png(tmp_path / f"{name}.png", image.movedim(1, 3)[0])
    return tmp_path


def check(folder, after, *options):
    mask = ("--mask", folder / "mask.png")
    return run("check", folder / after, "--before", folder / "before.png", *mask, "--level", "production", *options)


def test_check_passes(pictures):
    done = check(pictures, "after.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Pass (production)") and "anchor changed px is 0 px" in done.stdout


def test_check_warns(pictures, chelsea, make_disc):
    disc = make_disc(chelsea)
    image = torch.where(disc > 0, torch.tensor([0xEE, 0x1C, 0x25]).view(1, 3, 1, 1) / 255, chelsea)
    files.write_png(pictures / "red.png", image.movedim(1, 3)[0])
    done = check(pictures, "red.png", "--brand-colors", "#e30613")
    assert done.returncode == 1 and done.stdout.startswith("Warn (production): ")
    assert "\nWARN  brand delta e00 of #e30613 is 3.79" in done.stdout


def test_check_fails_and_says_where(pictures):
    done = check(pictures, "spilled.png")
    assert done.returncode == 2 and "at x 0, y 0" in done.stdout and "fix with Anchor Lock" in done.stdout


def test_check_json(pictures):
    value = json.loads(check(pictures, "spilled.png", "--json").stdout)
    (checked,) = value["files"]
    assert value["verdict"] == "fail" and value["exit_status"] == 2
    assert (
        checked["report"]["verdict"]["production"] == "fail" and checked["report"]["inputs"]["image"] == "spilled.png"
    )


def test_check_of_unreadable_input(pictures):
    shutil.copy(ROOT / "LICENSE", pictures / "text.png")
    files.write_png(pictures / "small.png", torch.zeros(4, 4, 3))
    for name in ("missing.png", "text.png", "small.png"):
        done = check(pictures, name)
        assert done.returncode == 4 and name in done.stderr and "Traceback" not in done.stderr
    assert "--before" in run("check", pictures / "after.png").stderr


def test_ctrl_c_ends_with_130_and_whole_results(pictures, chelsea):
    folder = pictures / "many"
    for number in range(60):
        files.write_png(folder / f"{number}_after.png", chelsea.movedim(1, 3)[0])
        files.write_png(folder / f"{number}_before.png", chelsea.movedim(1, 3)[0])
    command = [sys.executable, str(ROOT), "check", str(folder), "--json", "--junit", str(pictures / "junit.xml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "[1/60]" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    value = json.loads(out)
    assert value["counts"]["not checked"] > 0 and sum(value["counts"].values()) == 60
    assert len(ElementTree.parse(pictures / "junit.xml").getroot()) == 60


def test_run_saves_and_reports(tmp_path):
    workflow = ROOT / "workflows" / "api" / "2_surgical_strike.json"
    options = ("--set", "Approved picture.image=coffee.png", "--output", tmp_path, "--json")
    done = run("run", workflow, *options)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    (path,) = [path for paths in value["images"].values() for path in paths]
    assert Path(path).is_file() and path.startswith(str(tmp_path))


def test_run_errors_have_no_traceback(tmp_path):
    done = run("run", ROOT / "workflows" / "2_surgical_strike.json", "--output", tmp_path)
    assert done.returncode == 4 and "Export (API)" in done.stderr and "Traceback" not in done.stderr
    workflow = ROOT / "workflows" / "api" / "2_surgical_strike.json"
    done = run("run", workflow, "--output", tmp_path)
    assert done.returncode == 4 and re.search(r"Approved picture .*Invalid image file: example.png", done.stderr)


def test_nodes_are_listed_from_any_folder(tmp_path):
    done = run("nodes", cwd=tmp_path)
    assert done.returncode == 0 and "EditFirst_AnchorZoneMask" in done.stdout


def test_demo_keeps_locked_pixels_and_leaves_everything_behind(tmp_path):
    done = run("demo", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("coffee", "astronaut", "chelsea"):
        report = json.loads((tmp_path / f"{name}_report.json").read_text())
        assert report["verdict"]["production"] in ("pass", "warn")
        before, after = (files.read_image(tmp_path / f"{name}_{which}.png")[0] for which in ("before", "after"))
        patch = files.read_image(tmp_path / f"{name}_patch_by_model.png")[0]
        assert before.shape == after.shape and patch.shape[1] <= before.shape[1]
        untouched = (before == after).all(3).float().mean()
        assert 0.3 < untouched < 0.99, "a good part is the original's, bit for bit, and something changed"
        assert (tmp_path / f"{name}_sheet.png").stat().st_size > 10_000
