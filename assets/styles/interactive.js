/* Interactive figures (lab1784/interactive.py): a panel takes the place of
   the picture before it.  Where this does not run, the picture stays. */
(() => {
const SVG = "http://www.w3.org/2000/svg";
let made = 0;
const put = (node, attributes) => Object.entries(attributes).forEach(one => node.setAttribute(...one));
const rule = (svg, x1, y) => add(svg, "line", {x1, x2: 316, y1: y, y2: y, class: "panel-rule"});
const margin = texts => 7.6 * Math.max(...texts.map(text => text.length));
/* Only what differs is written, so that only that is read aloud. */
const say = (node, text) => node.textContent === text || (node.textContent = text);
function add(parent, tag, attributes = {}, text = "") {
  const drawn = tag === "svg" || parent.namespaceURI === SVG;
  const node = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  put(node, attributes);
  node.textContent = text;
  return parent.appendChild(node);
}

function pick(parent, label, options, then) {
  const box = add(parent, "fieldset", {class: "panel-menu"}), name = `panel-${++made}`;
  add(box, "legend", {}, label);
  options.forEach((option, i) => {
    const one = add(box, "label"), input = add(one, "input", {type: "radio", name});
    add(one, "span", {}, option);
    Object.assign(input, {checked: i === 0, onchange: () => then(i)});
  });
}

function choose(panel, grid, text) {
  const at = grid.controls.map(() => 0), box = add(panel, "div", {class: "panel-controls"});
  grid.controls.forEach(([label, options], i) => pick(box, label, options, k => update(at[i] = k)));
  const table = add(panel, "table"), caption = add(table, "caption", {"aria-live": "polite"});
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  grid.columns.forEach(name => add(head, "th", {scope: "col"}, name));
  function update() {
    say(caption, grid.controls.map(([label, all], i) => `${label}: ${all[at[i]]}`).join(". "));
    const cell = grid.controls.reduce((sum, [, all], i) => sum * all.length + at[i], 0);
    body.replaceChildren();
    for (const row of grid.table[cell])
      add(body, "tr").append(...row.map(number => add(body, "td", {}, text(number))));
  }
  update();
}

function draw(panel, grid, text) {
  const n = grid.columns.length, top = grid.levels.length - 1, at = [...grid.start];
  const left = 12 + margin(grid.levels), wide = (316 - left) / n, low = 190, high = 20;
  const x = i => left + wide * (i + 0.5), y = share => low - (low - high) * share;
  const svg = add(panel, "svg", {viewBox: "0 0 320 224", role: "group", "aria-label": grid.title});
  grid.levels.forEach((name, k) => {
    rule(svg, left, y(k / top));
    add(svg, "text", {x: left - 8, y: y(k / top) + 4.5, "text-anchor": "end"}, name);
  });
  const asked = add(svg, "polyline", {class: "panel-asked"});
  const legend = add(panel, "p", {class: "panel-legend"});
  grid.names.forEach(name => add(legend, "span", {}, name));
  const list = add(panel, "ol", {class: "panel-texts", "aria-live": "polite"});
  const parts = grid.columns.map((name, i) => {
    add(svg, "text", {x: x(i), y: 218, "text-anchor": "middle"}, name);
    const track = add(svg, "rect", {x: x(i) - wide / 2, width: wide, height: 204, class: "panel-track"});
    const handle = add(svg, "g", {role: "slider", tabindex: 0, "aria-label": `${name}, ${grid.names[0]}`,
      "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": top});
    [["panel-track", 22], ["panel-knob", 10]].forEach(([name, r]) => add(handle, "circle", {r, class: name}));
    const set = level => update(at[i] = Math.min(Math.max(level, 0), top));
    track.onclick = handle.onpointermove = event => {
      const {d, f} = svg.getScreenCTM(), here = (event.clientY - f) / d;
      if (event.type === "click" || handle.hasPointerCapture(event.pointerId))
        set(Math.round(top * (low - here) / (low - high)));
    };
    handle.onpointerdown = event => { handle.setPointerCapture(event.pointerId); handle.focus(); };
    handle.onkeydown = event => {
      const move = {ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, Home: -top, End: top}[event.key];
      if (move) { set(at[i] + move); event.preventDefault(); }
    };
    return {handle, dot: add(svg, "circle", {cx: x(i), r: 4.5, class: "panel-dot"}), item: add(list, "li")};
  });
  function update() {
    const cell = n * at.reduce((sum, level) => sum * (top + 1) + level, 0);
    parts.forEach(({handle, dot, item}, i) => {
      put(dot, {cy: y(grid.values[cell + i] / 100)});
      put(handle, {transform: `translate(${x(i)} ${y(at[i] / top)})`,
        "aria-valuenow": at[i], "aria-valuetext": grid.levels[at[i]]});
      say(item, text(grid.said[cell + i]));
    });
    put(asked, {points: at.map((level, i) => [x(i), y(level / top)]).join(" ")});
  }
  update();
}

function play(panel, grid, text) {
  const n = grid.lanes.length, frames = grid.runs[0].at.length / n;
  const left = margin(grid.rows) + (grid.runs[0].queues ? 48 : 8), wide = (316 - left) / n;
  const step = Math.max(24, Math.min(40, 300 / grid.rows.length)), low = 4 + step * grid.rows.length;
  let run = grid.runs[0], now = 0, playing = false, last = 0;
  const box = add(panel, "div", {class: "panel-controls"});
  if (grid.runs[1]) pick(box, "Run", grid.runs.map(one => one.name), k => { run = grid.runs[k]; set(now); });
  const button = add(box, "button", {type: "button"}), time = add(box, "label", {class: "panel-time"}, "Time");
  const slider = add(time, "input", {type: "range", max: frames - 1}), clock = add(box, "span", {class: "panel-clock"});
  const svg = add(panel, "svg", {viewBox: `0 0 320 ${low + 28}`, "aria-hidden": true});
  const mid = row => low - step * (row + 0.5), middle = {"text-anchor": "middle"};
  const waiting = grid.rows.map((name, i) => {
    rule(svg, 0, low - step * i);
    add(svg, "text", {y: mid(i) + 4.5}, name);
    return add(svg, "text", {x: left - 8, y: mid(i) + 4.5, "text-anchor": "end", class: "panel-queue"});
  });
  const cars = grid.lanes.map((name, i) => {
    const half = Math.min(20, wide / 2 - 2), x = left + wide * (i + 0.5), width = 2 * half;
    add(svg, "rect", {x: x - half - 2, width: width + 4, y: 4, height: low - 4, class: "panel-shaft"});
    add(svg, "text", {x, y: low + 20, ...middle}, name);
    const car = add(svg, "g");
    add(car, "rect", {x: x - half, width, y: 2 - step / 2, height: step - 4, rx: 3, class: "panel-car"});
    return [car, add(car, "text", {x, y: 4.5, ...middle, class: "panel-on-car"})];
  });
  add(panel, "p", {class: "panel-caption"}, grid.caption || "");
  const spoken = add(panel, "p", {class: "panel-spoken"});
  function set(moment) {
    now = Math.min(moment, frames - 1);
    const here = Math.floor(now), next = Math.min(here + 1, frames - 1), words = [];
    const part = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : now - here;
    cars.forEach(([car, label], i) => {
      const a = run.at[here * n + i] / 100, b = run.at[next * n + i] / 100;
      put(car, {transform: `translate(0 ${mid(a + part * (b - a))})`});
      say(label, text(run.label[here * n + i]));
      words.push(`${grid.lanes[i]} at ${grid.rows[Math.round(a)]}: ${label.textContent || "empty"}`);
    });
    (run.queues ? run.queues[here] : []).forEach((count, i) => {
      say(waiting[i], count > 5 ? `${count} •` : "•".repeat(count));
      if (count) words.push(`${count} waiting at ${grid.rows[i]}`);
    });
    playing = playing && now < frames - 1;
    say(button, playing ? "Pause" : "Play");
    say(clock, grid.clock ? grid.clock[here] : `${here + 1} of ${frames}`);
    Object.assign(slider, {value: here, ariaValueText: clock.textContent});
    if (!playing) say(spoken, words.join("; "));
  }
  function tick(moment) {
    if (!playing) return;
    set(now + Math.max(moment - last, 0) / 1000 * (frames - 1) / grid.seconds);
    last = moment;
    requestAnimationFrame(tick);
  }
  button.onclick = () => { playing = !playing; set(now === frames - 1 ? 0 : now); tick(last = performance.now()); };
  slider.oninput = () => { playing = false; set(+slider.value); };
  set(0);
}

for (const panel of document.querySelectorAll("figure.panel")) {
  const grid = JSON.parse(panel.firstElementChild.textContent);
  const text = number => grid.texts[number].split(" ").map(word => grid.words[word]).join(" ");
  add(panel, "figcaption", {}, grid.title);
  ({choose, draw, play})[grid.kind](panel, grid, text);
  panel.hidden = false;
  panel.previousElementSibling?.classList.add("panel-instead");
}
})();
