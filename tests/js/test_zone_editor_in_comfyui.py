"""The zone editor in a real ComfyUI, in the classic canvas and in Nodes 2.0 (Vue)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from comfy_page import ComfyPage, node
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.comfyui]

ROOT = Path(__file__).resolve().parents[2]
NODE = "EditFirst_AnchorZoneMask"
WIDTH, HEIGHT = 600, 400  # coffee.png
EDIT = {
    "name": "edit",
    "role": "edit",
    "shape": "box",
    "points": [[0.25, 0.25], [0.75, 0.75]],
    "prompt": "",
    "strength": 1,
}


def workflow(zones: str = "[]", *, between: bool = False, text_from: str | None = None) -> dict:
    """Load Image -> (Invert Image ->) Anchor-Zone Mask -> Mask to Image -> Save Image; `text_from` links the zones."""
    source = 6 if between else 1
    links = [[1, source, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "MASK"], [3, 3, 0, 4, 0, "IMAGE"]]
    inputs = [("image", "IMAGE", 1)]
    outputs = [
        ("edit_mask", "MASK", [2]),
        ("lock_mask", "MASK", []),
        ("zones", "EDIT_FIRST_ZONES", []),
        ("preview", "IMAGE", []),
    ]
    values = [zones, "keep", 0, 0, 0, "", 3]
    editor = node(2, NODE, (320, 0), inputs, outputs, values)
    editor["size"] = [540, 760]
    nodes = [
        node(
            1,
            "LoadImage",
            (0, 0),
            (),
            [("IMAGE", "IMAGE", [5 if between else 1]), ("MASK", "MASK", [])],
            ["coffee.png", "image"],
        ),
        editor,
        node(3, "MaskToImage", (900, 0), [("mask", "MASK", 2)], [("IMAGE", "IMAGE", [3])]),
        node(4, "SaveImage", (900, 120), [("images", "IMAGE", 3)], (), ["zones"]),
    ]
    if between:
        nodes.append(node(6, "ImageInvert", (0, 420), [("image", "IMAGE", 5)], [("IMAGE", "IMAGE", [1])]))
        links.append([5, 1, 0, 6, 0, "IMAGE"])
    if text_from is not None:
        nodes.append(node(7, "PrimitiveStringMultiline", (0, 560), (), [("STRING", "STRING", [6])], [text_from]))
        editor["inputs"].append({"name": "zones", "type": "STRING", "link": 6, "widget": {"name": "zones"}})
        links.append([6, 7, 0, 2, 1, "STRING"])
    return {
        "last_node_id": 7,
        "last_link_id": 6,
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


class Comfy(ComfyPage):
    """A page with ComfyUI's frontend and zone editors."""

    own_words = ("edit-first", "edit_first", "zone")

    def look(self) -> None:
        """Show the graph at its own scale, and wait until the editors stand still."""
        self.page.evaluate(
            "app.canvas.ds.scale = 1; app.canvas.ds.offset = [120, 120]; app.canvas.setDirty(true, true)"
        )
        self.settle()

    def settle(self) -> None:
        last, still = None, 0
        while still < 3:
            self.page.wait_for_timeout(120)
            boxes = self.page.evaluate(
                """() => [...document.querySelectorAll(".ef-stage canvas")].map((canvas) => {
                    const box = canvas.getBoundingClientRect();
                    return [box.x, box.y, box.width, box.height];
                })"""
            )
            still = still + 1 if boxes == last else 0
            last = boxes

    @property
    def editor(self):
        return self.page.locator(".ef-zones").first

    def with_picture(self) -> None:
        """Wait for the picture in the editor, then for the view that fits it."""
        self.page.wait_for_selector(".ef-message", state="hidden", timeout=20_000)
        self.settle()

    def zones(self, number: int | str = 2) -> list[dict]:
        return json.loads(self.text(number))

    def text(self, number: int | str = 2) -> str:
        return self.page.evaluate(
            "(id) => app.canvas.graph.getNodeById(id).widgets.find(({ name }) => name === 'zones').value", number
        )

    def drag(self, *fractions: tuple[float, float], index: int = 0) -> None:
        """Drag over the fitted picture of an editor, from fraction to fraction."""
        box = self.page.locator(".ef-stage canvas").nth(index).bounding_box()
        margin = (
            14
            * box["width"]
            / self.page.evaluate("(i) => document.querySelectorAll('.ef-stage canvas')[i].clientWidth", index)
        )
        scale = min((box["width"] - 2 * margin) / WIDTH, (box["height"] - 2 * margin) / HEIGHT)
        left = box["x"] + (box["width"] - WIDTH * scale) / 2
        top = box["y"] + (box["height"] - HEIGHT * scale) / 2
        places = [(left + x * WIDTH * scale, top + y * HEIGHT * scale) for x, y in fractions]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=5)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click_graph(self) -> None:
        """Click an empty place of the graph: the keys belong to ComfyUI from now on."""
        self.page.mouse.click(1000, 900)

    def run(self) -> np.ndarray:
        """Press Run as a person does, and return the saved mask, (400, 600) in 0..255."""
        (saved,) = self.server.output_files(self.run_workflow())
        return np.asarray(Image.open(saved).convert("L"))


