// A recording is taken apart before it is rebuilt: nothing in it may ask for anything outside of itself. The frame's
// content security policy would stop the fetches too; but not name look-ups and early connections, and each stopped
// fetch would be an error in the console of the report.

const ELEMENT = 2;
const TEXT = 3;
const ADDRESSES = new Set([
  "src", "srcset", "href", "xlink:href", "poster", "data", "background", "imagesrcset", "action", "formaction", "rr_src",
]);
const GONE = new Set(["ping", "srcdoc", "http-equiv", "manifest", "rel", "as", "autofocus", "target", "nonce", "autoplay"]);
const EMPTIED = new Set(["base", "meta", "script", "object", "embed"]);

const inside = (address) => /^\s*(#|data:(image|font|audio|video)\/)/i.test(address);

// A grey box in place of a picture that lies on a server: of its size where the page said one.
function box(attributes) {
  const side = (name) => (/^\d{1,5}$/.test(attributes[name]) ? attributes[name] : "100%");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side("width")}" height="${side("height")}"><rect width="100%" height="100%" fill="#e3e6ea"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function cleanCss(css) {
  if (typeof css !== "string") return css;
  return css
    .replace(/@import[^;]*;?/gi, "")
    .replace(/(image-set\s*\()\s*["'][^)]*\)/gi, "none")
    .replace(/url\(\s*(["']?)([\s\S]*?)\1\s*\)/gi, (whole, _, address) => (inside(address) ? whole : "url(data:,)"));
}

function cleanStyle(style) {
  if (typeof style === "string") return cleanCss(style);
  if (!style || typeof style !== "object") return style;
  const clean = (value) => (Array.isArray(value) ? value.map(cleanCss) : cleanCss(value));
  return Object.fromEntries(Object.entries(style).map(([name, value]) => [name, clean(value)]));
}

function cleanAttributes(attributes, tag) {
  for (const name of Object.keys(attributes)) {
    const key = name.toLowerCase();
    const value = attributes[name];
    if (key.startsWith("on") || GONE.has(key)) delete attributes[name];
    else if (key === "style") attributes[name] = cleanStyle(value);
    else if (key === "_csstext") attributes[name] = cleanCss(value);
    else if (ADDRESSES.has(key) && !(typeof value === "string" && inside(value))) {
      if (key === "src" && (tag === "img" || tag === undefined)) attributes[name] = box(attributes);
      else if (key === "href" && (tag === "a" || tag === "area")) attributes[name] = "#";
      else delete attributes[name];
    }
  }
}

function cleanNode(node, parentTag) {
  if (!node || typeof node !== "object") return;
  const tag = node.type === ELEMENT ? String(node.tagName).toLowerCase() : undefined;
  if (node.type === ELEMENT && node.attributes) {
    if (EMPTIED.has(tag)) node.attributes = {};
    cleanAttributes(node.attributes, tag);
    if (tag === "iframe") delete node.attributes.src;
    if (tag === "script") node.childNodes = [];
  }
  if (node.type === TEXT && (node.isStyle || parentTag === "style")) node.textContent = cleanCss(node.textContent);
  for (const child of node.childNodes ?? []) cleanNode(child, tag);
}

function cleanRules(rules) {
  for (const rule of rules ?? []) rule.rule = cleanCss(rule.rule);
}

// What an incremental event of each rrweb source may bring in.
const INCREMENTAL = {
  0: (data) => { // mutation
    for (const added of data.adds ?? []) cleanNode(added.node);
    for (const text of data.texts ?? []) if (/url\(|@import|image-set/i.test(text.value ?? "")) text.value = cleanCss(text.value);
    for (const { attributes } of data.attributes ?? []) if (attributes) cleanAttributes(attributes, undefined);
  },
  8: (data) => { cleanRules(data.adds); data.replace = cleanCss(data.replace); data.replaceSync = cleanCss(data.replaceSync); },
  10: (data) => { if (!inside(String(data.fontSource))) data.fontSource = "data:font/woff2,"; },
  13: (data) => { if (data.set) data.set.value = cleanCss(data.set.value); },
  15: (data) => { for (const sheet of data.styles ?? []) cleanRules(sheet.rules); },
};

// Change the events in place and give them back.
export function sanitise(events) {
  for (const { type, data } of events) {
    if (type === 2) cleanNode(data?.node);
    if (type === 3) INCREMENTAL[data?.source]?.(data);
  }
  return events;
}
