"""The README's API examples, as they are printed, against a real ComfyUI."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


def example(language: str, url: str) -> str:
    """The README's block in a language, for the test's server."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert "http://127.0.0.1:8188" in block
    return block.replace("http://127.0.0.1:8188", url)


def test_python_example(comfy):
    done = subprocess.run(
        [sys.executable, "-c", example("python", comfy.url)], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^(True|False) (Pass|Warn|Fail) ", done.stdout, re.M), done.stdout
    assert re.search(r"^(output|temp) \S+\.png$", done.stdout, re.M), done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl_example(comfy):
    submit, history = example("bash", comfy.url).strip().splitlines()
    done = subprocess.run(["bash", "-c", submit], cwd=ROOT, capture_output=True, text=True, timeout=60)
    job = json.loads(done.stdout)["prompt_id"]
    for _ in range(120):
        shown = json.loads(subprocess.run(["bash", "-c", history], capture_output=True, text=True).stdout)
        if job in shown:
            break
        time.sleep(1)
    assert shown[job]["status"]["status_str"] == "success"
