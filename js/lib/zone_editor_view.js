/**
 * The zone editor: tool bar, picture, list of zones, help. A DOM element in, JSON text out; knows nothing of ComfyUI,
 * so that it can be opened and tested on an empty page.
 */

import { addStyle, element, icon, iconButton } from "./dom.js";
import { moveZone } from "./zone_geometry.js";
import { ZoneModel, parseZones, zonesToText } from "./zone_model.js";
import { ZonePanel } from "./zone_panel.js";
import { SHORTCUTS, shortcutFor, spell } from "./zone_shortcuts.js";
import { TOOLS, ZoneStage } from "./zone_stage.js";
import { ZONE_STYLE } from "./zone_style.js";

const TOOL_TITLE = { select: "Select (V)", box: "Box (R)", ellipse: "Ellipse (E)", polygon: "Polygon (P)", brush: "Brush (B)" };
const DUPLICATE_SHIFT_PX = 12;
const MAX_TEXT_SHOWN = 200_000; // ten million characters hold a text box, and the page, for seconds

export class ZoneEditor {
  #url = null;
  #lastWritten = null;

  /**
   * @param {object} hooks
   * @param {(text: string) => void} hooks.onChange the zones' text after an edit; not called while a drag is under way.
   * @param {(event: Event) => boolean} hooks.forward hand a gesture (wheel, press, context menu) to the host; true when taken.
   */
  constructor({ onChange = () => {}, forward = () => false } = {}) {
    addStyle("edit-first-zone-editor", ZONE_STYLE);
    this.onChange = onChange;
    this.notice = null;
    this.model = new ZoneModel((change) => this.#edited(change));
    this.stage = new ZoneStage(this.model, {
      onState: () => this.refresh(),
      // In full screen there is no host to be seen.
      forward: (event) => !document.fullscreenElement && forward(event),
    });
    this.panel = new ZonePanel(this);
    this.#build();
    this.#listen();
    this.#lastWritten = this.model.text;
    this.refresh();
  }

  #build() {
    this.toolButtons = TOOLS.map((tool) => {
      const button = iconButton(tool, TOOL_TITLE[tool], () => this.#pick(() => this.stage.setTool(tool)));
      button.dataset.tool = tool;
      return button;
    });
    this.roleButtons = ["anchor", "edit"].map((role) => this.#roleButton(role));
    const button = (glyph, title, run) => iconButton(glyph, title, () => this.#pick(run));
    this.undoButton = button("undo", "Undo (Ctrl+Z)", () => this.undo());
    this.redoButton = button("redo", "Redo (Ctrl+Shift+Z)", () => this.redo());
    this.zoomLabel = element("button", { type: "button", className: "ef-button ef-zoom", title: "Fit the picture (0)" });
    this.zoomLabel.addEventListener("click", () => this.#pick(() => this.stage.fit()));
    this.textButton = iconButton("text", "Zones as text (JSON)", () => this.toggleText());
    this.helpButton = button("help", "Keyboard shortcuts (?)", () => this.toggleHelp());
    this.bar = element("div", { className: "ef-bar", role: "toolbar" }, [
      element("div", { className: "ef-group" }, this.toolButtons),
      element("div", { className: "ef-group ef-roles" }, this.roleButtons),
      element("div", { className: "ef-group ef-end" }, [
        this.undoButton,
        this.redoButton,
        this.zoomLabel,
        button("fullscreen", "Full screen (F)", () => this.toggleFullscreen()),
        this.textButton,
        this.helpButton,
      ]),
    ]);
    this.message = element("div", { className: "ef-message", role: "status" });
    this.help = buildHelp();
    this.#buildText();
    this.stage.element.append(this.message, this.help);
    this.hint = element("div", { className: "ef-hint", ariaLive: "polite" });
    const main = element("div", { className: "ef-main" }, [this.stage.element, this.panel.element]);
    this.element = element("div", { className: "ef-zones" }, [this.bar, main, this.textPane, this.hint]);
    // Hosts that pan with the wheel leave it to an element with this mark while it has the focus.
    this.element.dataset.captureWheel = "true";
  }

  #roleButton(role) {
    const title = role === "anchor" ? "Anchor: these pixels stay (X)" : "Edit: these pixels may change (X)";
    const word = element("span", { textContent: role === "anchor" ? "Anchor" : "Edit" });
    const button = element("button", { type: "button", className: "ef-button ef-role", title }, [icon(role), word]);
    button.dataset.role = role;
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => this.#pick(() => this.stage.setRole(role)));
    return button;
  }

  #buildText() {
    this.textArea = element("textarea", { className: "ef-json", spellcheck: false, ariaLabel: "Zones as JSON text" });
    this.clearButton = element("button", { type: "button", className: "ef-button ef-words", textContent: "Discard and start over" });
    this.textPane = element("div", { className: "ef-text", hidden: true }, [this.textArea, this.clearButton]);
    this.textArea.addEventListener("input", () => this.model.load(this.textArea.value));
    this.textArea.addEventListener("keydown", (event) => event.key === "Escape" && this.toggleText());
    this.clearButton.addEventListener("click", () => {
      this.setText("[]", { write: true });
      this.toggleText();
    });
  }

  #listen() {
    const { keys } = this.stage;
    keys.addEventListener("keydown", (event) => this.#keyDown(event));
    keys.addEventListener("keyup", (event) => this.#keyUp(event));
    keys.addEventListener("focus", () => this.refresh());
    keys.addEventListener("blur", () => {
      this.stage.panning = this.stage.bare = false;
      this.refresh();
    });
    for (const type of ["copy", "cut"]) keys.addEventListener(type, (event) => this.#copy(event, type === "cut"));
    keys.addEventListener("paste", (event) => this.#paste(event));
    this.element.addEventListener("fullscreenchange", () => this.stage.fit());
  }

  /** Do what a button says, and give the keys back to the picture. */
  #pick(run) {
    this.stage.focus();
    run();
  }

  #keyDown(event) {
    if (event.key === " " || event.key.toLowerCase() === "h") {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.key === " ") this.stage.panning = true;
      else this.stage.bare = true;
      this.stage.redraw();
      return;
    }
    const shortcut = shortcutFor(event);
    if (!shortcut) return;
    event.preventDefault();
    event.stopPropagation();
    // A key must not pull the zone from under the pointer that drags it.
    if (!this.stage.dragging || event.key === "Escape") shortcut.run(this);
  }

  #keyUp(event) {
    if (event.key === " ") this.stage.panning = false;
    if (event.key.toLowerCase() === "h") this.stage.bare = false;
    this.stage.redraw();
  }

  #edited({ settled, loaded = false }) {
    this.refresh();
    if (!settled || this.model.text === this.#lastWritten) return;
    this.#lastWritten = this.model.text;
    if (!loaded || this.textTyped) this.onChange(this.model.text);
  }

  // --- for the host ---------------------------------------------------------------------------------------------------

  get text() {
    return this.model.text;
  }

  /** Whether the text was typed into the editor itself, and so has to go out as well. */
  get textTyped() {
    return document.activeElement === this.textArea || this.writing;
  }

  /** Take the zones' text from outside; the same text again changes nothing. */
  setText(text, { write = false } = {}) {
    this.writing = write;
    this.model.load(text);
    this.writing = false;
  }

  /** Show the picture at an address; null shows an empty frame with a word of what to do. */
  setPicture(url) {
    if (url === this.#url) return;
    this.#url = url;
    if (!url) {
      this.stage.setPicture(null);
      this.refresh();
      return;
    }
    const picture = new Image();
    picture.onload = () => url === this.#url && this.stage.setPicture(picture);
    picture.onerror = () => url === this.#url && this.stage.setPicture(null);
    picture.src = url;
  }

  /** Forbid edits, with the reason; null allows them. */
  setReadOnly(reason) {
    if (reason === this.notice) return;
    this.notice = reason;
    this.stage.locked = reason !== null;
    this.stage.cancel();
    this.refresh();
  }

  dispose() {
    this.stage.dispose();
  }

  // --- commands (buttons and keys) ---------------------------------------------------------------------------------------

  get #may() {
    return !this.stage.locked && this.model.error === null;
  }

  undo() {
    if (this.stage.dropLastCorner()) return;
    if (!this.#may) return;
    if (this.model.canUndo) this.model.undo();
    else this.#say("Nothing to undo here. Click the graph first to undo in the workflow.");
  }

  redo() {
    if (this.#may) this.model.redo();
  }

  toggleRole() {
    this.stage.setRole(this.stage.role === "anchor" ? "edit" : "anchor");
  }

  remove() {
    if (this.stage.dropLastCorner()) return;
    if (this.#may) this.model.remove(this.model.selected);
  }

  reorder(step) {
    if (this.#may) this.model.reorder(this.model.selected, step);
  }

  duplicate() {
    if (this.#may && this.model.zone) this.#insert([this.model.zone]);
  }

  /** Add copies, shifted a little so that they can be seen. */
  #insert(zones) {
    const shift = DUPLICATE_SHIFT_PX;
    const { size } = this.stage;
    for (const zone of zones) this.model.add(moveZone(zone, shift / size.width, shift / size.height, size));
  }

  confirm() {
    if (this.stage.cornerCount) this.stage.finishPolygon();
    else this.panel.rename();
  }

  escape() {
    if (!this.help.hidden) this.toggleHelp();
    else if (this.stage.drawing) this.stage.cancel();
    else if (this.model.zone) this.model.select(-1);
    else this.stage.keys.blur();
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    this.refresh();
  }

  toggleText() {
    this.textPane.hidden = !this.textPane.hidden;
    this.refresh();
    if (this.textPane.hidden) this.stage.focus();
    else this.textArea.focus();
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen();
  }

  /** The selected zone as JSON on the clipboard: zones travel between editors, and into a text file. */
  #copy(event, cut) {
    if (!this.model.zone) return;
    event.preventDefault();
    event.stopPropagation();
    event.clipboardData.setData("text/plain", zonesToText([this.model.zone]));
    if (cut) this.remove();
  }

  #paste(event) {
    event.preventDefault();
    event.stopPropagation();
    if (!this.#may) return;
    try {
      this.#insert(parseZones(event.clipboardData.getData("text/plain")));
    } catch {
      this.#say("The clipboard holds no zones.");
    }
  }

  // --- what is shown -------------------------------------------------------------------------------------------------------

  #say(text) {
    this.hint.textContent = text;
  }

  refresh() {
    const { model, stage } = this;
    if (!this.element) return; // still being built
    for (const button of this.toolButtons) {
      button.ariaPressed = String(button.dataset.tool === stage.tool);
      button.disabled = !this.#may && button.dataset.tool !== "select";
    }
    for (const button of this.roleButtons) {
      button.ariaPressed = String(button.dataset.role === stage.role);
      button.disabled = !this.#may;
    }
    this.undoButton.disabled = !this.#may || !(model.canUndo || stage.cornerCount);
    this.redoButton.disabled = !this.#may || !model.canRedo;
    this.zoomLabel.textContent = stage.view ? `${Math.round(stage.view.scale * 100)} %` : "";
    this.helpButton.ariaPressed = String(!this.help.hidden);
    this.textButton.ariaPressed = String(!this.textPane.hidden);
    this.element.classList.toggle("ef-focused", stage.focused);
    this.clearButton.hidden = model.error === null || stage.locked;
    this.#refreshMessage();
    this.#refreshText();
    this.panel.refresh();
    this.#say(this.#advice());
    stage.redraw();
  }

  #refreshMessage() {
    const { error } = this.model;
    const wrong = error !== null && "The zones' text cannot be read, and is left as it is. ";
    const empty = !this.stage.picture && "No picture yet: connect an image, and run once if it is made by the workflow. Zones can be drawn already.";
    this.message.classList.toggle("ef-error", Boolean(wrong));
    this.message.textContent = this.notice ?? (wrong ? wrong + error : empty || "");
    this.message.hidden = !this.message.textContent;
    if (wrong) this.textPane.hidden = false;
  }

  #refreshText() {
    if (this.textPane.hidden || document.activeElement === this.textArea) return;
    const { text } = this.model;
    const long = text.length > MAX_TEXT_SHOWN;
    this.textArea.value = long ? "" : text;
    this.textArea.placeholder = long ? `The text has ${text.length} characters: too many to show.` : "";
    this.textArea.readOnly = long || this.stage.locked;
  }

  /** What can be done now, in a line. */
  #advice() {
    const { model, stage } = this;
    if (stage.locked || model.error !== null) return "";
    if (stage.cornerCount) return "Click to add corners · Enter or the first corner closes · Backspace takes one back · Esc gives up";
    if (stage.tool === "brush") {
      const onto = model.zone?.shape === "brush" && model.zone.name;
      return onto ? `Paint to add to “${onto}” · [ ] size · Esc, then paint: a new zone` : "Paint a zone · [ ] size · X anchor or edit";
    }
    if (stage.tool === "polygon") return "Click corner by corner · X anchor or edit";
    if (stage.tool !== "select") return "Drag over the picture · Shift equal sides · Alt from the middle · X anchor or edit";
    if (model.zone?.shape === "polygon") return "Drag corners · double-click an edge adds one · Alt+click removes one";
    if (model.zone) return "Drag to move · handles resize · Del deletes · Enter renames · ? all keys";
    return model.zones.length ? "Click a zone to select it · Alt+click: the one below · ? all keys" : "Draw with R box, E ellipse, P polygon, B brush · ? all keys";
  }
}

function buildHelp() {
  const columns = Object.entries(SHORTCUTS).map(([title, shortcuts]) => {
    const lines = shortcuts
      .filter(({ label }) => label)
      .map((shortcut) => element("div", { className: "ef-key" }, [element("kbd", { textContent: spell(shortcut) }), element("span", { textContent: shortcut.label })]));
    return element("section", {}, [element("h4", { textContent: title }), ...lines]);
  });
  return element("div", { className: "ef-help", hidden: true }, columns);
}
