import pytest
import torch
from edit_first.headless import files
from edit_first.nodes.campaign import CampaignManifest


@pytest.fixture
def folder(tmp_path, coffee, chelsea):
    files.write_png(tmp_path / "scene.png", coffee.movedim(1, 3)[0])
    alpha = torch.ones_like(chelsea[:, :1])
    alpha[..., :100, :] = 0
    rgba = torch.cat((chelsea, alpha), 1).movedim(1, 3)[0]
    files.write_png(tmp_path / "product.png", rgba)
    files.write_png(tmp_path / "mask.png", torch.ones(10, 20, 3))
    (tmp_path / "campaign.csv").write_text(
        "scene,product,target_mask,color,prompt,seed,name\n"
        "scene.png,product.png,mask.png,#ff0000,a cat,5,one\n"
        "scene.png,,,,,,two\n"
    )
    token = files.folders.set(files.Folders((tmp_path,), tmp_path))
    yield tmp_path
    files.folders.reset(token)


def test_rows_become_lists(folder, coffee):
    scene, product, product_mask, target_mask, color, prompt, seed, name = CampaignManifest.execute().args
    assert len(scene) == len(product) == 2 and torch.equal(scene[0], coffee.movedim(1, 3))
    assert product[0].shape == (1, 300, 451, 3) and product_mask[0][0, :100].sum() == 0
    assert product_mask[0][0, 100:].all() and product_mask[1].all()
    assert target_mask[0].shape == (1, 10, 20) and target_mask[0].all() and target_mask[1].shape == (1, 64, 64)
    assert (color, prompt, seed, name) == (["#ff0000", ""], ["a cat", ""], [5, 0], ["one", "two"])


def test_start_and_limit(folder):
    assert CampaignManifest.execute(start=1).args[-1] == ["two"]
    assert CampaignManifest.execute(limit=1).args[-1] == ["one"]
    with pytest.raises(ValueError, match="start is 2, but campaign.csv has 2 jobs"):
        CampaignManifest.execute(start=2)


@pytest.mark.parametrize("name", ["../x.csv", "missing.csv", "scene.png", ""])
def test_only_tables_in_the_input_folder(folder, name):
    with pytest.raises(ValueError, match="is no .csv or .json file in ComfyUI's input folder"):
        CampaignManifest.execute(manifest=name)


def test_a_changed_table_runs_again(folder):
    before = CampaignManifest.fingerprint_inputs("campaign.csv")
    (folder / "campaign.csv").write_text("scene\nscene.png\n")
    assert CampaignManifest.fingerprint_inputs("campaign.csv") != before
