"""Regional prompts in ComfyUI's sampler: one UNet family and three transformer families, two of them with 5-D latents."""

import json
import subprocess
from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).with_name("regional_experiments.py")
FAMILIES = ("sd15", "flux", "qwen_image", "wan")
ROUNDING = 1e-4  # relative; batches of different size round differently

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]


@pytest.fixture(scope="module")
def measured(comfy_found):
    path, python = comfy_found
    run = subprocess.run([python, EXPERIMENTS, path], capture_output=True, text=True, timeout=600)
    lines = [line for line in run.stdout.splitlines() if line.startswith("MEASURED ")]
    assert lines, run.stderr[-4000:]
    return json.loads(lines[0].removeprefix("MEASURED "))


@pytest.fixture(scope="module")
def comfy_found():
    from comfyui_server import find_comfyui

    found = find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(params=FAMILIES)
def family(request, measured):
    return measured[request.param]


def test_one_prediction_depends_on_the_own_prompt_alone(family):
    one = family["dependence"]["1"]
    assert one["finite"] and one["same seed"] == 0
    assert one["a by own prompt"] > 0.01 * one["scale"]
    assert one["b by a's prompt, max"] == 0 and one["base by a's prompt, max"] == 0
    assert one["a by base prompt, max"] == 0


def test_uncovered_area_depends_on_the_base_alone(family):
    one = family["dependence"]["1"]
    assert one["base by its own prompt"] > 0.01 * one["scale"]
    assert one["base against no regions"] < ROUNDING * one["scale"]


def test_after_several_steps_the_own_prompt_rules(family):
    """The model sees the whole latent at each step, so from the second step on regions hear of each other."""
    four = family["dependence"]["4"]
    assert four["finite"] and four["same seed"] == 0
    assert four["b by a's prompt"] < 0.25 * four["a by own prompt"]
    assert four["base by a's prompt"] < 0.25 * four["a by own prompt"]


def test_moving_the_mask_moves_the_effect(family):
    moved = family["moving"]
    assert moved["left in b"] < 1e-3 * moved["left in a"]
    assert moved["right in a"] < 1e-3 * moved["right in b"]


def test_strength_and_overlap_mix_as_stated(family):
    weights = family["weights"]
    tolerance = ROUNDING * weights["scale"]
    assert weights["effect"] > 100 * tolerance
    assert weights["strength 1 is the region's prompt"] <= tolerance
    assert weights["strength 0.5 is the mean with the base"] <= tolerance
    assert weights["overlap is the mean"] <= tolerance
    assert weights["overlap in the other order"] <= tolerance
    assert weights["strength 3 against 1"] <= tolerance


def test_cost_per_region(family):
    """Passes of the model for 4 steps, at cfg 1 and above, where the negative prompt costs one more each step."""
    assert family["cost"] == {
        "none": [4, 8],
        "one": [8, 12],
        "two": [12, 16],
        "full": [4, 8],  # nothing is left for the whole picture's prompt, so it does not run
        "early": [6, 10],  # ends after half of the steps
        "off": [4, 8],  # strength 0, or an empty mask
    }


def test_masks_fit_any_latent(family):
    shapes = dict(family["shapes"])
    assert shapes.pop("batch of masks is united") == 0
    assert len(shapes) == 3 and all(shapes.values())
