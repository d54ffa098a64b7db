/** A report as rows of text: no page elements here. */

const ORDER = ["fail", "warn", "pass", "not judged"];

/**
 * What our nodes put into their output: a check's report, or a gate's verdict with the report inside.
 * @returns {{verdict, sentence, level, rows}|null} null when it is none of ours.
 */
export function readReport(value) {
  const report = value?.report ?? value;
  if (!Array.isArray(report?.measurements)) return null;
  const level = value.level ?? "production";
  const verdict = value.report ? (value.verdict ?? (value.passed ? "pass" : "fail")) : report.verdict?.[level];
  const rows = report.measurements.map((measurement) => toRow(measurement, level));
  rows.sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict)); // stable: the report's order within each
  return { verdict: ORDER.includes(verdict) ? verdict : "not judged", sentence: String(value.summary ?? ""), level, rows };
}

function toRow(measurement, level) {
  const { metric, subject, value, unit, where, detail, limits, fix } = measurement;
  const limit = limits?.[level] ?? null;
  const judged = value !== null && value !== undefined && limit !== null;
  const given = judged ? measurement.verdict?.[level] : "not judged";
  return {
    verdict: ORDER.includes(given) ? given : "not judged",
    metric: String(metric ?? "").replaceAll("_", " ") + (subject ? ` (${subject})` : ""),
    value: value === null || value === undefined ? "–" : number(value),
    unit: value === null || value === undefined ? "" : String(unit ?? ""),
    limit: limit === null ? "–" : number(limit),
    where: where ? `${where.x}, ${where.y}${where.frame ? ` · frame ${where.frame}` : ""}` : "",
    place: where ? { x: where.x, y: where.y, width: where.width ?? 1, height: where.height ?? 1, frame: where.frame ?? 0 } : null,
    fix: given === "pass" || given === "not judged" ? "" : String(fix ?? ""),
    detail: String(detail ?? ""),
  };
}

/** Four digits are enough to compare with a limit. */
function number(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}

/**
 * Where the picture has to be moved and how much enlarged, so that a place fills about a third of the view.
 * @returns {{scale, x, y}} of the picture's pixels in the view; without a place, the whole picture in the middle.
 */
export function fit(picture, view, place = null) {
  const whole = Math.min(view.width / picture.width, view.height / picture.height);
  let scale = whole;
  let [x, y] = [picture.width / 2, picture.height / 2];
  if (place) {
    const wanted = Math.min((0.4 * view.width) / place.width, (0.4 * view.height) / place.height);
    scale = Math.max(whole, Math.min(wanted, 6 * whole));
    [x, y] = [place.x + place.width / 2, place.y + place.height / 2];
  }
  const along = (center, side, room) =>
    side * scale <= room ? (room - side * scale) / 2 : Math.min(0, Math.max(room - side * scale, room / 2 - center * scale));
  return { scale, x: along(x, picture.width, view.width), y: along(y, picture.height, view.height) };
}
