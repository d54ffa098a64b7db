/**
 * Zones as data: reading and writing the JSON text, the selection, undo and redo. Knows nothing of the page.
 *
 * The rules mirror imaging/zones.py, which has the last word when the workflow runs. Zones are treated as immutable:
 * every edit makes a new list, so a history entry is a reference and not a copy.
 */

export const ROLES = ["anchor", "edit"];
export const SHAPES = ["box", "ellipse", "polygon", "brush", "mask"];

const MIN_POINTS = { box: 2, ellipse: 2, polygon: 3, brush: 1 };
const MAX_STRENGTH = 10;
const MAX_HISTORY = 200;
const DIGITS = 1e6; // six decimals: a hundredth of a pixel on a 16K frame, and half the text of a full double

/** Round to what the text keeps. */
export const round = (value) => Math.round(value * DIGITS) / DIGITS;

/**
 * Read zones from the node's text. Unknown keys are kept, so that nothing another tool wrote is lost.
 * @param {string} text JSON list; empty text is no zones.
 * @returns {object[]}
 * @throws {Error} with a message that names the zone at fault.
 */
export function parseZones(text) {
  if (!text.trim()) return [];
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not valid JSON: ${error.message}`);
  }
  if (!Array.isArray(value)) throw new Error("Expected a JSON list of zones, such as [] for none.");
  return value.map(checkZone);
}

function checkZone(value, index) {
  const fail = (problem) => {
    const name = typeof value?.name === "string" ? ` (“${value.name.slice(0, 40)}”)` : "";
    throw new Error(`Zone ${index + 1}${name}: ${problem}`);
  };
  if (value === null || typeof value !== "object" || Array.isArray(value)) fail("expected an object.");
  const zone = { name: `zone ${index + 1}`, prompt: "", strength: 1, ...value };
  if (typeof zone.name !== "string" || !zone.name.trim()) fail("the name must be a text that is not empty.");
  if (zone.name.trim().startsWith("*")) fail("a name must not start with *.");
  if (!ROLES.includes(zone.role)) fail(`role must be one of ${ROLES.join(", ")}.`);
  if (!SHAPES.includes(zone.shape)) fail(`shape must be one of ${SHAPES.join(", ")}.`);
  if (typeof zone.prompt !== "string") fail("prompt must be a text.");
  if (!isNumber(zone.strength, 0, MAX_STRENGTH)) fail(`strength must be a number from 0 to ${MAX_STRENGTH}.`);
  if (zone.shape === "mask") {
    if (typeof zone.png !== "string") fail("png must be the mask as base64 text.");
    return zone;
  }
  const problem = pointsProblem(zone);
  if (problem) fail(problem);
  if (zone.shape === "brush" && !(isNumber(zone.radius, 0, 1) && zone.radius > 0)) {
    fail("radius must be a number above 0, at most 1.");
  }
  return zone;
}

function isNumber(value, low, high) {
  return typeof value === "number" && value >= low && value <= high;
}

function pointsProblem({ points, shape }) {
  if (!Array.isArray(points)) return "points must be a list of [x, y] pairs.";
  for (const [index, point] of points.entries()) {
    if (point === null && shape === "brush") continue;
    if (!Array.isArray(point) || point.length !== 2 || !point.every(Number.isFinite)) {
      return `point ${index + 1} must be [x, y], two numbers from 0 to 1.`;
    }
  }
  const drawn = points.filter(Boolean).length;
  if ((shape === "box" || shape === "ellipse") && drawn !== 2) return `${shape} takes two opposite corners.`;
  return drawn < MIN_POINTS[shape] ? `${shape} takes at least ${MIN_POINTS[shape]} points.` : null;
}

/** Zones as the node's text. */
export function zonesToText(zones) {
  return JSON.stringify(zones);
}

/** Whether a zone may carry this name; the text form reserves a leading star for "all zones of a role". */
export function isName(name) {
  return name.trim() !== "" && !name.trim().startsWith("*");
}

/** The wished name, numbered when another zone has it ("face", "face 2"). */
export function freeName(zones, wished, except = -1) {
  const taken = new Set(zones.filter((_, index) => index !== except).map((zone) => zone.name));
  let name = wished;
  for (let number = 2; taken.has(name); number += 1) name = `${wished} ${number}`;
  return name;
}

/** The document of one editor. `onChange({settled})` fires after every edit; unsettled ones are drags under way. */
export class ZoneModel {
  #undo = [];
  #redo = [];
  #group = null;
  #onChange;

  constructor(onChange = () => {}) {
    this.#onChange = onChange;
    this.text = "[]";
    this.zones = [];
    this.selected = -1;
    this.error = null;
  }

  get zone() {
    return this.zones[this.selected] ?? null;
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  get canRedo() {
    return this.#redo.length > 0;
  }

  /**
   * Take text from outside (a loaded workflow, a hand). Text that cannot be read is kept exactly as it is, and no
   * edit is possible until it is mended: a half-typed list must never be replaced by an empty one.
   */
  load(text) {
    if (text === this.text) return;
    this.text = text;
    this.#undo = [];
    this.#redo = [];
    this.#group = null;
    try {
      this.zones = parseZones(text);
      this.error = null;
    } catch (error) {
      this.zones = [];
      this.error = error.message;
    }
    this.selected = Math.min(this.selected, this.zones.length - 1);
    this.#onChange({ settled: true, loaded: true });
  }

  select(index) {
    if (index === this.selected) return;
    this.#group = null;
    this.selected = index;
    this.#onChange({ settled: false });
  }

  /**
   * Replace the zones as one step that can be undone.
   * @param {object[]} zones
   * @param {object} options
   * @param {number} [options.selected]
   * @param {string} [options.group] consecutive edits of one group are a single step (a drag, a word being typed).
   * @param {boolean} [options.settled] false while a drag is under way: the text is written when it ends.
   */
  edit(zones, { selected = this.selected, group = null, settled = true } = {}) {
    if (this.error !== null) return;
    if (group === null || group !== this.#group) {
      this.#undo.push(this.#snapshot());
      if (this.#undo.length > MAX_HISTORY) this.#undo.shift();
    }
    this.#group = group;
    this.#redo = [];
    this.zones = zones;
    this.selected = selected;
    if (settled) this.text = zonesToText(zones);
    this.#onChange({ settled });
  }

  /** End a group of edits: the next one is a step of its own. Writes the text of a drag. */
  settle() {
    if (this.#group === null) return;
    this.#group = null;
    this.text = zonesToText(this.zones);
    this.#onChange({ settled: true });
  }

  /** Take back a group of edits as if it had never begun: a drag that was given up. */
  cancel() {
    if (this.#group === null) return;
    Object.assign(this, this.#undo.pop());
    this.settle();
  }

  /** Change some keys of one zone. */
  update(index, changes, options = {}) {
    this.edit(
      this.zones.map((zone, at) => (at === index ? { ...zone, ...changes } : zone)),
      options,
    );
  }

  add(zone, options = {}) {
    const named = { ...zone, name: freeName(this.zones, zone.name) };
    this.edit([...this.zones, named], { selected: this.zones.length, ...options });
  }

  remove(index) {
    if (!this.zones[index]) return;
    this.edit(
      this.zones.filter((_, at) => at !== index),
      { selected: Math.min(index, this.zones.length - 2) },
    );
  }

  /** Swap a zone with its neighbour: +1 brings it forward, -1 sends it back. */
  reorder(index, step) {
    const other = index + step;
    if (!this.zones[index] || !this.zones[other]) return;
    const zones = [...this.zones];
    [zones[index], zones[other]] = [zones[other], zones[index]];
    this.edit(zones, { selected: other });
  }

  undo() {
    this.#travel(this.#undo, this.#redo);
  }

  redo() {
    this.#travel(this.#redo, this.#undo);
  }

  #snapshot() {
    return { zones: this.zones, selected: this.selected };
  }

  #travel(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push(this.#snapshot());
    this.#group = null;
    this.zones = state.zones;
    this.selected = state.selected;
    this.text = zonesToText(this.zones);
    this.#onChange({ settled: true });
  }
}
