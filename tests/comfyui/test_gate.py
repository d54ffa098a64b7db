"""In a real ComfyUI, over HTTP: what runs behind a gate, what does not, and what the history says of it."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from comfyui_server import Server, find_comfyui
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
HERE = Path(__file__).parent
UPSCALE = HERE.parents[1] / "workflows" / "api" / "4_final_upscale.json"


class Tally:
    """Which nodes ran, written by tally_pack.py."""

    def __init__(self, path: Path):
        self.path = path

    def take(self) -> list[str]:
        """The nodes that ran since the last time, sorted."""
        names = self.path.read_text().split() if self.path.exists() else []
        self.path.unlink(missing_ok=True)
        return sorted(names)


@pytest.fixture(scope="module")
def server(tmp_path_factory, chelsea):
    found = find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    instance = Server(tmp_path_factory.mktemp("gate"))
    pack = instance.base / "custom_nodes" / "tally_pack"
    pack.mkdir()
    shutil.copyfile(HERE / "tally_pack.py", pack / "__init__.py")
    inverted = 1 - chelsea
    for name, image in (("good.png", chelsea), ("bad.png", inverted)):
        files.write_png(instance.base / "input" / name, image.movedim(1, 3)[0])
    instance.tally = Tally(instance.base / "tally.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDIT_FIRST_TALLY", str(instance.tally.path))
        with instance:
            yield instance


@pytest.fixture(autouse=True)
def fresh(server):
    server.post("/free", {"free_memory": True, "unload_models": True})
    server.tally.take()
    yield
    server.tally.take()


def gated(picture: str, on_fail: str, **gate) -> dict:
    """Check a picture against good.png where nothing may change; invert what is accepted, scale what is rejected."""

    def entry(kind, **inputs):
        return {"class_type": kind, "inputs": inputs}

    return {
        "1": entry("LoadImage", image="good.png"),
        "2": entry("LoadImage", image=picture),
        "3": entry("SolidMask", value=0.0, width=451, height=300),
        "4": entry("EditFirst_EditCheck", original=["1", 0], image=["2", 0], edit_mask=["3", 0], brand_colors=""),
        "5": entry(
            "EditFirst_QualityGate", image=["2", 0], report=["4", 0], level="production", on_fail=on_fail, **gate
        ),
        "6": entry("ImageInvert", image=["5", 0]),
        "7": entry("SaveImage", images=["6", 0], filename_prefix="accepted"),
        "8": entry("ImageScale", image=["5", 1], upscale_method="area", width=9, height=9, crop="disabled"),
        "9": entry("SaveImage", images=["8", 0], filename_prefix="rejected"),
        "10": entry("PreviewAny", source=["5", 3]),
    }


def verdict_of(entry: dict, node: str = "5") -> dict:
    (verdict,) = entry["outputs"][node]["edit_first"]
    return verdict


@pytest.mark.parametrize("on_fail", ["block", "raise", "pass"])
def test_a_good_picture_takes_the_accepted_route(server, on_fail):
    entry = server.run(gated("good.png", on_fail))
    assert entry["status"]["status_str"] == "success", server.error(entry)
    assert server.tally.take() == ["ImageInvert", "SaveImage"]
    assert verdict_of(entry)["passed"] is True and entry["outputs"]["10"]["text"][0].startswith("Pass (production)")


def test_block_runs_the_rejected_route_alone_and_the_history_says_why(server):
    entry = server.run(gated("bad.png", "block"))
    assert entry["status"]["status_str"] == "success", server.error(entry)
    assert server.tally.take() == ["ImageScale", "SaveImage"]
    assert [path.name[:8] for path in server.output_files(entry)] == ["rejected"]
    verdict = verdict_of(entry)
    assert verdict["passed"] is False and verdict["verdict"] == "fail" and verdict["counts"]["fail"] >= 1
    assert verdict["findings"][0]["metric"] == "anchor_changed_px" and verdict["findings"][0]["where"]
    text = entry["outputs"]["5"]["text"][0]
    assert text.startswith("Fail (production): anchor changed px") and "fix with Anchor Lock" in text


def test_raise_runs_nothing_and_ends_as_an_error(server):
    entry = server.run(gated("bad.png", "raise", filename_prefix="raised/x"))
    assert entry["status"]["status_str"] == "error"
    assert "Quality Gate stopped the run. Fail (production): anchor changed px" in server.error(entry)
    assert server.tally.take() == []
    (sidecar,) = (server.base / "output" / "raised").iterdir()
    assert sidecar.name == "x_00001_.json" and json.loads(sidecar.read_text())["passed"] is False


def test_pass_runs_both_routes_and_still_says_so(server):
    entry = server.run(gated("bad.png", "pass"))
    assert server.tally.take() == ["ImageInvert", "ImageScale", "SaveImage", "SaveImage"]
    assert verdict_of(entry)["passed"] is False and verdict_of(entry)["on_fail"] == "pass"


def test_picture_and_verdict_have_one_name(server):
    prompt = gated("good.png", "block", filename_prefix="set/été")
    for number in (1, 2):
        entry = server.run(prompt)
        verdict = verdict_of(entry)
        picture = server.base / "output" / verdict["pictures"][0]["file"]
        sidecar = server.base / "output" / verdict["sidecar"]
        assert (picture.name, sidecar.name) == (f"été_0000{number}_.png", f"été_0000{number}_.json")
        assert json.loads(sidecar.read_text(encoding="utf-8")) == verdict
        opened = Image.open(picture)
        assert verdict["pictures"][0]["sha256"] == hashlib.sha256(np.asarray(opened).tobytes()).hexdigest()
        assert json.loads(opened.info["prompt"])["5"]["class_type"] == "EditFirst_QualityGate"
        assert picture in server.output_files(entry)
        prompt["2"]["inputs"]["image"] = "good.png [input]"  # another key for the cache, so that the gate runs again
    assert len(list((server.base / "output" / "set").iterdir())) == 4


def test_of_a_rejected_picture_only_the_verdict_is_saved(server):
    entry = server.run(gated("bad.png", "block", filename_prefix="held/x"))
    assert [path.name for path in (server.base / "output" / "held").iterdir()] == ["x_00001_.json"]
    assert verdict_of(entry)["pictures"][0]["file"] is None and "images" not in entry["outputs"]["5"]


@pytest.mark.parametrize("prefix", ["../x", "/tmp/x", "C:\\x", "a/../../x", "CON", "x" * 300, "a\u202eb", "x/"])
def test_hostile_names_are_refused_before_anything_runs(server, prefix):
    before = sorted(server.base.parent.rglob("*.json"))
    status, answer = server.post("/prompt", {"prompt": gated("good.png", "block", filename_prefix=prefix)})
    assert status == 400 and "filename_prefix" in json.dumps(answer["node_errors"]["5"])
    assert server.tally.take() == [] and sorted(server.base.parent.rglob("*.json")) == before


def test_a_folder_that_cannot_be_written_is_a_clear_error(server):
    (server.base / "output" / "blocked").write_text("a file where a folder is asked for")
    entry = server.run(gated("good.png", "block", filename_prefix="blocked/x"))
    assert entry["status"]["status_str"] == "error" and "blocked" in server.error(entry)
    assert "cannot write blocked/x into" in server.error(entry), server.error(entry)


def upscale(picture: str) -> dict:
    prompt = runner.load_workflow(UPSCALE)
    prompt[runner.find_node(prompt, "Original")]["inputs"]["image"] = "good.png"
    prompt[runner.find_node(prompt, "Edited picture")]["inputs"]["image"] = picture
    prompt[runner.find_node(prompt, "Delivery size")]["inputs"]["height"] = 450
    return prompt


def test_the_upscaler_does_not_run_on_a_failed_picture(server):
    prompt = upscale("bad.png")
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", server.error(entry)
    assert server.tally.take() == ["SaveImage"], "only the preview, a Save Image underneath: no upscaler, no reference"
    assert verdict_of(entry, runner.find_node(prompt, "Gate"))["passed"] is False
    assert runner.find_node(prompt, "Gate again") not in entry["outputs"]
    assert runner.find_node(prompt, "Rejected") in entry["outputs"]


def test_the_final_upscale_restores_the_anchors_and_saves_the_verdict(server, tmp_path):
    prompt = upscale("good.png")
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", server.error(entry)
    assert server.tally.take() == ["ImageScale", "ImageScale"]
    verdict = verdict_of(entry, runner.find_node(prompt, "Gate again"))
    live = np.asarray(Image.open(server.base / "output" / verdict["pictures"][0]["file"]))
    assert verdict["passed"] and live.shape == (450, 676, 3)
    result = runner.run(prompt, folders=files.Folders((server.base / "input",), tmp_path))
    (headless,) = [path for paths in result.images.values() for path in paths]
    assert np.array_equal(live, np.asarray(Image.open(headless)))
    anchors = result.outputs[runner.find_node(prompt, "Anchors")][0][0] > 0
    reference = result.outputs[runner.find_node(prompt, "Reference")][0][0]
    expected = (reference * 255).to(torch.uint8).numpy()
    assert anchors.any() and np.array_equal(live[anchors.numpy()], expected[anchors.numpy()])
