/**
 * Where zones are and how they move. Pure functions; points are fractions of the picture, as in the node's text.
 * `size` is the picture in pixels ({width, height}): a brush radius is a fraction of its shorter side.
 */

import { round } from "./zone_model.js";

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The brush radius as fractions of width and height. */
function radii(zone, size) {
  const px = (zone.radius ?? 0) * Math.min(size.width, size.height);
  return [px / size.width, px / size.height];
}

/** Box around a zone's points, without the brush's radius; null for a zone that has none (a mask covers the frame). */
export function pointBounds(zone) {
  const points = (zone.points ?? []).filter(Boolean);
  if (!points.length) return null;
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
}

/** Box around everything a zone covers. */
export function bounds(zone, size) {
  const box = pointBounds(zone);
  if (!box) return { x0: 0, y0: 0, x1: 1, y1: 1 };
  const [rx, ry] = zone.shape === "brush" ? radii(zone, size) : [0, 0];
  return { x0: box.x0 - rx, y0: box.y0 - ry, x1: box.x1 + rx, y1: box.y1 + ry };
}

/** Whether a point lies in a zone. Masks answer through `coverage`, which looks the pixel up. */
export function contains(zone, [x, y], size, coverage = () => 0) {
  if (zone.shape === "mask") return coverage(zone, x, y) >= 0.5;
  if (zone.shape === "polygon") return inPolygon(zone.points, x, y);
  if (zone.shape === "brush") return strokeDistancePx(zone, [x, y], size) <= zone.radius * Math.min(size.width, size.height);
  const { x0, y0, x1, y1 } = pointBounds(zone);
  if (zone.shape === "box") return x >= x0 && x < x1 && y >= y0 && y < y1;
  const halfWidth = Math.max((x1 - x0) / 2, 1e-9);
  const halfHeight = Math.max((y1 - y0) / 2, 1e-9);
  return ((x - (x0 + x1) / 2) / halfWidth) ** 2 + ((y - (y0 + y1) / 2) / halfHeight) ** 2 <= 1;
}

/** Even-odd rule, as the mask is filled. */
function inPolygon(points, x, y) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    const [x0, y0] = points[j];
    const [x1, y1] = points[i];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) inside = !inside;
  }
  return inside;
}

/** Distance in pixels from a point to the nearest segment of a list of points (null lifts the pen). */
export function strokeDistancePx(zone, [x, y], size, { closed = false } = {}) {
  let nearest = Infinity;
  let previous = closed ? zone.points.at(-1) : null;
  for (const point of zone.points) {
    if (point) {
      const start = previous ?? point;
      nearest = Math.min(nearest, segmentDistancePx(start, point, [x, y], size));
    }
    previous = point;
  }
  return nearest;
}

function segmentDistancePx(start, end, point, { width, height }) {
  const dx = (end[0] - start[0]) * width;
  const dy = (end[1] - start[1]) * height;
  const px = (point[0] - start[0]) * width;
  const py = (point[1] - start[1]) * height;
  const along = clamp((px * dx + py * dy) / Math.max(dx * dx + dy * dy, 1e-12), 0, 1);
  return Math.hypot(px - along * dx, py - along * dy);
}

/** Indices of the zones under a point, front first. */
export function zonesAt(zones, point, size, coverage) {
  const hits = [];
  for (let index = zones.length - 1; index >= 0; index -= 1) {
    if (contains(zones[index], point, size, coverage)) hits.push(index);
  }
  return hits;
}

const mapPoints = (zone, map) => ({
  ...zone,
  points: zone.points.map((point) => (point ? map(point).map(round) : null)),
});

/** Move a zone by fractions of the picture. It stays in the frame, unless it stuck out of it before. */
export function moveZone(zone, dx, dy, size) {
  if (!zone.points) return zone;
  const { x0, y0, x1, y1 } = bounds(zone, size);
  const stepX = clamp(dx, Math.min(0, -x0), Math.max(0, 1 - x1));
  const stepY = clamp(dy, Math.min(0, -y0), Math.max(0, 1 - y1));
  return mapPoints(zone, ([x, y]) => [x + stepX, y + stepY]);
}

/** Stretch a zone's points from one box to another. */
export function fitZone(zone, from, to) {
  const along = (value, low, high, newLow, newHigh) =>
    high - low < 1e-9 ? newLow : newLow + ((value - low) / (high - low)) * (newHigh - newLow);
  return mapPoints(zone, ([x, y]) => [
    along(x, from.x0, from.x1, to.x0, to.x1),
    along(y, from.y0, from.y1, to.y0, to.y1),
  ]);
}

const SIDES = { nw: [-1, -1], n: [0, -1], ne: [1, -1], e: [1, 0], se: [1, 1], s: [0, 1], sw: [-1, 1], w: [-1, 0] };

/** Places to grab: eight around a box, ellipse or stroke, the corners of a polygon, none for a mask. */
export function handles(zone) {
  if (zone.shape === "mask") return [];
  if (zone.shape === "polygon") return zone.points.map((point, index) => ({ id: `p${index}`, x: point[0], y: point[1] }));
  const { x0, y0, x1, y1 } = pointBounds(zone);
  const all = Object.entries(SIDES).map(([id, [sx, sy]]) => ({
    id,
    x: sx < 0 ? x0 : sx > 0 ? x1 : (x0 + x1) / 2,
    y: sy < 0 ? y0 : sy > 0 ? y1 : (y0 + y1) / 2,
  }));
  if (zone.shape !== "brush") return all;
  // A dot or a straight line has no width to stretch.
  return all.filter(({ id }) => (SIDES[id][0] === 0 || x1 > x0) && (SIDES[id][1] === 0 || y1 > y0));
}

