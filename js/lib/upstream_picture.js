/** Which picture a node's image input stands for, as far as the page can know before it runs. */

const IMAGE = "image";
const BACKGROUND = "edit_first_background"; // what our node says it received, in its last run
const MAX_HOPS = 100;
const SUBGRAPH_INPUT = "-10"; // the box on the left inside a subgraph
const BYPASSED = 4;

/** Where each node's last background came from: a new connection makes it the wrong picture. */
const seen = new WeakMap();

/**
 * The address of the picture on a node's image input, or null.
 *
 * A file that was picked upstream comes first: it is there before any run. Then what our node received in the last run,
 * then what the node upstream shows of itself.
 */
export function pictureAddress(app, node) {
  const source = sourceOf(app, node);
  if (!source) return null;
  const shown = outputsOf(app, source)?.images?.find(Boolean);
  if (shown?.type === "input") return address(shown);
  const received = outputsOf(app, node)?.[BACKGROUND]?.[0];
  if (received) {
    if (seen.get(node)?.received !== received) seen.set(node, { received, source });
    if (seen.get(node).source === source) return address(received);
  }
  return shown ? address(shown) : (source.imgs?.[0]?.src ?? null);
}

function address({ filename, subfolder = "", type = "output" }) {
  return new URL(`../../../api/view?${new URLSearchParams({ filename, subfolder, type })}`, import.meta.url).href;
}

/** Outputs are kept under "<id>", and under "<subgraph>:<id>" inside a subgraph. */
function outputsOf(app, node) {
  const graph = node.graph;
  const inRoot = !graph || graph === app.rootGraph || graph.isRootGraph;
  return app.nodeOutputs?.[inRoot ? String(node.id) : `${graph.id}:${node.id}`];
}

/** The node that makes the picture: through reroutes, bypassed nodes, and in and out of subgraphs. */
function sourceOf(app, node) {
  let place = { node, slot: node.inputs?.findIndex((input) => input.name === IMAGE) ?? -1 };
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const origin = originOf(app, place);
    if (!origin) return null;
    const through = inputBehind(origin);
    if (!through) return origin.node;
    place = through;
  }
  return null;
}

/** The output that an input hangs on: {node, slot}, or null. */
function originOf(app, { node, slot }) {
  const graph = node.graph;
  const link = graph?.getLink?.(node.inputs?.[slot]?.link) ?? null;
  if (!link) return null;
  if (String(link.origin_id) !== SUBGRAPH_INPUT) {
    const origin = graph.getNodeById(link.origin_id);
    return origin ? { node: origin, slot: link.origin_slot } : null;
  }
  const host = hostOf(app, graph);
  return host ? originOf(app, { node: host, slot: link.origin_slot }) : null;
}

/** The node that stands for a subgraph; the first one, where several share it. */
function hostOf(app, graph) {
  const root = app.rootGraph ?? app.graph;
  for (const each of [root, ...(root.subgraphs?.values() ?? [])]) {
    const host = each.nodes.find((node) => node.subgraph === graph);
    if (host) return host;
  }
  return null;
}

/** The input that an output merely passes on: {node, slot}, or null when the node makes the picture itself. */
function inputBehind({ node, slot }) {
  if (node.subgraph) {
    return { node: { graph: node.subgraph, inputs: outputLinks(node.subgraph) }, slot };
  }
  if (node.type === "Reroute") return { node, slot: 0 };
  if (node.mode !== BYPASSED) return null;
  const image = node.inputs?.findIndex((input) => input.type === "IMAGE") ?? -1;
  return image < 0 ? null : { node, slot: image };
}

/** A subgraph's outputs, looked at from inside: inputs with a link. */
function outputLinks(subgraph) {
  return subgraph.outputs.map(({ linkIds }) => ({ link: linkIds?.[0] ?? null }));
}
