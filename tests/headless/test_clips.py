import cv2
import numpy as np
import pytest
import torch
from edit_first.headless import clips, files


def test_a_folder_of_frames_in_counting_order(tmp_path):
    for number in (2, 10, 1):
        files.write_png(tmp_path / f"{number}.png", torch.full((4, 6, 3), number / 255))
    frames = clips.read_clip(tmp_path)
    assert frames.shape == (3, 3, 4, 6) and (frames[:, 0, 0, 0] * 255).tolist() == [1, 2, 10]


def test_frames_of_different_sizes_are_refused(tmp_path):
    files.write_png(tmp_path / "1.png", torch.zeros(4, 6, 3))
    files.write_png(tmp_path / "2.png", torch.zeros(4, 5, 3))
    with pytest.raises(OSError, match=r"2.png is 5x4 but the first frame is 6x4"):
        clips.read_clip(tmp_path)


def test_a_video_file(tmp_path):
    path = tmp_path / "x.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 8, (32, 16))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for level in (0, 120, 240):
        writer.write(np.full((16, 32, 3), (0, 0, level), np.uint8))  # red, as OpenCV orders channels
    writer.release()
    frames = clips.read_clip(path)
    assert frames.shape == (3, 3, 16, 32) and frames.dtype == torch.float32
    assert torch.allclose(frames[:, 0].mean((1, 2)) * 255, torch.tensor([0.0, 120, 240]), atol=8)
    assert float(frames[:, 1:].max()) < 0.08


@pytest.mark.parametrize("name", ["empty", "text.mp4"])
def test_what_is_no_clip_is_said(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(OSError, match="holds no frames|not a video that OpenCV can read"):
        clips.read_clip(tmp_path / name)
