"""Registration against drifts with known truth, on photographs."""

import numpy as np
import pytest
import torch
from edit_first.benchmarks import drift
from edit_first.imaging import register, registration

PHOTOS = drift.ROOT / "assets" / "photos"


def scene(photo="coffee.png", other="chelsea.png", kind="object", area=0.12, seed=3, **settings):
    image = drift.load(PHOTOS / photo)
    settings = {"noise": 1.0, "jpeg": 92, **settings}
    return drift.make(image, drift.load(PHOTOS / other), kind, area, drift.Drift(**settings), seed)


def library(image):
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()


def error_px(made, found, percentile=95):
    """Distance to the true position, in px of the original, where nothing was edited."""
    height, width = made.original.shape[:2]
    edited_h, edited_w = made.edited.shape[:2]
    inside = (made.to_edited >= 0).all(-1) & (made.to_edited <= (edited_w - 1, edited_h - 1)).all(-1) & ~made.mask
    distance = np.linalg.norm((found.points() - made.to_edited) * (width / edited_w, height / edited_h), axis=-1)
    return float(np.percentile(distance[inside], percentile))


def test_same_frame_is_returned_bit_identical(coffee):
    found = register.register(coffee, coffee)
    assert found[0].is_identity() and "already" in found[0].reason
    image, covered = registration.resample(coffee, found)
    assert torch.equal(image, coffee) and covered.all()


DRIFTS = {
    "shift": {"dx": 7.6, "dy": -5.3},
    "zoom": {"zoom": 0.02},
    "rotation": {"rotation_deg": 0.5, "dx": 3.0},
    "anisotropic": {"size": (0.97, 1.03), "zoom": 0.006},
    "half size": {"size": (0.5, 0.5), "dx": 3.0},
    "twice the size": {"size": (2.0, 2.0), "dx": -3.0},
    "perspective": {"keystone": 0.02, "dx": 2.0},
    "recolored": {"gain": 0.7, "gamma": 1.4, "white_balance": 0.15, "saturation": 0.4, "dx": 3.0, "zoom": 0.01},
    "soft": {"blur_px": 1.2, "vae": 0.4, "dx": 2.4, "zoom": -0.006},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIFTS)
def test_known_drift_is_found_to_a_fraction_of_a_pixel(name):
    made = scene(**DRIFTS[name])
    (found,) = register.register(library(made.original), library(made.edited))
    assert error_px(made, found) < (0.2 if name in ("half size", "soft") else 0.1)
    assert found.residual_px < 0.15 and found.agreement > found.agreement_before


def test_transform_is_reported_in_words_of_the_trade():
    made = scene(dx=4.0, dy=-2.5, zoom=0.012, rotation_deg=0.4)
    (found,) = register.register(library(made.original), library(made.edited))
    assert found.model == "similarity"
    assert found.dx == pytest.approx(4.0, abs=0.05) and found.dy == pytest.approx(-2.5, abs=0.05)
    assert found.scale == pytest.approx(1.012, abs=2e-4) and found.rotation_deg == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("photo", ["brick.png", pytest.param("grass.png", marks=pytest.mark.slow)])
def test_repeated_texture(photo):
    made = scene(photo=photo, dx=6.0, dy=-5.0, zoom=0.012, area=0.2)
    (found,) = register.register(library(made.original), library(made.edited))
    assert error_px(made, found) < 0.1


@pytest.mark.slow
def test_large_edit():
    made = scene(photo="astronaut.png", other="rocket.jpg", area=0.5, dx=5.0, dy=-4.0, zoom=0.01)
    (found,) = register.register(library(made.original), library(made.edited))
    assert error_px(made, found) < 0.15


@pytest.mark.slow
def test_smooth_local_motion_is_followed_where_it_is_and_not_invented_where_it_is_not():
    still = scene(photo="astronaut.png", kind="none", zoom=0.006)
    assert register.register(library(still.original), library(still.edited))[0].field is None
    made = scene(photo="astronaut.png", kind="none", zoom=0.006, wobble_px=1.0)
    pair = library(made.original), library(made.edited)
    local, rigid = register.register(*pair)[0], register.register(*pair, model="perspective")[0]
    assert local.field is not None and "smooth local motion" in local.reason
    assert error_px(made, local, 50) < 0.4 * error_px(made, rigid, 50)


@pytest.mark.parametrize("kind", ["flat", "ramp"])
def test_no_texture_is_not_moved_and_says_so(kind):
    plane = torch.full((1, 3, 120, 160), 0.5) + (torch.linspace(-0.2, 0.2, 160) if kind == "ramp" else 0)
    noisy = (plane + 0.004 * torch.randn(plane.shape, generator=torch.manual_seed(0))).clamp(0, 1)
    (found,) = register.register(plane, noisy)
    assert found.is_identity() and found.residual_px is None and "too little texture" in found.reason


@pytest.mark.slow
def test_another_picture_is_not_moved_and_says_so(coffee, astronaut):
    (found,) = register.register(coffee, astronaut[:, :, 60:460, :])
    assert np.array_equal(found.matrix, np.eye(3)) and "do not show the same picture" in found.reason


def test_off_only_resizes():
    made = scene(dx=5.0, size=(0.5, 0.5))
    (found,) = register.register(library(made.original), library(made.edited), model="off")
    assert found.model == "off" and np.array_equal(found.matrix, np.eye(3)) and not found.is_identity()
    assert found.residual_px > 0.5, "what off leaves is measured"


def test_what_is_known_to_be_edited_is_not_read():
    made = scene(photo="astronaut.png", other="rocket.jpg", area=0.3, dx=4.0)
    edited = made.edited.copy()
    mask = torch.from_numpy(made.mask).float()[None, None]
    before = register.register(library(made.original), library(edited), ignore=mask)[0]
    edited[made.mask] = 0.5  # far from its border: nothing that is read may change
    inner = torch.from_numpy(made.mask)
    assert inner.any() and before.model != "off"
    assert error_px(made, before) < 0.1


def test_resampling_at_whole_pixels_copies(coffee):
    matrix = np.array([[1, 0, 3.0], [0, 1, 2.0], [0, 0, 1]])
    size = coffee.shape[:1:-1]
    moved = registration.Registration(size, size, matrix, "shift", "", 0, 0)
    image, covered = registration.resample(coffee, [moved])
    assert torch.allclose(image[..., 4:-8, 4:-8], coffee[..., 6:-6, 7:-5], atol=1e-6)
    assert covered[..., :-2, :-3].all() and not covered[..., -2:, :].any() and not covered[..., -3:].any()


def test_resampling_a_larger_frame_does_not_alias():
    fine = (torch.arange(256)[:, None] + torch.arange(256)[None, :]) % 2 * torch.ones(1, 3, 1, 1)
    found = registration.Registration((128, 128), (256, 256), np.eye(3), "off", "", 0, 0)
    image, _ = registration.resample(fine, [found])
    assert (image[..., 4:-4, 4:-4] - 0.5).abs().max() < 1e-3


@pytest.mark.slow
def test_batch_equals_singles(coffee):
    moved = torch.roll(coffee, (2, 3), (2, 3))
    pair = register.register(torch.cat((coffee, coffee)), torch.cat((coffee, moved)))
    single = register.register(coffee, moved)[0]
    assert pair[0].is_identity() and np.array_equal(pair[1].matrix, single.matrix)


def test_errors(coffee):
    with pytest.raises(ValueError, match="align is 'warp'; choose one of auto, off"):
        register.register(coffee, coffee, model="warp")
    with pytest.raises(ValueError, match="edited is 200x400 but original is 600x400"):
        register.register(coffee, coffee[..., :200])
