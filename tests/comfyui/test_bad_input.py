"""In a real ComfyUI, over HTTP: bad input gets an error that says what to do, and the server lives on."""

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ZONES = '[{"name":"a","role":"edit","shape":"box","points":[[0.2,0.2],[0.6,0.7]]}]'


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


@pytest.fixture
def strike(comfy_image, chelsea, coffee):
    """A surgical strike on one picture, with a second picture of another size at hand in node 9."""
    return {
        "1": node("LoadImage", image=comfy_image(chelsea, "chelsea.png")),
        "2": node(
            "EditFirst_AnchorZoneMask",
            image=["1", 0],
            zones=ZONES,
            outside="keep",
            grow_px=0,
            feather_px=0,
            anchor_margin_px=0,
            anchor_colors="",
            color_tolerance=3.0,
        ),
        "3": node("ImageInvert", image=["1", 0]),
        "4": node(
            "EditFirst_SeamFeather",
            original=["1", 0],
            edited=["3", 0],
            edit_mask=["2", 0],
            method="alpha",
            feather_px=4,
        ),
        "5": node("SaveImage", images=["4", 0], filename_prefix="bad"),
        "8": node("SolidMask", value=1.0, width=20, height=10),
        "9": node("LoadImage", image=comfy_image(coffee, "coffee.png")),
        "10": node("RepeatImageBatch", image=["1", 0], amount=3),
        "11": node("RepeatImageBatch", image=["1", 0], amount=2),
    }


REFUSED = {  # before anything runs
    "missing link": (lambda p: p["4"]["inputs"].pop("edited"), "edited"),
    "wrong type": (
        lambda p: p["4"]["inputs"].update(edited=["2", 0]),
        "received_type(MASK) mismatch input_type(IMAGE)",
    ),
    "out of range": (lambda p: p["4"]["inputs"].update(feather_px=5000), "bigger than max"),
    "unknown option": (lambda p: p["4"]["inputs"].update(method="magic"), "'magic' not in"),
    "broken zone JSON": (lambda p: p["2"]["inputs"].update(zones="[{"), "zones: not valid JSON"),
    "bad zone": (
        lambda p: p["2"]["inputs"].update(zones='[{"name":"face","role":"boss","shape":"box","points":[]}]'),
        "zone 1 ('face'): role must be one of anchor, edit",
    ),
}
FAILED = {  # while running
    "mask of another size": (
        lambda p: p["4"]["inputs"].update(edit_mask=["8", 0]),
        "edit_mask is 20x10 but edited is 451x300 (WxH); resize the mask or connect the mask of this image",
    ),
    "picture of another size": (
        lambda p: p["4"]["inputs"].update(edited=["9", 0]),
        "edited is 600x400 but original is 451x300 (WxH)",
    ),
    "empty mask": (lambda p: p["2"]["inputs"].update(zones="[]"), "edit_mask is empty: nothing may change; draw"),
    "no mask": (lambda p: p["4"]["inputs"].update(edit_mask=["1", 1]), "connect a mask of the image (451x300)"),
    "batch mismatch": (
        lambda p: p["4"]["inputs"].update(original=["11", 0], edited=["10", 0]),
        "edited has 3 frames but original has 2; connect 1 original or one for each frame",
    ),
    "not a color": (lambda p: p["2"]["inputs"].update(anchor_colors="blue"), "write colors as #rrggbb"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_running(comfy, strike, case):
    change, message = REFUSED[case]
    change(strike)
    status, answer = comfy.post("/prompt", {"prompt": strike})
    assert status == 400 and message in str(answer), answer
    assert not list((comfy.base / "output").glob("bad*"))


@pytest.mark.parametrize("case", FAILED)
def test_fails_with_a_remedy(comfy, strike, case):
    change, message = FAILED[case]
    change(strike)
    entry = comfy.run(strike)
    assert entry["status"]["status_str"] == "error"
    assert message in comfy.error(entry)
    assert not list((comfy.base / "output").glob("bad*"))


def test_optional_inputs_may_be_left_out(comfy, strike):
    minimal = {"image": ["1", 0], "zones": ZONES}
    strike["2"]["inputs"] = {**strike["2"]["inputs"], **minimal}
    entry = comfy.run(strike)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    for path in comfy.output_files(entry):
        path.unlink()


def test_batches_run_over_http(comfy, strike):
    strike["4"]["inputs"].update(edited=["10", 0])
    entry = comfy.run(strike)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    assert len(comfy.output_files(entry)) == 3
    for path in comfy.output_files(entry):
        path.unlink()
