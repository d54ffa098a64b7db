"""`python . demo | run | check | workflows | thresholds | locales | nodes`: the pack without ComfyUI."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    # Load this folder by path as package `edit_first`, as ComfyUI does, and keep it off sys.path: our `nodes` and
    # ComfyUI's must never be confused.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    spec = importlib.util.spec_from_file_location(
        "edit_first", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["edit_first"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)

    from edit_first.headless.cli import main

    sys.exit(main())
