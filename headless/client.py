"""A small client for ComfyUI's HTTP API, standard library only."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from .runner import Prompt

TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.2


class ServerGone(OSError):
    """The server does not answer; the job may be given to another."""


class JobFailed(RuntimeError):
    """The server refused or failed the prompt; the message says which node and why."""


class Client:
    """One ComfyUI server."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")
        self.id = uuid.uuid4().hex
        self.uploaded: dict[str, str] = {}

    def _request(self, path: str, body: bytes | None = None, headers: dict | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise JobFailed(_explain(error.read())) from None
        except (OSError, TimeoutError) as error:
            raise ServerGone(f"{self.url} does not answer ({error})") from None

    def _json(self, path: str, value: dict | None = None) -> dict:
        body = None if value is None else json.dumps(value).encode()
        answer = self._request(path, body, {"Content-Type": "application/json"})
        return json.loads(answer or b"{}")

    def alive(self) -> bool:
        """Whether the server answers."""
        try:
            self._json("/queue")
            return True
        except (ServerGone, JobFailed, ValueError):
            return False

    def upload(self, path: Path) -> str:
        """Put a picture into the server's input folder under a name made from its content; returns that name."""
        content = path.read_bytes()
        name = f"{path.stem[:60]}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        if name in self.uploaded:
            return self.uploaded[name]
        edge = uuid.uuid4().hex
        parts = []
        for key, value in (("type", "input"), ("subfolder", "edit_first"), ("overwrite", "true")):
            parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode())
        quoted = urllib.parse.quote(name)
        head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="{quoted}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n")
        body = b"".join(parts) + f"--{edge}--\r\n".encode()
        answer = json.loads(
            self._request("/upload/image", body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
        )
        self.uploaded[name] = f"{answer['subfolder']}/{answer['name']}" if answer.get("subfolder") else answer["name"]
        return self.uploaded[name]

    def submit(self, prompt: Prompt, prompt_id: str) -> None:
        """Queue a prompt under an id of ours, unless the server knows that id already.

        Raises:
            JobFailed: the prompt does not validate.
        """
        if self.state(prompt_id) == "unknown":
            self._json("/prompt", {"prompt": prompt, "client_id": self.id, "prompt_id": prompt_id})

    def state(self, prompt_id: str) -> str:
        """`waiting`, `ended` or `unknown`."""
        if self._json(f"/history/{prompt_id}"):
            return "ended"
        queue = self._json("/queue")
        known = [entry[1] for entries in (queue["queue_running"], queue["queue_pending"]) for entry in entries]
        if prompt_id in known:
            return "waiting"
        # It may have ended between the two questions.
        return "ended" if self._json(f"/history/{prompt_id}") else "unknown"

    def wait(self, prompt_id: str, timeout: float) -> dict:
        """History entry of a prompt, once it has ended.

        Raises:
            JobFailed: it failed, or took too long.
            ServerGone: the server does not answer, or has forgotten the prompt after a restart.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            state = self.state(prompt_id)
            if state == "ended":
                entry = self._json(f"/history/{prompt_id}")[prompt_id]
                errors = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
                if errors:
                    raise JobFailed(f"{errors[0].get('node_type')}: {errors[0].get('exception_message', '').strip()}")
                if entry["status"]["status_str"] != "success":
                    raise JobFailed("the run was interrupted")
                return entry
            if state == "unknown":
                raise ServerGone(f"{self.url} has forgotten the job; it was restarted")
            time.sleep(POLL_SECONDS)
        raise JobFailed(f"no result after {timeout:.0f} s")

    def pictures(self, entry: dict) -> list[bytes]:
        """The pictures that Save Image wrote, in the order of the nodes."""
        images = [image for node in entry["outputs"].values() for image in node.get("images", ())]
        saved = [image for image in images if image["type"] == "output"]
        return [self._request("/view?" + urllib.parse.urlencode(image)) for image in saved]

    @staticmethod
    def seconds(entry: dict) -> float:
        """How long the server worked on a prompt, without the time in its queue."""
        times = [data["timestamp"] for _, data in entry["status"]["messages"] if "timestamp" in data]
        return (max(times) - min(times)) / 1000 if times else 0.0

    @staticmethod
    def reports(entry: dict) -> list[dict]:
        """What our check nodes and gates left in the history."""
        return [report for node in entry["outputs"].values() for report in node.get("edit_first", ())]


def _explain(body: bytes) -> str:
    """ComfyUI's error answer as one sentence."""
    try:
        value = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:300] or "the server refused the request"
    nodes = [
        f"{node['class_type']} ({number}): {error['message']}: {error['details']}"
        for number, node in (value.get("node_errors") or {}).items()
        for error in node["errors"]
    ]
    error = value.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return "; ".join(nodes) or str(message or value)[:300]
