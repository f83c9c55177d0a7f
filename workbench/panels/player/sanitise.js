// A content security policy stops fetches, but not name look-ups and early connections: such links are taken out of
// the recording, and so is everything that would send the rebuilt page somewhere else.
const EARLY = new Set(["dns-prefetch", "preconnect", "prefetch", "preload", "modulepreload", "prerender"]);
const ELEMENT = 2;

function disarm(node) {
  if (!node || typeof node !== "object") return;
  if (node.type === ELEMENT && node.attributes) {
    const { attributes } = node;
    const tag = String(node.tagName).toLowerCase();
    if (tag === "link" && String(attributes.rel ?? "").toLowerCase().split(/\s+/).some((rel) => EARLY.has(rel))) {
      node.attributes = {};
    } else if (tag === "meta" || tag === "base") {
      node.attributes = {};
    }
    delete attributes.ping;
  }
  for (const child of node.childNodes ?? []) disarm(child);
}

// Change the events in place: full snapshots, and nodes and attributes that mutations bring in later.
export function sanitise(events) {
  for (const { type, data } of events) {
    if (type === 2) disarm(data?.node);
    if (type === 3 && data?.source === 0) {
      for (const added of data.adds ?? []) disarm(added.node);
      for (const { attributes } of data.attributes ?? []) {
        if (attributes && typeof attributes.rel === "string") delete attributes.rel;
      }
    }
  }
  return events;
}
