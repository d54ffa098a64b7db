/**
 * Puts a report panel on every node that gives out one of our reports. Only the binding is here; the panel is in lib/.
 *
 * The nodes also give out the report as text and the heat map as an ordinary preview, so that nothing is lost where this
 * file is not loaded.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { ReportPanel } from "./lib/report_panel.js";

const PREFIX = "EditFirst_";
const REPORT = "edit_first";
const VIEW = "edit_first_view";
const PANEL = "report_panel";
const MARGIN = 6;
const WIDTH = 320; // a node is at least as wide
const HEIGHTS = { closed: 62, bare: 190, pictured: 380 }; // of the panel
const TITLE_HEIGHT = 40; // of a node below, with a little air
const REMEMBERED_RUNS = 8;

const rootGraph = () => app.rootGraph ?? app.graph; // older frontends have the latter only
const panels = new WeakMap(); // node -> its panel
let instances = 0;

app.registerExtension({
  name: "edit_first.report",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith(PREFIX)) return;
    const previous = node.onExecuted;
    node.onExecuted = function (output, ...more) {
      const result = previous?.call(this, output, ...more);
      show(node, output);
      return result;
    };
  },
  afterConfigureGraph() {
    recall();
  },
});

/** Show what a node gave out; a node without a report gets no panel. */
function show(node, output) {
  const value = output?.[REPORT]?.[0];
  if (!value) return;
  const pictures = picturesOf(output);
  const known = panels.get(node);
  const panel = known ?? attach(node);
  if (!panel.show(value, pictures)) return;
  keepPreviewAway(node, output);
  if (!known) panel.setOpen(hasRoom(node, panel));
  makeRoom(node, panel);
}

function attach(node) {
  const panel = new ReportPanel({ onToggle: () => makeRoom(node, panel, { shrink: !panel.open }) });
  panels.set(node, panel);
  instances += 1;
  // A type of its own for every instance: after an undo, Nodes 2.0 keeps showing the removed node's element when name
  // and type are the same as before.
  const widget = node.addDOMWidget(PANEL, `edit_first_report:${instances}`, panel.element, {
    getValue: () => "",
    setValue: () => {},
    getMinHeight: () => heightOf(panel) + 2 * MARGIN,
    margin: MARGIN,
    hideOnZoom: false,
    hideInPanel: true,
    serialize: false,
  });
  widget.serialize = false;
  widget.label = "Report";
  panel.element.addEventListener("wheel", (event) => forward(event, panel.element), { passive: false });
  panel.element.addEventListener("pointerdown", (event) => forward(event, panel.element));
  const previous = node.onRemoved;
  node.onRemoved = function (...given) {
    panel.dispose();
    panels.delete(node);
    return previous?.apply(this, given);
  };
  return panel;
}

/** The panel shows the node's pictures itself; the plain preview of the same would stand below it. */
function keepPreviewAway(node, output) {
  node.hideOutputImages = true; // for Nodes 2.0
  node.images = stored(node)?.images ?? output.images; // for the classic canvas: these are shown already
}

function stored(node) {
  const { graph } = node;
  const inRoot = !graph || graph === app.rootGraph || graph.isRootGraph;
  return app.nodeOutputs?.[inRoot ? String(node.id) : `${graph.id}:${node.id}`];
}

function heightOf(panel) {
  if (!panel.open) return HEIGHTS.closed;
  return panel.shown ? HEIGHTS.pictured : HEIGHTS.bare;
}

/** Whether the open panel fits: the node is large enough already, or growing covers no other node. */
function hasRoom(node, panel) {
  panel.setOpen(true);
  const height = node.computeSize()[1];
  if (node.size[1] >= height) return true;
  const [left, top] = node.pos;
  const right = left + Math.max(node.size[0], WIDTH);
  return !node.graph.nodes.some(({ id, pos, size }) => {
    const below = pos[1] > top && pos[1] < top + height + TITLE_HEIGHT;
    return id !== node.id && below && pos[0] < right && pos[0] + size[0] > left;
  });
}

function makeRoom(node, panel, { shrink = false } = {}) {
  panel.element.style.minHeight = `${heightOf(panel)}px`; // for Nodes 2.0
  const needed = node.computeSize()[1];
  node.setSize([Math.max(node.size[0], WIDTH), shrink ? needed : Math.max(node.size[1], needed)]);
  node.setDirtyCanvas?.(true, true);
}

function picturesOf(output) {
  const view = output[VIEW]?.[0];
  const images = (output.images ?? []).filter(Boolean);
  if (!view || !images.length) return null;
  const first = view.overview && images.length > (view.frames?.length ?? 0) ? 1 : 0; // a sheet comes before the frames
  const pictures = images.map((image, i) => {
    const frame = i < first ? null : (view.frames?.[i - first] ?? i - first);
    return { src: address(image), frame, ...(i < first ? view.overview : {}) };
  });
  return { width: view.width, height: view.height, pictures };
}

function address({ filename, subfolder = "", type = "output" }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

/** After a page or workflow was loaded: what the page still knows, else what the server's history holds of its last run. */
async function recall() {
  const nodes = rootGraph().nodes.filter((node) => node.comfyClass?.startsWith(PREFIX));
  if (!nodes.length) return;
  const outputs = await lastOutputs();
  for (const node of nodes) {
    if (panels.has(node)) continue; // it has run in the meantime
    show(node, stored(node) ?? outputs[node.id]);
  }
}

async function lastOutputs() {
  try {
    const answer = await api.fetchApi(`/history?max_items=${REMEMBERED_RUNS}`);
    const runs = Object.values(await answer.json());
    return runs.filter(({ prompt }) => isShown(prompt?.[3]?.extra_pnginfo?.workflow)).at(-1)?.outputs ?? {};
  } catch {
    return {}; // an older or foreign server; the next run fills the panel
  }
}

/**
 * Whether a recorded workflow is the one on the page, node for node: a template opened afresh has the id of the copy that
 * ran before, but not its zones or pictures, and a verdict on those would be a false one.
 */
function isShown(recorded) {
  const now = rootGraph().serialize();
  if (recorded?.id !== now.id || recorded.nodes.length !== now.nodes.length) return false;
  const before = new Map(recorded.nodes.map((node) => [node.id, node]));
  return now.nodes.every((node) => sameInputs(node, before.get(node.id)));
}

function sameInputs(node, before) {
  if (before?.type !== node.type || before.mode !== node.mode) return false;
  const live = rootGraph().getNodeById(node.id);
  const moving = (index) => live?.widgets?.[index]?.linkedWidgets?.length; // a seed that counts on after every run
  const values = [node, before].map(({ widgets_values: all }) =>
    JSON.stringify(Array.isArray(all) ? all.filter((_, index) => !moving(index)) : all),
  );
  return values[0] === values[1];
}

/** In the classic canvas elements over the graph swallow zooming and panning; hand them on, but scroll the table. */
function forward(event, element) {
  const canvas = app.canvas?.canvas;
  if (!canvas || !element.closest(".dom-widget")) return;
  const scroll = event.target.closest?.(".ef-scroll, .ef-sentence");
  const scrolls = event.type === "wheel" && !event.ctrlKey && scroll && scroll.scrollHeight > scroll.clientHeight;
  if (scrolls || (event.type === "pointerdown" && event.button === 0 && !app.canvas.read_only)) return;
  event.preventDefault();
  event.stopPropagation();
  canvas.dispatchEvent(new event.constructor(event.type, event));
}
