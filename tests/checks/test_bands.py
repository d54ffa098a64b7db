"""Bands of detail, blocks, and blocks at like structure."""

import numpy as np
import pytest
from edit_first.checks.bands import BLOCK_PX, at_like_structure, block_mean, split_bands


def test_bands_and_what_is_coarser_are_the_picture():
    luma = np.random.default_rng(0).random((64, 96)).astype(np.float32)
    bands = split_bands(luma)
    rest = luma - bands.fine - bands.mid - bands.coarse
    assert rest.std() < 0.1 * luma.std() and rest.mean() == pytest.approx(luma.mean(), abs=0.02)


def test_noise_operator_reads_the_standard_deviation():
    noise = np.random.default_rng(0).normal(0.5, 0.01, (256, 256)).astype(np.float32)
    assert np.sqrt((split_bands(noise).noise ** 2).mean()) == pytest.approx(0.01, rel=0.03)


def test_a_block_is_the_mean_of_its_pixels_and_parts_of_blocks_are_left_out():
    plane = np.arange(10 * 9, dtype=np.float32).reshape(10, 9)
    blocks = block_mean(plane)
    assert blocks.shape == (2, 2) and blocks[1, 1] == pytest.approx(plane[4:8, 4:8].mean()) and BLOCK_PX == 4


def test_values_are_compared_at_like_structure():
    rng = np.random.default_rng(0)
    structure = rng.random((20, 20)).astype(np.float32)
    structures = rng.random(300).astype(np.float32) ** 2  # another mix of flat and structured
    inside = np.ones((20, 20), bool)
    value, difference = at_like_structure(structure, structure - 0.3, inside, structures, structures)
    assert value == pytest.approx(-0.3, abs=0.05) and difference.shape == (20, 20)


def test_nothing_alike_gives_no_number():
    ones = np.ones((4, 4), np.float32)
    assert at_like_structure(ones, ones, ones > 0, 5 * np.ones(30), np.ones(30)) is None
    assert at_like_structure(ones, ones, ones > 0, np.empty(0), np.empty(0)) is None
