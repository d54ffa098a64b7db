import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from edit_first.imaging import color, projection, shadow, shadow_light


def _truth():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "shadow_scenes.py"
    spec = importlib.util.spec_from_file_location("shadow_scenes", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["shadow_scenes"] = module
    spec.loader.exec_module(module)
    return module


truth = _truth()
DEPTH = {"card": 0.0, "cylinder": 1.0, "ball": 1.0}


@pytest.fixture(scope="module")
def table():
    """A red block on a gray ground."""
    image = torch.full((1, 3, 200, 260), 0.6)
    mask = torch.zeros(1, 1, 200, 260)
    mask[..., 40:140, 110:150] = 1
    return torch.where(mask > 0, torch.tensor([0.8, 0.2, 0.1]).view(1, 3, 1, 1), image), mask


def test_nothing_asked_changes_nothing(table):
    image, mask = table
    result = shadow.cast_shadow(image, mask, opacity=0, contact=0)
    assert torch.equal(result.image, image)
    assert not result.mask.any()


def test_object_and_locked_pixels_are_copied(table):
    image, mask = table
    lock = torch.zeros_like(mask)
    lock[..., 140:170, 150:] = 1
    result = shadow.cast_shadow(image, mask, reflection=0.5, lock_mask=lock)
    kept = ((lock > 0) | (mask > 0)).expand_as(image)
    assert torch.equal(result.image[kept], image[kept])
    assert not result.mask[lock > 0].any()
    assert result.mask.any()


def test_ground_is_never_brightened_without_reflection(table):
    image, mask = table
    assert bool((shadow.cast_shadow(image, mask).image <= image + 1e-6).all())


def test_density_is_the_opacity(table):
    image, mask = table
    result = shadow.cast_shadow(image, mask, opacity=0.5, contact=0, softness_px=2)
    lit, dark = (color.srgb_to_linear(picture)[:, 0] for picture in (image, result.image))
    core = result.mask[:, 0] > 0.499
    assert core.any()
    assert float((dark[core] / lit[core]).mean()) == pytest.approx(0.5, abs=0.01)


def test_shadow_falls_away_from_the_light_and_softens_with_height(table):
    image, mask = table
    shade = shadow.cast_shadow(image, mask, azimuth_deg=180, elevation_deg=45, contact=0).mask[0, 0]
    assert shade[:, 150:].sum() > 20 * shade[:, :110].sum()
    near, far = shade[:, 158], shade[:, 230]
    assert float(near.max()) > 0.55
    edge = lambda column: int(((column > 0.1 * column.max()) & (column < 0.9 * column.max())).sum())  # noqa: E731
    assert edge(far) > 2 * edge(near)


@pytest.mark.parametrize("shape", truth.SHAPES)
def test_projection_against_ray_traced_truth(shape):
    scene = truth.Scene(shape, azimuth_deg=70, elevation_deg=35, light_deg=4, samples=48)
    _, matte, expected = truth.render(scene)
    light = projection.ShadowLight(70, 35, truth.top_softness_px(scene), 1.0)
    shade = projection.project_shadow(matte, light, depth=DEPTH[shape], foreshortening=0.45) * (1 - matte)
    overlap = ((shade > 0.5) & (expected > 0.5)).sum() / ((shade > 0.5) | (expected > 0.5)).sum()
    either = (shade > 0) | (expected > 0)
    rms = float((shade - expected)[either].pow(2).mean().sqrt())
    assert float(overlap) > (0.85 if shape == "ball" else 0.93)
    assert rms < (0.17 if shape == "ball" else 0.06)
    assert float(shade.sum() / expected.sum()) == pytest.approx(1, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "azimuth", "elevation"), [("card", 70, 35), ("cylinder", 150, 40), ("ball", 30, 55)])
def test_auto_reads_the_light_off_a_shadow(shape, azimuth, elevation):
    scene = truth.Scene(shape, azimuth_deg=azimuth, elevation_deg=elevation, light_deg=5, samples=32)
    image, matte, _ = truth.render(scene, opacity=0.7)
    given = projection.ShadowLight(0, 45, 5, 0.5)
    found = shadow_light.estimate_light(image, given, reference=matte, depth=DEPTH[shape], foreshortening=0.45)
    assert abs((found.azimuth_deg - azimuth + 180) % 360 - 180) <= 5
    assert found.elevation_deg == pytest.approx(elevation, abs=6)
    assert found.opacity == pytest.approx(0.7, abs=0.05)
    assert found.softness_px == pytest.approx(truth.top_softness_px(scene), abs=1.5)
    assert found.confidence > 0.8