def expected_mask(zones: list[dict]) -> np.ndarray:
    """The mask of box zones, worked out by hand: edit zones 255, anchors over them 0."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for zone in sorted(zones, key=lambda zone: zone["role"] == "anchor"):
        (x0, y0), (x1, y1) = zone["points"]
        value = 0 if zone["role"] == "anchor" else 255
        mask[round(y0 * HEIGHT) : round(y1 * HEIGHT), round(x0 * WIDTH) : round(x1 * WIDTH)] = value
    return mask


@pytest.fixture(scope="module")
def server(comfy):
    shutil.copyfile(ROOT / "assets" / "photos" / "coffee.png", comfy.base / "input" / "coffee.png")
    return comfy


@pytest.fixture(scope="module", params=["classic", "vue"])
def opened(request, browser, server):
    page = Comfy(browser, server, request.param)
    yield page
    page.close()


@pytest.fixture
def ui(opened):
    opened.errors.clear()
    yield opened
    assert opened.errors == []


def test_draw_undo_redo_reload_run(ui):
    ui.load(workflow())
    ui.with_picture()
    ui.page.click("[data-tool=box]")
    ui.drag((0.2, 0.2), (0.8, 0.7))
    ui.press("Escape", "x")
    ui.drag((0.5, 0.4), (0.9, 0.9))
    drawn = ui.zones()
    assert [(zone["role"], zone["name"]) for zone in drawn] == [("edit", "edit"), ("anchor", "anchor")]
    assert np.allclose(drawn[0]["points"], [[0.2, 0.2], [0.8, 0.7]], atol=0.004), "a screen pixel is 1.5 of the picture"
    ui.press("Control+z")
    assert ui.zones() == drawn[:1]
    ui.press("Control+Shift+z")
    assert ui.zones() == drawn
    ui.page.wait_for_timeout(1500)  # ComfyUI keeps drafts of what is open
    ui.page.reload()
    ui.wait_ready()
    ui.page.wait_for_selector(".ef-zone")
    ui.look()
    assert ui.zones() == drawn
    assert ui.page.locator(".ef-zone").count() == 2
    mask = ui.run()
    assert mask.shape == (HEIGHT, WIDTH)
    assert np.array_equal(mask, expected_mask(drawn))
    assert 0 < (mask > 0).mean() < 0.5


def test_the_template_opens_with_an_editor(ui):
    ui.page.goto(f"{ui.server.url}/?template=2_surgical_strike&source=edit-first")
    ui.wait_ready()
    ui.page.wait_for_selector(".ef-zones")
    number = ui.page.evaluate("(kind) => app.graph.nodes.find((node) => node.comfyClass === kind).id", NODE)
    ui.page.evaluate(
        """(id) => {
            const { pos } = app.graph.getNodeById(id);
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [300 - pos[0], 120 - pos[1]];
            app.canvas.setDirty(true, true);
        }""",
        number,
    )
    ui.with_picture()
    before = ui.zones(number)
    canvas = ui.page.locator(".ef-stage canvas").bounding_box()
    ui.page.click("[data-tool=ellipse]")
    middle = (canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
    ui.page.mouse.move(*middle)
    ui.page.mouse.down()
    ui.page.mouse.move(middle[0] + 40, middle[1] + 30, steps=4)
    ui.page.mouse.up()
    assert len(ui.zones(number)) == len(before) + 1
    assert ui.zones(number)[:-1] == before


def test_the_workflows_own_undo_keeps_a_living_editor(ui):
    ui.load(workflow(json.dumps([EDIT])))
    ui.with_picture()
    ui.page.click("[data-tool=box]")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    assert len(ui.zones()) == 2
    ui.click_graph()
    ui.press("Control+z")
    ui.page.wait_for_function("document.querySelectorAll('.ef-zone').length === 1")
    ui.with_picture()
    assert ui.zones() == [EDIT]
    # In Nodes 2.0 the element of the removed node may stay on the screen; drawing on it would be lost.
    ui.page.click("[data-tool=box]")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    assert len(ui.zones()) == 2 and ui.page.locator(".ef-zone").count() == 2


def test_copies_live_on_their_own(ui):
    ui.load(workflow(json.dumps([EDIT])))
    ui.with_picture()
    ui.page.evaluate("app.canvas.selectItems([app.graph.getNodeById(2)]); app.canvas.canvas.focus()")
    ui.press("Control+c")
    ui.page.mouse.move(1000, 700)
    ui.press("Control+v")
    ui.page.wait_for_function("document.querySelectorAll('.ef-zones').length === 2")
    copy = ui.page.evaluate("(kind) => app.graph.nodes.filter((node) => node.comfyClass === kind).at(-1).id", NODE)
    assert ui.zones(copy) == [{**EDIT}]
    ui.page.evaluate(
        "(id) => { app.graph.getNodeById(id).pos = [320, 900]; app.canvas.ds.offset = [120, -700]; app.canvas.setDirty(true, true) }",
        copy,
    )
    ui.settle()
    ui.page.locator("[data-tool=ellipse]").last.click()
    ui.drag((0.02, 0.05), (0.2, 0.2), index=1)
    assert len(ui.zones(copy)) == 2
    assert ui.zones(2) == [EDIT]


def test_the_renderer_can_be_switched(ui):
    ui.load(workflow(json.dumps([EDIT])))
    ui.with_picture()
    other = "classic" if ui.renderer == "vue" else "vue"
    for renderer, count in ((other, 2), (ui.renderer, 3)):
        ui.set_renderer(renderer)
        ui.look()
        ui.with_picture()
        ui.page.click("[data-tool=box]")
        ui.press("Escape")
        ui.drag((0.02, 0.3 * count - 0.55), (0.2, 0.3 * count - 0.4))
        assert len(ui.zones()) == count
        assert ui.page.locator(".ef-zone").count() == count


@pytest.mark.parametrize("between", [False, True], ids=["picture from outside", "picture from inside"])
def test_inside_a_subgraph(ui, between):
    ui.load(workflow(json.dumps([EDIT]), between=between))
    ui.page.evaluate(
        """(ids) => {
            app.graph.convertToSubgraph(new Set(ids.map((id) => app.graph.getNodeById(id))));
            const host = app.graph.nodes.find((node) => node.subgraph);
            app.canvas.openSubgraph(host.subgraph, host);
        }""",
        [6, 2] if between else [2],
    )
    ui.page.wait_for_selector(".ef-zones")
    ui.look()
    if between:
        ui.run()
    ui.with_picture()
    number = ui.page.evaluate("(kind) => app.canvas.graph.nodes.find((node) => node.comfyClass === kind).id", NODE)
    ui.page.evaluate(
        "(id) => { const node = app.canvas.graph.getNodeById(id); app.canvas.ds.offset = [-node.pos[0] + 300, -node.pos[1] + 120]; app.canvas.setDirty(true, true) }",
        number,
    )
    ui.settle()
    ui.page.click("[data-tool=box]")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    drawn = ui.zones(number)
    assert len(drawn) == 2
    assert np.array_equal(ui.run(), expected_mask(drawn))


def test_a_linked_text_is_shown_and_left_alone(ui):
    ui.load(workflow("[]", text_from=json.dumps([EDIT])))
    ui.page.wait_for_selector(".ef-message >> text=connected text")
    assert text_box_is_shown(ui), "the link needs an end that can be pulled off"
    ui.page.evaluate("document.querySelector('.ef-keys').focus()")
    ui.press("r")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    assert ui.text() == "[]"
    assert np.array_equal(ui.run(), expected_mask([EDIT]))
    ui.page.evaluate(
        """() => {
            const node = app.graph.getNodeById(2);
            node.disconnectInput(node.inputs.findIndex(({ name }) => name === "zones"));
        }"""
    )
    ui.with_picture()
    assert not text_box_is_shown(ui)
    ui.page.click("[data-tool=box]")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    assert len(ui.zones()) == 1


def text_box_is_shown(ui: Comfy) -> bool:
    return not ui.page.evaluate("app.graph.getNodeById(2).widgets.find(({ name }) => name === 'zones').hidden")


def test_keys_and_wheel_belong_to_whoever_has_the_focus(ui):
    ui.load(workflow(json.dumps([EDIT])))
    ui.with_picture()
    scale, zoom = "app.canvas.ds.scale", "editor => editor.querySelector('.ef-zoom').textContent"
    box = ui.page.locator(".ef-stage canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    ui.click_graph()
    ui.page.mouse.move(*middle)
    fitted = ui.editor.evaluate(zoom)
    ui.page.mouse.wheel(0, -100)
    ui.page.wait_for_function("app.canvas.ds.scale > 1.05")
    assert ui.editor.evaluate(zoom) == fitted
    ui.look()
    ui.page.mouse.click(*middle)
    ui.page.mouse.wheel(0, -100)
    ui.page.wait_for_function("(before) => document.querySelector('.ef-zoom').textContent !== before", arg=fitted)
    assert ui.page.evaluate(scale) == 1
    ui.press("0", "Delete")
    assert ui.zones() == [] and ui.page.evaluate("app.graph.nodes.length") == 4
    ui.page.wait_for_timeout(800)  # ComfyUI has taken note of the deletion
    ui.press("Control+z")
    ui.page.wait_for_timeout(500)
    assert ui.zones() == [EDIT]
    assert ui.page.locator(".ef-zone").count() == 1, "the same editor, not one of a workflow that was loaded again"
    assert ui.page.evaluate("document.activeElement.className") == "ef-keys"


def test_space_and_the_middle_button_pan_the_graph(ui):
    ui.load(workflow(json.dumps([EDIT])))
    ui.with_picture()
    box = ui.page.locator(".ef-stage canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for button, key in (("middle", None), ("left", " ")):
        ui.look()
        ui.click_graph()
        ui.page.mouse.move(*middle)
        if key:
            ui.page.keyboard.down(key)
        ui.page.mouse.down(button=button)
        ui.page.mouse.move(middle[0] + 60, middle[1] + 40, steps=5)
        ui.page.mouse.up(button=button)
        if key:
            ui.page.keyboard.up(key)
        assert ui.page.evaluate("[...app.canvas.ds.offset]") == [180, 160]
    assert ui.zones() == [EDIT]


def test_app_mode_draws_and_runs(ui):
    value = workflow(json.dumps([EDIT]))
    value["extra"] = {
        "linearMode": True,
        "linearData": {"inputs": [[1, "image"], [2, "zone_editor"]], "outputs": [4]},
    }
    ui.load(value)
    if ui.page.locator("text=Skip").count():
        ui.page.click("text=Skip")
    ui.with_picture()
    ui.page.click("[data-tool=box]")
    ui.drag((0.05, 0.05), (0.2, 0.2))
    drawn = ui.zones()
    assert len(drawn) == 2
    prompt = ui.page.evaluate("async () => (await app.graphToPrompt()).output['2'].inputs.zones")
    assert json.loads(prompt) == drawn
    ui.page.evaluate("(value) => app.loadGraphData(value)", workflow())  # back to the graph for the next test


def test_a_picture_made_by_the_workflow_appears_after_a_run(ui):
    ui.load(workflow(json.dumps([EDIT]), between=True))
    assert "run once" in ui.page.inner_text(".ef-message")
    ui.run()
    ui.with_picture()
    blue = ui.page.evaluate(
        """() => {
            const canvas = document.querySelector(".ef-stage canvas");
            const [r, g, b] = canvas.getContext("2d").getImageData(canvas.width * 0.35, canvas.height * 0.85, 1, 1).data;
            return b > r && r + g + b > 0;
        }"""
    )
    assert blue, "coffee on a red plate, inverted"


def test_text_typed_by_hand_is_never_replaced(ui):
    broken = '[{"name": "cup", "role": "edit", '
    ui.load(workflow(broken))
    ui.page.wait_for_selector(".ef-message.ef-error")
    ui.page.evaluate("document.querySelector('.ef-keys').focus()")
    ui.press("r", "Delete", "Control+z")
    ui.drag((0.02, 0.05), (0.2, 0.2))
    assert ui.text() == broken
    assert ui.page.evaluate("app.queuePrompt(0)") is False, "the node names the mistake before it runs"


@pytest.mark.parametrize("renderer", ["classic", "vue"])
def test_the_node_runs_with_our_scripts_blocked(browser, server, renderer):
    ui = Comfy(browser, server, renderer, blocked=True)
    try:
        ui.load(workflow())
        assert ui.page.locator(".ef-zones").count() == 0
        box = ui.page.locator("textarea").filter(visible=True).first
        box.fill(json.dumps([EDIT]))
        box.blur()
        assert np.array_equal(ui.run(), expected_mask([EDIT]))
    finally:
        ui.close()
