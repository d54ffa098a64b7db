"""From a table's columns to the inputs of a workflow."""

from pathlib import Path

import pytest
from edit_first.campaign import plan
from edit_first.campaign.manifest import COLUMNS, Job
from edit_first.headless import files, runner

ROOT = Path(__file__).resolve().parents[2]
CORNERS = "[0.1,0.3],[0.4,0.3],[0.4,0.8],[0.1,0.8]"


def api(name):
    return runner.load_workflow(ROOT / "workflows" / "api" / f"{name}.json")


def node(prompt, title):
    return prompt[runner.find_node(prompt, title)]


@pytest.fixture
def folder(tmp_path, coffee, chelsea):
    """A scene, a product without alpha, its mask and a slot."""
    for name, image in (("scene.png", coffee), ("product.png", chelsea)):
        files.write_png(tmp_path / name, image.movedim(1, 3)[0])
    for name, image, box in (("mask.png", chelsea, (50, 250, 100, 300)), ("slot.png", coffee, (150, 330, 60, 200))):
        mask = image[0, 0, :, :, None].new_zeros(*image.shape[2:], 1)
        mask[box[0] : box[1], box[2] : box[3]] = 1
        files.write_png(tmp_path / name, mask.expand(-1, -1, 3))
    return tmp_path


def task(folder, workflow, **cells):
    job = Job(row=1, name="x", scene="scene.png", **cells)
    return plan.make_task(workflow, job, plan.bindings(workflow, [job], {}), folder)


def test_every_column_has_a_place_in_some_template():
    """Scene, masks, corners and color in the campaign row; prompt and seed where a model is."""
    full = {column: "x" for column in COLUMNS} | {"row": 1, "seed": 3}
    row, seasons, inpaint = api("campaign_row"), api("seasonal_variations"), api("2b_zone_inpaint")
    swap = {column: value for column, value in full.items() if column not in ("prompt", "seed")}
    assert set(plan.bindings(row, [Job(**swap)], {})) == set(COLUMNS) - {"prompt", "seed"}
    model = {column: full[column] for column in ("row", "name", "scene", "prompt", "seed")}
    assert set(plan.bindings(inpaint, [Job(**model)], {})) == {"name", "scene", "prompt", "seed"}
    assert set(plan.bindings(seasons, [Job(1, "x", "y")], {})) == {"name", "scene"}


def test_a_mask_of_its_own_gets_a_loader(folder):
    made = task(folder, api("campaign_row"), product="product.png", product_mask="mask.png", target_mask="slot.png")
    assert node(made.prompt, "Swap")["inputs"]["product_mask"] == ["product_mask", 0]
    assert made.prompt["product_mask"]["inputs"]["image"] == "mask.png"
    assert set(made.files) == {"scene.png", "product.png", "mask.png", "slot.png"}


def test_corners_need_no_slot(folder):
    workflow = api("campaign_row")
    swap = node(task(folder, workflow, product="product.png", corners=CORNERS).prompt, "Swap")["inputs"]
    assert swap["fit"] == "perspective" and swap["corners"] == CORNERS and "target_mask" not in swap
    both = task(folder, workflow, product="product.png", corners=CORNERS, target_mask="slot.png")
    assert "target_mask" in node(both.prompt, "Swap")["inputs"]
    assert node(workflow, "Swap")["inputs"]["fit"] == "contain", "the workflow itself is not changed"


def test_the_color_of_a_campaign_row_is_held_and_verified(folder):
    made = task(folder, api("campaign_row"), product="product.png", target_mask="slot.png", color="#0057b8")
    assert node(made.prompt, "Swap")["inputs"]["brand_colors"] == "#0057b8"
    recolor = task(folder, api("sku_recolor"), color="#0057b8")
    assert node(recolor.prompt, "Color")["inputs"]["color"] == "#0057b8"


@pytest.mark.parametrize(
    "cells",
    [
        {"product_mask": "mask.png", "target_mask": "slot.png"},
        {"product_mask": "mask.png", "corners": CORNERS, "color": "#b5835a"},
    ],
)
def test_rows_run(folder, tmp_path, coffee, cells):
    made = task(folder, api("campaign_row"), product="product.png", **cells)
    result = runner.run(made.prompt, folders=files.Folders((folder,), tmp_path / "out"))
    (saved,) = result.images[runner.find_node(made.prompt, "Save")]
    assert saved.name == "x_00001_.png"
    changed = (files.read_image(saved)[0].movedim(3, 1) - coffee).abs().amax(1) > 0.02
    y, x = changed[0].nonzero().float().mean(0).tolist()
    assert 0.1 < x / 600 < 0.45 and 0.3 < y / 400 < 0.9, "the product stands in its place"


def test_a_column_without_a_place_says_what_to_do():
    with pytest.raises(runner.WorkflowError, match="fills 'prompt', but the workflow has no node titled 'Prompt'"):
        plan.bindings(api("campaign_row"), [Job(1, "x", "y", prompt="z")], {})
    with pytest.raises(runner.WorkflowError, match="no such column; the columns are scene, product"):
        plan.bindings(api("campaign_row"), [Job(1, "x", "y")], {"colour": "A.b"})
