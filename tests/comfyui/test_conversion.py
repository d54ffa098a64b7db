"""The browser's format, converted by comfy-cli as `comfy run` does, is the API twin."""

import json
import subprocess
from pathlib import Path

import pytest
from edit_first.headless import workflows

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
CONVERT = """
import json, sys
from comfy_cli.workflow_to_api import convert_ui_to_api
information = json.load(open(sys.argv[1]))
print(json.dumps([convert_ui_to_api(json.load(open(path)), information) for path in sys.argv[2:]]))
"""


@pytest.fixture(scope="module")
def converted(comfy, tmp_path_factory):
    information = tmp_path_factory.mktemp("info") / "object_info.json"
    recorded = json.loads(workflows.CORE_NODES.read_text())  # the test server has no nodes that need an account
    information.write_text(json.dumps({**recorded, **comfy.get("/object_info")}))
    paths = [ROOT / "workflows" / f"{path.stem}.json" for path in workflows.descriptions()]
    run = subprocess.run([comfy.python, "-c", CONVERT, information, *paths], capture_output=True, text=True)
    if "No module named 'comfy_cli'" in run.stderr:
        pytest.skip("comfy-cli is not installed in ComfyUI's environment")
    assert run.returncode == 0, run.stderr[-2000:]
    return dict(zip((path.stem for path in paths), json.loads(run.stdout), strict=True))


@pytest.mark.parametrize("name", [path.stem for path in workflows.descriptions()])
def test_both_formats_say_the_same(converted, name):
    twin = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text())
    assert converted[name].keys() == twin.keys()
    for number, node in twin.items():
        assert converted[name][number]["class_type"] == node["class_type"]
        assert converted[name][number]["inputs"] == node["inputs"], node["_meta"]["title"]
