/** Style of the zone editor. Colors come from ComfyUI's theme, with a dark one for an empty page. */

export const ZONE_STYLE = `
.ef-zones {
  --ef-ground: var(--comfy-input-bg, #1f2124);
  --ef-panel: var(--comfy-menu-bg, #2a2c30);
  --ef-line: var(--border-color, #44474d);
  --ef-ink: var(--input-text, #dcdfe3);
  --ef-quiet: var(--descrip-text, #9aa0a8);
  --ef-anchor: #56b4e9;
  --ef-edit: #e69f00;
  container-type: inline-size;
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  width: 100%;
  height: 100%;
  min-height: 460px;
  min-width: 0;
  overflow: hidden;
  border: 1px solid var(--ef-line);
  border-radius: 8px;
  background: var(--ef-panel);
  color: var(--ef-ink);
  font: 12px/1.35 system-ui, sans-serif;
  text-align: left;
  user-select: none;
}
.ef-zones *, .ef-zones *::before { box-sizing: border-box; }
.ef-zones [hidden] { display: none !important; }
.ef-zones.ef-focused { border-color: color-mix(in srgb, var(--ef-ink) 45%, var(--ef-line)); }
.ef-zones:fullscreen { border: 0; border-radius: 0; background: #17181a; font-size: 13px; }

.ef-bar { display: flex; flex-wrap: wrap; gap: 4px 6px; padding: 5px 6px; border-bottom: 1px solid var(--ef-line); }
.ef-group { display: flex; align-items: center; gap: 2px; }
.ef-end { margin-left: auto; }
.ef-button {
  display: inline-flex; align-items: center; justify-content: center; gap: 5px;
  height: 26px; min-width: 26px; margin: 0; padding: 0 4px;
  border: 1px solid transparent; border-radius: 5px;
  background: transparent; color: inherit; font: inherit; cursor: pointer;
}
.ef-button:hover:not(:disabled) { background: color-mix(in srgb, var(--ef-ink) 12%, transparent); }
.ef-button:focus-visible, .ef-zones input:focus-visible, .ef-zones textarea:focus-visible {
  outline: 2px solid color-mix(in srgb, var(--ef-ink) 60%, transparent); outline-offset: -1px;
}
.ef-button:disabled { opacity: 0.35; cursor: default; }
.ef-button[aria-pressed="true"] { background: color-mix(in srgb, var(--ef-ink) 18%, transparent); border-color: var(--ef-line); }
.ef-button svg, .ef-shape svg {
  width: 16px; height: 16px; flex: none; fill: none; stroke: currentColor;
  stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round;
}
.ef-roles { border: 1px solid var(--ef-line); border-radius: 6px; gap: 0; }
.ef-role { height: 24px; padding: 0 7px; color: var(--ef-quiet); }
.ef-role[aria-pressed="true"] { border-color: transparent; color: #14171a; font-weight: 600; }
.ef-role[data-role="anchor"][aria-pressed="true"] { background: var(--ef-anchor); }
.ef-role[data-role="edit"][aria-pressed="true"] { background: var(--ef-edit); }
.ef-zoom { min-width: 42px; color: var(--ef-quiet); font-variant-numeric: tabular-nums; }

.ef-main { display: flex; flex: 1; flex-direction: column; min-height: 0; }
.ef-stage { position: relative; flex: 1; min-height: 180px; overflow: hidden; background: var(--ef-ground); }
.ef-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; }
.ef-keys {
  position: absolute; left: 0; bottom: 0; width: 1px; height: 1px; padding: 0; border: 0; opacity: 0; resize: none;
  pointer-events: none;
}
.ef-message {
  position: absolute; left: 50%; top: 10px; transform: translateX(-50%); width: max-content; max-width: calc(100% - 24px);
  padding: 5px 10px; border-radius: 6px; background: rgba(20, 23, 26, 0.82); color: #dcdfe3; text-align: center;
  pointer-events: none; overflow-wrap: anywhere;
}
.ef-message.ef-error { background: #7a2531; color: #fff; }

.ef-side { display: flex; flex: none; flex-direction: column; min-height: 0; border-top: 1px solid var(--ef-line); }
.ef-list { flex: none; height: 91px; overflow-y: auto; padding: 3px; scrollbar-width: thin; position: relative; }
.ef-empty { padding: 5px 6px; color: var(--ef-quiet); }
.ef-zone { display: flex; align-items: center; gap: 4px; height: 28px; padding: 0 3px; border-radius: 5px; }
.ef-zone:hover { background: color-mix(in srgb, var(--ef-ink) 7%, transparent); }
.ef-zone.ef-selected { background: color-mix(in srgb, var(--ef-ink) 15%, transparent); }
.ef-zone > .ef-button { height: 20px; min-width: 22px; padding: 0; color: #14171a; border-radius: 4px; }
.ef-zone > .ef-button:disabled { opacity: 0.7; }
.ef-zone > .ef-button svg { width: 13px; height: 13px; }
.ef-zone[data-role="anchor"] > .ef-button, .ef-zone[data-role="anchor"] > .ef-button:hover:not(:disabled) {
  background: repeating-linear-gradient(135deg, var(--ef-anchor) 0 4px, #86caf0 4px 6px);
}
.ef-zone[data-role="edit"] > .ef-button, .ef-zone[data-role="edit"] > .ef-button:hover:not(:disabled) { background: var(--ef-edit); }
.ef-shape { display: inline-flex; color: var(--ef-quiet); }
.ef-zones .ef-name {
  flex: 1; min-width: 40px; height: 22px; margin: 0; padding: 0 4px;
  border: 1px solid transparent; border-radius: 4px; background: transparent; color: inherit; font: inherit;
}
.ef-zones .ef-name:hover { border-color: var(--ef-line); }
.ef-zones .ef-name:focus { background: var(--ef-ground); }
.ef-zones .ef-name.ef-wrong { border-color: #e0596b; outline-color: #e0596b; }
.ef-actions { display: flex; opacity: 0; }
.ef-zone:hover .ef-actions, .ef-selected .ef-actions, .ef-zone:focus-within .ef-actions { opacity: 1; }
.ef-actions .ef-button { height: 22px; min-width: 22px; padding: 0; color: var(--ef-quiet); }
.ef-actions .ef-button:hover:not(:disabled) { color: var(--ef-ink); }

.ef-fields { display: flex; gap: 6px; padding: 6px; border-top: 1px solid var(--ef-line); }
.ef-numbers { display: flex; flex: none; flex-direction: column; justify-content: space-between; gap: 2px; width: 124px; }
.ef-field { display: flex; align-items: center; gap: 6px; color: var(--ef-quiet); }
.ef-field input[type="range"] { flex: 1; width: 0; min-width: 0; height: 18px; margin: 0; accent-color: var(--ef-ink); }
.ef-zones .ef-field input[type="number"], .ef-zones .ef-prompt, .ef-zones .ef-json {
  margin: 0; padding: 3px 6px; border: 1px solid var(--ef-line); border-radius: 5px;
  background: var(--ef-ground); color: var(--ef-ink); font: inherit; user-select: text;
}
.ef-zones .ef-field input[type="number"] { flex: 1; width: 0; min-width: 0; }
.ef-zones .ef-prompt { flex: 1; min-width: 0; height: 52px; resize: none; }
.ef-zones :is(.ef-prompt, .ef-field input):disabled { opacity: 0.5; }

.ef-text { display: flex; flex: none; flex-direction: column; gap: 4px; padding: 6px; border-top: 1px solid var(--ef-line); }
.ef-zones .ef-json { width: 100%; height: 84px; resize: none; font: 11px/1.4 ui-monospace, monospace; }
.ef-words { align-self: flex-end; border-color: var(--ef-line); padding: 0 10px; }

.ef-hint {
  flex: none; height: 22px; padding: 2px 8px; overflow: hidden; border-top: 1px solid var(--ef-line);
  color: var(--ef-quiet); font-size: 11px; line-height: 17px; text-overflow: ellipsis; white-space: nowrap;
}
.ef-help {
  position: absolute; inset: 0; display: flex; flex-wrap: wrap; gap: 6px 28px; padding: 12px 16px; overflow: auto;
  background: rgba(20, 23, 26, 0.93); color: #dcdfe3;
}
.ef-help section { flex: 1 1 190px; }
.ef-help h4 { margin: 0 0 4px; color: #9aa0a8; font-size: 11px; font-weight: 600; letter-spacing: 0.04em; text-transform: uppercase; }
.ef-key { display: flex; gap: 8px; padding: 1px 0; }
.ef-key kbd { flex: 0 0 88px; color: #fff; font: 11px/1.5 ui-monospace, monospace; }

@container (max-width: 470px) {
  .ef-bar .ef-button { min-width: 24px; padding: 0 2px; }
  .ef-bar .ef-role { padding: 0 5px; }
  .ef-role[aria-pressed="false"] span, .ef-zoom { display: none; }
}
@container (min-width: 640px) {
  .ef-main { flex-direction: row; }
  .ef-side { width: 250px; border-top: 0; border-left: 1px solid var(--ef-line); }
  .ef-list { flex: 1 1 auto; height: auto; }
  .ef-fields { flex-direction: column; }
  .ef-numbers { width: auto; gap: 6px; }
  .ef-zones .ef-prompt { flex: none; height: 110px; }
}
`;
