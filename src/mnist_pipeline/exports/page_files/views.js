// What is shown of an answer: words, bars, the 28x28 with what each pixel contributes, and every layer's values.

const percent = (share) => (share >= 0.9995 ? "over 99.9 %" : `${(100 * share).toFixed(1)} %`);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// The answer as one would say it.
function sentenceOf(digits, strokes) {
  if (!strokes) return "";
  if (!digits.length) return "No digit here.";
  if (digits.length > 1) return `${digits.map((one) => one.digit ?? "?").join("")}: ${digits.length} digits.`;
  const [{ digit, nearest, named, confidence }] = digits;
  if (digit === null) return `No digit here: the nearest is ${nearest}, ${percent(confidence)} sure.`;
  return `This is ${named}, ${percent(confidence)} sure.`;
}

// What is refused while it is drawn may become a digit yet, and is not shown as refused.
function showNumber(box, digits, chosen, choose, done) {
  const buttons = digits.map((one, number) => {
    const refused = one.digit === null;
    const label = refused ? `No digit, nearest ${one.nearest}` : `${one.digit}, ${percent(one.confidence)} sure`;
    const text = refused ? (digits.length > 1 ? "?" : "–") : String(one.digit);
    const button = element("button", { type: "button", textContent: text, onclick: () => choose(number) });
    button.className = refused ? (done ? "refused" : "none") : "";
    button.setAttribute("aria-label", label);
    button.setAttribute("aria-pressed", String(number === chosen));
    return button;
  });
  const none = element("span", { className: "none", textContent: "–", ariaHidden: "true" });
  box.replaceChildren(...(buttons.length ? buttons : [none]));
}

// Rows that are made once, for each class or the ten likeliest; each call of what is given back fills them.
function barsIn(list, names) {
  const rows = Array.from({ length: min(10, names.length) }, (_, number) => {
    const name = element("span", { textContent: names[number] });
    const fill = element("span", { className: "fill" });
    const share = element("span", { className: "share" });
    const bar = element("span", { className: "bar" }, fill);
    const row = element("li", {}, name, bar, share);
    list.append(row);
    return { row, name, fill, share };
  });
  return (one) => {
    const order = names.map((_, number) => number);
    if (one && names.length > rows.length) order.sort((a, b) => one.shares[b] - one.shares[a]);
    rows.forEach(({ row, name, fill, share }, at) => {
      const number = order[at];
      name.textContent = names[number];
      fill.style.setProperty("--share", one ? one.shares[number] : 0);
      share.textContent = one ? percent(one.shares[number]).replace("over ", ">") : "";
      row.className = one && number === one.guess ? "best" : "";
    });
  };
}

// Colours as [red, green, blue] from the page's own style.
function coloursOf(style) {
  const named = (name) => style.getPropertyValue(name).trim().slice(1).match(/../g).map((pair) => parseInt(pair, 16));
  return { none: named("--paper"), much: named("--accent"), against: named("--bad") };
}

const mixed = (from, to, share) => from.map((value, i) => value + (to[i] - value) * share);

const [FOR, AGAINST] = [[70, 150, 255], [255, 90, 70]]; // blue and red

