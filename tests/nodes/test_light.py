"""The adapters give what the library gives."""

import torch
from edit_first.headless import runner
from edit_first.imaging import harmonize, shadow


def test_harmonize_equals_the_library(coffee, make_disc):
    node = runner.node_classes()["EditFirst_LightingHarmonize"]
    coffee = coffee[..., :240, 200:500]  # with a brand color of the cup's saucer
    mask = make_disc(coffee, 0.2)
    edited = (coffee * 0.9).clamp(0, 1)
    out = node.execute(edited.movedim(1, 3), mask[:, 0], original=coffee.movedim(1, 3), brand_colors="#a4260d")
    expected, _ = harmonize.harmonize(edited, mask, original=coffee, brand_colors=["#a4260d"])
    image, report = out.args
    assert torch.equal(image, expected.movedim(1, 3))
    assert {"harmony_confidence", "light_exposure_ev", "brand_delta_e00"} <= {m.metric for m in report.measurements}


def test_harmonize_appends_to_an_earlier_report(coffee, make_disc):
    node = runner.node_classes()["EditFirst_LightingHarmonize"]
    mask = make_disc(coffee, 0.2)[:, 0]
    first = node.execute(coffee.movedim(1, 3), mask).args[1]
    both = node.execute(coffee.movedim(1, 3), mask, report=first).args[1]
    assert both.measurements[: len(first.measurements)] == first.measurements
    assert len(both.measurements) == 2 * len(first.measurements)


def test_shadow_equals_the_library_and_tells_the_light(coffee, make_disc):
    node = runner.node_classes()["EditFirst_CastShadow"]
    mask = make_disc(coffee, 0.2)
    out = node.execute(coffee.movedim(1, 3), mask[:, 0], reflection=0.2)
    expected = shadow.cast_shadow(coffee, mask, reflection=0.2)
    image, shade, report = out.args
    assert torch.equal(image, expected.image.movedim(1, 3))
    assert torch.equal(shade, expected.mask[:, 0])
    assert "confidence 1.00: as set" in str(out.ui.as_dict())
    assert [(m.metric, m.value) for m in report.measurements] == [("shadow_confidence", 1.0)]
    assert "azimuth 135 deg" in report.measurements[0].detail


def test_shadow_appends_to_an_earlier_report(coffee, make_disc):
    node = runner.node_classes()["EditFirst_CastShadow"]
    mask = make_disc(coffee, 0.2)[:, 0]
    first = node.execute(coffee.movedim(1, 3), mask).args[2]
    both = node.execute(coffee.movedim(1, 3), mask, light_azimuth_deg=30.0, report=first).args[2]
    assert both.measurements[0] == first.measurements[0]
    assert "azimuth 30 deg" in both.measurements[1].detail
