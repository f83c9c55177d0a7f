// The host's side of a replay: a `data:` iframe (an origin of its own), spoken to by messages only.

export const dataUrl = (html) => {
  const bytes = new TextEncoder().encode(html);
  let binary = "";
  for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return `data:text/html;charset=utf-8;base64,${btoa(binary)}`;
};

const theme = (element) => (element.closest('[data-jp-theme-light="false"]') ? "dark" : "light");

// Put a player into `element`; `load` is {gz: ArrayBuffer, at, marks}. Gives {seek, theme, destroy}.
export function mountReplay(element, frameUrl, load, onMessage = () => {}) {
  const frame = document.createElement("iframe");
  frame.className = "bs-player";
  frame.title = "Session replay";
  frame.referrerPolicy = "no-referrer";
  frame.src = frameUrl;
  const post = (message) => frame.contentWindow?.postMessage(message, "*");
  const hear = ({ source, data }) => {
    if (source !== frame.contentWindow || data?.blindspot !== "player") return;
    if (data.op === "boot") post({ op: "load", theme: theme(element), ...load() });
    if (data.op === "size") frame.style.height = `${Math.min(Math.max(Number(data.height) || 0, 120), 1200)}px`;
    if (data.op === "ready" || data.op === "error") element.dataset.state = data.op;
    if (data.op === "time") element.dataset.time = String(Number(data.t));
    onMessage(data);
  };
  const repaint = new MutationObserver(() => post({ theme: theme(element) }));
  repaint.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  addEventListener("message", hear);
  element.append(frame);
  return {
    seek: (at, play = false) => post({ op: "seek", at, play }),
    reload: () => post({ op: "load", ...load() }),
    destroy: () => { removeEventListener("message", hear); repaint.disconnect(); frame.remove(); },
  };
}

