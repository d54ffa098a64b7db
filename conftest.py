"""Load this folder by path as package `edit_first`, as ComfyUI loads it, whatever the folder is called."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if "edit_first" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "edit_first", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["edit_first"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
