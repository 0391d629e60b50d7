// The page for photos: a picture goes to the service, its answers come onto the page. Nothing is kept.

const at = (id) => document.getElementById(id);
let picture = null; // the file that is shown
let known = []; // the models
let asked = 0; // the number of the last question: the answer to an earlier one is not shown any more

function element(name, properties = {}, ...inside) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
}

async function ask(path, body) {
  const headers = at("key").value ? { "X-API-Key": at("key").value } : {};
  const answer = await fetch(path, { method: body ? "POST" : "GET", body, headers }).catch(() => null);
  if (!answer) throw new Error("The service cannot be reached.");
  const told = await answer.json();
  if (answer.status === 401) at("key-field").hidden = false;
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function question(path, file, further = {}) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted.png");
  const chosen = { invert: at("invert").value, ...further };
  if (at("model").value) chosen.model = at("model").value;
  return ask(`${path}?${new URLSearchParams(chosen)}`, form);
}

function say(text, wrong = false) {
  at("state").textContent = text;
  at("state").classList.toggle("wrong", wrong);
}

function percent(share) {
  return share > 0.999 ? "> 99.9 %" : share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}

// The whole picture

async function read(file) {
  picture = file;
  const number = ++asked;
  say("Reading …");
  try {
    const letters = classesOf(at("model").value).every((name) => [...name].length === 1);
    const [one, page] = await Promise.all([
      question("/predict", file, { steps: true }),
      letters ? question("/predict/page", file) : { digits: [] },
    ]);
    if (number !== asked) return;
    const wanted = at("what").value;
    const several = page.digits.length > 0 && (wanted === "page" || (wanted === "auto" && one.label === null && page.digits.length > 1));
    const same = page.digits.filter((digit) => digit.label === one.label);
    await showPicture(file, one, several ? page.digits : one.label === null ? [] : same.slice(0, 1));
    if (several) showPage(page);
    else showAnswer(one);
    at("result").hidden = false;
    say("");
    if (!several) await explain(file, one, number);
  } catch (error) {
    if (number !== asked) return;
    at("result").hidden = true;
    say(error.message, true);
  }
}

async function showPicture(file, one, digits) {
  const shown = element("img", { alt: "The picture that was read" });
  const url = URL.createObjectURL(file);
  shown.src = url;
  const drawn = await shown.decode().then(() => true, () => false);
  if (!drawn && one.steps.length) shown.src = one.steps[0].image; // a kind that this browser does not show
  const boxes = drawn ? digits.map((digit) => box(digit, shown)) : [];
  at("picture").replaceChildren(element("div", { className: "sheet" }, shown, ...boxes));
  URL.revokeObjectURL(url);
  at("page-text").textContent = boxes.length > 1 ? "Choose a digit to look at it alone." : "";
}

function box(digit, shown) {
  const [x, y, width, height] = digit.box;
  const answer = digit.label ?? "?";
  const name = digit.label === null ? `refused, nearest ${digit.nearest}` : answer;
  const made = element("button", { type: "button", className: "box" }, element("span", {}, answer));
  made.classList.toggle("refused", digit.label === null);
  made.setAttribute("aria-label", `Look at digit ${name}, ${percent(digit.confidence)} sure`);
  made.setAttribute("aria-pressed", "false");
  made.style.left = `${(100 * x) / shown.naturalWidth}%`;
  made.style.top = `${(100 * y) / shown.naturalHeight}%`;
  made.style.width = `${(100 * width) / shown.naturalWidth}%`;
  made.style.height = `${(100 * height) / shown.naturalHeight}%`;
  made.addEventListener("click", () => lookAt(made, digit.box));
  return made;
}

// One digit of several, cut out with some paper around it

async function lookAt(pressed, [x, y, width, height]) {
  const number = ++asked;
  for (const other of document.querySelectorAll(".box")) other.setAttribute("aria-pressed", String(other === pressed));
  const whole = await createImageBitmap(picture);
  const around = Math.round(0.35 * Math.max(width, height));
  const left = Math.max(0, x - around), top = Math.max(0, y - around);
  const canvas = element("canvas", {
    width: Math.min(whole.width, x + width + around) - left,
    height: Math.min(whole.height, y + height + around) - top,
  });
  canvas.getContext("2d").drawImage(whole, -left, -top);
  const cut = await new Promise((done) => canvas.toBlob(done, "image/png"));
  try {
    const one = await question("/predict", cut, { steps: true });
    if (number !== asked) return;
    showAnswer(one);
    say("");
    await explain(cut, one, number);
  } catch (error) {
    say(error.message, true);
  }
}

// One answer

const sentence = (one) => one.sentence[0].toUpperCase() + one.sentence.slice(1);

