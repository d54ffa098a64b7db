"""The examples of docs/automation.md, as they are printed, against a real ComfyUI."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_cached(comfy):
    """A run that is answered from the cache runs no node and shows no progress."""
    comfy.post("/free", {"unload_models": True, "free_memory": True})


def example(language: str) -> str:
    """The page's one block in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "automation.md").read_text(), re.S)
    return block


def python_with_websocket(comfy) -> str:
    """This Python, or ComfyUI's, whichever has websocket-client."""
    for python in (sys.executable, str(comfy.python)):
        code = "from websocket import create_connection"
        if subprocess.run([python, "-c", code], capture_output=True).returncode == 0:
            return python
    pytest.skip("websocket-client is not installed, neither here nor beside ComfyUI")


def comfy_cli(comfy) -> str:
    """comfy-cli from the path, or from ComfyUI's environment."""
    beside = comfy.python.parent / "comfy"
    found = shutil.which("comfy") or (str(beside) if beside.is_file() else None)
    return found or pytest.skip("no comfy-cli: pip install comfy-cli")


def test_websocket_example_shows_progress_results_and_report(comfy):
    script = example("python").replace("127.0.0.1:8188", f"127.0.0.1:{comfy.port}")
    done = subprocess.run(
        [python_with_websocket(comfy), "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert "runs Gate" in shown and any(line.startswith("ended with execution_success") for line in shown)
    assert any(re.fullmatch(r"  \d+%", line) for line in shown), done.stdout
    assert re.search(r"^passed (Pass|Warn) ", done.stdout, re.M), done.stdout
    assert re.search(r"^saved surgical_strike\S+\.png \d{5,} bytes$", done.stdout, re.M), done.stdout


def test_comfy_cli_example(comfy, tmp_path):
    command = shlex.split(example("bash").replace("8188", str(comfy.port)))
    saved = set((comfy.base / "output").rglob("surgical_strike*.png"))
    environment = {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        [comfy_cli(comfy), "--skip-prompt", *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set((comfy.base / "output").rglob("surgical_strike*.png")) - saved, done.stdout
