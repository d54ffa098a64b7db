"""Hostile zones over HTTP: each is refused with the zone's name, and the server goes on serving."""

import json
import time

import hostile_zones
import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
SECONDS_PER_ANSWER = 20


def prompt(zones: str) -> dict:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {
            "class_type": "EditFirst_AnchorZoneMask",
            "inputs": {
                "image": ["1", 0],
                "zones": zones,
                "outside": "keep",
                "grow_px": 0,
                "feather_px": 0,
                "anchor_margin_px": 0,
                "anchor_colors": "",
                "color_tolerance": 3.0,
            },
        },
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 3]}},
    }


def refusal(comfy, zones: str) -> str:
    """What the server answers to a prompt with these zones; empty when it takes it (and drops it again)."""
    started = time.monotonic()
    status, answer = comfy.post("/prompt", {"prompt": prompt(zones)})
    assert time.monotonic() - started < SECONDS_PER_ANSWER
    if status == 200:
        return ""
    assert status == 400
    (error,) = answer["node_errors"]["2"]["errors"]
    return error["details"]


def test_every_hostile_zone_is_refused_by_name(comfy):
    good = json.dumps(hostile_zones.GOOD)
    answers = {label: refusal(comfy, f"[{good},{zone}]") for label, zone in hostile_zones.single_zones().items()}
    taken = {label for label, answer in answers.items() if not answer}
    unnamed = {label: answer for label, answer in answers.items() if answer and "zone 2" not in answer}
    assert not unnamed
    assert len(taken) <= 5 and len(answers) > 180
    assert comfy.get("/system_stats")


def test_every_hostile_text_is_refused(comfy):
    for label, text in hostile_zones.whole_texts().items():
        assert "zone" in refusal(comfy, text), label
    assert comfy.get("/system_stats")


@pytest.mark.parametrize("label", hostile_zones.fine_texts())
def test_odd_zones_run(comfy, label):
    entry = comfy.run(prompt(hostile_zones.fine_texts()[label]))
    assert comfy.error(entry) == ""
    assert entry["status"]["status_str"] == "success"


def test_zones_that_are_no_text_are_refused(comfy):
    for value in (None, {"a": 1}, 7):
        status, _ = comfy.post("/prompt", {"prompt": prompt(value)})
        assert status in (200, 400)
    assert comfy.get("/system_stats")
