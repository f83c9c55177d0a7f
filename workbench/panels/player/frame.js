// The player inside the closed iframe. It talks to its host by messages only:
//   in:  load {gz, at, marks, theme}   seek {at, play}   theme {theme}
//   out: boot   ready {total, events}   time {t}   size {height}   error {message}
import { Replayer } from "@rrweb/replay";
import replayCss from "@rrweb/replay/dist/style.css";
import frameCss from "./frame.css";
import { sanitise } from "./sanitise.js";

const TALLEST = 460; // px: page, controls and moments together fit one screen
const THUMB = 16; // px: a slider runs from the middle of its thumb to the middle of its thumb
const SPEEDS = [1, 2, 4, 0.5];
const post = (message) => parent.postMessage({ blindspot: "player", ...message }, "*");

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const clock = (ms) => {
  const tenths = Math.max(0, Math.round(ms / 100));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
};

async function unpack(gz) {
  const stream = new Response(gz).body.pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

class Player {
  constructor(events, { at, marks }) {
    this.marks = marks;
    this.playing = false;
    this.said = -1;
    this.draw();
    this.replayer = new Replayer(events, {
      root: this.fit, mouseTail: false, skipInactive: true, showWarning: false, UNSAFE_replayCanvas: false,
    });
    this.total = this.replayer.getMetaData().totalTime;
    this.slider.max = String(this.total);
    this.fillMarks();
    this.replayer.on("resize", (size) => this.scale(size));
    this.replayer.on("finish", () => { this.playing = false; this.show(this.total); });
    addEventListener("resize", () => this.scale(this.size));
    this.seek(at ?? 0, false);
  }

  draw() {
    this.fit = make("div", { className: "fit" });
    this.stage = make("div", { className: "stage" }, this.fit);
    this.button = make("button", { className: "play", type: "button", onclick: () => this.toggle() });
    this.slider = make("input", { type: "range", min: "0", step: "100", value: "0", ariaLabel: "Position in the recording" });
    this.slider.oninput = () => this.seek(Number(this.slider.value), false);
    this.track = make("div", { className: "track" }, this.slider);
    this.clock = make("span", { className: "clock" });
    this.speed = make("button", { type: "button", textContent: "1×", ariaLabel: "Speed: 1 times. Change" });
    this.speed.onclick = () => this.nextSpeed();
    const controls = make("div", { className: "controls" }, this.button, this.track, this.clock, this.speed);
    controls.setAttribute("role", "group");
    controls.setAttribute("aria-label", "Replay controls");
    this.list = make("ol", { className: "marks", ariaLabel: "Moments in the recording" });
    document.body.replaceChildren(this.stage, controls, this.list);
    document.onkeydown = (event) => {
      if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); this.toggle(); }
    };
  }

  fillMarks() {
    for (const mark of this.marks.filter(({ t }) => t <= this.total)) {
      const tick = make("i", { className: "tick" });
      tick.dataset.kind = mark.kind;
      const part = Math.min(1, mark.t / Math.max(1, this.total));
      tick.style.left = `calc(${THUMB / 2}px + ${part} * (100% - ${THUMB}px))`;
      this.track.append(tick);
      const button = make("button", { type: "button", ariaLabel: `${mark.kind} at ${clock(mark.t)}: ${mark.label}. Go there` },
        make("i", { className: "sign" }), make("time", { textContent: clock(mark.t) }), make("span", { textContent: mark.label }));
      button.dataset.kind = mark.kind;
      button.dataset.t = mark.t;
      button.onclick = () => this.seek(Math.max(0, mark.t - 500), false);
      this.list.append(make("li", {}, button));
    }
  }

  scale(size) {
    if (!size) return;
    this.size = size;
    const scale = Math.min(1, this.stage.clientWidth / size.width, TALLEST / size.height);
    this.fit.style.width = `${size.width * scale}px`;
    this.fit.style.height = `${size.height * scale}px`;
    this.replayer.wrapper.style.transform = `scale(${scale})`;
    requestAnimationFrame(() => post({ op: "size", height: Math.ceil(this.list.getBoundingClientRect().bottom) }));
  }

  nextSpeed() {
    const speed = SPEEDS[(SPEEDS.indexOf(this.replayer.config.speed) + 1) % SPEEDS.length];
    this.replayer.setConfig({ speed });
    this.speed.textContent = `${speed}×`;
    this.speed.ariaLabel = `Speed: ${speed} times. Change`;
  }

  toggle() {
    if (this.playing) return this.seek(this.replayer.getCurrentTime(), false);
    const now = this.replayer.getCurrentTime();
    this.seek(now >= this.total ? 0 : now, true);
  }

  seek(at, play) {
    this.playing = play;
    if (play) this.replayer.play(at);
    else this.replayer.pause(at);
    this.show(at);
    if (play) requestAnimationFrame(() => this.tick());
  }

  tick() {
    if (!this.playing) return;
    this.show(Math.min(this.total, this.replayer.getCurrentTime()));
    requestAnimationFrame(() => this.tick());
  }

  show(t) {
    this.button.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    this.slider.value = String(t);
    this.slider.ariaValueText = `${clock(t)} of ${clock(this.total)}`;
    this.clock.textContent = `${clock(t)} / ${clock(this.total)}`;
    let current = null;
    for (const button of this.list.querySelectorAll("button")) {
      button.removeAttribute("aria-current");
      if (Number(button.dataset.t) <= t) current = button;
    }
    current?.setAttribute("aria-current", "true");
    if (Math.abs(t - this.said) >= 200) { this.said = t; post({ op: "time", t: Math.round(t) }); }
  }
}

let player = null;
let asked = 0; // recordings asked for; the last one counts
let waiting = null; // where to go once it is unpacked
addEventListener("message", async ({ source, data }) => {
  if (source !== parent || !data) return;
  try {
    if (data.theme) document.documentElement.dataset.theme = data.theme;
    if (data.op === "load") {
      const mine = (asked += 1);
      player = waiting = null;
      const events = sanitise(await unpack(data.gz));
      if (mine !== asked) return;
      player = new Player(events, { at: data.at, marks: data.marks ?? [] });
      if (waiting) player.seek(waiting.at, Boolean(waiting.play));
      post({ op: "ready", total: player.total, events: events.length });
    } else if (data.op === "seek") {
      if (player) player.seek(data.at, Boolean(data.play));
      else waiting = data;
    }
  } catch (error) {
    document.body.replaceChildren(make("p", { className: "fault", textContent: `This recording cannot be played: ${error.message}` }));
    post({ op: "error", message: String(error) });
  }
});
document.head.append(make("style", { textContent: replayCss + frameCss }));
post({ op: "boot" });
