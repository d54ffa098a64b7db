"""What we say a video node does to a still is what ComfyUI does, bit for bit."""

import json
import subprocess
from pathlib import Path

import pytest
from comfyui_server import find_comfyui

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
REFERENCE = Path(__file__).with_name("intake_reference.py")


def test_simulated_intake_equals_comfyui():
    found = find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    path, python = found
    run = subprocess.run([python, REFERENCE, path], capture_output=True, text=True, timeout=300)
    lines = [line for line in run.stdout.splitlines() if line.startswith("COMPARED ")]
    assert lines, run.stderr[-4000:]
    result = json.loads(lines[0].removeprefix("COMPARED "))
    assert result["compared"] == 224 and result["different"] == []
