"""Arrows point down: imaging <- checks <- nodes <- headless, and nobody below nodes knows ComfyUI."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "imaging": set(),
    "checks": {"imaging"},
    "nodes": {"imaging", "checks", "campaign"},
    "campaign": {"nodes", "headless", "imaging", "checks"},
    "headless": {"imaging", "checks", "nodes", "campaign"},
}
COMFY = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "folder_paths", "server", "node_helpers"}
MAY_KNOW_COMFY = {"nodes", "headless"}
FORBIDDEN_ANYWHERE = {"skimage", "colour", "pytest"}
MODULES = [path for layer in MAY_IMPORT for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Layers of ours, and top-level packages of others, that a module imports anywhere in it."""
    depth = len(path.relative_to(ROOT).parts) - 1
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            others.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            ours |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > depth + 1:
            raise AssertionError(f"{path}: import leaves the pack")
    return ours & set(MAY_IMPORT), others


def test_all_layers_have_modules():
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} >= {"imaging", "checks", "nodes", "headless"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    layer = path.relative_to(ROOT).parts[0]
    ours, others = imports(path)
    assert ours - {layer} <= MAY_IMPORT[layer]
    assert not others & FORBIDDEN_ANYWHERE
    assert not others & set(MAY_IMPORT), "our own modules are imported relatively only"
    if layer not in MAY_KNOW_COMFY:
        assert not others & COMFY


def test_root_imports_nodes_only_inside_the_entrypoint():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
