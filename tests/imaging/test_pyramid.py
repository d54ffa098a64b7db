"""Laplacian pyramids: perfect reconstruction at any size, and a blend that stays inside the edit."""

import pytest
import torch
from edit_first.imaging import masks, pyramid


@pytest.mark.parametrize("size", [(64, 64), (37, 53), (5, 101), (2, 3)])
def test_collapse_undoes_laplacian(size):
    torch.manual_seed(0)
    image = torch.rand(2, 3, *size)
    torch.testing.assert_close(pyramid.collapse(pyramid.laplacian(image, 3)), image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (37, 53), (1, 7)])
def test_a_constant_stays_constant_up_to_the_border(size):
    image = torch.full((1, 1, *size), 0.7)
    small = pyramid.reduce(image)
    assert small.shape[2:] == ((size[0] + 1) // 2, (size[1] + 1) // 2)
    torch.testing.assert_close(small, torch.full_like(small, 0.7))
    torch.testing.assert_close(pyramid.expand(small, size), image)


def test_reduce_weights_are_the_binomial_kernel():
    """Known answer: an impulse on a kept pixel is spread as 6/16, 1/16 along each axis."""
    image = torch.zeros(1, 1, 17, 17)
    image[..., 8, 8] = 1
    small = pyramid.reduce(image)
    torch.testing.assert_close(small[0, 0, 4, 3:6], torch.tensor([1.0, 6.0, 1.0]) / 16 * 6 / 16)


def test_blend_is_the_edit_deep_inside_and_the_original_at_the_edge():
    torch.manual_seed(0)
    original, edited = torch.rand(1, 3, 160, 161), torch.rand(1, 3, 160, 161) * 0.5 + 0.4
    mask = torch.zeros(1, 1, 160, 161)
    mask[..., 20:140, 20:140] = 1
    distance = masks.signed_distance(mask)
    blended = pyramid.blend_multiband(original, edited, distance, torch.full_like(distance, 30.0))
    assert (blended - edited)[..., 75:85, 75:85].abs().max() < 1e-5
    outside = (distance <= 0).expand_as(original)
    assert (blended - original)[outside].abs().max() < 0.02
