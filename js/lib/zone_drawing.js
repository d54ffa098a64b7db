/**
 * How zones look on the picture. Roles differ in hue, in texture and in line: anchors are blue, hatched and solid,
 * edit zones orange, plain and dashed. Blue and orange of Okabe & Ito (2008) stay apart for every kind of color vision.
 */

import { bounds, handles } from "./zone_geometry.js";

export const ROLE_COLOR = { anchor: "#56b4e9", edit: "#e69f00" };

const FILL_ALPHA = { anchor: 0.16, edit: 0.22 };
const MASK_ALPHA = 0.4;
const HATCH_ALPHA = 0.55;
const HATCH_PX = 9;
const RIM = "rgba(0,0,0,0.6)";
const LAYER_MARGIN = 4; // room for an outline around a stroke
const MAX_LAYER_PIXELS = 3e7; // 120 MB
const DASH_PX = [6, 4];
const HANDLE_PX = 7;
const LABEL_FONT = "600 11px system-ui, sans-serif";
const LABEL_INK = "#14171a"; // 7:1 or more on both role colors

/** Draws zones with one view: picture fractions to view pixels. */
export class ZonePainter {
  #patterns = {};
  #layers = new WeakMap();
  #layerPixels = 0;

  /**
   * @param {CanvasRenderingContext2D} context scaled so that one unit is one view pixel.
   * @param {object} view {scale, x, y}.
   * @param {object} size the picture in pixels.
   * @param {number} density device pixels per view pixel.
   * @param {MaskStore} masks pictures of "mask" zones.
   */
  begin(context, view, size, density, masks) {
    Object.assign(this, { context, view, size, density, masks });
  }

  /** Picture fractions to view pixels. */
  place([x, y]) {
    return [this.view.x + x * this.size.width * this.view.scale, this.view.y + y * this.size.height * this.view.scale];
  }

  zone(zone, { selected = false, faded = false } = {}) {
    const { context } = this;
    context.save();
    if (faded) context.globalAlpha = 0.55;
    if (zone.shape === "brush" || zone.shape === "mask") this.#layered(zone, selected);
    else this.#outlined(zone, selected);
    context.restore();
  }

