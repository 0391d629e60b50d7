// The page itself: what is drawn is read, and shown.

const BETWEEN = 120; // milliseconds between two readings of a stroke that is being drawn
const SLICE = 8; // milliseconds that a map of contributions may take at a time

function start() {
  const part = (id) => document.getElementById(id);
  const model = JSON.parse(part("model").textContent);
  const reader = readerOf(model);
  const paper = paperIn(part("paper"), changed);
  const showBars = barsIn(part("bars"), model.classes);
  const showLayers = layersIn(part("layers"), reader.layers);
  let digits = [];
  let chosen = 0;
  let lost = null; // the map of contributions to the chosen digit
  let searching = null;
  let readAt = 0;

  const now = () => digits[chosen];

  function changed(done) {
    part("hint").hidden = paper.strokes.length > 0;
    const began = performance.now();
    if (!done && paper.strokes[paper.strokes.length - 1].points.length === 1) readAt = began; // a dot tells nothing yet
    if (!done && began - readAt < BETWEEN) return;
    digits = reader.read(paper.strokes, paper.pen);
    chosen = max(0, digits.length - 1);
    show(done);
    readAt = performance.now();
    document.documentElement.dataset.took = (readAt - began).toFixed(1);
  }

  function show(done = true) {
    showNumber(part("number"), digits, chosen, choose, done);
    if (done) part("sentence").textContent = sentenceOf(digits, paper.strokes.length);
    for (const id of ["undo", "clear"]) part(id).disabled = !paper.strokes.length;
    showBars(now());
    lost = null;
    showSeen(part("seen"), now());
    part("told").textContent = WORDS;
    showLayers(now(), coloursOf(getComputedStyle(document.documentElement)));
    if (done) search();
  }

  function choose(number) {
    chosen = number;
    show();
    part("number").children[number].focus();
  }

  // Find out what each pixel contributes, a little at a time, while nothing else is to do.
  function search() {
    clearTimeout(searching);
    if (!now()) return;
    const { pixels, guess, confidence } = now();
    const steps = losses(reader.layers, pixels, guess, confidence);
    const goOn = () => {
      const until = performance.now() + SLICE;
      let step = steps.next();
      while (!step.done && performance.now() < until) step = steps.next();
      if (step.done) {
        lost = step.value;
        tell(patch);
      } else searching = setTimeout(goOn, SLICE);
    };
    searching = setTimeout(goOn, 400);
  }

  const WORDS = part("told").textContent;
  let patch = null;
  function tell(place) {
    patch = place;
    if (!now()) return;
    showSeen(part("seen"), now(), place && lost, place);
    if (!place) {
      part("told").textContent = WORDS;
      return;
    }
    const { pixels, guess, named, confidence } = now();
    const without = probabilities(reader.layers, withoutPatch(pixels, ...place))[guess];
    const words = `Without these 5 × 5 pixels it is ${named} with ${percent(without)}`;
    const colours = lost ? " Blue speaks for it, red against it." : "";
    part("told").textContent = `${words}, with them ${percent(confidence)}.${colours}`;
  }

  const seen = part("seen");
  seen.addEventListener("pointermove", (event) => {
    const box = seen.getBoundingClientRect();
    const place = [event.clientX - box.left, event.clientY - box.top].map((at) => floor((at / box.width) * SIDE));
    tell(place.map((at) => min(SIDE - 1, max(0, at))));
  });
  seen.addEventListener("pointerleave", () => tell(null));
  seen.addEventListener("blur", () => tell(null));
  seen.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!moves[event.key]) return;
    event.preventDefault();
    const from = patch || [SIDE / 2, SIDE / 2];
    tell(from.map((at, axis) => min(SIDE - 1, max(0, at + moves[event.key][axis]))));
  });

  part("undo").addEventListener("click", paper.undo);
  part("clear").addEventListener("click", paper.clear);
  part("pen").addEventListener("input", (event) => {
    paper.pen = event.target.value / 100;
    paper.draw();
    changed(true);
  });
  paper.pen = part("pen").value / 100;
  new ResizeObserver(paper.draw).observe(part("paper"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paper.draw();
    show();
  });
  warmUp(reader);
  show();
}

// A browser is slow at what it does for the first time: so that the first stroke is read as quickly as those after it.
function warmUp(reader) {
  for (const slope of [0.5, 0.6, 0.7]) reader.read([{ id: -slope, points: [[0.3, 0.2], [slope, 0.7]] }], 0.06);
}

if (typeof document !== "undefined") start();