def test_auto_without_a_shadow_keeps_the_settings_and_says_so(table, monkeypatch):
    image, mask = table
    monkeypatch.setattr(shadow_light, "AZIMUTHS", range(0, 360, 60))  # a coarser search finds as little
    given = projection.ShadowLight(20, 40, 6, 0.4)
    found = shadow_light.estimate_light(image, given, reference=mask, depth=1.0, foreshortening=0.45)
    assert found.azimuth_deg == 20
    assert found.confidence == 0
    assert "no shadow" in found.reason
    assert shadow_light.estimate_light(image, given, reference=None, depth=1.0, foreshortening=0.45).confidence < 0.3


def test_reflection_mirrors_and_fades(table):
    image, mask = table
    result = shadow.cast_shadow(image, mask, opacity=0, contact=0, reflection=0.6).image
    redness = (result[0, 0] - result[0, 1])[140:, 130]
    assert float(redness[1]) > 0.2
    assert float(redness[50]) < 0.7 * float(redness[1])


def test_shadow_takes_the_ambients_color():
    image = torch.full((1, 3, 120, 160), 0.7)
    image[..., :40, :] = torch.tensor([0.32, 0.35, 0.4]).view(1, 3, 1, 1)  # the same ground in bluish shade
    mask = torch.zeros(1, 1, 120, 160)
    mask[..., 50:90, 60:90] = 1
    result = shadow.cast_shadow(image, mask, azimuth_deg=90, contact=0, opacity=0.6)
    core = result.mask[0, 0] > 0.5
    linear = color.srgb_to_linear(result.image)[0][:, core].mean(1)
    assert float(linear[2] / linear[0]) > 1.1


def test_density_is_the_opacity_on_a_warm_ground_with_dark_things_of_other_materials(coffee):
    mask = torch.zeros_like(coffee[:, :1])
    height, width = mask.shape[2:]
    mask[..., int(0.45 * height) : int(0.72 * height), int(0.8 * width) : int(0.84 * width)] = 1
    result = shadow.cast_shadow(coffee, mask, azimuth_deg=60, elevation_deg=50, opacity=0.8, contact=0, softness_px=3)
    core = result.mask[0, 0] > 0.97 * result.mask.max()
    lit, dark = (color.srgb_to_linear(picture)[0][:, core].sum(1) for picture in (coffee, result.image))
    luminance = color.luma(dark.view(1, 3, 1, 1)) / color.luma(lit.view(1, 3, 1, 1))
    assert float(luminance) == pytest.approx(0.2, abs=0.02)
    assert float((dark / lit).amax() / (dark / lit).amin()) < 1.6


def test_batch_equals_singles_and_sizes_are_checked(table):
    image, mask = table
    pair = torch.cat((image, 0.5 * image))
    both = shadow.cast_shadow(pair, mask, reflection=0.3)
    for index in range(2):
        single = shadow.cast_shadow(pair[index : index + 1], mask, reflection=0.3)
        assert torch.equal(both.image[index : index + 1], single.image)
    with pytest.raises(ValueError, match=r"object_mask is 130x100 but the image is 260x200 \(WxH\)"):
        shadow.cast_shadow(image, mask[..., ::2, ::2])
    with pytest.raises(ValueError, match="opacity is 3; expected a value from 0 to 1"):
        shadow.cast_shadow(image, mask, opacity=3)


def test_an_empty_mask_casts_nothing(table):
    image, mask = table
    assert torch.equal(shadow.cast_shadow(image, torch.zeros_like(mask)).image, image)


@pytest.mark.parametrize("place", [(60, 150), (250, 10)])
def test_the_contact_term_ends_within_its_reach(place):
    mask = torch.zeros(1, 1, 380, 420)
    mask[..., place[0] : place[0] + 120, place[1] : place[1] + 60] = 1
    near = shadow.masks.around(mask, shadow._contact_reach(120, 0.45))
    whole = shadow.contact_shade(mask, 1.0, 0.45)
    apart = whole.clone()
    apart[near] = 0
    assert not apart.any() and mask[near].numel() < 0.6 * mask.numel()
    assert torch.allclose(shadow.contact_shade(mask[near], 1.0, 0.45), whole[near], atol=3e-3, rtol=0)


def test_evidence_thinned_out_in_large_pictures_gives_the_same_shadow(coffee, monkeypatch):
    mask = torch.zeros_like(coffee[:, :1])
    mask[..., 120:250, 380:430] = 1
    every = shadow.cast_shadow(coffee, mask, azimuth_deg=60).image
    monkeypatch.setattr(shadow, "TINT_SAMPLES", coffee[0, 0].numel() // 9)
    assert float((shadow.cast_shadow(coffee, mask, azimuth_deg=60).image - every).abs().max()) < 1.5 / 255