/**
 * A zone after a handle was dragged to a point.
 * @param {object} zone the zone as it was when the drag began.
 * @param {boolean} [proportional] keep the proportions when a corner is dragged.
 */
export function dragHandle(zone, id, [x, y], proportional = false) {
  if (id.startsWith("p")) {
    const index = Number(id.slice(1));
    return { ...zone, points: zone.points.map((point, at) => (at === index ? [round(x), round(y)] : point)) };
  }
  const [sx, sy] = SIDES[id];
  const from = pointBounds(zone);
  const to = { ...from };
  if (sx < 0) to.x0 = x;
  if (sx > 0) to.x1 = x;
  if (sy < 0) to.y0 = y;
  if (sy > 0) to.y1 = y;
  if (proportional && sx && sy) keepProportions(from, to, sx, sy);
  const fitted = fitZone(zone, from, to);
  return zone.shape === "brush" ? fitted : { ...fitted, points: sortCorners(fitted.points) };
}

function keepProportions(from, to, sx, sy) {
  const width = from.x1 - from.x0;
  const height = from.y1 - from.y0;
  if (width < 1e-9 || height < 1e-9) return;
  const factor = Math.max((to.x1 - to.x0) / width, (to.y1 - to.y0) / height, 0.001);
  if (sx < 0) to.x0 = from.x1 - width * factor;
  else to.x1 = from.x0 + width * factor;
  if (sy < 0) to.y0 = from.y1 - height * factor;
  else to.y1 = from.y0 + height * factor;
}

function sortCorners([[ax, ay], [bx, by]]) {
  return [
    [Math.min(ax, bx), Math.min(ay, by)],
    [Math.max(ax, bx), Math.max(ay, by)],
  ];
}

/**
 * Two corners of a box or ellipse being drawn, on whole pixels: an edge through a pixel would be a guess.
 * @param {boolean} [square] equal sides in pixels.
 * @param {boolean} [centered] the start is the middle.
 */
export function cornersOfDrag(start, end, size, { square = false, centered = false } = {}) {
  let dx = (end[0] - start[0]) * size.width;
  let dy = (end[1] - start[1]) * size.height;
  if (square) {
    const side = Math.max(Math.abs(dx), Math.abs(dy));
    dx = Math.sign(dx || 1) * side;
    dy = Math.sign(dy || 1) * side;
  }
  const far = [start[0] + dx / size.width, start[1] + dy / size.height];
  const near = centered ? [2 * start[0] - far[0], 2 * start[1] - far[1]] : start;
  return sortCorners([snap(near, size), snap(far, size)]);
}

/** The nearest pixel corner, inside the frame. */
export function snap([x, y], { width, height }) {
  return [
    round(clamp(Math.round(x * width), 0, width) / width),
    round(clamp(Math.round(y * height), 0, height) / height),
  ];
}

/** A point kept inside the frame. */
export function inFrame([x, y]) {
  return [round(clamp(x, 0, 1)), round(clamp(y, 0, 1))];
}

/** Insert a corner on the polygon edge nearest to a point; null when none is within `reachPx`. */
export function insertCorner(zone, point, size, reachPx) {
  let best = { distance: reachPx, index: -1 };
  zone.points.forEach((end, index) => {
    const start = zone.points.at(index - 1);
    const distance = segmentDistancePx(start, end, point, size);
    if (distance <= best.distance) best = { distance, index };
  });
  if (best.index < 0) return null;
  return { ...zone, points: zone.points.toSpliced(best.index, 0, inFrame(point)) };
}

/**
 * Drop the points of a stroke that lie within a tolerance of the line through their neighbours (Ramer-Douglas-Peucker,
 * without recursion). A hand at 120 Hz makes thousands of points where fifty tell the same stroke.
 */
export function simplify(points, size, tolerancePx) {
  const keep = new Set([0, points.length - 1]);
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [first, last] = spans.pop();
    let worst = { distance: tolerancePx, index: -1 };
    for (let index = first + 1; index < last; index += 1) {
      const distance = segmentDistancePx(points[first], points[last], points[index], size);
      if (distance > worst.distance) worst = { distance, index };
    }
    if (worst.index < 0) continue;
    keep.add(worst.index);
    spans.push([first, worst.index], [worst.index, last]);
  }
  return points.filter((_, index) => keep.has(index));
}

/** The picture fitted into a view with a margin: {scale, x, y} with view = offset + picture pixels * scale. */
export function fitView(view, size, margin) {
  const scale = Math.max(
    Math.min((view.width - 2 * margin) / size.width, (view.height - 2 * margin) / size.height),
    1e-4,
  );
  return { scale, x: (view.width - size.width * scale) / 2, y: (view.height - size.height * scale) / 2 };
}

/** A view magnified around a point of it. */
export function zoomView(view, factor, [px, py], { low, high }) {
  const scale = clamp(view.scale * factor, low, high);
  const real = scale / view.scale;
  return { scale, x: px - (px - view.x) * real, y: py - (py - view.y) * real };
}
