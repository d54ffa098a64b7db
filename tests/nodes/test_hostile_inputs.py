"""Every node, called with whatever a graph can hand over: a sound result, or an error of ours that says what to do."""

import asyncio
import traceback
from pathlib import Path

import hostile_inputs
import pytest
import torch
from edit_first.headless import files, runner

ROOT = Path(__file__).resolve().parents[2]
FAST, ALL = 6, 30  # cases of each node in the fast part, and in all; the seeds are fixed
SEEDS = [pytest.param(seed, marks=() if seed < FAST else pytest.mark.slow) for seed in range(ALL)]
NEEDS_A_MODEL = {"EditFirst_RegionalPrompt": "needs a CLIP; tests/comfyui/test_regional_prompt.py has its bad input"}
HANDS_ON = {"EditFirst_QualityGate"}  # lets its picture through untouched, whatever it holds
CLASSES = {
    name: cls
    for name, cls in runner.node_classes().items()
    if name.startswith("EditFirst_") and name not in NEEDS_A_MODEL
}


def call(cls, schema, inputs):
    """A node's outputs, as ComfyUI calls it."""
    if schema.is_input_list:
        inputs = {name: [value] for name, value in inputs.items()}
    with torch.inference_mode():
        output = cls.execute(**inputs)
        return asyncio.run(output) if asyncio.iscoroutine(output) else output


def tensors(value):
    """All tensors in an output, which may be a list."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from tensors(entry)


def check_outputs(schema, output, what, in_range):
    assert len(output.result) == len(schema.outputs), what
    for port, value in zip(schema.outputs, output.result, strict=True):
        if port.io_type not in ("IMAGE", "MASK") or schema.node_id in HANDS_ON:
            continue
        for tensor in tensors(value):
            assert tensor.ndim == (4 if port.io_type == "IMAGE" else 3) and tensor.numel(), f"{port.id}: {what}"
            assert torch.isfinite(tensor).all(), f"{port.id} holds NaN: {what}"
            assert not in_range or (tensor.min() >= 0 and tensor.max() <= 1), f"{port.id} leaves [0, 1]: {what}"


def check_locks(inputs, output, what):
    lock, result = inputs.get("lock_mask"), output.result[0]
    sources = [inputs[name] for name in ("original", "image", "scene") if inputs.get(name) is not None]
    if lock is None or not isinstance(result, torch.Tensor) or lock.shape[1:] != result.shape[1:3]:
        return
    locked = (lock > 0).expand(len(result), -1, -1)
    kept = [torch.equal(result[..., :3][locked], s[..., :3].expand_as(result[..., :3])[locked]) for s in sources]
    assert any(kept), f"a locked pixel changed: {what}"


@pytest.fixture(autouse=True)
def folders(tmp_path):
    """Input and output folders with a manifest in them."""
    (tmp_path / "campaign.csv").write_text("scene,name\nmissing.png,one\n")
    token = files.folders.set(files.Folders((tmp_path,), tmp_path))
    yield
    files.folders.reset(token)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_hostile_input(name, seed):
    schema = CLASSES[name].GET_SCHEMA()
    case = hostile_inputs.case(schema, seed)
    before = {key: value.clone() for key, value in case.inputs.items() if isinstance(value, torch.Tensor)}
    what = case.describe()
    try:
        output = call(CLASSES[name], schema, case.inputs)
    except ValueError as error:
        raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        assert raised_in.is_relative_to(ROOT), f"{error!r} comes from {raised_in}: {what}"
        assert len(str(error)) > 20, what
    else:
        check_outputs(schema, output, what, in_range=seed % 2 == 0)  # a picture may come in beyond [0, 1]
        if seed % 2 == 0:
            check_locks(case.inputs, output, what)
    for key, value in before.items():
        assert torch.equal(value.nan_to_num(7), case.inputs[key].nan_to_num(7)), f"{key} was changed: {what}"