const classesOf = (model) => known.find((one) => one.name === model)?.classes ?? [..."0123456789"];

function facts(one) {
  const refused = one.label === null ? `${one.reason}${one.nearest === null ? "" : `; the nearest is ${one.nearest}`}` : "";
  const inverted = one.inverted ? "dark ink made light" : "light ink kept";
  return [refused, `model ${one.model}`, inverted, `${one.milliseconds.toFixed(1)} ms`].filter(Boolean).join(" · ");
}

// Every digit of a page: its text, and how sure each of them is.
function showPage(page) {
  const lines = page.text.split("\n");
  at("answer").textContent = lines.join(" / ");
  const refused = page.digits.filter((digit) => digit.label === null).length;
  const told = [`${page.digits.length} digits in ${lines.length} line${lines.length > 1 ? "s" : ""}`, refused && `${refused} refused`,
    page.left_out && `${page.left_out} shapes left out`, `model ${page.model}`, `${page.milliseconds.toFixed(1)} ms`];
  at("facts").textContent = told.filter(Boolean).join(" · ");
  const least = page.digits.reduce((one, other) => (other.confidence < one.confidence ? other : one));
  at("bars").replaceChildren(element("li", { className: "note" }, `The least sure is ${least.label ?? "?"}, ${percent(least.confidence)}.`));
  at("steps-card").hidden = true;
  at("json").textContent = JSON.stringify(page, null, 1);
}

function showAnswer(one) {
  at("steps-card").hidden = false;
  at("answer").textContent = sentence(one);
  at("facts").textContent = facts(one);
  const names = classesOf(one.model);
  const shares = (one.probabilities || []).map((share, number) => [share, number]);
  if (shares.length > 12) shares.sort(([one], [other]) => other - one).splice(10); // the likeliest
  at("bars").replaceChildren(...shares.map(([share, number]) => {
    const bar = element("div", { className: "bar" });
    bar.style.width = `${100 * share}%`;
    const row = element("li", {}, element("span", {}, names[number]), element("div", { className: "track" }, bar),
      element("span", { className: "share" }, percent(share)));
    row.classList.toggle("best", number === one.guess);
    return row;
  }));
  const steps = one.steps.map((step, number) => {
    const last = number === one.steps.length - 1 && one.probabilities;
    const image = element("img", { src: step.image, alt: "", className: last ? "pixels" : "" });
    return element("li", {}, image, element("span", {}, step.title));
  });
  at("steps").replaceChildren(...steps);
  const { steps: _, ...plain } = one;
  at("json").textContent = JSON.stringify(plain, null, 1);
}

// Asked for by itself, because it takes hundreds of answers: one for each patch that covers the digit.
async function explain(file, one, number) {
  if (one.guess === null) return;
  const { explanation } = await question("/predict", file, { explain: true });
  if (number !== asked || !explanation) return;
  at("steps").append(element("li", {}, heat(explanation), element("span", {}, "what the answer hangs on")));
}

function heat(rows) {
  const canvas = element("canvas", { width: rows[0].length, height: rows.length, className: "pixels" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Orange where covering the picture takes from the answer, blue where it adds");
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  const most = Math.max(1e-6, ...rows.flat().map(Math.abs));
  rows.flat().forEach((loss, number) => {
    const by = Math.abs(loss) / most;
    const colour = loss > 0 ? [255, 160, 20] : [60, 150, 255];
    pixels.data.set([...colour.map((part) => part * by), 255], 4 * number);
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// Where pictures come from

function take(files) {
  const file = [...(files || [])].find((one) => one.type.startsWith("image/") || one.type === "");
  if (file) read(file);
  else if (files && files.length) say("That is no picture.", true);
}

for (const input of [at("file"), at("camera")]) {
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
}
for (const [event, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(event, (dragged) => {
    dragged.preventDefault();
    at("drop").classList.toggle("over", over);
    if (event === "drop") take(dragged.dataTransfer.files);
  });
}
document.addEventListener("paste", (pasted) => take(pasted.clipboardData.files));
for (const setting of [at("model"), at("what"), at("invert"), at("key")]) {
  setting.addEventListener("change", () => { if (setting === at("key")) models(); if (picture) read(picture); });
}
at("ask").addEventListener("submit", (submitted) => submitted.preventDefault());

async function models() {
  try {
    known = (await ask("/models")).models;
    at("model").replaceChildren(...known.map((one) => {
      const accuracy = one.test_accuracy === null ? "" : ` (${(100 * one.test_accuracy).toFixed(2)} % on MNIST)`;
      return element("option", { value: one.name }, one.name + accuracy);
    }));
    say("");
  } catch (error) {
    say(error.message, true);
  }
}
models();
