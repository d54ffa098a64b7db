"""The report panel in a real ComfyUI, in the classic canvas and in Nodes 2.0 (Vue)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comfy_page import ComfyPage
from edit_first.headless import files, workflows

pytestmark = [pytest.mark.slow, pytest.mark.comfyui]

SPOT = (slice(200, 206), slice(100, 112))  # rows and columns of the picture that change without leave
KNOWN = workflows.interfaces()  # here, and not in a test: an open Playwright is in the way of asyncio
RESULTS = Path(__file__).resolve().parents[1] / "results"
ZONES = json.dumps([{"name": "a", "role": "edit", "shape": "box", "points": [[0.5, 0.1], [0.9, 0.4]]}])


class Page(ComfyPage):
    def panel(self, title: str):
        """The panel of a node, once it is there."""
        self.page.wait_for_function(  # after a reload ComfyUI brings the draft back only when it is up
            "(title) => (window.wanted = app.canvas.graph?.nodes.find((node) => node.title === title)?.id) !== undefined",
            arg=title,
            timeout=20_000,
        )
        self.page.wait_for_function(
            "app.canvas.graph.getNodeById(wanted).widgets?.some(({ name }) => name === 'report_panel')", timeout=20_000
        )
        self.settle()
        handle = self.page.evaluate_handle(
            "app.canvas.graph.getNodeById(wanted).widgets.find(({ name }) => name === 'report_panel').element"
        )
        return handle.as_element()


@pytest.fixture(scope="module")
def server(comfy, coffee):
    spoiled = coffee.clone()
    spoiled[:, :, SPOT[0], SPOT[1]] = 1 - spoiled[:, :, SPOT[0], SPOT[1]]
    for name, image in (("before.png", coffee), ("spoiled.png", spoiled)):
        files.write_png(comfy.base / "input" / name, image.movedim(1, 3)[0])
    return comfy


@pytest.fixture(scope="module", params=["classic", "vue"])
def opened(request, browser, server):
    page = Page(browser, server, request.param)
    yield page
    page.close()


@pytest.fixture
def ui(opened):
    opened.errors.clear()
    yield opened
    assert opened.errors == []


def graph(**gate) -> dict:
    made = workflows.Graph("report_panel_test", KNOWN)
    before = made.node("LoadImage", "Before", at=(0, 0), size=(220, 280), image="before.png")
    after = made.node("LoadImage", "After", at=(0, 340), size=(220, 280), image="spoiled.png")
    zones = made.node(
        "EditFirst_AnchorZoneMask", "Zones", at=(0, 900), size=(400, 560), image=before.out("IMAGE"), zones=ZONES
    )
    inputs = {"original": before.out("IMAGE"), "image": after.out("IMAGE"), "edit_mask": zones.out("edit_mask")}
    check = made.node("EditFirst_EditCheck", "Check", at=(260, 0), size=(460, 140), **inputs)
    gate = made.node(
        "EditFirst_QualityGate",
        "Gate",
        at=(780, 0),
        size=(460, 200),
        image=after.out("IMAGE"),
        report=check.out("report"),
        **gate,
    )
    made.node("PreviewAny", "Verdict", at=(780, 640), size=(460, 160), source=gate.out("summary"))
    return made.to_ui()


def previews(page) -> int:
    """Plain previews that stand beside the panel, of our nodes."""
    return page.evaluate(
        """() => app.graph.nodes.filter((node) => node.comfyClass.startsWith("EditFirst_Edit")).reduce((count, node) =>
            count + (node.widgets ?? []).filter(({ name }) => name.startsWith("$$")).length
                  + document.querySelectorAll(`[data-testid="node-body-${node.id}"] .image-preview`).length, 0)"""
    )


def test_run_jump_and_reload(ui):
    ui.load(graph())
    ui.run_workflow()
    check, gate = ui.panel("Check"), ui.panel("Gate")
    ui.look()
    assert check.query_selector(".ef-badge").text_content() == "fail"
    assert gate.query_selector(".ef-badge").text_content() == "fail"
    first = check.query_selector("tbody tr")
    assert "anchor changed px" in first.text_content() and "Anchor Lock" in first.text_content()
    first.click()
    assert check.query_selector(".ef-place").is_visible()
    ui.page.wait_for_timeout(400)
    box = check.query_selector(".ef-place").bounding_box()
    view = check.query_selector(".ef-view").bounding_box()
    assert view["x"] <= box["x"] and box["x"] + box["width"] <= view["x"] + view["width"]
    assert ui.page.evaluate("document.querySelector('.ef-canvas img').naturalWidth") == 600
    assert previews(ui.page) == 0
    RESULTS.mkdir(exist_ok=True)
    ui.page.screenshot(path=RESULTS / f"report_panel_{ui.renderer}.png")
    ui.page.wait_for_timeout(1500)  # ComfyUI keeps drafts of what is open
    ui.page.reload()
    ui.wait_ready()
    assert ui.panel("Check").query_selector(".ef-badge").text_content() == "fail"
    assert "widgets_values" in json.dumps(ui.page.evaluate("app.graph.serialize()"))
    assert "report_panel" not in json.dumps(ui.page.evaluate("app.graph.serialize()")), "saved nowhere"


def test_a_fresh_copy_shows_no_verdict_on_what_another_copy_held(ui):
    fresh = graph(on_fail="pass", filename_prefix=f"fresh/{ui.renderer}")
    panels = (
        "app.graph.nodes.flatMap(({ widgets }) => widgets ?? []).filter(({ name }) => name === 'report_panel').length"
    )
    ui.load(fresh)
    ui.page.evaluate("app.graph.nodes.find(({ title }) => title === 'Before').widgets[0].value = 'spoiled.png'")
    ui.run_workflow()
    ui.panel("Gate")
    assert ui.page.evaluate(panels) == 2
    ui.load(fresh)
    ui.page.wait_for_timeout(2000)
    assert ui.page.evaluate(panels) == 0


def test_a_second_run_shows_the_new_report_in_the_same_panel(ui):
    ui.load(graph())
    ui.run_workflow()
    ui.panel("Check")
    ui.page.evaluate("app.graph.nodes.find(({ title }) => title === 'After').widgets[0].value = 'before.png'")
    ui.run_workflow()
    panel = ui.panel("Check")
    ui.page.wait_for_function("(panel) => panel.querySelector('.ef-badge').textContent !== 'fail'", arg=panel)
    assert (
        ui.page.evaluate("app.graph.getNodeById(wanted).widgets.filter(({ name }) => name === 'report_panel').length")
        == 1
    )


def test_a_panel_that_would_cover_a_node_stays_closed_until_asked(ui):
    value = graph()
    check, gate = (next(node for node in value["nodes"] if node["title"] == title) for title in ("Check", "Gate"))
    gate["pos"] = [check["pos"][0], check["pos"][1] + 300]
    ui.load(value)
    ui.run_workflow()
    panel = ui.panel("Check")
    assert panel.query_selector(".ef-badge").is_visible() and not panel.query_selector(".ef-scroll").is_visible()
    bottom = "(title) => { const n = app.graph.nodes.find((n) => n.title === title); return n.pos[1] + n.size[1]; }"
    closed = ui.page.evaluate(bottom, "Check")
    assert closed < gate["pos"][1]
    panel.query_selector(".ef-toggle").click()
    assert panel.query_selector(".ef-scroll").is_visible() and ui.page.evaluate(bottom, "Check") > closed + 200
    panel.query_selector(".ef-toggle").click()
    ui.settle()
    assert abs(ui.page.evaluate(bottom, "Check") - closed) < 60


def test_the_gates_panel_shows_what_it_saved(ui):
    ui.load(graph(filename_prefix="panel/x", on_fail="pass"))
    entry = ui.run_workflow()
    assert [path.name for path in ui.server.output_files(entry)][0].startswith("x_0000")
    panel = ui.panel("Gate")
    assert panel.query_selector(".ef-view img").evaluate("(image) => image.src").find("type=output") > 0


def test_without_the_script_report_and_preview_are_still_there(browser, server):
    page = Page(browser, server, "classic", blocked=True)
    try:
        page.load(graph())
        entry = page.run_workflow()
        outputs = [output for output in entry["outputs"].values() if "edit_first_view" in output]
        assert len(outputs) == 1 and outputs[0]["images"][0]["type"] == "temp"
        assert outputs[0]["text"][0].startswith("Fail (production)")
        assert page.page.locator(".ef-report").count() == 0
        page.page.wait_for_function(
            "app.graph.nodes.some((n) => n.comfyClass === 'EditFirst_EditCheck' && n.imgs?.length)", timeout=20_000
        )
    finally:
        page.close()
