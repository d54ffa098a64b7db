import json
from pathlib import Path

import pytest
import torch
from comfy_api.latest import io
from edit_first.headless import comfy_api, files, runner

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "assets" / "photos"


def node(class_type, title="", **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


def strike(**zone_inputs):
    """A small surgical strike as an API-format prompt."""
    zones = '[{"name":"a","role":"edit","shape":"box","points":[[0.2,0.2],[0.6,0.7]]}]'
    widgets = {"zones": zones, "outside": "keep", "grow_px": 0, "feather_px": 0, "anchor_margin_px": 0}
    widgets |= {"anchor_colors": "", "color_tolerance": 3.0, **zone_inputs}
    return {
        "1": node("LoadImage", "Picture", image="chelsea.png"),
        "2": node("EditFirst_AnchorZoneMask", "Zones", image=["1", 0], **widgets),
        "3": node("ImageInvert", "Edit", image=["1", 0]),
        "4": node(
            "EditFirst_SeamFeather",
            original=["1", 0],
            edited=["3", 0],
            edit_mask=["2", 0],
            method="alpha",
            feather_px=4,
        ),
        "5": node("SaveImage", "Save", images=["4", 0], filename_prefix="result"),
    }


def run(prompt, tmp_path, **options):
    return runner.run(prompt, folders=files.Folders((PHOTOS,), tmp_path), **options)


def test_a_strike_keeps_locked_pixels(tmp_path, chelsea):
    result = run(strike(), tmp_path)
    saved = files.read_image(result.images["5"][0])[0].movedim(3, 1)
    lock = result.outputs["2"][1]
    assert (saved == chelsea)[:, :, lock[0] > 0].all()
    assert (saved != chelsea).any()


def test_set_and_provide(tmp_path, chelsea):
    files.write_png(tmp_path / "edit.png", torch.full(chelsea.movedim(1, 3).shape[1:], 0.25))
    sets = ("Save.filename_prefix=other", "Zones.grow_px=3", "2.outside=edit")
    result = run(strike(), tmp_path, provided={"Edit": tmp_path / "edit.png"}, sets=sets)
    (saved,) = result.images["5"]
    assert saved.name == "other_00001_.png"
    assert (files.read_image(saved)[0] == 63 / 255).all(), "outside=edit: everything is the provided picture"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["4"]["inputs"].pop("edited"), r"SeamFeather.*required input is missing: edited \(IMAGE\)"),
        (lambda p: p["4"]["inputs"].update(edited=["2", 0]), "edited: takes IMAGE, but Zones .* output 0 is MASK"),
        (lambda p: p["4"]["inputs"].update(edited=["9", 0]), "linked node 9 does not exist"),
        (lambda p: p["4"]["inputs"].update(edited=["1", 7]), "has no output 7"),
        (lambda p: p["4"]["inputs"].update(feather_px=5000), "value 5000 is bigger than the maximum of 1024"),
        (lambda p: p["4"]["inputs"].update(feather_px=-1), "value -1 is smaller than the minimum of 0"),
        (lambda p: p["4"]["inputs"].update(feather_px="wide"), "'wide' is not of type INT"),
        (lambda p: p["4"]["inputs"].update(method="magic"), "'magic' is not in the list"),
        (lambda p: p["4"]["inputs"].update(edited="cat.png"), "takes a link to a IMAGE output, got 'cat.png'"),
        (lambda p: p["4"]["inputs"].update(edited=["1"]), "bad link"),
        (
            lambda p: p["3"].update(class_type="KSampler"),
            "does not run without ComfyUI; give its picture with --provide 3=",
        ),
        (lambda p: p.pop("5"), "the workflow has no output"),
        (lambda p: p["3"]["inputs"].update(image=["4", 0]), "dependency cycle"),
        (
            lambda p: p["2"]["inputs"].update(zones='[{"name":"a"}]'),
            r"zone 1 \('a'\): role must be one of anchor, edit",
        ),
        (lambda p: p["1"]["inputs"].update(image="../LICENSE"), "Invalid image file"),
        (lambda p: p["2"]["inputs"].update(zones="[]"), "edit_mask is empty: nothing may change"),
    ],
)
def test_errors_name_the_node_and_the_remedy(change, message, tmp_path):
    prompt = strike()
    change(prompt)
    with pytest.raises(runner.WorkflowError, match=message):
        run(prompt, tmp_path)
    assert not list(tmp_path.glob("*.png")), "nothing half done"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("Save", "expected NODE.input=value"),
        ("Nowhere.x=1", "no node with id or title 'Nowhere'"),
        ("Save.size=1", "has no input 'size'; it has images, filename_prefix"),
    ],
)
def test_set_errors(assignment, message, tmp_path):
    with pytest.raises(runner.WorkflowError, match=message):
        run(strike(), tmp_path, sets=(assignment,))


def test_browser_format_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(runner.WorkflowError, match=r"export it with Workflow > Export \(API\)"):
        runner.load_workflow(ROOT / "workflows" / "2_surgical_strike.json")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(runner.WorkflowError, match="is not JSON"):
        runner.load_workflow(tmp_path / "x.json")


def test_each_node_runs_once(tmp_path):
    calls = []

    class Count(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="Count", outputs=[io.Image.Output("image")])

        @classmethod
        def execute(cls):
            calls.append(1)
            return io.NodeOutput(torch.zeros(1, 2, 2, 3))

    classes = {**runner.node_classes(), "Count": Count}
    prompt = {
        "1": node("Count"),
        "2": node("PreviewImage", images=["1", 0]),
        "3": node("PreviewImage", images=["1", 0]),
    }
    runner.Runner(prompt, classes, {}).run()
    assert len(calls) == 1


