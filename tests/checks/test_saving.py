import json
import os

import pytest
import torch
from edit_first.checks import saving
from edit_first.checks.gate import Picture

FRAMES = torch.rand(2, 4, 6, 3, generator=torch.Generator().manual_seed(0))
PICTURES = [Picture.of(frame) for frame in FRAMES]


def as_dict(pictures):
    return {"pictures": [vars(picture) for picture in pictures]}


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "prefix", ["strike", "edit_first/strike", "a\\b", "été/写真", "photo (1)", "%year%/x", "-x", "a.b"]
)
def test_plain_names_are_taken_as_they_are(prefix):
    assert saving.check_prefix(prefix) == prefix.replace("\\", "/")


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/etc/x", "\\\\server\\x", "./x", "a/..", "..\\x", "/"])
def test_names_that_lead_out_are_refused(prefix):
    with pytest.raises(ValueError, match="leads out of the output folder"):
        saving.check_prefix(prefix)


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("C:\\x", "':'"),
        ("x\0", "x00"),
        ("x\n", r"\\n"),
        ("a\u202egnp", "u202e"),
        ("\ud800", "ud800"),
        ("a*", r"'\*'"),
        ("CON", "device"),
        ("nul.txt", "device"),
        ("a/LPT1/b", "device"),
        ("x" * 201, "201 bytes"),
        ("é" * 101, "202 bytes"),
        (".hidden", "dot or a space"),
        ("x.", "dot or a space"),
        ("x /y", "dot or a space"),
        ("folder/", "is empty"),
        ("a//b", "is empty"),
    ],
)
def test_names_that_not_every_system_can_store_are_refused(prefix, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        saving.check_prefix(prefix)
    str(caught.value).encode()  # the message itself can be shown


def test_the_verdict_lies_beside_the_first_picture(tmp_path):
    named, verdict = saving.save_verdict(tmp_path / "new", "x", 7, FRAMES, PICTURES, as_dict)
    assert listing(tmp_path / "new") == ["x_00007_.json", "x_00007_.png", "x_00008_.png"]
    assert [p["file"] for p in json.loads(verdict.read_text())["pictures"]] == ["x_00007_.png", "x_00008_.png"]
    assert [picture.file for picture in named] == ["x_00007_.png", "x_00008_.png"]


def test_a_verdict_without_pictures(tmp_path):
    named, verdict = saving.save_verdict(tmp_path, "x", 1, None, PICTURES, as_dict)
    assert listing(tmp_path) == ["x_00001_.json"] and named == PICTURES


def test_a_full_disk_leaves_neither_picture_nor_verdict(tmp_path, monkeypatch):
    real, calls = os.replace, []

    def full(source, target):
        calls.append(target)
        if str(target).endswith(".json"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(saving.os, "replace", full)
    with pytest.raises(OSError, match="cannot write x_00001_.json into .*No space left on device; nothing was left"):
        saving.save_verdict(tmp_path, "x", 1, FRAMES, PICTURES, as_dict)
    assert len(calls) == 3 and listing(tmp_path) == []


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "x").write_text("a file, not a folder")
    with pytest.raises(OSError, match="cannot write y_00001_.json"):
        saving.save_verdict(tmp_path / "x", "y", 1, FRAMES, PICTURES, as_dict)
