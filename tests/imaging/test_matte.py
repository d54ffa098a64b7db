"""Box means, the guided filter, alpha by color and the color of the foreground."""

import torch
import torch.nn.functional as F
from edit_first.imaging import masks, matte


def hair():
    """Twelve thin lines of a flat color over another: image, alpha, masks of sure foreground and background."""
    alpha = torch.zeros(1, 1, 96, 96)
    alpha[..., 30:66, 30:66] = 1
    for x in range(8, 92, 7):
        alpha[..., 10:86, x] = 1
    alpha = masks.gaussian_blur(alpha, 0.6)
    front = torch.tensor([0.3, 0.2, 0.1]).view(1, 3, 1, 1).expand(1, 3, 96, 96)
    back = torch.tensor([0.6, 0.7, 0.9]).view(1, 3, 1, 1).expand(1, 3, 96, 96)
    sure = torch.zeros(1, 1, 96, 96, dtype=torch.bool)
    sure[..., 34:62, 34:62] = True
    outside = torch.ones_like(sure)
    outside[..., 5:91, 4:93] = False
    return alpha * front + (1 - alpha) * back, alpha, front, sure, outside


def test_box_mean_matches_pooling():
    image = torch.rand(1, 2, 31, 44)
    expected = F.avg_pool2d(image, 9, 1, 4, count_include_pad=False)
    torch.testing.assert_close(matte.box_mean(image, 4), expected, atol=1e-6, rtol=0)


def test_guided_filter_keeps_what_is_linear_in_the_guide():
    guide = torch.rand(1, 3, 40, 40)
    target = 0.2 + 0.3 * guide[:, :1] - 0.1 * guide[:, 2:]
    torch.testing.assert_close(matte.guided_filter(guide, target, 5, epsilon=1e-9), target, atol=1e-3, rtol=0)


def test_alpha_finds_the_strands():
    image, alpha, _, sure, outside = hair()
    found = matte.estimate_alpha(image, sure, outside, 30)
    unknown = ~(sure | outside)
    coarse = (~outside).float()
    assert (found - alpha)[unknown].abs().mean() < 0.15 * (coarse - alpha)[unknown].abs().mean()
    assert torch.equal(found[sure], torch.ones_like(found[sure])) and not found[outside].any()


def test_foreground_is_free_of_the_background():
    image, alpha, front, _, _ = hair()
    seen = (alpha > 0.3).expand_as(image)
    error = (matte.estimate_foreground(image, alpha) - front)[seen].abs()
    assert error.mean() < 0.25 * (image - front)[seen].abs().mean()
