import json
import os

import cv2
import numpy as np
import pytest
import torch
from edit_first.headless import files
from PIL import Image


@pytest.fixture
def run_folders(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    token = files.folders.set(files.Folders((tmp_path / "in",), tmp_path / "out"))
    yield tmp_path
    files.folders.reset(token)


def test_png_round_trip_keeps_all_8_bit_levels(tmp_path):
    ramp = (torch.arange(256) / 255).view(1, 256, 1).expand(3, 256, 3).contiguous()
    files.write_png(tmp_path / "ramp.png", ramp, {"prompt": {"1": {}}})
    image, mask = files.read_image(tmp_path / "ramp.png")
    assert torch.equal(image[0], ramp) and mask.shape == (1, 64, 64) and not mask.any()
    assert json.loads(Image.open(tmp_path / "ramp.png").text["prompt"]) == {"1": {}}


def test_alpha_becomes_an_inverted_mask(tmp_path):
    levels = np.full((4, 5, 4), 255, np.uint8)
    levels[0, 0, 3] = 0
    Image.fromarray(levels).save(tmp_path / "a.png")
    image, mask = files.read_image(tmp_path / "a.png")
    assert image.shape == (1, 4, 5, 3) and mask[0, 0, 0] == 1 and mask.sum() == 1


def test_16_bit_png_keeps_its_precision(tmp_path):
    levels = np.random.default_rng(0).integers(0, 65536, (7, 5, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), levels[..., ::-1])
    assert np.array_equal((files.read_image(tmp_path / "deep.png")[0][0].numpy() * 65535).round(), levels)


def test_exif_rotation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert files.read_image(tmp_path / "turned.jpg")[0].shape == (1, 30, 20, 3)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_unreadable_files_are_os_errors(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(OSError, match="bad.png"):
        files.read_image(tmp_path / "bad.png")


def test_inputs_are_found_inside_their_folder_only(run_folders):
    (run_folders / "secret.png").touch()
    (run_folders / "in" / "sub" / "a.png").touch()
    assert files.find_input("sub/a.png [input]").name == "a.png"
    for name in ("../secret.png", str(run_folders / "secret.png"), "b.png", ""):
        with pytest.raises(ValueError, match="Invalid image file"):
            files.find_input(name)


def test_saved_names_count_up_and_stay_inside(run_folders):
    frame = torch.zeros(2, 4, 4, 3)
    first = files.save_images(frame, "a/b", None)
    assert [path.name for path in first] == ["b_00001_.png", "b_00002_.png"]
    assert files.save_images(frame[:1], "a/b", None)[0].name == "b_00003_.png"
    for prefix in ("../evil", "/tmp/evil", "a/../../evil", "."):
        with pytest.raises(ValueError, match="leads out of the output folder"):
            files.save_images(frame, prefix, None)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "report.json"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(target, fail)
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["report.json"]
