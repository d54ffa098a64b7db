"""Uneven light between two renderings."""

import torch
from edit_first.imaging.light import fit_light


def ramp(image, amount):
    return (image * (1 + amount * torch.linspace(-1, 1, image.shape[3]))).clamp(0, 1)


def test_equal_pictures_need_no_field(coffee):
    assert fit_light(coffee, coffee, torch.ones_like(coffee[:, :1])) is None


def test_uneven_light_is_taken_off(coffee):
    dim = ramp(coffee * 0.9, 0.08)
    field = fit_light(dim, coffee * 0.9, torch.ones_like(coffee[:, :1]))
    before, after = ((x - coffee * 0.9).abs().mean() for x in (dim, field.apply(dim)))
    assert after < 0.2 * before


def test_an_edit_is_not_explained_away(coffee):
    edited = ramp(coffee * 0.9, 0.05)
    edited[..., 120:280, 200:420] = 0.2
    weight = torch.ones_like(coffee[:, :1])  # nobody says where the edit is
    field = fit_light(edited, coffee * 0.9, weight)
    assert (field.apply(edited)[..., 140:260, 220:400] - 0.2).abs().max() < 0.03


def test_too_little_data_gives_none(coffee):
    weight = torch.zeros_like(coffee[:, :1])
    weight[..., :20, :20] = 1
    assert fit_light(ramp(coffee, 0.1), coffee, weight) is None
