"""The command line: `python . <command>`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..campaign import cli as campaign
from . import blueprints, check, demo, files, locales, runner, workflows

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python .", description="Edit First without ComfyUI.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_demo(commands)
    _add_run(commands)
    check.add(commands)
    campaign.add(commands)
    _add_lists(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (runner.WorkflowError, OSError) as error:
        print(f"edit-first: {error}", file=sys.stderr)
        return 4


def _add_demo(commands) -> None:
    parser = commands.add_parser("demo", help="surgical strikes on the sample photographs, into demo_output/")
    parser.add_argument("--output", type=Path, default=Path("demo_output"), metavar="DIR")
    parser.set_defaults(run=lambda options: demo.main(options.output))


def _add_run(commands) -> None:
    parser = commands.add_parser("run", help="run an API-format workflow")
    parser.add_argument("workflow", type=Path)
    parser.add_argument(
        "--input", type=Path, action="append", default=[], metavar="DIR", help="where pictures are read"
    )
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR", help="where pictures are saved")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NODE.input=value", help="NODE is an id or a title"
    )
    parser.add_argument(
        "--provide", action="append", default=[], metavar="NODE=file.png", help="a picture that stands for a node"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=_run)


def _run(options) -> int:
    provided = {}
    for assignment in options.provide:
        name, equals, path = assignment.rpartition("=")
        if not equals:
            raise runner.WorkflowError(f"--provide {assignment}: expected NODE=file.png")
        provided[name] = Path(path)
    inputs = (*options.input, options.workflow.parent, Path.cwd(), ROOT / "assets" / "photos")
    result = runner.run(
        runner.load_workflow(options.workflow),
        folders=files.Folders(inputs, options.output),
        provided=provided,
        sets=tuple(options.set),
    )
    if options.json:
        images = {node: [str(path) for path in paths] for node, paths in result.images.items()}
        print(json.dumps({"images": images, "texts": result.texts, "reports": result.reports}, indent=1))
        return 0
    for paths in result.images.values():
        for path in paths:
            print(f"saved {path}")
    for texts in result.texts.values():
        for text in texts:
            print(text)
    return 0


def _add_lists(commands) -> None:
    parser = commands.add_parser("workflows", help="write the workflow and blueprint files from their descriptions")
    parser.add_argument("--record", metavar="URL", help="first take the core nodes' interfaces from a running ComfyUI")
    parser.set_defaults(run=_workflows)
    parser = commands.add_parser("thresholds", help="write docs/checks.md from the table of thresholds")
    parser.set_defaults(run=_thresholds)
    parser = commands.add_parser("locales", help="write the English texts of the nodes; print what translations lack")
    parser.add_argument("--add", nargs=2, metavar=("LANGUAGE", "FILE"), help="first merge a translated skeleton")
    parser.set_defaults(run=_locales)
    parser = commands.add_parser("nodes", help="load all nodes, with the full traceback if that fails, and list them")
    parser.set_defaults(run=_nodes)


def _workflows(options) -> int:
    if options.record:
        workflows.record_core_nodes(options.record)
    known = workflows.interfaces()
    workflows.write_all(ROOT / "workflows", known)
    blueprints.write_all(ROOT / "subgraphs", known)
    return 0


def _thresholds(options) -> int:
    from ..checks.thresholds import to_markdown

    files.write_text(ROOT / "docs" / "checks.md", to_markdown())
    return 0


def _locales(options) -> int:
    if options.add:
        language, path = options.add
        locales.add(language, json.loads(Path(path).read_text(encoding="utf-8")))
    locales.write_english()
    status = 0
    for language in locales.TRANSLATIONS:
        missing, strays = locales.missing(language), locales.strays(language)
        if missing:
            print(f"Translate and merge into locales/{language}/nodeDefs.json:\n{locales.to_json(missing)}")
        if strays:
            print(f"Remove from locales/{language}/nodeDefs.json, no node has it: {', '.join(strays)}")
        status = status or int(bool(missing or strays))
    return status


def _nodes(options) -> int:
    for node_id, cls in sorted(runner.node_classes().items()):
        schema = cls.GET_SCHEMA()
        if node_id.startswith("EditFirst_"):
            print(f"{node_id:32} {schema.display_name:24} {schema.description}")
    return 0
