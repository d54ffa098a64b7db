/** The few things about page elements that the editors share. */

/** Make an element; properties are set as such, children may be text. */
export function element(tag, properties = {}, children = []) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "role") made.setAttribute("role", value); // not a property everywhere
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

// Drawn on a 16 x 16 grid with a line of 1.5.
const ICONS = {
  select: "M3 2l4 11 1.8-4.2L13 7z",
  box: "M2.5 3.5h11v9h-11z",
  ellipse: "M8 3.5c3.3 0 6 2 6 4.5s-2.7 4.5-6 4.5-6-2-6-4.5 2.7-4.5 6-4.5z",
  polygon: "M3 6l5-3.5L13.5 6 11 13H4.5z",
  brush: "M13.5 2.5L7.5 9M6.8 9.2c-1.8-.5-3 .6-3.2 2.2-.1 1-.7 1.6-1.6 1.9 2.7.8 5.6.2 6-2 .2-1-.3-1.8-1.2-2.1z",
  mask: "M2.5 3.5h11v9h-11zM5 12.5c0-4 2-6 3-6s3 2 3 6",
  anchor: "M4 7.5h8v6H4zM5.5 7.5V5.5a2.5 2.5 0 0 1 5 0v2",
  edit: "M3 13l.8-3.2L10.8 2.8l2.4 2.4-7 7zM9.5 4.2l2.4 2.4",
  undo: "M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 0 1 0 7H7",
  redo: "M10 3l3 3-3 3M13 6H6.5a3.5 3.5 0 0 0 0 7H9",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  trash: "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  fullscreen: "M9.5 2.5h4v4M13.5 2.5L9 7M6.5 13.5h-4v-4M2.5 13.5L7 9",
  text: "M6 2.5c-3 0-1 5.5-3.5 5.5 2.5 0 .5 5.5 3.5 5.5M10 2.5c3 0 1 5.5 3.5 5.5-2.5 0-.5 5.5-3.5 5.5",
  help: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.8M8 12.6v.4",
};

/** A small line drawing in the color of the text. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon; pressing it does not take the focus from where it was. */
export function iconButton(name, title, onClick) {
  const button = element("button", { type: "button", className: "ef-button", title }, [icon(name)]);
  button.setAttribute("aria-label", title);
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", onClick);
  return button;
}

/** Put a style sheet on the page, once. */
export function addStyle(id, css) {
  if (!document.getElementById(id)) document.head.append(element("style", { id, textContent: css }));
}
