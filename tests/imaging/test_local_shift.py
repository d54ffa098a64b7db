"""A frame's sway by fractions of a pixel: found in the surroundings, taken off the edit, left alone where unproven."""

import pytest
import torch
from edit_first.imaging import local_shift, masks


@pytest.fixture(scope="module")
def picture(coffee):
    return coffee[:, :, 60:252, 120:312].contiguous()


@pytest.fixture(scope="module")
def distance(picture):
    rows, columns = torch.meshgrid(torch.arange(192.0), torch.arange(192.0), indexing="ij")
    return masks.signed_distance((torch.hypot(columns - 96, rows - 96) < 40).float()[None, None])


def sway(picture, dx, dy):
    return local_shift.shift_image(picture, torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(1, 2, *picture.shape[2:]))


def near(distance):
    return ((distance > 4) & (distance < 16)).expand(1, 3, -1, -1)


def test_frame_in_register_stays(picture, distance):
    assert local_shift.align_locally(picture, picture, distance) is picture
    noisy = picture + 0.01 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    moved = local_shift.align_locally(picture, noisy, distance)
    assert (moved - noisy).abs().mean() < 0.003


@pytest.mark.parametrize("shift", [(0.4, -0.3), (-1.2, 0.7)])
def test_sway_is_taken_off_where_the_truth_is_not_seen(picture, distance, shift):
    """The inside is never read: content there differs, and the displacement found around it still holds."""
    swayed = sway(picture, *shift)
    other = torch.where(distance > 0, sway(picture.flip(3), *shift), swayed)
    for edited, truth in ((swayed, picture), (other, torch.where(distance > 0, picture.flip(3), picture))):
        before, after = (
            (image - truth)[near(distance)].square().mean().sqrt()
            for image in (edited, local_shift.align_locally(picture, edited, distance))
        )
        assert after < 0.5 * before


def test_displacement_follows_the_place(picture, distance):
    """A frame that stretches is displaced to the left on the left and to the right on the right."""
    ramp = torch.linspace(-0.8, 0.8, 192).expand(1, 1, 192, 192)
    edited = local_shift.shift_image(picture, torch.cat((ramp, 0 * ramp), 1))
    aligned = local_shift.align_locally(picture, edited, distance)
    before, after = ((image - picture)[near(distance)].square().mean().sqrt() for image in (edited, aligned))
    assert after < 0.6 * before


def test_other_scene_and_too_little_context_are_left_alone(picture, distance):
    other = picture.flip(2)
    assert local_shift.align_locally(picture, other, distance) is other
    small = masks.signed_distance(torch.nn.functional.pad(torch.ones(1, 1, 186, 186), (3, 3, 3, 3)))
    swayed = sway(picture, 0.5, 0.0)
    assert local_shift.align_locally(picture, swayed, small.clamp(min=0.5)) is swayed


def test_content_of_the_edit_displaces_no_flat_surroundings(distance):
    """Fog says nothing of a displacement, and a bright edit a few pixels within the mask must not speak for it."""
    y, x = torch.meshgrid(torch.linspace(0.3, 0.5, 192), torch.linspace(0.4, 0.5, 192), indexing="ij")
    fog = torch.stack((0.4 * y, y, y + x / 4))[None]
    noise = 0.008 * torch.randn(fog.shape, generator=torch.Generator().manual_seed(2))
    scene = fog - torch.where(torch.arange(192).view(1, 1, -1, 1) > 150, 0.15, 0.0)  # with a waterline
    unedited = sway(scene, 0.0, 0.2) + noise
    alone = local_shift.align_locally(scene, unedited, distance)
    beside = local_shift.align_locally(scene, torch.where(distance > 3, 0.9 + noise, unedited), distance)
    assert (alone - unedited).abs().max() > 0.01
    outside = (distance <= -6).expand_as(fog)
    assert (alone - beside)[outside].abs().max() < 0.005