  /** Box, ellipse, polygon: a path with an inside. */
  #outlined(zone, selected) {
    const { context } = this;
    const path = this.#path(zone);
    const color = ROLE_COLOR[zone.role];
    const alpha = context.globalAlpha;
    context.globalAlpha = alpha * FILL_ALPHA[zone.role];
    context.fillStyle = color;
    context.fill(path, "evenodd");
    if (zone.role === "anchor") {
      context.globalAlpha = alpha * HATCH_ALPHA;
      context.fillStyle = this.#hatch(context);
      context.fill(path, "evenodd");
    }
    context.globalAlpha = alpha;
    strokeTwice(context, path, color, zone.role === "edit" ? DASH_PX : [], selected ? 2 : 1.25);
  }

  #path(zone) {
    const path = new Path2D();
    const points = zone.points.map((point) => this.place(point));
    if (zone.shape === "polygon") {
      points.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
      path.closePath();
      return path;
    }
    const [[ax, ay], [bx, by]] = points;
    if (zone.shape === "box") path.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
    else path.ellipse((ax + bx) / 2, (ay + by) / 2, Math.abs(bx - ax) / 2, Math.abs(by - ay) / 2, 0, 0, 2 * Math.PI);
    return path;
  }

  /**
   * Brush and mask: composed on a layer of their own, so that strokes that cross do not add up. The layer is kept while
   * the zone (which is immutable) and the view stay: otherwise every move of the pointer would compose every zone.
   */
  #layered(zone, selected) {
    const region = this.#visible(zone);
    if (!region) return;
    const { x, y, scale } = this.view;
    const key = [x, y, scale, this.size.width, this.size.height, this.density, selected, ...region].join();
    let layer = this.#layers.get(zone);
    if (layer?.key !== key) {
      const shape = zone.shape === "brush" ? this.#strokeShape(zone) : this.#maskShape(zone);
      if (!shape) return; // the mask's picture is still being decoded
      layer = { key, canvas: this.#compose(zone, shape, selected, region) };
      this.#keep(zone, layer);
    }
    const [left, top, width, height] = region;
    this.context.drawImage(layer.canvas, left, top, width, height);
  }

  #keep(zone, layer) {
    this.#layerPixels += layer.canvas.width * layer.canvas.height;
    if (this.#layerPixels > MAX_LAYER_PIXELS) {
      this.#layers = new WeakMap();
      this.#layerPixels = 0;
    }
    this.#layers.set(zone, layer);
  }

  /** The part of the view a zone can touch, [left, top, width, height] on whole device pixels; null when none. */
  #visible(zone) {
    const { density } = this;
    const { width, height } = this.context.canvas;
    const box = bounds(zone, this.size);
    const [x0, y0] = this.place([box.x0, box.y0]).map((value) => Math.floor((value - LAYER_MARGIN) * density));
    const [x1, y1] = this.place([box.x1, box.y1]).map((value) => Math.ceil((value + LAYER_MARGIN) * density));
    const [left, top, right, bottom] = [Math.max(x0, 0), Math.max(y0, 0), Math.min(x1, width), Math.min(y1, height)];
    return right > left && bottom > top ? [left, top, right - left, bottom - top].map((value) => value / density) : null;
  }

  /** Tint, hatch and outline of a shape on a canvas as large as its region. */
  #compose(zone, shape, selected, [left, top, width, height]) {
    const { density } = this;
    const [result, stencil] = ["result", "stencil"].map(() => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: Math.round(width * density), height: Math.round(height * density) });
      const context = canvas.getContext("2d");
      context.setTransform(density, 0, 0, density, -left * density, -top * density);
      return context;
    });
    const fill = (style, extra = 0) => {
      stencil.globalCompositeOperation = "source-over";
      stencil.clearRect(left, top, width, height);
      shape(stencil, extra);
      stencil.globalCompositeOperation = "source-in";
      stencil.fillStyle = style;
      stencil.fillRect(left, top, width, height);
    };
    const add = (alpha) => {
      result.globalAlpha = alpha;
      result.drawImage(stencil.canvas, left, top, width, height);
    };
    fill(ROLE_COLOR[zone.role]);
    add(zone.shape === "mask" ? MASK_ALPHA : FILL_ALPHA[zone.role]);
    if (zone.role === "anchor") {
      fill(this.#hatch(stencil));
      add(HATCH_ALPHA);
    }
    if (zone.shape === "mask") return result.canvas; // soft: it has no edge to outline
    const line = selected ? 2 : 1.25;
    for (const [style, outside] of [[RIM, line + 1], [ROLE_COLOR[zone.role], line]]) {
      fill(style, outside);
      stencil.globalCompositeOperation = "destination-out";
      shape(stencil, 0);
      add(1);
    }
    return result.canvas;
  }

  #strokeShape(zone) {
    const path = new Path2D();
    let previous = null;
    for (const point of zone.points) {
      if (point) {
        const [x, y] = this.place(point);
        if (!previous) {
          path.moveTo(x, y);
          path.lineTo(x + 0.001, y); // a dot: a stroke of no length has no caps everywhere
        } else path.lineTo(x, y);
      }
      previous = point;
    }
    const width = 2 * zone.radius * Math.min(this.size.width, this.size.height) * this.view.scale;
    return (onto, extra) => {
      onto.lineCap = "round";
      onto.lineJoin = "round";
      onto.lineWidth = Math.max(width, 0.5) + 2 * extra;
      onto.strokeStyle = "#000";
      onto.stroke(path);
    };
  }

  #maskShape(zone) {
    const picture = this.masks.get(zone);
    if (!picture) return null;
    const [x0, y0] = this.place([0, 0]);
    const [x1, y1] = this.place([1, 1]);
    return (onto) => onto.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
  }

  /** Diagonal lines in the anchor's color, one view pixel wide whatever the density. */
  #hatch(context) {
    const key = this.density;
    if (!this.#patterns[key]) {
      const side = Math.round(HATCH_PX * this.density);
      const tile = Object.assign(document.createElement("canvas"), { width: side, height: side });
      const ink = tile.getContext("2d");
      ink.strokeStyle = ROLE_COLOR.anchor;
      ink.lineWidth = Math.max(1.1 * this.density, 1);
      for (const shift of [-side, 0, side]) {
        ink.moveTo(shift - 1, side + 1);
        ink.lineTo(shift + side + 1, -1);
      }
      ink.stroke();
      this.#patterns = { [key]: tile };
    }
    const pattern = context.createPattern(this.#patterns[key], "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / this.density));
    return pattern;
  }

  /** The name on a chip at the zone's top left corner, inside the view. */
  label(zone, { selected = false } = {}) {
    const { context } = this;
    const box = bounds(zone, this.size);
    const [left, top] = this.place([box.x0, box.y0]);
    const viewWidth = context.canvas.width / this.density;
    context.save();
    context.font = LABEL_FONT;
    const text = zone.name.length > 28 ? `${zone.name.slice(0, 27)}…` : zone.name;
    const width = context.measureText(text).width + 24;
    const x = Math.min(Math.max(left, 2), Math.max(viewWidth - width - 2, 2));
    const y = Math.max(top - 19, 2);
    context.globalAlpha = selected ? 1 : 0.88;
    context.fillStyle = ROLE_COLOR[zone.role];
    context.beginPath();
    context.roundRect(x, y, width, 16, 3);
    context.fill();
    context.fillStyle = context.strokeStyle = LABEL_INK;
    (zone.role === "anchor" ? padlock : pencil)(context, x + 5, y + 3);
    context.textBaseline = "middle";
    context.fillText(text, x + 18, y + 8.5);
    context.restore();
  }

  handles(zone) {
    const { context } = this;
    context.save();
    context.fillStyle = "#fff";
    context.strokeStyle = "#14171a";
    context.lineWidth = 1;
    for (const handle of handles(zone)) {
      const [x, y] = this.place([handle.x, handle.y]);
      context.beginPath();
      if (zone.shape === "polygon") context.arc(x, y, HANDLE_PX / 2, 0, 2 * Math.PI);
      else context.rect(x - HANDLE_PX / 2, y - HANDLE_PX / 2, HANDLE_PX, HANDLE_PX);
      context.fill();
      context.stroke();
    }
    context.restore();
  }

  /** A polygon that is still being drawn: its corners, and a line to the pointer. */
  openPolygon(points, pointer, role) {
    const { context } = this;
    const path = new Path2D();
    const all = pointer ? [...points, pointer] : points;
    all.map((point) => this.place(point)).forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
    strokeTwice(context, path, ROLE_COLOR[role], role === "edit" ? DASH_PX : [], 1.5);
    points.forEach((point, index) => {
      const [x, y] = this.place(point);
      context.beginPath();
      context.arc(x, y, index ? 3 : 4.5, 0, 2 * Math.PI);
      context.fillStyle = index ? "#fff" : ROLE_COLOR[role];
      context.strokeStyle = "#14171a";
      context.fill();
      context.stroke();
    });
  }

  /** The brush under the pointer. */
  cursor(point, radius, role) {
    const [x, y] = this.place(point);
    const path = new Path2D();
    const px = radius * Math.min(this.size.width, this.size.height) * this.view.scale;
    path.arc(x, y, Math.max(px, 1), 0, 2 * Math.PI);
    strokeTwice(this.context, path, ROLE_COLOR[role], [], 1);
  }
}

