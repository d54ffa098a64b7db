import json
from pathlib import Path

import pytest
from edit_first.headless import blueprints, workflows

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTIONS = sorted((ROOT / "subgraphs" / "source").glob("*.py"))


@pytest.fixture(scope="module")
def built():
    known = workflows.interfaces()
    return {path.stem: blueprints.build(path, known) for path in DESCRIPTIONS}


@pytest.mark.parametrize("name", [path.stem for path in DESCRIPTIONS])
def test_file_is_what_the_description_says(built, name):
    blueprint = built[name]
    saved = json.loads((ROOT / "subgraphs" / f"{blueprint.name}.json").read_text())
    assert saved == json.loads(json.dumps(blueprint.to_ui())), "run `python . workflows`"


@pytest.mark.parametrize("name", [path.stem for path in DESCRIPTIONS])
def test_links_join_what_they_say(built, name):
    value = built[name].to_ui()
    (subgraph,) = value["definitions"]["subgraphs"]
    (outer,) = value["nodes"]
    nodes = {node["id"]: node for node in subgraph["nodes"]}
    assert outer["type"] == subgraph["id"]
    for link in subgraph["links"]:
        sources = subgraph["inputs"] if link["origin_id"] == -10 else nodes[link["origin_id"]]["outputs"]
        targets = subgraph["outputs"] if link["target_id"] == -20 else nodes[link["target_id"]]["inputs"]
        source, target = sources[link["origin_slot"]], targets[link["target_slot"]]
        assert source["type"] == link["type"] == target["type"]
        assert link["id"] in (source.get("linkIds") or source.get("links"))
        assert link["id"] in (target["linkIds"] if "linkIds" in target else [target["link"]])
    for node_id, widget in outer["properties"]["proxyWidgets"]:
        assert widget in built[name].interfaces[nodes[int(node_id)]["type"]]["input"]["required"] | built[
            name
        ].interfaces[nodes[int(node_id)]["type"]]["input"].get("optional", {})


def test_every_input_is_used(built):
    for blueprint in built.values():
        (subgraph,) = blueprint.to_ui()["definitions"]["subgraphs"]
        assert all(port["linkIds"] for port in subgraph["inputs"] + subgraph["outputs"])
