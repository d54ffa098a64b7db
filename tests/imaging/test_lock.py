"""Anchor Lock as a whole, on photographs with known truth."""

import numpy as np
import pytest
import torch
from edit_first.benchmarks import drift
from edit_first.imaging import lock

pytestmark = pytest.mark.xdist_group("lock")  # one worker restores the scene for all
PHOTOS = drift.ROOT / "assets" / "photos"
TYPICAL = {"zoom": 0.009, "dx": 4.3, "dy": -2.6, "rotation_deg": 0.2, "size": (0.98, 1.02), "gain": 0.94, "gamma": 1.08,
           "white_balance": 0.02, "falloff": 0.03, "blur_px": 0.4, "vae": 0.2, "noise": 1.0, "jpeg": 90}  # fmt: skip


def make(kind="object", area=0.12, seed=5, photo="coffee.png", **settings):
    image, other = drift.load(PHOTOS / photo), drift.load(PHOTOS / "chelsea.png")
    return drift.make(image, other, kind, area, drift.Drift(**{**TYPICAL, **settings}), seed)


def library(image):
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="module")
def scene():
    return make()


@pytest.fixture(scope="module")
def given(scene):
    return library(scene.original), library(scene.edited)


@pytest.fixture(scope="module")
def restored(given):
    return lock.restore(*given)


def iou(mask, truth):
    mask = (mask[0, 0] > 0).numpy()
    return (mask & truth).sum() / (mask | truth).sum()


def psnr(image, truth, where):
    return -10 * np.log10(((image[0].permute(1, 2, 0).numpy() - truth)[where] ** 2).mean())


def test_outside_the_mask_the_original_is_bit_identical(scene, restored):
    outside = (restored.edit_mask <= 0).expand_as(restored.image)
    assert torch.equal(restored.image[outside], library(scene.original)[outside])


def test_the_change_is_found(scene, restored):
    assert iou(restored.edit_mask, scene.mask) > 0.85
    assert not restored.spill.any() and torch.equal(restored.found, restored.edit_mask)


def test_the_edit_is_much_closer_to_the_truth_than_resized_and_pasted(scene, restored):
    resized = torch.nn.functional.interpolate(library(scene.edited), scene.original.shape[:2], mode="bicubic")
    assert psnr(restored.image, scene.truth, scene.mask) > psnr(resized, scene.truth, scene.mask) + 6


def test_color_drift_is_taken_off_and_reported(restored):
    (drifted,) = restored.drift
    assert drifted.color_shift > 2 * drifted.color_residual and drifted.color_residual < 1.5
    assert drifted.changed_fraction == pytest.approx(float((restored.edit_mask > 0).float().mean()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_edited_gives_an_empty_mask_and_the_original(seed):
    made = make("none", seed=seed, photo=("astronaut.png", "coffee.png")[seed - 1])
    result = lock.restore(library(made.original), library(made.edited))
    assert not result.edit_mask.any() and torch.equal(result.image, library(made.original))


@pytest.mark.slow
def test_recolored_object_is_an_edit_not_a_drift():
    made = make("recolor", area=0.2)
    result = lock.restore(library(made.original), library(made.edited))
    assert iou(result.edit_mask, made.mask) > 0.85


@pytest.mark.slow
def test_sensitivity_never_finds_less(scene):
    faint = scene.original * 1.0
    faint[100:200, 200:330] = np.clip(faint[100:200, 200:330] + 0.02, 0, 1)
    masks = [lock.restore(library(scene.original), library(faint), align="off", match_color=False, sensitivity=s).found
             for s in (0.0, 0.5, 1.0)]  # fmt: skip
    assert (masks[0] <= masks[1]).all() and (masks[1] <= masks[2]).all() and masks[2].any()


def test_locks_win_and_spill_is_found(scene):
    lock_mask = torch.zeros(1, 1, *scene.original.shape[:2])
    lock_mask[..., : scene.original.shape[1] // 2] = 1
    edit_mask = torch.zeros_like(lock_mask)
    y, x = (int(v.mean()) for v in np.nonzero(scene.mask))
    edit_mask[..., y - 15 : y + 15, x - 15 : x + 15] = 1
    result = lock.restore(library(scene.original), library(scene.edited), edit_mask=edit_mask, lock_mask=lock_mask)
    outside = ((edit_mask <= 0) | (lock_mask > 0)).expand_as(result.image)
    assert torch.equal(result.image[outside], library(scene.original)[outside])
    assert not (result.edit_mask * lock_mask).any() and not (result.edit_mask > edit_mask).any()
    assert result.spill.any() and not (result.spill * (result.edit_mask > 0)).any()


def test_off_and_a_mask_only_copies_back(coffee, make_disc):
    edited, mask = 1 - coffee, make_disc(coffee)
    result = lock.restore(coffee, edited, align="off", match_color=False, edit_mask=mask)
    assert torch.equal(result.image, torch.where(mask > 0, edited, coffee))
    assert torch.equal(result.aligned, edited)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_frames_do_not_fail(coffee, value):
    plain = torch.full_like(coffee, value)
    for original, edited in ((coffee, plain), (plain, coffee), (plain, plain)):
        result = lock.restore(original, edited)
        assert torch.isfinite(result.image).all() and torch.isfinite(result.aligned).all()


def test_small_frames_do_not_fail():
    for height, width in ((1, 1), (3, 40), (17, 9)):
        picture = torch.rand(1, 3, height, width, generator=torch.manual_seed(0))
        assert lock.restore(picture, 1 - picture).image.shape == picture.shape


@pytest.mark.slow
def test_batch_equals_singles(scene, restored):
    original, edited = library(scene.original), library(scene.edited)
    moved = torch.roll(edited, 2, 3)
    seen = []
    pair = lock.restore(original, torch.cat((edited, moved)), progress=seen.append)
    assert torch.equal(pair.image[:1], restored.image) and torch.equal(pair.edit_mask[:1], restored.edit_mask)
    assert torch.equal(pair.image[1:], lock.restore(original, moved).image)
    assert seen[-1] == 1.0 and len(pair.drift) == 2


def test_inputs_are_left_alone(scene, given, restored):
    assert torch.equal(given[0], library(scene.original.copy())) and torch.equal(given[1], library(scene.edited.copy()))


def test_errors(coffee):
    with pytest.raises(ValueError, match="sensitivity is 2; expected 0"):
        lock.restore(coffee, coffee, sensitivity=2)
    with pytest.raises(ValueError, match="edit_mask is 50x40 but original is 600x400"):
        lock.restore(coffee, coffee, edit_mask=torch.ones(1, 1, 40, 50))
    with pytest.raises(ValueError, match="edited has 3 frames but original has 2"):
        lock.restore(coffee.expand(2, -1, -1, -1), coffee.expand(3, -1, -1, -1))
    with pytest.raises(ValueError, match="the aspects differ"):
        lock.restore(coffee, coffee[..., :300])