def test_lists_run_the_nodes_behind_them_once_per_item(tmp_path):
    class Three(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="Three", outputs=[io.Image.Output("image", is_output_list=True)])

        @classmethod
        def execute(cls):
            return io.NodeOutput([torch.full((1, n, 4, 3), n / 255) for n in (1, 2, 3)])

    classes = {**runner.node_classes(), "Three": Three}
    prompt = {"1": node("Three"), "2": node("SaveImage", images=["1", 0], filename_prefix="x")}
    token = files.folders.set(files.Folders((), tmp_path))
    try:
        paths = runner.Runner(prompt, classes, {}).run().images["2"]
    finally:
        files.folders.reset(token)
    assert [files.read_image(path)[0].shape[1] for path in paths] == [1, 2, 3]


def test_an_input_that_grows_takes_any_number_of_links(tmp_path):
    """Create List: what is behind it runs once for every entry, in order."""
    prompt = {str(n): node("EmptyImage", width=4, height=3, batch_size=1, color=n << 16) for n in (1, 2, 3)}
    prompt["list"] = node("CreateList", **{f"inputs.input{n}": [str(n + 1), 0] for n in range(3)})
    prompt["save"] = node("SaveImage", images=["list", 0], filename_prefix="x")
    paths = run(prompt, tmp_path).images["save"]
    assert [round(255 * float(files.read_image(path)[0][0, 0, 0, 0])) for path in paths] == [1, 2, 3]
    prompt["list"]["inputs"]["inputs.input1"] = ["nowhere", 0]
    with pytest.raises(runner.WorkflowError, match="inputs.input1: linked node nowhere does not exist"):
        run(prompt, tmp_path)


def test_feather_mask_ramps_each_side(tmp_path):
    """As ComfyUI's: a side of n px rises by 1/n a px, and where two sides meet they multiply."""
    prompt = {
        "solid": node("SolidMask", value=1.0, width=8, height=4),
        "soft": node("FeatherMask", mask=["solid", 0], left=4, top=2, right=0, bottom=0),
        "show": node("PreviewAny", source=["soft", 0]),
    }
    mask = run(prompt, tmp_path).outputs["soft"][0][0]
    across = torch.tensor([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    assert torch.equal(mask, torch.tensor([0.5, 1, 1, 1])[:, None] * across)


def test_blocked_outputs_silence_what_depends_on_them(tmp_path):
    class Block(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="Block", outputs=[io.Image.Output("image")])

        @classmethod
        def execute(cls):
            return io.NodeOutput(comfy_api.ExecutionBlocker(None))

    prompt = {"1": node("Block"), "2": node("SaveImage", images=["1", 0], filename_prefix="x")}
    result = runner.Runner(prompt, {**runner.node_classes(), "Block": Block}, {}).run()
    assert result.images == {}


def test_prompt_is_not_modified(tmp_path):
    prompt = strike()
    before = json.dumps(prompt)
    run(prompt, tmp_path, sets=("Zones.grow_px=3",))
    assert json.dumps(prompt) == before


@pytest.mark.parametrize(("switch", "ran"), [(True, "1"), (False, "2")])
def test_a_lazy_switch_evaluates_one_side_only(tmp_path, switch, ran):
    prompt = {
        "1": node("LoadImage", image="chelsea.png"),
        "2": node("LoadImage", image="coffee.png"),
        "3": node("ComfySwitchNode", switch=switch, on_true=["1", 0], on_false=["2", 0]),
        "4": node("PreviewImage", images=["3", 0]),
    }
    outputs = run(prompt, tmp_path).outputs
    assert set(outputs) == {ran, "3", "4"}
    assert outputs["3"][0] is outputs[ran][0]


def test_the_final_upscale_stops_at_the_first_gate(tmp_path):
    prompt = runner.load_workflow(ROOT / "workflows" / "api" / "4_final_upscale.json")
    for title, name in (("Original", "coffee.png"), ("Edited picture", "coffee.png")):
        prompt[runner.find_node(prompt, title)]["inputs"]["image"] = name
    edited, gate = runner.find_node(prompt, "Edited picture"), runner.find_node(prompt, "Gate")
    prompt["90"] = node("ImageInvert", "Spoiled", image=[edited, 0])
    for title in ("Check", "Gate"):
        prompt[runner.find_node(prompt, title)]["inputs"]["image"] = ["90", 0]
    result = run(prompt, tmp_path)
    assert result.outputs[gate][2] is False and result.images == {}
    assert runner.find_node(prompt, "Delivery size") not in result.outputs
    behind = [runner.find_node(prompt, title) for title in ("Reference", "Lock", "Gate again")]
    for node_id in behind:
        assert isinstance(result.outputs[node_id][0], comfy_api.ExecutionBlocker)


def test_upscale_image_knows_lanczos(tmp_path):
    prompt = {
        "1": node("LoadImage", image="chelsea.png"),
        "2": node("ImageScale", image=["1", 0], upscale_method="lanczos", width=0, height=600, crop="disabled"),
        "3": node("GetImageSize", image=["2", 0]),
        "4": node("PreviewAny", source=["3", 0]),
    }
    assert run(prompt, tmp_path).outputs["3"] == (902, 600, 1)
