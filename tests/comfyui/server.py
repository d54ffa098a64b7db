"""A real ComfyUI on loopback with a throw-away base directory and this checkout as its only pack."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACK = "edit-first"
BOOT_SECONDS = 180
RUN_SECONDS = 240


def find_comfyui() -> tuple[Path, Path] | str:
    """Checkout and Python of a ComfyUI: from the environment, the enclosing custom_nodes, or ~/comfy; else why not."""
    candidates = [os.environ.get("COMFYUI_PATH"), ROOT.parent.parent, Path.home() / "comfy" / "ComfyUI"]
    for candidate in candidates:
        if candidate and (Path(candidate) / "comfy_api").is_dir() and (Path(candidate) / "main.py").is_file():
            path = Path(candidate)
            break
    else:
        return "no ComfyUI: set COMFYUI_PATH to a checkout, or install one at ~/comfy/ComfyUI"
    environments = [path.parent / "venv", path / "venv", path / ".venv"]
    pythons = [os.environ.get("COMFYUI_PYTHON"), *(str(e / "bin" / "python") for e in environments), sys.executable]
    for python in pythons:
        if python and Path(python).is_file() and _imports(python, "aiohttp, av, torch, cv2"):
            return path, Path(python)
    return f"no Python that can run {path}: set COMFYUI_PYTHON to one with its requirements and ours"


def _imports(python: str, modules: str) -> bool:
    return subprocess.run([python, "-c", f"import {modules}"], capture_output=True).returncode == 0


class Server:
    """One running ComfyUI; use as a context manager."""

    def __init__(self, base: Path, *, settings: dict | None = None):
        found = find_comfyui()
        if isinstance(found, str):
            raise RuntimeError(found)
        self.path, self.python = found
        self.base = base
        for folder in ("custom_nodes", "input", "output", "temp", "user/default", "models"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        (base / "custom_nodes" / PACK).symlink_to(ROOT, target_is_directory=True)
        example = self.path / "input" / "example.png"
        if example.exists():
            shutil.copyfile(example, base / "input" / "example.png")
        quiet = {"Comfy.InstalledVersion": "1.49.6", "Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}
        (base / "user/default/comfy.settings.json").write_text(json.dumps({**quiet, **(settings or {})}))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = base / "server.log"

    def __enter__(self) -> Server:
        command = [str(self.python), str(self.path / "main.py"), "--cpu", "--disable-api-nodes"]
        command += ["--disable-auto-launch", "--listen", "127.0.0.1", "--port", str(self.port)]
        command += ["--base-directory", str(self.base)]
        command += ["--database-url", f"sqlite:///{self.base}/user/comfyui.db"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}
        environment.pop("PYTHONPATH", None)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended while starting:\n{self.log.read_text()[-4000:]}")
            try:
                self.get("/system_stats")
                self.boot_log = self.log.read_text()
                return self
            except (OSError, urllib.error.URLError):
                time.sleep(0.3)
        self.__exit__()
        raise RuntimeError(f"ComfyUI did not start in {BOOT_SECONDS} s:\n{self.log.read_text()[-4000:]}")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> dict:
        """JSON of a GET request."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def get_bytes(self, path: str) -> bytes:
        """Body of a GET request."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read()

    def post(self, path: str, value: dict) -> tuple[int, dict]:
        """Status and JSON of a POST request; an error status is an answer, not an exception."""
        body = json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def run(self, prompt: dict) -> dict:
        """Queue a prompt, wait for its end and return its history entry.

        Raises:
            AssertionError: the prompt was refused.
            TimeoutError: it did not end in time.
        """
        status, answer = self.post("/prompt", {"prompt": prompt, "client_id": uuid.uuid4().hex})
        assert status == 200, answer
        return self.history(answer["prompt_id"])

    def history(self, prompt_id: str) -> dict:
        """History entry of a prompt, once it is there; the browser is told of the end a moment earlier.

        Raises:
            TimeoutError: it did not end in time.
        """
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]
            time.sleep(0.1)
        raise TimeoutError(f"no result after {RUN_SECONDS} s; log:\n{self.log.read_text()[-3000:]}")

    def output_files(self, entry: dict) -> list[Path]:
        """The pictures that Save Image wrote in a run."""
        images = [image for node in entry["outputs"].values() for image in node.get("images", ())]
        return [self.base / "output" / i["subfolder"] / i["filename"] for i in images if i["type"] == "output"]

    @staticmethod
    def error(entry: dict) -> str:
        """The message of a run that failed; empty when it succeeded."""
        messages = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
        return messages[0]["exception_message"] if messages else ""