// The 28x28 in white on black; on top of it, from a map of losses, what speaks for the answer and what against it.
function showSeen(canvas, one, lost, patch) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  const most = lost ? max(1e-6, ...lost.map(abs)) : 1;
  for (let i = 0; i < SIDE * SIDE; i++) {
    let colour = Array(3).fill(one ? one.pixels[i] : 0);
    const share = lost ? lost[i] / most : 0;
    if (lost) colour = mixed(colour.map((value) => value * 0.55), share > 0 ? FOR : AGAINST, abs(share) * 0.85);
    const inPatch = patch && max(abs((i % SIDE) - patch[0]), abs(floor(i / SIDE) - patch[1])) <= PATCH >> 1;
    if (inPatch) colour = mixed(colour, [255, 210, 60], 0.55);
    image.data.set([...colour, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

// A mosaic of tiles, each { width, height, values } with values in -1..1, in a canvas of as many pixels.
function showTiles(canvas, tiles, columns, colours) {
  const { width, height } = tiles[0];
  const rows = Math.ceil(tiles.length / columns);
  const gap = width > 1 ? 1 : 0;
  [canvas.width, canvas.height] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  tiles.forEach((tile, number) => {
    const left = (number % columns) * (width + gap);
    const top = floor(number / columns) * (height + gap);
    for (let i = 0; i < tile.values.length; i++) {
      const value = max(-1, min(1, tile.values[i]));
      const colour = mixed(colours.none, value > 0 ? colours.much : colours.against, abs(value));
      image.data.set([...colour, 255], 4 * ((top + floor(i / width)) * canvas.width + left + (i % width)));
    }
  });
  context.putImageData(image, 0, 0);
}

// One tile for each channel, its values as shares of the largest one of all; roots of them, that faint ones are seen.
function tilesOf({ width, height, channels, values }) {
  const most = max(1e-9, values.reduce((top, value) => max(top, abs(value)), 0));
  return Array.from({ length: channels }, (_, channel) => ({
    width, height, values: numbers(width * height, (i) => root(values[i * channels + channel] / most)),
  }));
}

const root = (value) => Math.sign(value) * Math.sqrt(abs(value));

// The weights of a first layer, each unit's or filter's as a tile, as shares of its own largest one.
function weightTiles(layer) {
  const [height, width] = layer.kernel || [SIDE, SIDE];
  return Array.from({ length: layer.outputs }, (_, output) => {
    const own = numbers(width * height, (i) => layer.weights[i * layer.outputs + output]);
    const most = max(1e-9, ...own.map(abs));
    return { width, height, values: own.map((value) => value / most) };
  });
}

// The stages of a network: a layer with weights and what follows it, up to the next one; the bars show the last one.
function stagesOf(layers) {
  const stages = [];
  layers.slice(0, -1).forEach((layer) => {
    if (layer.kind === "conv" || layer.kind === "dense") stages.push({ layer, last: layer });
    else if (stages.length && !["average", "scale"].includes(layer.kind)) stages[stages.length - 1].last = layer;
  });
  return stages.slice(0, -1);
}

// A place for each stage; each call of what is given back fills them from the pixels that the network sees.
function layersIn(box, layers) {
  const stages = stagesOf(layers).map(({ layer, last }, number) => {
    const what = layer.kernel ? `filters of ${layer.kernel.join(" × ")}` : "units";
    const values = element("canvas", { ariaLabel: `What layer ${number + 1} gives`, role: "img" });
    const weights = number === 0 ? element("canvas", { ariaLabel: "Weights of layer 1", role: "img" }) : null;
    const title = element("h3", { textContent: `Layer ${number + 1}: ${layer.outputs} ${what}` });
    const about = element("p", { className: "small" });
    box.append(element("div", { className: "layer" }, title, about, ...(weights ? [weights] : []), values));
    return { layer, last, values, weights, about };
  });
  return (one, colours) => {
    const given = new Map();
    probabilities(layers, one ? one.pixels : new Uint8Array(SIDE * SIDE), (layer, now) => given.set(layer, now));
    for (const { layer, last, values, weights, about } of stages) {
      const now = given.get(last);
      const columns = now.channels > 64 ? 12 : min(now.width > 1 ? 8 : 10, now.channels);
      if (weights) showTiles(weights, weightTiles(layer), columns, colours);
      const tiles = one ? tilesOf(now) : tilesOf({ ...now, values: now.values.map(() => 0) });
      showTiles(values, tiles, columns, colours);
      const flat = now.width === 1;
      const size = flat ? "one value each" : `${now.width} × ${now.height} places each`;
      const found = `below, ${flat ? "whether" : "where"} it finds it`;
      about.textContent = weights ? `Above, what each looks for; ${found}, ${size}` : size;
    }
  };
}
