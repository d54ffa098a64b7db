/** Every key of the zone editor, once: what it does, and the line that tells of it in the help. */

const WHOLE = 1;
const FAR = 10;
const RADIUS_STEP = 1.15;

/**
 * @typedef {object} Shortcut
 * @property {string[]} keys "Ctrl+Shift+Z"; letters as typed without Caps Lock. Ctrl stands for the Mac's Command too.
 * @property {string} [show] how the help spells them, when not as they are.
 * @property {string} label
 * @property {(editor: ZoneEditor) => void} run
 */

const tool = (key, name, label) => ({ keys: [key], label, run: (editor) => editor.stage.setTool(name) });

/** @type {Record<string, Shortcut[]>} */
export const SHORTCUTS = {
  Draw: [
    tool("V", "select", "Select, move, resize"),
    tool("R", "box", "Box (Shift: square, Alt: from the middle)"),
    tool("E", "ellipse", "Ellipse (Shift: circle, Alt: from the middle)"),
    tool("P", "polygon", "Polygon, corner by corner"),
    tool("B", "brush", "Brush; paints onto the selected stroke"),
    { keys: ["X"], label: "Switch anchor and edit", run: (editor) => editor.toggleRole() },
    { keys: ["["], label: "Smaller brush", run: ({ stage }) => stage.setRadius(stage.radius / RADIUS_STEP) },
    { keys: ["]"], label: "Larger brush", run: ({ stage }) => stage.setRadius(stage.radius * RADIUS_STEP) },
    { keys: ["Enter"], label: "Close the polygon, or name the zone", run: (editor) => editor.confirm() },
    { keys: ["Escape"], show: "Esc", label: "Give up, then deselect", run: (editor) => editor.escape() },
  ],
  Arrange: [
    { keys: ["Delete", "Backspace"], show: "Del", label: "Delete the zone", run: (editor) => editor.remove() },
    { keys: ["Ctrl+D"], label: "Duplicate", run: (editor) => editor.duplicate() },
    { keys: ["PageUp"], show: "Page Up", label: "Bring forward", run: (editor) => editor.reorder(1) },
    { keys: ["PageDown"], show: "Page Down", label: "Send back", run: (editor) => editor.reorder(-1) },
    { keys: ["ArrowLeft"], show: "← ↑ → ↓", label: "Move by 1 px (Shift: 10 px)", run: nudge(-WHOLE, 0) },
    ...[
      ["ArrowRight", nudge(WHOLE, 0)],
      ["ArrowUp", nudge(0, -WHOLE)],
      ["ArrowDown", nudge(0, WHOLE)],
      ["Shift+ArrowLeft", nudge(-FAR, 0)],
      ["Shift+ArrowRight", nudge(FAR, 0)],
      ["Shift+ArrowUp", nudge(0, -FAR)],
      ["Shift+ArrowDown", nudge(0, FAR)],
    ].map(([key, run]) => ({ keys: [key], label: "", run })),
    { keys: ["Ctrl+Z"], label: "Undo", run: (editor) => editor.undo() },
    { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], show: "Ctrl+Shift+Z", label: "Redo", run: (editor) => editor.redo() },
  ],
  View: [
    { keys: ["0"], label: "Fit the picture", run: ({ stage }) => stage.fit() },
    { keys: ["1"], label: "Actual size", run: ({ stage }) => stage.actualSize() },
    { keys: ["+", "="], show: "+", label: "Zoom in (also: wheel)", run: ({ stage }) => stage.zoom(1.25) },
    { keys: ["-"], show: "−", label: "Zoom out", run: ({ stage }) => stage.zoom(0.8) },
    { keys: [], show: "Space", label: "Hold and drag: pan" },
    { keys: [], show: "H", label: "Hold: hide the zones" },
    { keys: ["F"], label: "Full screen", run: (editor) => editor.toggleFullscreen() },
    { keys: ["?"], label: "This help", run: (editor) => editor.toggleHelp() },
  ],
};

function nudge(dx, dy) {
  return ({ stage }) => stage.nudge(dx, dy);
}

const BY_KEY = new Map(
  Object.values(SHORTCUTS)
    .flat()
    .flatMap((shortcut) => shortcut.keys.map((key) => [key.toUpperCase(), shortcut])),
);

/** The shortcut of a key press, or undefined. */
export function shortcutFor(event) {
  // Many keyboards make [ and ] with AltGr, which says Ctrl and Alt as well.
  const composed = event.getModifierState("AltGraph");
  if (event.altKey && !composed) return undefined;
  const control = (event.ctrlKey || event.metaKey) && !composed;
  const printable = event.key.length === 1;
  const letter = printable && event.key.toUpperCase() !== event.key.toLowerCase();
  // Shift is already in a sign such as ? or +; it counts for letters and for keys without a sign.
  const shift = event.shiftKey && (!printable || (letter && control));
  const parts = [control ? "Ctrl" : "", shift ? "Shift" : "", event.key];
  return BY_KEY.get(parts.filter(Boolean).join("+").toUpperCase());
}

/** Key names as one short text, for tooltips. */
export function spell({ keys, show }) {
  return show ?? keys.join(" / ");
}
