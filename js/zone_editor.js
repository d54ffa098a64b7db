/**
 * Puts the zone editor on Anchor-Zone Mask. Only the binding is here; the editor itself is in lib/.
 *
 * The node's `zones` stays an ordinary text input, so that a workflow runs without this file, from the API and with a
 * linked text. The editor stands beside it: it hides the text box, reads it and writes it, and is saved nowhere itself.
 */

import { app } from "../../scripts/app.js";
import { pictureAddress } from "./lib/upstream_picture.js";
import { ZoneEditor } from "./lib/zone_editor_view.js";

const NODE = "EditFirst_AnchorZoneMask";
const TEXT = "zones";
const EDITOR = "zone_editor";
const SIZE = [540, 760];
const MIN_HEIGHT = 460; // of the editor; its style says the same for Nodes 2.0
const MARGIN = 6;
const WATCH_MS = 400;
const LINKED = "The zones come from the connected text. Disconnect it to draw here.";

let instances = 0;

app.registerExtension({
  name: "edit_first.zone_editor",
  nodeCreated(node) {
    if (node.comfyClass === NODE) attach(node);
  },
});

function attach(node) {
  const text = node.widgets?.find((widget) => widget.name === TEXT);
  if (!text) return;
  const editor = new ZoneEditor({
    onChange: (value) => {
      text.value = value;
      text.callback?.(value);
      rememberSoon();
    },
    forward: (event) => forwardToGraph(event, editor.element),
  });
  addEditor(node, editor);
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);

  const sync = () => {
    editor.setText(text.value ?? "");
    const linked = isLinked(node);
    editor.setReadOnly(linked ? LINKED : null);
    setHidden(text, !linked); // a link has to end somewhere that can be seen, and pulled off
    editor.setPicture(pictureAddress(app, node));
    editor.stage.sharpen();
  };
  // Nothing tells of a new picture upstream, or of a text set by another extension in every renderer; looking is cheap.
  setHidden(text, true);
  const watch = setInterval(() => editor.element.isConnected && node.graph && sync(), WATCH_MS);
  chain(node, "onConfigure", sync);
  chain(node, "onConnectionsChange", () => node.graph && sync());
  chain(node, "onRemoved", () => {
    clearInterval(watch);
    editor.dispose();
  });
}

function setHidden(widget, hidden) {
  widget.hidden = hidden; // for the classic canvas
  widget.options.hidden = hidden; // for Nodes 2.0
}

function addEditor(node, editor) {
  instances += 1;
  // A type of its own for every instance: after an undo, Nodes 2.0 keeps showing the removed node's element when name
  // and type are the same as before.
  const widget = node.addDOMWidget(EDITOR, `edit_first_zones:${instances}`, editor.element, {
    getValue: () => "",
    setValue: () => {},
    getMinHeight: () => MIN_HEIGHT + 2 * MARGIN,
    margin: MARGIN,
    hideOnZoom: false,
    hideInPanel: true,
    serialize: false,
  });
  widget.serialize = false;
  widget.label = "Zones";
}

function isLinked(node) {
  const input = node.inputs?.find(({ name, widget }) => (widget?.name ?? name) === TEXT);
  return input?.link != null;
}

/** Run something after what a node already does at an event. */
function chain(node, event, run) {
  const previous = node[event];
  node[event] = function (...given) {
    const result = previous?.apply(this, given);
    run();
    return result;
  };
}

let memory = 0;

/** Let the workflow's own undo see an edit made with keys; while typing, once at the end and not for every letter. */
function rememberSoon() {
  clearTimeout(memory);
  memory = setTimeout(() => app.extensionManager?.workflow?.activeWorkflow?.changeTracker?.captureCanvasState?.(), 500);
}

/**
 * Hand a gesture over the editor to the graph: in the classic canvas, elements over it swallow wheel and buttons.
 * Nodes 2.0 and App mode see to it themselves (there, the element is not in a `.dom-widget`).
 * @returns {boolean} whether the graph took it.
 */
function forwardToGraph(event, element) {
  const canvas = app.canvas?.canvas;
  if (!canvas || !element.closest(".dom-widget")) return false;
  if (event.type === "contextmenu") return true;
  const panning = event.button === 0 && app.canvas.read_only; // Space is held down over the graph
  if (event.type === "pointerdown" && event.button === 0 && !panning) return false;
  event.preventDefault();
  event.stopPropagation();
  canvas.dispatchEvent(new event.constructor(event.type, event));
  return true;
}