/** A line with a dark rim: seen on snow and on black velvet. */
function strokeTwice(context, path, color, dash, width) {
  context.save();
  context.lineJoin = "round";
  context.strokeStyle = RIM;
  context.lineWidth = width + 2;
  context.stroke(path);
  context.setLineDash(dash);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke(path);
  context.restore();
}

function padlock(context, x, y) {
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x + 4.5, y + 4, 2.6, Math.PI, 0);
  context.stroke();
  context.fillRect(x + 0.5, y + 4, 8, 6);
}

function pencil(context, x, y) {
  context.lineWidth = 2.4;
  context.beginPath();
  context.moveTo(x + 2.2, y + 7.8);
  context.lineTo(x + 7.6, y + 2.4);
  context.stroke();
  context.beginPath();
  context.moveTo(x, y + 10);
  context.lineTo(x + 1, y + 6.6);
  context.lineTo(x + 3.4, y + 9);
  context.fill();
}

/** Pictures of "mask" zones: the PNG's gray levels as alpha, decoded once. */
export class MaskStore {
  #entries = new Map();

  /** @param {() => void} onReady called when a picture has been decoded. */
  constructor(onReady) {
    this.onReady = onReady;
  }

  /** The decoded mask as a canvas, or null while it is not ready. */
  get({ png }) {
    if (!this.#entries.has(png)) {
      this.#entries.set(png, { canvas: null });
      const image = new Image();
      image.onload = () => {
        this.#entries.set(png, decode(image));
        this.onReady();
      };
      image.src = `data:image/png;base64,${png}`;
    }
    return this.#entries.get(png).canvas;
  }

  /** How far a point of the picture is covered, 0 to 1. */
  coverage(zone, x, y) {
    if (!this.get(zone)) return 0;
    const { canvas, alpha } = this.#entries.get(zone.png);
    const column = Math.min(Math.max(Math.floor(x * canvas.width), 0), canvas.width - 1);
    const row = Math.min(Math.max(Math.floor(y * canvas.height), 0), canvas.height - 1);
    return alpha[row * canvas.width + column] / 255;
  }
}

function decode(image) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const alpha = new Uint8ClampedArray(canvas.width * canvas.height);
  for (let index = 0; index < alpha.length; index += 1) {
    alpha[index] = pixels.data[4 * index];
    pixels.data[4 * index + 3] = alpha[index];
  }
  context.putImageData(pixels, 0, 0);
  return { canvas, alpha };
}
