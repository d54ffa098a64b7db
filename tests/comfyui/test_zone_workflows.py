"""The workflows with zones and models run in ComfyUI, every branch of them, with random-weight models."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from comfyui_server import Server, find_comfyui
from edit_first.headless import files, workflows
from PIL import Image

HERE = Path(__file__).parent
SOURCE = workflows.SOURCE
FAMILY = {"qwen": "qwen_image", "flux1-fill": "flux_fill", "flux1": "flux"}  # by the start of the model's file name
SIZE = 128

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    instance = Server(tmp_path_factory.mktemp("tiny"))
    pack = instance.base / "custom_nodes" / "tiny_pack"
    pack.mkdir()
    shutil.copyfile(HERE / "tiny_pack.py", pack / "__init__.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDIT_FIRST_TINY_MODELS", str(HERE / "tiny_models.py"))
        patch.setenv("OMP_NUM_THREADS", "1")
        with instance:
            yield instance


def all_branches(name: str) -> dict:
    """A workflow in API format with its bypassed branches live, and loaders that need no files."""
    graph = workflows.build(SOURCE / f"{name}.py")
    for node in graph.nodes:
        node.mode = workflows.NORMAL
    prompt = graph.to_api()
    for node in prompt.values():
        _without_files(node)
    return prompt


def _without_files(node: dict) -> None:
    inputs = node["inputs"]
    kind = node["class_type"]
    name = str(inputs.get("unet_name") or inputs.get("vae_name") or "")
    family = next((family for start, family in FAMILY.items() if name.startswith(start)), "flux")
    checkpoint = "sd15_inpaint" if "inpainting" in str(inputs.get("ckpt_name")) else "sd15"
    swapped = {
        "CheckpointLoaderSimple": ("TinyCheckpoint", {"family": checkpoint}),
        "UNETLoader": ("TinyModel", {"family": family}),
        "CLIPLoader": ("TinyClip", {}),
        "DualCLIPLoader": ("TinyClip", {}),
        "VAELoader": ("TinyVae", {"family": family}),
    }
    if kind in swapped:
        node["class_type"], node["inputs"] = swapped[kind]
    if kind == "KSampler":
        inputs["steps"] = 1
    if "width" in inputs:
        inputs["width"] = inputs["height"] = SIZE


def node_id(prompt: dict, title: str) -> str:
    return next(key for key, node in prompt.items() if node["_meta"]["title"] == title)


def pictures(server, prompt: dict, titles: dict) -> dict[str, np.ndarray]:
    """Run, and give what the titled nodes' first image outputs are."""
    prompt = {key: node for key, node in prompt.items() if node["class_type"] != "SaveImage"}
    for number, (title, output) in enumerate(titles.items()):
        link = [node_id(prompt, title), output]
        prompt[f"9{number:02}"] = {
            "class_type": "SaveImage",
            "inputs": {"images": link, "filename_prefix": f"t{number}"},
        }
    entry = server.run(prompt)
    assert server.error(entry) == ""
    found = {}
    for number, title in enumerate(titles):
        (image,) = entry["outputs"][f"9{number:02}"]["images"]
        found[title] = np.asarray(Image.open(server.base / "output" / image["filename"]).convert("RGB")).astype(int)
    return found


def test_every_branch_of_generate_gives_zones_their_own_words(server):
    titles = {"Decode": 0, "Decode (Qwen)": 0, "Decode (Flux)": 0}
    prompt = all_branches("1_generate")
    before = pictures(server, prompt, titles)
    zones = prompt[node_id(prompt, "Zones")]["inputs"]
    drawn = json.loads(zones["zones"])
    zones["zones"] = json.dumps([{**drawn[0], "prompt": "a blue teapot"}, drawn[1]])
    after = pictures(server, prompt, titles)
    (x0, y0), (x1, y1) = drawn[0]["points"]
    cells = np.zeros((SIZE, SIZE), bool)  # latent cells that the zone touches
    left, top = (int(SIZE * edge) // 8 * 8 for edge in (x0, y0))
    right, bottom = (-(-int(SIZE * edge) // 8) * 8 for edge in (x1, y1))
    cells[top:bottom, left:right] = True
    for title in titles:
        assert before[title].shape == (SIZE, SIZE, 3)
        moved = np.abs(after[title] - before[title]).max(2)
        assert (moved[~cells] == 0).all(), title
        assert (moved[cells] > 0).mean() > 0.1, title


def test_every_way_to_inpaint_keeps_what_is_locked(server, astronaut):
    original = (astronaut[:, :, :SIZE, 160 : 160 + SIZE] * 255).round() / 255
    files.write_png(server.base / "input" / "face.png", original.movedim(1, 3)[0])
    truth = (original[0].movedim(0, 2).numpy() * 255).round().astype(int)
    prompt = all_branches("2b_zone_inpaint")
    prompt[node_id(prompt, "Approved picture")]["inputs"]["image"] = "face.png"
    lock_mask = _lock(prompt)
    for raw in ("Decode", "Decode (Fill)", "Decode (SDXL Inpainting)", "Decode (gray)"):
        prompt[node_id(prompt, "Seam")]["inputs"]["edited"] = [node_id(prompt, raw), 0]
        made = pictures(server, prompt, {raw: 0, "Lock": 0})
        moved = np.abs(made["Lock"] - truth).max(2)
        assert (moved[lock_mask] == 0).all(), raw
        assert (moved[~lock_mask] > 0).mean() > 0.5, raw
        assert (np.abs(made[raw] - truth).max(2)[lock_mask] > 0).any(), "a raw decode keeps nothing: the lock does"


def test_a_model_paints_every_season_around_the_same_product(server, astronaut):
    original = (astronaut[:, :, :SIZE, 160 : 160 + SIZE] * 255).round() / 255
    files.write_png(server.base / "input" / "winner.png", original.movedim(1, 3)[0])
    truth = (original[0].movedim(0, 2).numpy() * 255).round().astype(int)
    prompt = all_branches("seasonal_variations")
    prompt[node_id(prompt, "Winner")]["inputs"]["image"] = "winner.png"
    prompt[node_id(prompt, "Seam")]["inputs"]["edited"] = [node_id(prompt, "Decoded"), 0]
    lock_mask = _lock(prompt, "Product")
    entry = server.run(prompt)
    assert server.error(entry) == ""
    seasons = [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in server.output_files(entry)]
    assert len(seasons) == 3, "one picture for every prompt"
    for season in seasons:
        moved = np.abs(season - truth).max(2)
        assert (moved[lock_mask] == 0).all() and (moved[~lock_mask] > 0).mean() > 0.5
    assert (seasons[0] != seasons[1]).any() and (seasons[1] != seasons[2]).any(), "the prompts act"


def _lock(prompt: dict, title: str = "Zones") -> np.ndarray:
    from edit_first.nodes.zones import AnchorZoneMask

    inputs = {k: v for k, v in prompt[node_id(prompt, title)]["inputs"].items() if not isinstance(v, list)}
    lock = AnchorZoneMask.execute(torch.zeros(1, SIZE, SIZE, 3), **inputs).args[1]
    return lock[0].numpy() > 0
