import logging
import types

import pytest
import torch
from edit_first.imaging.zones import Zone, Zones
from edit_first.nodes.prompt import RegionalPrompt, samplers_at_cfg_1

DOOR = Zone("door", "edit", "box", ((0.1, 0.1), (0.6, 0.9)), prompt="a red door", strength=0.5)
WORDS = torch.ones(1, 3, 4)
PICTURE = {"guidance": 3.5, "reference_latents": [torch.zeros(1, 4, 2, 2)], "pooled_output": torch.ones(1, 2)}
MASK = torch.zeros(2, 64, 80)
MASK[0, 10:30], MASK[1, 20:40] = 1, 1


class Clip:
    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, tokens):
        return [[torch.full((1, 3, 4), float(len(tokens))), {"pooled_output": torch.zeros(1, 2), "text": tokens}]]


class ScheduledClip(Clip):
    """As a text encoder with a LoRA that changes on the way: several entries for one prompt."""

    def encode_from_tokens_scheduled(self, tokens):
        return [
            [WORDS, {"clip_start_percent": a, "clip_end_percent": b, "hooks": "h"}] for a, b in ((0, 0.5), (0.5, 1))
        ]


def run(conditioning=None, clip=None, prompt="", **options):
    return RegionalPrompt.execute(conditioning or [[WORDS, dict(PICTURE)]], clip or Clip(), prompt, **options)[0]


def test_strength_0_changes_nothing():
    base = [[WORDS, dict(PICTURE)]]
    assert run(base, prompt="x", mask=MASK, strength=0.0) is base


def test_base_becomes_the_default_and_is_not_modified():
    base = [[WORDS, dict(PICTURE)]]
    result = run(base, prompt="x", mask=MASK)
    assert "default" not in base[0][1] and result[0][1] == {**PICTURE, "default": True}
    assert result[0][0] is WORDS and len(result) == 2


def test_region_takes_over_what_the_picture_has_and_keeps_its_own_words():
    values = run(prompt="door", mask=MASK)[1][1]
    assert values["guidance"] == 3.5 and values["reference_latents"] is PICTURE["reference_latents"]
    assert values["pooled_output"].sum() == 0 and values["text"] == "door"
    assert values["set_area_to_bounds"] is False and "default" not in values


def test_region_does_not_take_over_where_when_and_which_words():
    whole = {"start_percent": 0.1, "attention_mask": torch.ones(1, 99), "strength": 0.3, "clip_start_percent": 0.2}
    values = run([[WORDS, {**PICTURE, **whole}]], prompt="door", mask=MASK, end_percent=0.6)[1][1]
    assert not {"attention_mask", "strength", "clip_start_percent"} & set(values)
    assert (values["start_percent"], values["end_percent"]) == (0.0, 0.6)


def test_masks_of_a_batch_are_united():
    mask = run(prompt="door", mask=MASK)[1][1]["mask"]
    assert mask.shape == (1, 64, 80) and torch.equal(mask[0], MASK.amax(0))


@pytest.mark.parametrize("shape", [(64, 80), (1, 64, 80), (3, 64, 80), (2, 1, 64, 80), (1, 1, 1, 64, 80)])
def test_mask_forms(shape):
    assert run(prompt="x", mask=torch.ones(shape))[1][1]["mask"].shape == (1, 64, 80)


def test_half_precision_and_bad_numbers():
    mask = torch.ones(1, 8, 8, dtype=torch.float16)
    mask[0, 0, :3] = torch.tensor([float("nan"), float("inf"), -1.0])
    taken = run(prompt="x", mask=mask)[1][1]["mask"]
    assert taken.dtype == torch.float32 and taken[0, 0, :4].tolist() == [0, 0, 0, 1]


def test_zones_and_mask_and_chain_add_up():
    drawn = Zones((DOOR, Zone("dot", "edit", "box", DOOR.points)), frame=(80, 64))
    result = run(run(prompt="cat", mask=MASK, zones=drawn, strength=2.0), prompt="dog", mask=MASK)
    assert [values.get("text") for _, values in result] == [None, "a red door", "cat", "dog"]
    assert [values.get("mask_strength") for _, values in result] == [None, 1.0, 2.0, 1.0]
    assert [bool(values.get("default")) for _, values in result] == [True, False, False, False]


