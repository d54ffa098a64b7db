/** The report panel: verdict, heat map and table. Knows nothing of ComfyUI; everything it is given is shown as text. */

import { addStyle, element } from "./dom.js";
import { fit, readReport } from "./report_rows.js";
import { REPORT_STYLE } from "./report_style.js";

const COLUMNS = ["", "metric", "value", "limit", "where", "fix with"];
const CLASSES = ["ef-verdict", "ef-metric", "ef-number", "ef-number", "ef-where", ""];
const SMALLEST_BOX = 18; // px on the screen: a single pixel's box has to be found

export class ReportPanel {
  /** @param {{onToggle?: () => void}} host told when a person opens or closes the details. */
  constructor({ onToggle = () => {} } = {}) {
    addStyle("ef-report-style", REPORT_STYLE);
    this.badge = element("span", { className: "ef-badge" });
    this.sentence = element("span", { className: "ef-sentence" });
    this.image = element("img", { alt: "", draggable: false });
    this.box = element("div", { className: "ef-place", hidden: true });
    this.canvas = element("div", { className: "ef-canvas" }, [this.image]);
    this.caption = element("div", { className: "ef-caption", hidden: true });
    this.view = element("div", { className: "ef-view", hidden: true, title: "Click for the whole picture" }, [
      this.canvas,
      this.box,
      this.caption,
    ]);
    this.body = element("tbody");
    const head = element("thead", {}, [element("tr", {}, COLUMNS.map((name, i) => element("th", { textContent: name, className: CLASSES[i] })))]);
    const table = element("table", { className: "ef-table" }, [head, this.body]);
    this.toggle = element("button", { type: "button", className: "ef-toggle" });
    this.toggle.addEventListener("click", () => {
      this.setOpen(!this.open);
      onToggle();
    });
    this.element = element("div", { className: "ef-report" }, [
      element("div", { className: "ef-head" }, [this.badge, this.sentence, this.toggle]),
      this.view,
      element("div", { className: "ef-scroll" }, [table]),
    ]);
    this.view.addEventListener("click", () => this.select(null));
    this.setOpen(true);
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.view);
  }

  /**
   * Show a report.
   * @param {object} value a report, or a gate's verdict.
   * @param {{width, height, pictures: {src, frame, width?, height?}[]}|null} shown the pictures that places point into;
   *   one with a size of its own and without a frame is an overview, into which none does.
   * @returns {boolean} whether it was one.
   */
  show(value, shown = null) {
    const report = readReport(value);
    if (!report) return false;
    this.shown = shown?.pictures?.length ? shown : null;
    this.badge.textContent = report.verdict;
    this.badge.dataset.verdict = report.verdict;
    this.sentence.textContent = report.sentence;
    this.rows = report.rows;
    this.body.replaceChildren(...report.rows.map((row) => this.rowElement(row)));
    this.view.hidden = !this.shown;
    this.select(null);
    return true;
  }

  /** Show picture and table, or the verdict alone. */
  setOpen(open) {
    this.open = open;
    this.element.classList.toggle("ef-closed", !open);
    this.toggle.textContent = open ? "\u25b4" : "\u25be";
    this.toggle.title = open ? "Show the verdict alone" : "Show picture and table";
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  rowElement(row) {
    const value = element("span", {}, [row.value, " ", element("small", { textContent: row.unit })]);
    const cells = [row.verdict === "not judged" ? "–" : row.verdict, row.metric, value, row.limit, row.where, row.fix];
    const made = element("tr", { title: [row.verdict, row.detail].filter(Boolean).join(": ") });
    made.append(...cells.map((content, i) => element("td", { className: CLASSES[i] }, [content])));
    made.dataset.verdict = row.verdict;
    if (!row.place || !this.shown) return made;
    made.tabIndex = 0;
    made.addEventListener("click", () => this.select(this.selected === row ? null : row));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.select(this.selected === row ? null : row);
    });
    return made;
  }

  /** Jump to a row's place; null shows the whole picture. */
  select(row) {
    this.selected = row;
    [...this.body.children].forEach((made, i) => made.setAttribute("aria-selected", String(this.rows[i] === row)));
    if (!this.shown) return;
    const frame = row?.place.frame ?? this.shown.pictures[0].frame;
    const picture = this.shown.pictures.find((each) => each.frame === frame);
    this.picture = picture ?? this.shown.pictures[0];
    this.image.src = this.picture.src;
    this.missing = row && !picture;
    this.caption.textContent = this.missing ? `${row.metric}: frame ${frame} has no picture here` : row ? `${row.metric} at ${row.where}` : "";
    this.caption.hidden = !row;
    this.place();
  }

  /** Lay out picture and box for the size the view has now. */
  place() {
    if (!this.shown) return;
    const room = { width: this.view.clientWidth, height: this.view.clientHeight };
    if (!room.width || !room.height) return;
    const place = this.missing ? null : (this.selected?.place ?? null);
    const size = { width: this.picture.width ?? this.shown.width, height: this.picture.height ?? this.shown.height };
    const { scale, x, y } = fit(size, room, place);
    Object.assign(this.canvas.style, {
      width: `${size.width}px`,
      height: `${size.height}px`,
      transform: `translate(${x}px, ${y}px) scale(${scale})`,
    });
    this.image.style.imageRendering = scale > 3 ? "pixelated" : "auto";
    this.box.hidden = !place;
    if (!place) return;
    const [width, height] = [place.width, place.height].map((side) => Math.max(side * scale, SMALLEST_BOX));
    Object.assign(this.box.style, {
      left: `${x + (place.x + place.width / 2) * scale - width / 2}px`,
      top: `${y + (place.y + place.height / 2) * scale - height / 2}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
  }

  dispose() {
    this.watch.disconnect();
  }
}
