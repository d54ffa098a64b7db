"""In a real ComfyUI, over HTTP: hostile pictures, hundreds of prompts with interruptions, two clients at once."""

import concurrent.futures
import shutil
import uuid
from pathlib import Path

import comfyui_server
import hostile_inputs
import pytest
import torch
from edit_first.headless import files, runner

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
HERE = Path(__file__).parent
SEEDS = range(3)
PROMPTS, EVERY = 500, 25  # queued prompts, and after how many one is interrupted
EIGHT_K = (7680, 4320)
GROWTH_MB = 64  # of the server's memory over the second half of the prompts; one leaked 1 MP frame each would be 3 GB
TENSORS = ("IMAGE", "MASK")
OBJECTS = {"EDIT_FIRST_REPORT", "EDIT_FIRST_ZONES", "EDIT_FIRST_CROP", "CONDITIONING", "CLIP", "BOUNDING_BOX"}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = comfyui_server.find_comfyui()
    if isinstance(found, str):
        pytest.skip(found)
    instance = comfyui_server.Server(tmp_path_factory.mktemp("robust"))
    pack = instance.base / "custom_nodes" / "hostile_pack"
    pack.mkdir()
    shutil.copyfile(HERE / "hostile_pack.py", pack / "__init__.py")
    with instance:
        yield instance


def hostile_prompt(schema, seed, folder):
    """A prompt that hands a node the tensors of a case, and shows its first output."""
    case = hostile_inputs.case(schema, seed)
    inputs = {key: value for key, value in case.inputs.items() if _type(schema, key) not in OBJECTS}
    tensors = {key: value for key, value in inputs.items() if isinstance(value, torch.Tensor)}
    path = folder / f"{schema.node_id}_{seed}.pt"
    torch.save(tensors, path)
    prompt = {key: node("SavedTensor", path=str(path), key=key) for key in tensors}
    values = {key: [key, 0] if key in tensors else value for key, value in inputs.items()}
    return {**prompt, "node": node(schema.node_id, **values), "show": node("PreviewAny", source=["node", 0])}


def _type(schema, name):
    return next(port.io_type for port in schema.inputs if port.id == name)


def schemas():
    for name, cls in sorted(runner.node_classes().items()):
        schema = cls.GET_SCHEMA()
        required = {port.io_type for port in schema.inputs if not port.optional}
        if name.startswith("EditFirst_") and not required & OBJECTS:
            yield pytest.param(schema, id=name)


@pytest.mark.parametrize("schema", list(schemas()))
def test_hostile_inputs_over_http(server, schema, tmp_path):
    for seed in SEEDS:
        prompt = hostile_prompt(schema, seed, tmp_path)
        status, answer = server.post("/prompt", {"prompt": prompt, "client_id": uuid.uuid4().hex})
        if status != 200:
            assert status == 400 and answer["node_errors"], answer
            continue
        entry = server.history(answer["prompt_id"])
        failures = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
        for failure in failures:
            assert failure["exception_type"] == "ValueError", f"seed {seed}: {failure['exception_message']}"
    assert server.process.poll() is None


def strike(color, name="robust", width=96, height=64):
    """A surgical strike on a plain picture; five twelfths of its width and height are edited."""
    x, y, w, h = width * 5 // 24, height * 5 // 32, width * 5 // 12, height * 15 // 32
    return {
        "original": node("EmptyImage", width=width, height=height, batch_size=1, color=color),
        "edited": node("ImageInvert", image=["original", 0]),
        "mask": node("SolidMask", value=0.0, width=width, height=height),
        "hole": node("SolidMask", value=1.0, width=w, height=h),
        "edit": node("MaskComposite", destination=["mask", 0], source=["hole", 0], x=x, y=y, operation="add"),
        "seam": node(
            "EditFirst_SeamFeather",
            original=["original", 0],
            edited=["edited", 0],
            edit_mask=["edit", 0],
            method="alpha",
            feather_px=4,
        ),
        "check": node(
            "EditFirst_EditCheck",
            original=["original", 0],
            image=["seam", 0],
            edit_mask=["edit", 0],
            brand_colors="",
        ),
        "gate": node(
            "EditFirst_QualityGate", image=["seam", 0], report=["check", 0], level="production", on_fail="pass"
        ),
        "save": node("SaveImage", images=["gate", 0], filename_prefix=name),
    }


