"""The report panel on an empty page."""

from __future__ import annotations

import pytest

WIDTH, HEIGHT = 600, 400  # coffee.png


def measurement(metric, value, verdict, *, where=None, limit=1.0, **more):
    return {
        "metric": metric,
        "subject": "",
        "value": value,
        "unit": "px",
        "where": where,
        "detail": "",
        "limits": {"good enough": limit, "production": limit},
        "verdict": {"good enough": verdict, "production": verdict},
        "fix": "Anchor Lock",
        **more,
    }


REPORT = {
    "schema": "edit-first/report/1",
    "summary": "Fail (production): seam step is 3.",
    "verdict": {"good enough": "warn", "production": "fail"},
    "measurements": [
        measurement("grain", 0.5, "pass", where={"x": 0, "y": 0, "width": 600, "height": 400, "frame": 0}),
        measurement("info", 0.123456789, "pass", limit=None),
        measurement("seam_step", 3, "fail", where={"x": 300, "y": 100, "width": 30, "height": 20, "frame": 2}),
        measurement(
            "halo", 2, "warn", where={"x": 599, "y": 399, "width": 1, "height": 1, "frame": 0}, subject="#ff0000"
        ),
        measurement("light", None, "pass", detail="no region"),
    ],
}


@pytest.fixture
def panel(empty_page, files_url):
    empty_page.errors.clear()
    empty_page.evaluate(
        """async ([base, width, height]) => {
            const { ReportPanel } = await import(`${base}/js/lib/report_panel.js`);
            window.panel = new ReportPanel();
            document.body.innerHTML = "<div id=host style='width:460px;height:520px'></div>";
            document.querySelector("#host").append(panel.element);
            const src = `${base}/assets/photos/coffee.png`;
            window.shown = { width, height, pictures: [{ src, frame: 0 }, { src: src + "?2", frame: 2 }] };
        }""",
        [files_url, WIDTH, HEIGHT],
    )
    yield empty_page
    assert empty_page.errors == []


def show(page, value=REPORT, pictures=True) -> bool:
    return page.evaluate("([value, pictures]) => panel.show(value, pictures ? shown : null)", [value, pictures])


def rows(page) -> list[list[str]]:
    return page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map((r) => [...r.children].map((c) => c.textContent))"
    )


def box_middle(page) -> tuple[float, float]:
    """Where the box's middle lies, in px of the measured picture."""
    return tuple(
        page.evaluate(
            """() => {
                const middle = (r) => [r.left + r.width / 2, r.top + r.height / 2];
                const [x, y] = middle(document.querySelector(".ef-place").getBoundingClientRect());
                document.querySelector(".ef-canvas").style.transition = "none";
                const picture = document.querySelector(".ef-canvas").getBoundingClientRect();
                const scale = picture.width / shown.width;
                return [(x - picture.left) / scale, (y - picture.top) / scale];
            }"""
        )
    )


def test_findings_come_first_with_their_fix(panel):
    assert show(panel)
    assert panel.locator(".ef-badge").text_content() == "fail"
    assert panel.locator(".ef-sentence").text_content() == REPORT["summary"]
    assert rows(panel) == [
        ["fail", "seam step", "3 px", "1", "300, 100 · frame 2", "Anchor Lock"],
        ["warn", "halo (#ff0000)", "2 px", "1", "599, 399", "Anchor Lock"],
        ["pass", "grain", "0.5 px", "1", "0, 0", ""],
        ["–", "info", "0.1235 px", "–", "", ""],
        ["–", "light", "– ", "1", "", ""],
    ]


def test_a_row_jumps_to_its_place_and_frame(panel):
    show(panel)
    assert panel.locator(".ef-place").is_hidden()
    panel.click("tbody tr:nth-child(1)")
    assert box_middle(panel) == pytest.approx((315, 110), abs=1)
    assert panel.locator(".ef-canvas img").get_attribute("src").endswith("?2")
    assert "seam step at 300, 100" in panel.locator(".ef-caption").text_content()
    panel.focus("tbody tr:nth-child(2)")
    panel.keyboard.press("Enter")
    assert box_middle(panel) == pytest.approx((599.5, 399.5), abs=1)
    assert panel.locator("tr[aria-selected=true]").count() == 1
    size = panel.locator(".ef-place").bounding_box()
    assert min(size["width"], size["height"]) >= 17, "a single pixel can be found"
    panel.click(".ef-view")
    assert panel.locator(".ef-place").is_hidden() and panel.locator("tr[aria-selected=true]").count() == 0


def test_details_can_be_closed(panel):
    show(panel)
    assert panel.locator(".ef-toggle").get_attribute("aria-expanded") == "true"
    panel.click(".ef-toggle")
    assert panel.locator(".ef-scroll").is_hidden() and panel.locator(".ef-view").is_hidden()
    assert panel.locator(".ef-badge").is_visible()
    panel.click(".ef-toggle")
    assert panel.locator(".ef-scroll").is_visible() and panel.locator(".ef-view").is_visible()


def test_a_place_without_a_picture_is_said(panel):
    missing = {**REPORT, "measurements": [measurement("flash", 9, "fail", where={"x": 1, "y": 1, "frame": 40})]}
    show(panel, missing)
    panel.click("tbody tr")
    assert panel.locator(".ef-caption").text_content() == "flash: frame 40 has no picture here"
    assert panel.locator(".ef-place").is_hidden()


def test_a_gates_verdict_is_read_too(panel):
    verdict = {"passed": False, "verdict": "fail", "level": "good enough", "summary": "Fail", "report": REPORT}
    assert show(panel, verdict, pictures=False)
    assert panel.locator(".ef-badge").text_content() == "fail" and panel.locator(".ef-view").is_hidden()
    assert panel.locator("tbody tr[tabindex]").count() == 0, "nothing to jump to"


def test_text_is_never_markup(panel):
    bad = "<img src=x onerror='window.hacked = true'>"
    entry = measurement("x", 1, "fail", unit=bad, fix=bad, subject=bad, detail=bad)
    show(panel, {**REPORT, "summary": bad, "measurements": [entry]})
    assert panel.locator(".ef-sentence").text_content() == bad
    assert panel.locator("img").count() == 1 and panel.evaluate("window.hacked") is None


@pytest.mark.parametrize("value", [None, {}, {"measurements": 3}, "text", {"report": None}])
def test_what_is_no_report_is_left_alone(panel, value):
    assert show(panel, value) is False


def test_damaged_entries_do_not_throw(panel):
    entries = [{}, {"metric": 5, "value": "x", "verdict": {"production": "<b>"}, "limits": {"production": 2}}]
    assert show(panel, {"measurements": entries})
    assert [row[0] for row in rows(panel)] == ["–", "–"]


def test_an_overview_is_shown_whole_until_a_place_is_jumped_to(panel):
    show(panel)
    panel.evaluate(
        """([value]) => panel.show(value, { ...shown, pictures: [
            { src: shown.pictures[0].src + "?sheet", frame: null, width: 300, height: 900 }, ...shown.pictures] })""",
        [REPORT],
    )
    canvas = "[document.querySelector('.ef-canvas').style.width, document.querySelector('.ef-canvas img').src]"
    size, source = panel.evaluate(canvas)
    assert size == "300px" and source.endswith("?sheet")
    panel.locator("tbody tr").nth(0).click()
    size, source = panel.evaluate(canvas)
    assert size == f"{WIDTH}px" and source.endswith("?2")
