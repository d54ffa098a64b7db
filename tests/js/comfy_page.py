"""ComfyUI's page for the browser tests: loading workflows, switching the renderer, pressing Run."""

from __future__ import annotations

READY = "window.app && app.extensionManager && app.canvas && Object.keys(LiteGraph.registered_node_types).length > 100"


def node(number: int, kind: str, place: tuple[int, int], inputs=(), outputs=(), values=(), **more) -> dict:
    """One node of a workflow file; inputs are (name, type, link), outputs (name, type, links)."""
    return {
        "id": number,
        "type": kind,
        "pos": list(place),
        "size": [270, 120],
        "flags": {},
        "order": number,
        "mode": 0,
        "inputs": [{"name": name, "type": type_, "link": link} for name, type_, link in inputs],
        "outputs": [{"name": name, "type": type_, "links": list(links)} for name, type_, links in outputs],
        "properties": {"Node name for S&R": kind},
        "widgets_values": list(values),
        **more,
    }


class ComfyPage:
    """A page with ComfyUI's frontend, in one of its two renderers."""

    own_words = ("edit-first", "edit_first")  # in console messages that are ours

    def __init__(self, browser, server, renderer: str, *, blocked: bool = False):
        self.server, self.renderer = server, renderer
        self.context = browser.new_context(viewport={"width": 1500, "height": 1000})
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self._note(f"{error} {error.stack}"))
        self.page.on(
            "console", lambda message: message.type in ("error", "warning") and self._note(self._line(message))
        )
        if blocked:
            self.context.route("**/extensions/edit-first/**/*.js", lambda route: route.abort())
        self.page.goto(server.url)
        self.wait_ready()
        self.set_renderer(renderer)

    @staticmethod
    def _line(message) -> str:
        return f"{message.text} {message.location.get('url', '')}"

    def _note(self, line: str) -> None:
        if any(word in line for word in self.own_words):
            self.errors.append(line)

    def wait_ready(self) -> None:
        self.page.wait_for_function(READY, timeout=90_000)
        self.page.wait_for_selector("#graph-canvas")

    def set_renderer(self, renderer: str) -> None:
        self.page.evaluate("(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", renderer == "vue")
        self.page.wait_for_function("(on) => LiteGraph.vueNodesMode === on", arg=renderer == "vue")
        self.settle()

    def load(self, value: dict) -> None:
        self.page.evaluate("(value) => app.loadGraphData(value)", value)
        self.look()

    def look(self) -> None:
        """Show the graph at its own scale."""
        self.page.evaluate(
            "app.canvas.ds.scale = 1; app.canvas.ds.offset = [120, 120]; app.canvas.setDirty(true, true)"
        )
        self.settle()

    def settle(self) -> None:
        """Wait until what is on the page stands still."""
        self.page.wait_for_timeout(400)

    def run_workflow(self) -> dict:
        """Press Run as a person does, and return the run's history entry."""
        self.page.evaluate(
            """() => {
                window.outcome = new Promise((done) => {
                    for (const type of ["execution_success", "execution_error"]) {
                        app.api.addEventListener(type, ({ detail }) => done([type, detail]), { once: true });
                    }
                });
            }"""
        )
        self.page.click("[data-testid=queue-button]")
        kind, detail = self.page.evaluate("window.outcome")
        assert kind == "execution_success", detail
        return self.server.history(detail["prompt_id"])

    def close(self) -> None:
        self.context.close()
