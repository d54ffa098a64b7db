/**
 * The picture with its zones: what is shown, where the pointer is, zooming and panning. What a press does is in
 * zone_tools.js. Edits go to the model; what is half drawn lives here.
 */

import { MaskStore, ZonePainter } from "./zone_drawing.js";
import { bounds, fitView, handles, insertCorner, moveZone, snap, zonesAt, zoomView } from "./zone_geometry.js";
import { freeName, round } from "./zone_model.js";
import { CLICK, grab, paint, pan, resize, span } from "./zone_tools.js";

export const TOOLS = ["select", "box", "ellipse", "polygon", "brush"];

const NO_PICTURE = { width: 1024, height: 1024 }; // zones are fractions: they fit whatever picture comes
const MARGIN = 14;
const REACH = 8; // view pixels within which a handle or an edge is caught
const ZOOM_STEP = 1.2;
const MAX_ZOOM = 32;
const MAX_DENSITY = 3;
const RADIUS = { initial: 0.03, low: 0.001, high: 0.5 };
const RESIZE_CURSOR = { n: "ns", s: "ns", e: "ew", w: "ew", nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw" };

export class ZoneStage {
  #drag = null;
  #dragger = 0; // the pointer that drags
  #pointer = null;
  #corners = null; // of a polygon being drawn
  #frame = 0;
  #painter = new ZonePainter();
  #masks = new MaskStore(() => this.redraw());

  /**
   * @param {ZoneModel} model
   * @param {object} hooks
   * @param {() => void} hooks.onState the tool, the role, the brush or the zoom has changed.
   * @param {(event: Event) => boolean} hooks.forward hand a gesture to the host; true when it took it.
   */
  constructor(model, { onState = () => {}, forward = () => false } = {}) {
    Object.assign(this, { model, onState, forward });
    this.tool = "select";
    this.newRole = "edit";
    this.newRadius = RADIUS.initial;
    this.locked = false;
    this.size = NO_PICTURE;
    this.picture = null;
    this.view = null;
    this.fitted = true;
    this.draft = null; // the zone that a tool is drawing
    this.panning = false;
    this.bare = false;
    this.#build();
  }

  #build() {
    this.element = document.createElement("div");
    this.element.className = "ef-stage";
    this.canvas = document.createElement("canvas");
    // A text field has the focus, not the canvas: hosts leave its keys alone, undo and paste included.
    this.keys = document.createElement("textarea");
    Object.assign(this.keys, { className: "ef-keys", readOnly: true });
    this.keys.setAttribute("aria-label", "Zone editor. Press ? for the keyboard shortcuts.");
    this.element.append(this.canvas, this.keys);
    const on = (type, handler) => this.canvas.addEventListener(type, handler);
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#release(event));
    on("pointercancel", () => this.cancel());
    on("pointerleave", () => this.#hover(null));
    on("dblclick", (event) => this.#doubleClick(event));
    on("mousedown", (event) => event.preventDefault()); // keeps the focus in the text field
    on("contextmenu", (event) => this.forward(event) && event.preventDefault());
    this.canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.observer = new ResizeObserver(() => this.#resized());
    this.observer.observe(this.canvas);
  }

  get role() {
    return this.model.zone?.role ?? this.newRole;
  }

  get radius() {
    return this.model.zone?.shape === "brush" ? this.model.zone.radius : this.newRadius;
  }

  get dragging() {
    return this.#drag !== null;
  }

  get drawing() {
    return this.dragging || this.#corners !== null;
  }

  /** Corners of a polygon under way; 0 when there is none. */
  get cornerCount() {
    return this.#corners?.length ?? 0;
  }

  focus() {
    this.keys.focus({ preventScroll: true });
  }

  get focused() {
    return document.activeElement === this.keys;
  }

  setTool(tool) {
    this.cancel();
    this.tool = tool;
    this.#changed();
  }

  /** The role of the selected zone, and of the zones drawn from now on. */
  setRole(role) {
    this.newRole = role;
    const { zone, zones, selected } = this.model;
    if (zone && !this.locked) {
      const unnamed = new RegExp(`^${zone.role}( \\d+)?$`).test(zone.name); // still has the name it was born with
      this.model.update(selected, unnamed ? { role, name: freeName(zones, role, selected) } : { role });
    }
    this.#changed();
  }

  /** The radius of the selected stroke, and of the strokes painted from now on. */
  setRadius(radius, { group = null } = {}) {
    this.newRadius = Math.min(Math.max(round(radius), RADIUS.low), RADIUS.high);
    if (this.model.zone?.shape === "brush" && !this.locked) {
      this.model.update(this.model.selected, { radius: this.newRadius }, { group });
    }
    this.#changed();
  }

  /** Show a loaded picture; null shows an empty frame. */
  setPicture(picture) {
    const size = picture ? { width: picture.naturalWidth, height: picture.naturalHeight } : NO_PICTURE;
    const reshaped = size.width !== this.size.width || size.height !== this.size.height;
    this.picture = picture;
    this.size = size;
    if (reshaped) this.fit();
    this.#changed();
  }

  // --- view -------------------------------------------------------------------------------------------------------

  fit() {
    this.fitted = true;
    this.view = fitView(this.#extent(), this.size, MARGIN);
    this.#changed();
  }

  /** Zoom by a factor around a place of the view; its middle when none is given. */
  zoom(factor, around = null) {
    const { width, height } = this.#extent();
    const low = fitView({ width, height }, this.size, MARGIN).scale / 4;
    this.view = zoomView(this.view ?? this.#fitted(), factor, around ?? [width / 2, height / 2], { low, high: MAX_ZOOM });
    this.fitted = false;
    this.#changed();
  }

  /** One picture pixel on one view pixel. */
  actualSize() {
    this.zoom(1 / this.view.scale);
  }

  #fitted() {
    return fitView(this.#extent(), this.size, MARGIN);
  }

  #extent() {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  #resized() {
    if (this.fitted || !this.view) this.view = this.#fitted();
    this.redraw();
    this.onState();
  }

  #changed() {
    this.redraw();
    this.onState();
  }

  // --- pointer ----------------------------------------------------------------------------------------------------

  /** Place of a pointer event in view pixels; hosts scale the editor, so a screen pixel is not one of ours. */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const shrink = this.canvas.clientWidth / (box.width || 1);
    return [(event.clientX - box.left) * shrink, (event.clientY - box.top) * shrink];
  }

  /** View pixels to picture fractions. */
  fraction([x, y]) {
    const { scale } = this.view;
    return [(x - this.view.x) / (this.size.width * scale), (y - this.view.y) / (this.size.height * scale)];
  }

  /** Picture fractions to view pixels. */
  place([x, y]) {
    const { scale } = this.view;
    return [this.view.x + x * this.size.width * scale, this.view.y + y * this.size.height * scale];
  }

  /** View pixels to picture pixels. */
  reach(viewPx) {
    return viewPx / this.view.scale;
  }

  #press(event) {
    if (this.#drag || this.forward(event) || event.button > 1) return; // a second finger begins nothing
    this.focus();
    this.#pointer = this.fraction(this.#at(event));
    if (event.button === 1 || this.panning) this.#drag = pan(this, this.#at(event));
    else if (!this.locked && this.model.error === null) this.#drag = this.#begin(event);
    if (this.#drag) {
      this.#dragger = event.pointerId;
      this.canvas.setPointerCapture(event.pointerId);
    }
    this.#changed();
  }

  /** What a press does: grab a handle, or what the tool says. */
  #begin(event) {
    const start = this.#pointer;
    const handle = this.#handleAt(this.#at(event));
    if (handle && !this.#corners) {
      if (event.altKey && this.model.zone.shape === "polygon") return this.#dropCorner(handle);
      return resize(this, handle);
    }
    if (this.tool === "polygon") return this.#addCorner(event);
    if (this.tool === "brush") return paint(this, start);
    if (this.tool === "box" || this.tool === "ellipse") return span(this, start);
    return grab(this, start, event.altKey);
  }

  #move(event) {
    const at = this.#at(event);
    if (!this.view || (this.#drag && event.pointerId !== this.#dragger)) return;
    if (this.#drag) {
      // Strokes need every sample the device made, not only the last of a frame.
      const samples = this.#drag.everySample ? (event.getCoalescedEvents?.() ?? []) : [];
      for (const sample of samples.length ? samples : [event]) this.#drag.move(this.#at(sample), event);
    }
    this.#hover(this.fraction(at), at);
  }

  #hover(point, at = null) {
    this.#pointer = point;
    this.canvas.style.cursor = point ? this.#cursor(at) : "";
    this.redraw();
  }

  #cursor(at) {
    if (this.panning) return this.#drag ? "grabbing" : "grab";
    if (this.locked || this.model.error !== null) return "not-allowed";
    const handle = this.#drag ? null : this.#handleAt(at);
    if (handle) return RESIZE_CURSOR[handle.id] ? `${RESIZE_CURSOR[handle.id]}-resize` : "pointer";
    if (this.tool === "brush") return "none";
    if (this.tool !== "select") return "crosshair";
    return this.zonesAt(this.#pointer).length ? "move" : "default";
  }

  #release(event) {
    if (!this.#drag || event.pointerId !== this.#dragger) return;
    const drag = this.#drag;
    this.#drag = null;
    drag.end?.(event);
    this.#changed();
  }

  /** Give up what is half drawn. */
  cancel() {
    this.#drag?.cancel?.();
    this.#drag = null;
    this.draft = null;
    this.#corners = null;
    this.#changed();
  }

  #handleAt([x, y]) {
    const { zone } = this.model;
    if (!zone || this.locked) return null;
    let best = { distance: REACH, handle: null };
    for (const handle of handles(zone)) {
      const [hx, hy] = this.place([handle.x, handle.y]);
      const distance = Math.hypot(hx - x, hy - y);
      if (distance <= best.distance) best = { distance, handle };
    }
    return best.handle;
  }

  /** Zones under a point of the picture, front first. */
  zonesAt(point) {
    return zonesAt(this.model.zones, point, this.size, (zone, x, y) => this.#masks.coverage(zone, x, y));
  }

  #wheel(event) {
    const ours = document.fullscreenElement || (this.focused && !event.ctrlKey && !event.metaKey);
    if (!ours) {
      this.forward(event); // the graph's zoom, or the page's own scrolling
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.zoom(ZOOM_STEP ** (-Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY) / 100, 3)), this.#at(event));
  }

  #doubleClick(event) {
    if (this.locked || this.model.error !== null) return;
    if (this.#corners) {
      this.finishPolygon();
      return;
    }
    const { zone } = this.model;
    if (zone?.shape !== "polygon") return;
    const changed = insertCorner(zone, this.fraction(this.#at(event)), this.size, this.reach(REACH));
    if (changed) this.model.update(this.model.selected, changed);
  }

  // --- polygons: clicks, not a drag -------------------------------------------------------------------------------

  /** A click adds a corner; on the first corner it closes the polygon. */
  #addCorner(event) {
    const [x, y] = this.#at(event);
    const near = (corner, reach) => {
      const [cornerX, cornerY] = this.place(corner);
      return Math.hypot(cornerX - x, cornerY - y) <= reach;
    };
    if (this.cornerCount >= 3 && near(this.#corners[0], REACH)) {
      this.finishPolygon();
    } else if (!this.#corners) {
      this.newRole = this.role; // drawing on goes with the role that was shown
      this.model.select(-1);
      this.#corners = [snap(this.#pointer, this.size)];
    } else if (!near(this.#corners.at(-1), CLICK)) { // the second press of a double click adds nothing
      this.#corners = [...this.#corners, snap(this.#pointer, this.size)];
    }
    return null;
  }

  /** Close the polygon under way; too few corners are thrown away. */
  finishPolygon() {
    const points = this.#corners;
    this.#corners = null;
    if (points?.length >= 3) this.model.add({ ...this.fresh("polygon"), points });
    this.#changed();
  }

  /** Take back the last corner; true when there was one. */
  dropLastCorner() {
    if (!this.#corners) return false;
    this.#corners = this.#corners.length > 1 ? this.#corners.slice(0, -1) : null;
    this.#changed();
    return true;
  }

  #dropCorner(handle) {
    const { zone, selected } = this.model;
    if (zone.points.length > 3) {
      const index = Number(handle.id.slice(1));
      this.model.update(selected, { points: zone.points.filter((_, at) => at !== index) });
    }
    return null;
  }

  /** A zone without points, as drawing starts it. */
  fresh(shape) {
    const zone = { name: this.role, role: this.role, shape, points: [] };
    if (shape === "brush") zone.radius = this.radius;
    return { ...zone, prompt: "", strength: 1 };
  }

  /** Move the selected zone by whole pixels. */
  nudge(dx, dy) {
    if (!this.model.zone || this.locked) return;
    const moved = moveZone(this.model.zone, dx / this.size.width, dy / this.size.height, this.size);
    this.model.update(this.model.selected, moved, { group: `nudge ${this.model.selected}` });
  }

  // --- drawing ----------------------------------------------------------------------------------------------------

  /** Draw at the next frame, once however often it is asked for. */
  redraw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { width, height } = this.#extent();
    if (width < 2 || height < 2) return;
    this.view ??= this.#fitted();
    const density = this.#density();
    const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#drawPicture(context);
    if (!this.bare) this.#drawZones(context, density);
  }

  /** Draw again if the host has magnified or shrunk the editor; nothing on the page tells of it. */
  sharpen() {
    const { width, height } = this.#extent();
    const density = this.#density();
    const same = this.canvas.width === Math.round(width * density) && this.canvas.height === Math.round(height * density);
    if (!same) this.redraw();
  }

  /** Device pixels per view pixel, with the host's zoom: lines stay sharp when the graph is magnified. */
  #density() {
    const box = this.canvas.getBoundingClientRect();
    const host = box.width / (this.canvas.clientWidth || 1) || 1;
    return Math.min(Math.max(host * devicePixelRatio, 0.5), MAX_DENSITY);
  }

  #drawPicture(context) {
    const { x, y, scale } = this.view;
    const [width, height] = [this.size.width * scale, this.size.height * scale];
    context.save();
    if (this.picture) {
      context.imageSmoothingEnabled = scale < 3; // show pixels as pixels where they are counted
      context.imageSmoothingQuality = "high";
      context.drawImage(this.picture, x, y, width, height);
    } else {
      context.fillStyle = "rgba(127,127,127,0.08)";
      context.fillRect(x, y, width, height);
    }
    context.strokeStyle = "rgba(127,127,127,0.55)";
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
    context.restore();
  }

  #drawZones(context, density) {
    const painter = this.#painter;
    painter.begin(context, this.view, this.size, density, this.#masks);
    const { zones, selected } = this.model;
    const adding = this.draft && this.draft.shape === "brush" && this.model.zone?.shape === "brush";
    zones.forEach((zone, index) => {
      const shown = adding && index === selected ? this.draft : zone;
      painter.zone(shown, { selected: index === selected, faded: this.locked });
    });
    if (this.draft && !adding) painter.zone(this.draft, { selected: true });
    zones.forEach((zone, index) => painter.label(zone, { selected: index === selected }));
    if (this.model.zone && !this.locked && !this.drawing) painter.handles(this.model.zone);
    if (this.#corners) painter.openPolygon(this.#corners, this.#pointer && snap(this.#pointer, this.size), this.role);
    if (this.tool === "brush" && this.#pointer && !this.locked && !this.panning) {
      painter.cursor(this.#pointer, this.radius, this.role);
    }
  }

  /** Bring a zone into view when none of it shows. */
  reveal(zone) {
    const { width, height } = this.#extent();
    const box = bounds(zone, this.size);
    const [x0, y0] = this.place([box.x0, box.y0]);
    const [x1, y1] = this.place([box.x1, box.y1]);
    if (x1 < 0 || y1 < 0 || x0 > width || y0 > height) this.fit();
  }

  dispose() {
    this.observer.disconnect();
    cancelAnimationFrame(this.#frame);
  }
}
