"""`python . check` within this process; tests/headless/test_cli.py has it in its own."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from edit_first.headless import check, cli, files


@pytest.fixture
def pictures(tmp_path, chelsea, make_disc):
    """good, spilled and broken, as x_before, x_after and x_mask."""
    disc = make_disc(chelsea)
    good = torch.where(disc > 0, 1 - chelsea, chelsea)
    spilled = good.clone()
    spilled[:, :, 0, 0] = 1 - spilled[:, :, 0, 0]
    for name, after in (("good", good), ("spilled", spilled), ("broken", good)):
        for role, image in (("before", chelsea), ("after", after), ("mask", disc.expand(-1, 3, -1, -1))):
            files.write_png(tmp_path / f"{name}_{role}.png", image.movedim(1, 3)[0])
    (tmp_path / "broken_after.png").write_bytes((tmp_path / "good_after.png").read_bytes()[:4000])
    return tmp_path


def test_a_broken_file_does_not_stop_the_others(pictures, capsys):
    assert cli.main(["check", str(pictures), "--json", "--junit", str(pictures / "out" / "junit.xml")]) == 4
    printed = capsys.readouterr()
    value = json.loads(printed.out)
    assert [entry["verdict"] for entry in value["files"]][0::2] == ["unreadable", "fail"]
    assert value["files"][1]["verdict"] in ("pass", "warn")
    assert "[3/3]" in printed.err and "broken_after.png" in printed.err
    root = ElementTree.parse(pictures / "out" / "junit.xml").getroot()
    assert len(root) == 3 and root.get("errors") == "1" and int(root.get("failures")) >= 1


def test_text_names_each_file_and_the_totals(pictures, capsys):
    names = [str(pictures / f"{name}_after.png") for name in ("good", "spilled")]
    assert cli.main(["check", *names]) == 2
    out = capsys.readouterr().out
    assert "spilled_after.png: Fail (production): anchor changed px is 1 px" in out
    assert out.splitlines()[-1].startswith("2 files (production):")


def test_strict_and_level(pictures, chelsea, make_disc):
    red = torch.tensor([0xEE, 0x1C, 0x25]).view(1, 3, 1, 1) / 255
    image = torch.where(make_disc(chelsea) > 0, red, chelsea)
    files.write_png(pictures / "red_after.png", image.movedim(1, 3)[0])
    command = ["check", str(pictures / "red_after.png"), "--before", str(pictures / "good_before.png")]
    command += ["--mask", str(pictures / "good_mask.png"), "--brand-colors", "#e30613"]
    assert cli.main([*command, "--strict"]) == 2
    assert cli.main(command) in (1, 2)


def test_ctrl_c_reports_what_was_done(pictures, capsys, monkeypatch):
    real, calls = check.check_job, []

    def interrupted(*given, **named):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given, **named)

    monkeypatch.setattr(check, "check_job", interrupted)
    (pictures / "broken_after.png").write_bytes((pictures / "good_after.png").read_bytes())
    assert cli.main(["check", str(pictures), "--json", "--junit", str(pictures / "junit.xml")]) == 130
    states = [entry["verdict"] for entry in json.loads(capsys.readouterr().out)["files"]]
    assert states[1:] == ["not checked", "not checked"] and states[0] in ("pass", "warn")
    assert len(ElementTree.parse(pictures / "junit.xml").getroot().findall(".//skipped")) >= 2


def test_nothing_to_compare_with(pictures, capsys):
    (pictures / "alone").mkdir()
    (pictures / "alone" / "x.png").write_bytes((pictures / "good_after.png").read_bytes())
    assert cli.main(["check", str(pictures / "alone")]) == 4
    assert "x_before" in capsys.readouterr().err
    assert cli.main(["check", str(pictures / "good_after.png"), "--brand-colors", "reddish"]) == 4
    assert "--brand-colors" in capsys.readouterr().err


def test_stills_for_a_video_model(pictures, capsys):
    pytest.importorskip("edit_first.checks.motion")
    (pictures / "broken_after.png").unlink()
    (pictures / "broken_before.png").unlink()
    status = cli.main(["check", str(pictures / "good_before.png"), "--video-model", "any video model", "--json"])
    (entry,) = json.loads(capsys.readouterr().out)["files"]
    assert status in (0, 1, 2) and entry["report"]["inputs"]["video_model"] == "any video model"
    assert cli.main(["check", str(pictures / "good_before.png"), "--video-model", "vhs"]) == 4
    assert "vhs" in capsys.readouterr().err


def test_clips_with_their_region(tmp_path, capsys, coffee, make_disc):
    pytest.importorskip("edit_first.checks.coherence")
    still = coffee[:, :, ::3, ::3]
    for number in range(5):
        files.write_png(tmp_path / "clip" / f"{number}.png", still.movedim(1, 3)[0])
    files.write_png(tmp_path / "mask.png", make_disc(still).expand(-1, 3, -1, -1).movedim(1, 3)[0])
    command = ["check", str(tmp_path / "clip"), "--clip", "--mask", str(tmp_path / "mask.png"), "--json"]
    status = cli.main(command)
    (entry,) = json.loads(capsys.readouterr().out)["files"]
    assert status in (0, 1, 2) and entry["clip"] and entry["report"]["inputs"]["clip"] == "clip"