def test_entries_with_a_place_of_their_own_are_left_alone():
    theirs = [WORDS, {"mask": MASK[:1], "mask_strength": 0.4}]
    result = run([[WORDS, dict(PICTURE)], theirs], prompt="x", mask=MASK)
    assert result[1][1] == theirs[1] and result[2][1]["guidance"] == 3.5


def test_nothing_whole_is_a_warning(caplog):
    result = run([[WORDS, {"mask": MASK[:1], "guidance": 2.0}]], prompt="x", mask=MASK)
    assert len(result) == 2 and "default" not in result[0][1] and result[1][1]["guidance"] == 2.0
    assert "no prompt for the whole picture" in caplog.text


def test_scheduled_text_encoders_give_several_entries():
    result = run(clip=ScheduledClip(), prompt="x", mask=MASK)
    assert [values.get("clip_start_percent") for _, values in result] == [None, 0, 0.5]
    assert all(values["mask"].shape == (1, 64, 80) for _, values in result[1:])


@pytest.mark.parametrize(
    "mask", [torch.zeros(1, 64, 64), torch.zeros(0, 48, 64), torch.full((1, 4, 4), float("nan"))], ids=str
)
def test_zero_area_is_skipped_with_a_warning(mask, caplog):
    base = [[WORDS, {}]]
    assert run(base, prompt="x", mask=mask) is base
    assert "region 'mask' covers nothing and is skipped" in caplog.text


def test_a_zone_under_an_anchor_is_skipped_by_name(caplog):
    lid = Zone("lid", "anchor", "box", ((0.0, 0.0), (1.0, 1.0)))
    base = [[WORDS, {}]]
    assert run(base, zones=Zones((DOOR, lid), frame=(80, 64))) is base
    assert "region 'door' covers nothing" in caplog.text


def test_nothing_to_say_is_a_warning(caplog):
    base = [[WORDS, {}]]
    assert run(base, prompt=" ", mask=MASK, zones=Zones((Zone("a", "edit", "box", DOOR.points),))) is base
    assert "no prompt for the mask and none in the zones" in caplog.text


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="needs a place; connect a mask, or zones"):
        run(prompt="x")
    with pytest.raises(ValueError, match="start_percent is 0.5 but end_percent is 0.5"):
        run(prompt="x", mask=MASK, start_percent=0.5, end_percent=0.5)
    with pytest.raises(ValueError, match="clip is empty.*connect a Load CLIP node"):
        RegionalPrompt.execute([[WORDS, {}]], None, "x", mask=MASK)


def graph(cfg, sampler="KSampler"):
    return {
        "1": {"class_type": "EditFirst_RegionalPrompt", "inputs": {"conditioning": ["7", 0]}},
        "2": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["1", 0]}},
        "3": {"class_type": sampler, "inputs": {"positive": ["2", 0], **cfg}, "_meta": {"title": "Draw"}},
        "4": {"class_type": "KSampler", "inputs": {"positive": ["7", 0], "latent_image": ["3", 0], "cfg": 1.0}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "street"}},
    }


@pytest.mark.parametrize(
    ("cfg", "sampler", "found"),
    [
        ({"cfg": 1.0}, "KSampler", ["Draw"]),
        ({"cfg": 1}, "CFGGuider", ["Draw"]),
        ({"cfg": 7.0}, "KSampler", []),
        ({"cfg": ["9", 0]}, "KSampler", []),
        ({}, "BasicGuider", ["Draw"]),
        ({"guidance": 3.5}, "FluxGuidance", []),
    ],
)
def test_samplers_at_cfg_1(cfg, sampler, found):
    assert samplers_at_cfg_1(graph(cfg, sampler), "1") == found


@pytest.mark.parametrize(("values", "warned"), [({}, True), ({"guidance": 3.5}, False)])
def test_cfg_1_is_warned_of_unless_guidance_is_built_in(values, warned, caplog):
    caplog.set_level(logging.WARNING)
    node = type(
        "Prepared", (RegionalPrompt,), {"hidden": types.SimpleNamespace(unique_id="1", prompt=graph({"cfg": 1.0}))}
    )
    node.execute([[WORDS, values]], Clip(), "x", mask=MASK)
    assert ("'Draw' samples at cfg 1: 1 region(s) cost a model pass each" in caplog.text) is warned
