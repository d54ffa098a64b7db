"""Version, changelog, requirements and commands agree."""

import re
import sys
from pathlib import Path

import edit_first
import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_versions_agree():
    assert f'version = "{edit_first.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert re.search(rf"^## \[{re.escape(edit_first.__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_requirements_never_move_a_users_torch():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert not re.search(r"==|<|~=|!=|://", line), line


def test_ci_runs_exactly_the_readmes_test_command():
    command = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert command.endswith("-m pytest")
    assert f"\n{command}\n" in (ROOT / "README.md").read_text()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_registry_metadata():
    import tomllib

    value = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert value["project"]["name"] == "edit-first" and value["tool"]["comfy"]["DisplayName"] == "Edit First"
    assert "web" not in value["tool"]["comfy"], "WEB_DIRECTORY serves the pages"
