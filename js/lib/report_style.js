/** Style of the report panel. Colors come from ComfyUI's theme, with a dark one for an empty page. */

export const REPORT_STYLE = `
.ef-report {
  --ef-ground: var(--comfy-input-bg, #1f2124);
  --ef-panel: var(--comfy-menu-bg, #2a2c30);
  --ef-line: var(--border-color, #44474d);
  --ef-ink: var(--input-text, #dcdfe3);
  --ef-quiet: var(--descrip-text, #9aa0a8);
  --ef-pass: #4bb06f;
  --ef-warn: #e6a700;
  --ef-fail: #e0596b;
  --ef-none: #7d838b;
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  width: 100%;
  height: 100%;
  min-height: 44px;
  min-width: 0;
  overflow: hidden;
  border: 1px solid var(--ef-line);
  border-radius: 8px;
  background: var(--ef-panel);
  color: var(--ef-ink);
  font: 12px/1.35 system-ui, sans-serif;
  text-align: left;
}
.ef-report.ef-closed :is(.ef-view, .ef-scroll) { display: none; }
.ef-report *, .ef-report *::before { box-sizing: border-box; }
.ef-report [hidden] { display: none !important; }
.ef-report [data-verdict="pass"] { --ef-verdict: var(--ef-pass); }
.ef-report [data-verdict="warn"] { --ef-verdict: var(--ef-warn); }
.ef-report [data-verdict="fail"] { --ef-verdict: var(--ef-fail); }
.ef-report [data-verdict="not judged"] { --ef-verdict: var(--ef-none); }

.ef-head { display: flex; flex: none; align-items: flex-start; gap: 8px; padding: 7px 8px; }
.ef-badge {
  flex: none; padding: 1px 9px; border-radius: 9px; background: var(--ef-verdict); color: #14171a;
  font-weight: 700; letter-spacing: 0.04em; text-transform: uppercase;
}
.ef-sentence { max-height: 68px; overflow-y: auto; overflow-wrap: anywhere; user-select: text; scrollbar-width: thin; }

.ef-sentence { flex: 1; }
.ef-toggle {
  flex: none; width: 22px; height: 20px; padding: 0; border: 0; border-radius: 5px; background: transparent;
  color: var(--ef-quiet); font: inherit; cursor: pointer;
}
.ef-toggle:hover { background: color-mix(in srgb, var(--ef-ink) 12%, transparent); color: var(--ef-ink); }

.ef-view {
  position: relative; flex: 1 1 180px; min-height: 120px; overflow: hidden;
  border-top: 1px solid var(--ef-line); background: #101113; cursor: zoom-out;
}
.ef-canvas { position: absolute; left: 0; top: 0; transform-origin: 0 0; transition: transform 180ms ease-out; }
.ef-canvas img { display: block; width: 100%; height: 100%; }
.ef-place {
  position: absolute; border: 2px solid #fff; border-radius: 2px; pointer-events: none;
  box-shadow: 0 0 0 1px #000, 0 0 0 2000px rgba(0, 0, 0, 0.35);
}
.ef-caption {
  position: absolute; left: 6px; bottom: 5px; max-width: calc(100% - 12px); padding: 1px 7px; border-radius: 5px;
  background: rgba(16, 17, 19, 0.8); color: #dcdfe3; font-size: 11px; pointer-events: none;
}

.ef-scroll { flex: 1 1 96px; min-height: 70px; overflow: auto; border-top: 1px solid var(--ef-line); scrollbar-width: thin; }
.ef-table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.ef-table th {
  position: sticky; top: 0; z-index: 1; padding: 3px 6px; background: var(--ef-panel); color: var(--ef-quiet);
  font-size: 11px; font-weight: 500; text-align: left; white-space: nowrap;
}
.ef-table td { padding: 3px 6px; border-top: 1px solid var(--ef-line); vertical-align: top; }
.ef-table .ef-number { text-align: right; overflow-wrap: break-word; }
.ef-table .ef-number small { color: var(--ef-quiet); font-size: 11px; }
.ef-table .ef-metric { width: 40%; }
.ef-table td.ef-verdict { color: var(--ef-verdict); font-weight: 600; white-space: nowrap; }
.ef-table .ef-where { color: var(--ef-quiet); white-space: nowrap; }
.ef-table tr[tabindex] { cursor: pointer; }
.ef-table tr[tabindex]:hover { background: color-mix(in srgb, var(--ef-ink) 9%, transparent); }
.ef-table tr[aria-selected="true"] { background: color-mix(in srgb, var(--ef-ink) 17%, transparent); }
.ef-table tr:focus-visible { outline: 2px solid color-mix(in srgb, var(--ef-ink) 60%, transparent); outline-offset: -2px; }
.ef-table tr[data-verdict="not judged"] td { color: var(--ef-quiet); }
`;
