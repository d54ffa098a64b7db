/** The list of zones, front first, and the words and numbers of the selected one. */

import { element, icon, iconButton } from "./dom.js";
import { isName } from "./zone_model.js";

const PROMPT_HINT = {
  edit: "Prompt for this zone (Regional Prompt reads it)",
  anchor: "An anchor stays as it is: no prompt",
  none: "Select a zone to give it a prompt",
};

export class ZonePanel {
  #rows = [];
  #shown = "";

  /** @param {ZoneEditor} editor */
  constructor(editor) {
    this.editor = editor;
    this.model = editor.model;
    this.empty = element("div", { className: "ef-empty", textContent: "No zones yet" });
    this.list = element("div", { className: "ef-list", role: "list", ariaLabel: "Zones" }, [this.empty]);
    this.#buildFields();
    this.element = element("div", { className: "ef-side" }, [this.list, this.fields]);
  }

  #buildFields() {
    this.prompt = element("textarea", {
      className: "ef-prompt",
      rows: 2,
      maxLength: 20_000,
      ariaLabel: "Prompt of the zone",
    });
    this.strength = element("input", { type: "number", min: 0, max: 10, step: 0.05, ariaLabel: "Prompt strength" });
    this.radius = element("input", { type: "range", min: 0, max: 1, step: 0.001, ariaLabel: "Brush radius" });
    this.strengthField = element("label", { className: "ef-field", title: "Weight of the prompt, 0 to 10. 1 is normal, 0 is off." }, [
      "Strength",
      this.strength,
    ]);
    this.radiusField = element("label", { className: "ef-field", title: "Radius of the brush. [ and ] change it too." }, [
      "Brush",
      this.radius,
    ]);
    this.fields = element("div", { className: "ef-fields" }, [
      this.prompt,
      element("div", { className: "ef-numbers" }, [this.strengthField, this.radiusField]),
    ]);
    this.prompt.addEventListener("input", () => this.#update({ prompt: this.prompt.value }, "prompt"));
    this.strength.addEventListener("input", () => {
      const value = this.strength.valueAsNumber;
      if (value >= 0 && value <= 10) this.#update({ strength: value }, "strength");
    });
    this.radius.addEventListener("input", () => this.editor.stage.setRadius(fromSlider(this.radius.valueAsNumber), { group: "radius" }));
    for (const field of [this.prompt, this.strength, this.radius]) {
      field.addEventListener("change", () => this.model.settle());
    }
  }

  #update(changes, group) {
    if (this.model.zone) this.model.update(this.model.selected, changes, { group: `${group} ${this.model.selected}` });
  }

  /** Bring the page in line with the model; fields under the cursor keep what is being typed. */
  refresh() {
    const { model, editor } = this;
    const { zones, zone, selected } = model;
    while (this.#rows.length > zones.length) this.#rows.pop().root.remove();
    while (this.#rows.length < zones.length) this.#rows.push(this.#makeRow(this.#rows.length));
    zones.forEach((each, index) => this.#fillRow(this.#rows[index], each, index === selected));
    const { locked } = editor.stage;
    this.empty.hidden = zones.length > 0 || locked;
    this.prompt.disabled = this.strength.disabled = zone?.role !== "edit" || locked;
    this.prompt.placeholder = PROMPT_HINT[zone?.role ?? "none"];
    setValue(this.prompt, zone?.prompt ?? "");
    setValue(this.strength, String(zone?.strength ?? 1));
    this.radiusField.hidden = !(zone ? zone.shape === "brush" : editor.stage.tool === "brush");
    this.radius.disabled = locked;
    setValue(this.radius, String(toSlider(editor.stage.radius)));
    this.#scrollTo(selected, zones.length);
  }

  #scrollTo(selected, count) {
    const key = `${selected}/${count}`;
    if (key !== this.#shown && this.#rows[selected]) {
      const { root } = this.#rows[selected];
      const above = root.offsetTop < this.list.scrollTop;
      const below = root.offsetTop + root.offsetHeight > this.list.scrollTop + this.list.clientHeight;
      if (above || below) this.list.scrollTop = root.offsetTop - this.list.clientHeight / 2;
    }
    this.#shown = key;
  }

  #makeRow(index) {
    const { model, editor } = this;
    const name = element("input", { className: "ef-name", maxLength: 200, spellcheck: false, ariaLabel: "Zone name" });
    const role = iconButton("anchor", "Switch anchor and edit (X)", () => {
      model.select(index);
      editor.toggleRole();
    });
    const act = (glyph, title, run) =>
      iconButton(glyph, title, () => {
        model.select(index);
        run();
      });
    const shape = element("span", { className: "ef-shape" });
    const actions = element("span", { className: "ef-actions" }, [
      act("up", "Bring forward (Page Up)", () => editor.reorder(1)),
      act("down", "Send back (Page Down)", () => editor.reorder(-1)),
      act("copy", "Duplicate (Ctrl+D)", () => editor.duplicate()),
      act("trash", "Delete (Del)", () => editor.remove()),
    ]);
    const root = element("div", { className: "ef-zone", role: "listitem" }, [role, shape, name, actions]);
    root.addEventListener("pointerdown", () => {
      model.select(index);
      editor.stage.reveal(model.zone);
    });
    root.addEventListener("click", (event) => event.target === root && editor.stage.focus());
    name.addEventListener("input", () => {
      const wrong = !isName(name.value) || model.zones.some((zone, at) => at !== index && zone.name === name.value.trim());
      name.classList.toggle("ef-wrong", wrong);
      name.title = wrong ? "A name must be there, be the only one of its kind, and not start with *." : "";
      if (!wrong) model.update(index, { name: name.value.trim() }, { group: `name ${index}` });
    });
    name.addEventListener("change", () => {
      model.settle();
      name.value = model.zones[index]?.name ?? "";
      name.classList.remove("ef-wrong");
    });
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") {
        event.stopPropagation();
        editor.stage.focus();
      }
    });
    this.list.prepend(root); // the last zone is in front, and on top of the list
    return { root, name, role, shape };
  }

  #fillRow(row, zone, selected) {
    const { locked } = this.editor.stage;
    if (row.zone === zone && row.selected === selected && row.locked === locked) return; // zones are never changed
    Object.assign(row, { zone, selected, locked });
    row.root.classList.toggle("ef-selected", selected);
    row.root.ariaCurrent = String(selected);
    row.root.dataset.role = zone.role;
    setValue(row.name, zone.name);
    row.name.readOnly = locked;
    row.role.replaceChildren(icon(zone.role));
    row.role.setAttribute("aria-label", `${zone.role}; switch`);
    row.shape.replaceChildren(icon(zone.shape));
    row.shape.title = zone.shape;
    for (const button of row.root.querySelectorAll("button")) button.disabled = locked;
  }

  /** Put the cursor into the selected zone's name. */
  rename() {
    const row = this.#rows[this.model.selected];
    row?.name.focus();
    row?.name.select();
  }
}

/** Set a field unless someone is typing in it. */
function setValue(field, value) {
  if (document.activeElement !== field && field.value !== value) field.value = value;
}

// Radii feel even on a logarithmic slider: 0.1 % to 50 % of the shorter side.
const toSlider = (radius) => Math.log(radius / 0.001) / Math.log(500);
const fromSlider = (value) => 0.001 * 500 ** value;
