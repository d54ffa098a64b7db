"""A campaign from the command line: resumable, every row exactly once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from edit_first.campaign import manifest, plan
from edit_first.campaign.ledger import JOURNAL, Ledger
from edit_first.headless import files, runner
from PIL import Image

pytestmark = pytest.mark.slow  # every test starts Python, torch and the pack anew
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "sku_recolor.json"
COLORS = ("#c03020", "#1d9a8a", "#2b59c3")


@pytest.fixture
def folder(tmp_path, coffee):
    """Two scenes and a table of three colors each."""
    for name, image in (("a.png", coffee), ("b.png", coffee.flip(3))):
        files.write_png(tmp_path / name, image.movedim(1, 3)[0])
    (tmp_path / "m.csv").write_text(f"scene,color\n*.png,{'|'.join(COLORS)}\n")
    return tmp_path


def command(folder, *options):
    arguments = [sys.executable, str(ROOT), "campaign", "m.csv", "--workflow", str(WORKFLOW), "--output", "out"]
    return [*arguments, *options]


def run(folder, *options):
    return subprocess.run(command(folder, *options), cwd=folder, capture_output=True, text=True)


def tasks_of(folder):
    workflow = runner.load_workflow(WORKFLOW)
    jobs = manifest.load(folder / "m.csv")
    bound = plan.bindings(workflow, jobs, {})
    return [plan.make_task(workflow, job, bound, folder) for job in jobs]


def test_every_row_has_a_result_a_sidecar_and_a_place_on_the_sheet(folder):
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "6 of 6 done, 0 failed" in done.stdout
    rows = list(csv.DictReader((folder / "out" / "ledger.csv").open()))
    assert len(rows) == 6 and {row["state"] for row in rows} == {"done"}
    for row in rows:
        sidecar = json.loads((folder / "out" / f"{row['name']}.json").read_text())
        assert sidecar["job"]["color"] in COLORS and sidecar["verdict"] == row["verdict"]
        assert Image.open(folder / "out" / row["picture"]).size == (600, 400)
    page = (folder / "out" / "contact_sheet.html").read_text()
    verdicts = Counter(row["verdict"] for row in rows)  # the template's zone is another picture's: some may warn
    assert set(verdicts) <= {"pass", "warn"} and all(f"{count} {name}" in page for name, count in verdicts.items())
    assert page.count("<figure>") == 6 and "6 jobs: 6 done" in page and "http" not in page.replace("http-equiv", "")
    assert Image.open(folder / "out" / "contact_sheet.png").width > 1000

    before = {
        path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*_*.png") if "sheet" not in path.name
    }
    again = run(folder)
    assert "6 ended before, 0 to run" in again.stderr
    after = {
        path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*_*.png") if "sheet" not in path.name
    }
    assert after == before, "nothing ran twice"


def test_kill_and_resume(folder):
    process = subprocess.Popen(command(folder), cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((folder / "out").glob("*_*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    first = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*_*.json")}
    assert 1 <= len(first) < 6
    done = run(folder)
    assert done.returncode == 0 and f"{len(first)} ended before" in done.stderr
    results = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*_*.json")}
    assert len(results) == 6 and all(results[name] == when for name, when in first.items())


def test_failed_rows_are_reported_and_run_again_on_request(folder):
    (folder / "b.png").write_bytes(b"not a picture")
    (folder / "m.csv").write_text("scene,color,name\na.png,#c03020,good\nb.png,#c03020,bad\n")
    done = run(folder)
    assert done.returncode == 2 and "row 2 (bad) failed: " in done.stderr and "b.png" in done.stderr
    assert "2 ended before, 0 to run" in run(folder).stderr
    files.write_png(folder / "b.png", files.read_image(folder / "a.png")[0][0])
    done = run(folder, "--retry-failed")
    assert done.returncode == 0, done.stderr


def test_a_changed_row_runs_again(folder):
    ledger = Ledger(folder / "out")
    (task, *_) = tasks_of(folder)
    ledger.done(task, b"x", reports=[], seconds=1.0, server="")
    assert ledger.outcome(task).state == "done"
    files.write_png(folder / "a.png", files.read_image(folder / "b.png")[0][0])
    (changed, *_) = tasks_of(folder)
    assert changed.key != task.key and Ledger(folder / "out").outcome(changed) is None


def test_the_journal_survives_a_torn_line(folder):
    ledger = Ledger(folder / "out")
    first, second, *_ = tasks_of(folder)
    ledger.submitted(first, "http://x", "1")
    with open(folder / "out" / JOURNAL, "ab") as file:
        file.write(b'{"event": "subm')
    ledger = Ledger(folder / "out")
    ledger.submitted(second, "http://y", "2")
    again = Ledger(folder / "out")
    assert again.last_submission(first) == ("http://x", "1") and again.last_submission(second) == ("http://y", "2")


def test_prompt_ids_are_stable_and_change_with_every_attempt(folder):
    ledger = Ledger(folder / "out")
    (task, *_) = tasks_of(folder)
    assert task.prompt_id(0) == tasks_of(folder)[0].prompt_id(0) != task.prompt_id(1)
    ledger.failed(task, "why", "s")
    assert Ledger(folder / "out").attempts(task) == 1 and Ledger(folder / "out").last_submission(task) is None


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("scene,product\na.png,b.png\n", (), "fills 'product', but the workflow has no node titled 'Product'"),
        ("scene,seed\na.png,3\n", ("--bind", "seed=Gate"), "expected NODE.input"),
        ("scene,color\na.png,#c03020\n", ("--bind", "colour=Color.color"), "no such column"),
        ("scene\na.png\nmissing.png\n", (), "row 2: scene 'missing.png' does not exist"),
    ],
)
def test_nothing_runs_when_anything_is_wrong(folder, table, options, message):
    (folder / "m.csv").write_text(table)
    done = run(folder, *options)
    assert done.returncode == 4 and message in done.stderr
    assert not (folder / "out").exists()


def test_dry_run_lists_the_jobs(folder):
    done = run(folder, "--dry-run")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 6 and not (folder / "out").exists()


def test_ray_runs_the_same_jobs(folder):
    pytest.importorskip("ray", reason="no Ray: pip install ray")
    done = run(folder, "--ray")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 done, 0 failed" in done.stdout
    assert "6 ended before, 0 to run" in run(folder).stderr