def memory_mb(server, row="VmRSS"):
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(row)).split()[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_five_hundred_prompts_with_interruptions(server):
    ids, middle = [], 0.0
    for number in range(PROMPTS):
        status, answer = server.post("/prompt", {"prompt": strike(number), "client_id": "many"})
        assert status == 200, answer
        ids.append(answer["prompt_id"])
        if number % EVERY == EVERY - 1:
            server.post("/interrupt", {})
            server.history(ids[-EVERY])
        if number == PROMPTS // 2:
            server.history(ids[-1])
            middle = memory_mb(server)
    entries = [server.history(prompt_id) for prompt_id in ids]
    done = [entry for entry in entries if entry["status"]["status_str"] == "success"]
    for entry in entries:
        kinds = {kind for kind, _ in entry["status"]["messages"]}
        assert "execution_success" in kinds or "execution_interrupted" in kinds, entry["status"]
    assert len(done) >= PROMPTS - PROMPTS // EVERY
    for entry in done[:: PROMPTS // 10]:
        for path in server.output_files(entry):
            assert files.read_image(path)[0].shape == (1, 64, 96, 3)
    assert memory_mb(server) - middle < GROWTH_MB
    assert not list(server.base.rglob("*.tmp")), "a half-written file was left behind"


def test_two_clients_at_once_get_what_each_asked_for(server):
    colors = {"first": 0x204060, "second": 0xC0A080}
    alone = {name: _picture(server, strike(color, f"alone_{name}")) for name, color in colors.items()}

    def client(name):
        return [_picture(server, strike(colors[name] + 3 * run, f"{name}_{run}")) for run in range(8)]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = dict(zip(colors, pool.map(client, colors), strict=True))
    for name in colors:
        assert torch.equal(results[name][0], alone[name])
        assert all(not torch.equal(results[name][0], other) for other in results[name][1:])


def test_an_8k_strike(server):
    """Locked pixels are kept at 33 megapixels, too, and memory stays at a dozen float frames, ComfyUI's own included."""
    before = memory_mb(server, "VmHWM")
    picture = _picture(server, strike(0x336699, "uhd", *EIGHT_K))
    assert picture.shape == (1, EIGHT_K[1], EIGHT_K[0], 3)
    kept = torch.ones(EIGHT_K[1], EIGHT_K[0], dtype=torch.bool)
    kept[EIGHT_K[1] * 5 // 32 :, EIGHT_K[0] * 5 // 24 :][: EIGHT_K[1] * 15 // 32, : EIGHT_K[0] * 5 // 12] = False
    locked = (picture[0] * 255).round().byte()[kept]
    assert (locked == torch.tensor([0x33, 0x66, 0x99], dtype=torch.uint8)).all()
    assert memory_mb(server, "VmHWM") - before < 12 * EIGHT_K[0] * EIGHT_K[1] * 3 * 4 / 2**20  # measured: 9 frames


def test_a_disk_that_takes_no_more_leaves_no_half_file(server):
    """A limit on file sizes stops the writing in the middle of the picture, as a full disk does."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("another process's limits can be set on Linux only")
    noise = strike(0x808080, "full", 1024, 1024)
    noise["original"] = node("SavedTensor", path=str(server.base / "noise.pt"), key="image")
    torch.save({"image": torch.rand(1, 1024, 1024, 3)}, server.base / "noise.pt")
    noise["save"] = node("PreviewAny", source=["gate", 2])
    noise["gate"]["inputs"] |= {"on_fail": "pass", "filename_prefix": "full/strike"}
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
    try:
        entry = server.run(noise)
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
    assert "nothing was left there" in server.error(entry) and "Free space" in server.error(entry)
    folder = server.base / "output" / "full"
    assert not list(folder.glob("*")) and not list(folder.glob(".*"))
    entry = server.run(noise)
    assert server.error(entry) == ""
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".png"]


def _picture(server, prompt):
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    return files.read_image(server.output_files(entry)[0])[0]
