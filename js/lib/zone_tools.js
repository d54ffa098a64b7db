/**
 * What a press of the pointer begins. Every tool makes a gesture: move(at, event) while it lasts, with `at` in view
 * pixels, then end() or cancel(). Half-drawn zones go to `stage.draft`, changes to the model.
 */

import { cornersOfDrag, dragHandle, inFrame, moveZone, simplify, snap } from "./zone_geometry.js";

export const CLICK = 3; // view pixels: a press that moves less is a click
const MAX_STROKE_POINTS = 15_000; // the node reads 20,000 of a zone; a stroke more has to fit in
const STROKE_TOLERANCE = 0.35; // view pixels by which a stroke may change when its points are thinned

let gestures = 0;

/** Move the view. */
export function pan(stage, at) {
  let last = at;
  return {
    move: (next) => {
      const { view } = stage;
      stage.view = { ...view, x: view.x + next[0] - last[0], y: view.y + next[1] - last[1] };
      stage.fitted = false;
      last = next;
    },
  };
}

/**
 * Select the zone under the pointer and move it, by whole pixels.
 * @param {boolean} below take the next zone below the selected one.
 */
export function grab(stage, start, below) {
  const { model, size } = stage;
  const under = stage.zonesAt(start);
  const current = under.indexOf(model.selected);
  if (below && under.length) model.select(under[(current + 1) % under.length]);
  else if (current < 0) model.select(under[0] ?? -1);
  if (!model.zone) return null;
  const first = model.zone;
  const whole = (step, pixels) => Math.round(step * pixels) / pixels;
  return change(stage, start, ([x, y]) =>
    moveZone(first, whole(x - start[0], size.width), whole(y - start[1], size.height), size),
  );
}

/** Drag a handle of the selected zone. Shift keeps the proportions. */
export function resize(stage, handle) {
  const { model, size } = stage;
  const first = model.zone;
  const keep = { box: (point) => snap(point, size), ellipse: (point) => snap(point, size), polygon: inFrame }[first.shape];
  return change(stage, [handle.x, handle.y], (point, event) =>
    dragHandle(first, handle.id, keep?.(point) ?? point, event.shiftKey),
  );
}

/** A gesture that changes the selected zone: one undo step, however long it takes. */
function change(stage, start, changed) {
  const { model } = stage;
  const from = stage.place(start);
  gestures += 1;
  const group = `gesture ${gestures}`;
  let moved = false;
  return {
    move: (at, event) => {
      moved ||= Math.hypot(at[0] - from[0], at[1] - from[1]) >= CLICK;
      if (moved) model.update(model.selected, changed(stage.fraction(at), event), { group, settled: false });
    },
    end: () => model.settle(),
    cancel: () => model.cancel(),
  };
}

/** Draw a box or an ellipse; a mere click selects what is there. */
export function span(stage, start) {
  const { model, size, tool } = stage;
  return {
    move: (at, { shiftKey, altKey }) => {
      const points = cornersOfDrag(start, stage.fraction(at), size, { square: shiftKey, centered: altKey });
      stage.draft = { ...stage.fresh(tool), points };
    },
    end: () => {
      const { draft } = stage;
      const [[x0, y0], [x1, y1]] = draft?.points ?? [start, start];
      const small = stage.reach(CLICK);
      stage.draft = null;
      if ((x1 - x0) * size.width >= small && (y1 - y0) * size.height >= small) model.add(draft);
      else model.select(stage.zonesAt(start)[0] ?? -1);
    },
  };
}

/** Paint a stroke: onto the selected stroke, or as a new zone. */
export function paint(stage, start) {
  const { model, size } = stage;
  const { selected } = model;
  const hasRoom = model.zone?.shape === "brush" && model.zone.points.length < MAX_STROKE_POINTS;
  const onto = hasRoom ? model.zone : null;
  let stroke = [inFrame(start)];
  const drawn = () => ({
    ...(onto ?? stage.fresh("brush")),
    radius: stage.radius,
    points: onto ? [...onto.points, null, ...stroke] : stroke,
  });
  stage.draft = drawn();
  return {
    everySample: true,
    move: (at) => {
      const point = inFrame(stage.fraction(at));
      if (point.every((value, axis) => value === stroke.at(-1)[axis])) return;
      stroke = [...stroke, point];
      stage.draft = drawn();
    },
    end: () => {
      stroke = simplify(stroke, size, stage.reach(STROKE_TOLERANCE));
      stage.draft = null;
      if (onto) model.update(selected, drawn());
      else model.add(drawn());
    },
  };
}
