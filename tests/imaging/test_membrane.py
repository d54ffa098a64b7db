"""The membrane solver against a sparse direct solve and closed forms."""

import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg
import torch
from edit_first.imaging import membrane


def direct_solve(weight, value):
    height, width = weight.shape
    index = np.arange(height * width).reshape(height, width)
    a = np.concatenate((index[:, :-1].ravel(), index[:-1].ravel()))
    b = np.concatenate((index[:, 1:].ravel(), index[1:].ravel()))
    one = np.ones(len(a))
    rows, columns = np.concatenate((a, b, a, b)), np.concatenate((a, b, b, a))
    laplacian = sparse.csr_matrix((np.concatenate((one, one, -one, -one)), (rows, columns)))
    matrix = (laplacian + sparse.diags(weight.ravel())).tocsc()
    return scipy.sparse.linalg.spsolve(matrix, (weight * value).ravel()).reshape(height, width)


@pytest.mark.parametrize("size", [(64, 64), (97, 131), (8, 9)])
def test_fixed_values_match_a_direct_solve(size):
    torch.manual_seed(0)
    height, width = size
    weight, value = torch.full((1, 1, *size), membrane.FIXED_WEIGHT), torch.rand(1, 1, *size)
    weight[..., height // 5 : -height // 5, width // 6 : -width // 6] = 0
    weight[..., height // 2, width // 2] = membrane.FIXED_WEIGHT
    expected = direct_solve(weight[0, 0].double().numpy(), value[0, 0].double().numpy())
    np.testing.assert_allclose(membrane.solve_membrane(weight, value, tolerance=0)[0, 0], expected, atol=1e-4)


def test_known_answers():
    """A constant is continued as a constant, and a ramp between two sides as a ramp."""
    weight = torch.zeros(1, 1, 64, 64)
    weight[..., 0] = weight[..., -1] = membrane.FIXED_WEIGHT
    constant = membrane.solve_membrane(weight, torch.full((1, 3, 64, 64), 0.3), tolerance=0)
    torch.testing.assert_close(constant, torch.full_like(constant, 0.3), atol=1e-4, rtol=0)
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    torch.testing.assert_close(membrane.solve_membrane(weight, ramp, tolerance=0), ramp, atol=1e-3, rtol=0)


def test_no_weight_is_no_surface():
    assert not membrane.solve_membrane(torch.zeros(1, 1, 20, 20), torch.rand(1, 3, 20, 20)).any()


def test_batch_equals_singles():
    torch.manual_seed(1)
    weight, value = torch.rand(2, 1, 33, 40), torch.rand(2, 3, 33, 40)
    both = membrane.solve_membrane(weight, value, tolerance=0)
    singles = [membrane.solve_membrane(weight[i : i + 1], value[i : i + 1], tolerance=0) for i in range(2)]
    torch.testing.assert_close(both, torch.cat(singles), atol=1e-5, rtol=0)
