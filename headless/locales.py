"""What ComfyUI shows of our nodes in each language: `locales/<language>/nodeDefs.json` against the schemas.

English is written from the schemas; the other languages are written by hand. The front end looks a text up by
language, node, part and, for outputs, position, and shows English where there is none.
"""

from __future__ import annotations

import json
from pathlib import Path

from . import files, runner

ROOT = Path(__file__).resolve().parent.parent / "locales"
TRANSLATIONS = ("zh", "ja")

TextPath = tuple[str, ...]  # of one text, such as ("EditFirst_ZoneMask", "inputs", "name", "tooltip")


def english() -> dict:
    """Every text of every node, as `nodeDefs.json` holds them."""
    return {name: _texts(cls.GET_SCHEMA()) for name, cls in _our_nodes()}


def categories() -> set[str]:
    """The names of the folders that our nodes are filed under."""
    return {part for _, cls in _our_nodes() for part in cls.GET_SCHEMA().category.split("/")}


def missing(language: str) -> dict:
    """The texts that a language lacks, in English: a skeleton to translate and merge into its `nodeDefs.json`."""
    there = _flatten(read(language))
    return _nest({path: text for path, text in _flatten(english()).items() if not there.get(path)})


def strays(language: str) -> list[str]:
    """What a language translates although no node has it."""
    known = _flatten(english())
    return ["/".join(path) for path in _flatten(read(language)) if path not in known]


def read(language: str, file: str = "nodeDefs.json") -> dict:
    """A language's file."""
    return json.loads((ROOT / language / file).read_text(encoding="utf-8"))


def add(language: str, translated: dict) -> None:
    """Merge texts into a language's `nodeDefs.json`, in the order of the English one."""
    merged = _flatten(read(language)) | _flatten(translated)
    order = {path: index for index, path in enumerate(_flatten(english()))}
    in_order = sorted(merged, key=lambda path: order.get(path, len(order)))
    files.write_text(ROOT / language / "nodeDefs.json", to_json(_nest({path: merged[path] for path in in_order})))


def write_english() -> None:
    """Write `locales/en/nodeDefs.json`."""
    files.write_text(ROOT / "en" / "nodeDefs.json", to_json(english()))


def to_json(value: dict) -> str:
    """As the files are written: readable in every script."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def texts(language: str) -> dict[TextPath, str]:
    """All texts of a language by their path."""
    return _flatten(read(language))


def _our_nodes() -> list:
    return [(name, cls) for name, cls in sorted(runner.node_classes().items()) if name.startswith("EditFirst_")]


def _texts(schema) -> dict:
    inputs = {
        port.id: {"name": port.options.get("display_name") or port.id, "tooltip": port.options["tooltip"]}
        for port in schema.inputs
    }
    outputs = {
        str(index): {"name": port.display_name, "tooltip": port.tooltip} for index, port in enumerate(schema.outputs)
    }
    return {
        "display_name": schema.display_name,
        "description": schema.description,
        "inputs": inputs,
        "outputs": outputs,
    }


def _flatten(value: dict, path: TextPath = ()) -> dict[TextPath, str]:
    found = {}
    for key, entry in value.items():
        found |= _flatten(entry, (*path, key)) if isinstance(entry, dict) else {(*path, key): entry}
    return found


def _nest(flat: dict[TextPath, str]) -> dict:
    nested: dict = {}
    for path, text in flat.items():
        place = nested
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = text
    return nested
