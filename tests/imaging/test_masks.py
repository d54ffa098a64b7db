import numpy as np
import pytest
import scipy.ndimage
import torch
from edit_first.imaging import masks


@pytest.fixture
def blob():
    """A ragged region, as a hand draws it."""
    noise = torch.rand(1, 1, 80, 101, generator=torch.Generator().manual_seed(1))
    return (masks.gaussian_blur(noise, 6) > 0.5).float()


def test_signed_distance_agrees_with_scipy(blob):
    plane = blob[0, 0].numpy() > 0
    inside, outside = scipy.ndimage.distance_transform_edt(plane), scipy.ndimage.distance_transform_edt(~plane)
    assert np.abs(masks.signed_distance(blob)[0, 0].numpy() - (inside - outside)).max() < 1e-4


def test_signed_distance_of_empty_and_full_masks():
    assert (masks.signed_distance(torch.zeros(1, 1, 4, 5)) == -masks.FAR_PX).all()
    assert (masks.signed_distance(torch.ones(1, 1, 4, 5)) == masks.FAR_PX).all()


def test_frame_border_is_no_edge():
    mask = torch.zeros(1, 1, 5, 9)
    mask[..., :4] = 1
    assert masks.signed_distance(mask)[0, 0, 2].tolist() == [4, 3, 2, 1, -1, -2, -3, -4, -5]


@pytest.mark.parametrize("radius", [1, 3.5, 12])
def test_grow_is_euclidean_dilation(blob, radius):
    distance = scipy.ndimage.distance_transform_edt(blob[0, 0].numpy() == 0)
    assert np.array_equal(masks.grow(blob, radius)[0, 0].numpy() > 0, distance <= radius)


def test_shrink_undoes_grow_of_a_convex_shape(chelsea, make_disc):
    disc = make_disc(chelsea)
    back = masks.grow(masks.grow(disc, 10), -10)
    assert (back - disc).abs().sum() < 0.02 * disc.sum()
    assert (masks.grow(disc, -5) <= disc).all()


def test_grow_zero_keeps_soft_values():
    soft = torch.rand(2, 1, 7, 8)
    assert masks.grow(soft, 0) is soft
    assert torch.equal(masks.grow(soft, 2), soft), "a mask without zeros has nothing to grow into"


@pytest.mark.parametrize("feather", [1, 4, 16])
def test_feather_is_inward_and_as_wide_as_asked(feather):
    mask = torch.zeros(1, 1, 3, 80)
    mask[..., 20:] = 1
    ramp = masks.feather_inward(mask, feather)
    assert (ramp[..., :20] == 0).all()
    partial = (ramp > 0) & (ramp < 1)
    assert partial[0, 0, 1].sum() == feather
    steps = ramp[0, 0, 1, 20 : 20 + feather + 1].diff()
    assert torch.allclose(steps, torch.full_like(steps, 1 / (feather + 1)), atol=1e-6)


def test_feather_never_raises_a_soft_mask(blob):
    soft = blob * 0.6
    assert (masks.feather_inward(soft, 5) <= soft).all()
    assert masks.feather_inward(soft, 0) is soft


def test_batch_equals_singles(blob, chelsea):
    pair = torch.cat((blob, 1 - blob))
    for operation in (masks.signed_distance, lambda m: masks.grow(m, 3), lambda m: masks.feather_inward(m, 4)):
        assert torch.equal(operation(pair), torch.cat([operation(m) for m in pair.split(1)]))


def test_bounding_box(blob):
    mask = torch.zeros(2, 1, 20, 30)
    mask[0, 0, 3:7, 5:6] = 0.1
    mask[1, 0, 10, 20] = 1
    assert masks.bounding_box(mask) == (5, 3, 16, 8)
    assert masks.bounding_box(torch.zeros(1, 1, 4, 4)) is None


@pytest.mark.parametrize("sigma", [0.5, 2.0, 7.0])
def test_gaussian_blur_agrees_with_scipy(chelsea, sigma):
    ours = masks.gaussian_blur(chelsea, sigma)[0].numpy()
    radius = max(1, round(3 * sigma))
    theirs = np.stack(
        [scipy.ndimage.gaussian_filter(p, sigma, mode="reflect", radius=radius) for p in chelsea[0].numpy()]
    )
    assert np.abs(ours - theirs).max() < 2e-6


def test_gaussian_blur_of_a_picture_smaller_than_its_kernel():
    tiny = torch.rand(1, 3, 2, 3)
    blurred = masks.gaussian_blur(tiny, 5)
    assert blurred.shape == tiny.shape and torch.isfinite(blurred).all()
    assert torch.allclose(blurred.mean((2, 3)), tiny.mean((2, 3)), atol=0.05)
    assert masks.gaussian_blur(tiny, 0) is tiny


@pytest.mark.parametrize("sigma", [0.3, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("size", [(33, 47), (2, 3), (1, 64)])
def test_gaussian_blur_is_the_same_by_opencv_and_by_torch(sigma, size):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    kernel = np.exp(-0.5 * (np.arange(-round(3 * sigma), round(3 * sigma) + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    planes, axes = masks._convolve_planes(image, kernel), masks._convolve_axes(image, kernel)
    assert torch.allclose(planes, axes, atol=2e-6, rtol=0)
    assert torch.equal(planes[1:], masks._convolve_planes(image[1:], kernel))


def test_gaussian_blur_keeps_dtype_input_and_strided_views():
    image = torch.rand(1, 30, 40, 3, generator=torch.Generator().manual_seed(2))
    view, before = image.movedim(-1, 1), image.clone()
    exact = masks.gaussian_blur(view.double(), 2.0)
    assert exact.dtype == torch.float64 and torch.allclose(masks.gaussian_blur(view, 2.0).double(), exact, atol=1e-6)
    assert masks.gaussian_blur(view.half(), 2.0).dtype == torch.half and torch.equal(image, before)


@pytest.mark.parametrize("sigma", [9.0, 17.0, 40.0, 90.0])
@pytest.mark.parametrize("size", [(211, 303), (40, 500)])
def test_wide_blur_agrees_with_the_exact_one(sigma, size):
    mask = torch.zeros(2, 1, *size)
    mask[0, :, 5:31, 100:170] = 1
    mask[1, :, -20:, -70:] = 1  # reflected at two borders
    blurred = masks.wide_blur(mask, sigma)
    assert torch.allclose(blurred, masks.gaussian_blur(mask, sigma), atol=3e-3, rtol=0)
    assert torch.equal(blurred[1:], masks.wide_blur(mask[1:], sigma))
    assert masks.wide_blur(mask.half(), sigma).dtype == torch.half


def test_around_is_the_box_with_its_margin_inside_the_frame():
    mask = torch.zeros(1, 1, 20, 30)
    mask[..., 3:7, 25:27] = 1
    assert mask[masks.around(mask)].shape == (1, 1, 4, 2)
    assert masks.around(mask, 5)[1:] == (slice(0, 12), slice(20, 30))
    assert masks.around(torch.zeros_like(mask), 5) is None
