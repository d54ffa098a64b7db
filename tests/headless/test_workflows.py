"""Both formats come from one description and are up to date."""

import json
from pathlib import Path

import pytest
from edit_first.headless import runner, workflows

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTIONS = workflows.descriptions()


@pytest.fixture(scope="module")
def known():
    return workflows.interfaces()


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_files_are_what_the_description_says(path, known, tmp_path):
    graph = workflows.build(path, known)
    for folder, value in ((ROOT / "workflows", graph.to_ui()), (ROOT / "workflows" / "api", graph.to_api())):
        assert json.loads((folder / f"{path.stem}.json").read_text()) == json.loads(json.dumps(value)), (
            "run `python . workflows`"
        )


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_browser_format_is_consistent(path, known):
    ui = workflows.build(path, known).to_ui()
    nodes = {node["id"]: node for node in ui["nodes"]}
    assert ui["version"] == 0.4 and len(nodes) == len(ui["nodes"]) == ui["last_node_id"]
    for number, source, output, target, slot, io_type in ui["links"]:
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[target]["inputs"][slot]["link"] == number
        assert nodes[source]["outputs"][output]["type"] == io_type


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_no_node_covers_another(path, known):
    title = workflows.TITLE_HEIGHT
    nodes = workflows.build(path, known).to_ui()["nodes"]
    boxes = [(n["pos"][0], n["pos"][1] - title, n["size"][0], n["size"][1] + title, n["title"]) for n in nodes]
    over = [
        (one, other)
        for i, (x, y, w, h, one) in enumerate(boxes)
        for u, v, s, t, other in boxes[i + 1 :]
        if not (x + w <= u or u + s <= x or y + h <= v or v + t <= y)
    ]
    assert over == []


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_titles_are_unique_and_every_file_has_both_formats(path, known):
    api = workflows.build(path, known).to_api()
    titles = [node["_meta"]["title"] for node in api.values()]
    assert len(set(titles)) == len(titles)


def test_every_workflow_file_has_a_description():
    names = {path.stem for path in DESCRIPTIONS}
    assert {path.stem for path in (ROOT / "workflows").glob("*.json")} == names
    assert {path.stem for path in (ROOT / "workflows" / "api").glob("*.json")} == names


def test_mistakes_in_a_description_are_found(known):
    graph = workflows.Graph("x", known)
    picture = graph.node("LoadImage", "A", at=(0, 0), image="x.png", mode=workflows.BYPASSED)
    with pytest.raises(ValueError, match="has no input nothing"):
        graph.node("PreviewImage", "B", at=(0, 0), nothing=1)
    with pytest.raises(ValueError, match="two nodes are titled 'A'"):
        graph.node("LoadImage", "A", at=(0, 0))
    graph.node("PreviewImage", "C", at=(0, 0), images=picture.out("IMAGE"))
    with pytest.raises(ValueError, match="'C' depends on 'A', which is muted or bypassed"):
        graph.to_api()


def test_surgical_strike_validates_headless():
    prompt = runner.load_workflow(ROOT / "workflows" / "api" / "2_surgical_strike.json")
    assert runner.validate(prompt, runner.node_classes(), {}) == []


def test_bypassed_nodes_pass_on_what_came_in(known):
    graph = workflows.Graph("x", known)
    picture = graph.node("LoadImage", "A", at=(0, 0), image="x.png")
    loader = graph.node("UpscaleModelLoader", "B", at=(0, 0), mode=workflows.BYPASSED, model_name="x")
    inputs = {"upscale_model": loader.out("UPSCALE_MODEL"), "image": picture.out("IMAGE")}
    upscale = graph.node("ImageUpscaleWithModel", "C", at=(0, 0), mode=workflows.BYPASSED, **inputs)
    graph.node("PreviewImage", "D", at=(0, 0), images=upscale.out("IMAGE"))
    api = graph.to_api()
    assert [entry["class_type"] for entry in api.values()] == ["LoadImage", "PreviewImage"]
    assert api[str(upscale.id + 1)]["inputs"]["images"] == [str(picture.id), 0]


def test_a_switch_takes_on_the_type_of_its_inputs(known):
    graph = workflows.Graph("x", known)
    picture = graph.node("LoadImage", "A", at=(0, 0), image="x.png")
    both = {"on_true": picture.out("IMAGE"), "on_false": picture.out("IMAGE")}
    switch = graph.node("ComfySwitchNode", "B", at=(0, 0), switch=True, **both)
    graph.node("PreviewImage", "C", at=(0, 0), images=switch.out("output"))
    ui = graph.to_ui()
    assert {link[5] for link in ui["links"]} == {"IMAGE"} and ui["nodes"][1]["outputs"][0]["type"] == "IMAGE"


def test_only_the_upscaler_of_the_final_upscale_needs_weights(known):
    graph = workflows.build(workflows.SOURCE / "4_final_upscale.py", known)
    bypassed = [node for node in graph.nodes if node.mode == workflows.BYPASSED]
    assert [node.class_type for node in bypassed] == ["UpscaleModelLoader", "ImageUpscaleWithModel"]
    assert bypassed[0].models and runner.validate(graph.to_api(), runner.node_classes(), {}) == []
