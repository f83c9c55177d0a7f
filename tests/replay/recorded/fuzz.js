// Changes <main> at random but repeatably; `step` and `stage` answer with what the browser shows afterwards.
const events = [];
let seed = 20260309;
const random = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 4294967296) * n);
};
const pick = (list) => list[random(list.length)];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const m = document.getElementById('m');
let counter = 0;

function start() {
  const recorder = window.rrwebRecord ?? window.rrweb ?? window.rrwebrecord;
  window.rec = recorder.record ?? recorder;
  window.rec({ emit: (event) => events.push(event), maskAllInputs: true, sampling: { input: 'last' } });
}

async function seen(name) {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 5)));
  const frame = document.getElementById('frame');
  const said = {
    name,
    at: Date.now(),
    html: m.innerHTML,
    text: document.body ? document.body.innerText : '',
    frame: frame ? frame.contentDocument.body.innerText : '',
  };
  await wait(4);
  return said;
}

function element() {
  const e = document.createElement(pick(['p', 'div', 'span', 'li', 'b', 'section']));
  e.textContent = `w${++counter}`;
  if (random(3) === 0) e.append(document.createTextNode(` and w${++counter}`));
  if (random(4) === 0) e.append(element());
  return e;
}

const inside = () => [...m.querySelectorAll('*')];
const anywhere = () => pick([m, m, ...inside()]);
const operations = [
  () => anywhere().append(element()),
  () => anywhere().prepend(element(), element()),
  () => {
    const parent = anywhere();
    parent.insertBefore(element(), pick([null, ...parent.childNodes]));
  },
  () => {
    const all = inside();
    if (all.length > 12) pick(all).remove();
  },
  () => {
    const node = pick([null, ...inside()]);
    const target = anywhere();
    if (node && !node.contains(target)) target.insertBefore(node, pick([null, ...target.childNodes].filter((c) => c !== node)));
  },
  () => {
    const list = [...anywhere().childNodes];
    if (list.length > 1) list[0].parentNode.append(...list.reverse());
  },
  () => {
    const texts = inside().flatMap((e) => [...e.childNodes]).filter((n) => n.nodeType === 3);
    if (texts.length) pick(texts).data = `t${++counter} <&> "x"`;
  },
  () => pick([m, ...inside()]).setAttribute(pick(['class', 'title', 'data-x']), `a${++counter}`),
  () => {
    const e = pick([m, ...inside()]);
    const names = e.getAttributeNames().filter((n) => n !== 'id');
    if (names.length) e.removeAttribute(pick(names));
  },
  () => {
    const all = inside();
    if (all.length > 20) pick(all).innerHTML = `<i>w${++counter}</i> tail w${++counter}`;
  },
  () => {
    const e = element();
    anywhere().append(e);
    e.remove();
  },
  () => {
    const e = element();
    e.append('late ', element());
    anywhere().append(e);
    e.append(element());
    e.firstChild.data = `changed w${++counter}`;
  },
  () => anywhere().append(document.createComment(`c${++counter}`)),
];

async function step() {
  for (let i = 0; i < 1 + random(5); i++) pick(operations)();
  return seen('step');
}

const stages = {
  shown: () => (document.getElementById('note').style.display = 'block'),
  restyled: () => {
    document.getElementById('note').style.color = 'red';
    document.querySelector('h1').style.display = 'none';
  },
  shadow: () => (document.getElementById('host').attachShadow({ mode: 'open' }).innerHTML = '<p>In the shadow</p>'),
  frame: () => (document.getElementById('frame').contentDocument.getElementById('inside').textContent = 'Frame changed'),
  checkpoint: () => window.rec.takeFullSnapshot(true),
  after_checkpoint: () => m.prepend('after the checkpoint '),
  blank: async () => {
    window.kept = document.getElementById('app');
    window.kept.remove();
    await wait(1300);
  },
  back: () => document.body.prepend(window.kept),
  flicker: async () => {
    window.kept.style.display = 'none';
    await wait(120);
    window.kept.style.removeProperty('display');
  },
  end: () => window.kept.replaceChildren(),
};

async function stage(name) {
  await stages[name]();
  return seen(name);
}
