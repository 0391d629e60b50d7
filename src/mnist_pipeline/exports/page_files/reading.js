// From strokes to a number: which strokes are one digit, and which digit each is. Python reads pages the same way, of
// pieces of ink (prediction/pages/choosing.py); here it is known which pen stroke is which, so nothing has to be cut.

const WIDEST = 1.5; // digit heights: strokes beside one another that take more are no digit
const GAP = 0.25; // of a digit's height: further apart, they are two
const SPECK = 0.2; // of a digit's height: a smaller stroke alone is no digit
const COMPANY = 0.6; // of the threshold, where two digits are sure: then other shapes are likelier digits too
// What an unusual size takes from the logarithm of a digit's probability, as for Python's pages.
const [SHORTNESS, WIDENESS, FLATNESS, DRAWN_APART, SPECK_SIZE] = [20, 6, 1.5, 1.5, 8];
const SURE = 0.95; // the confidence from which on an answer stands as it is
const LEAN = (8 * Math.PI) / 180; // by which an image like another is turned

// A reader of strokes, which keeps what it knows of strokes that it has seen.
function readerOf(model) {
  const layers = readNetwork(model.network);
  const known = new Map();
  return {
    layers,
    read(strokes, pen) {
      if (!strokes.length) return [];
      const told = (digits) => answered(model.threshold ? digits.map((one) => reconsidered(layers, one)) : digits, model);
      if (model.classes.some((name) => [...name].length > 1)) return told([look(layers, strokes, pen)]);
      const digits = likeliest(piecesOf(strokes, pen), (some) => {
        const key = `${pen} ${some.map((stroke) => `${stroke.id}/${stroke.points.length}`)}`;
        if (!known.has(key)) known.set(key, look(layers, some, pen));
        return known.get(key);
      });
      if (known.size > 500) known.clear();
      return told(digits);
    },
  };
}

// What some strokes look like as one digit.
function look(layers, strokes, pen) {
  const picture = pictureOf(strokes.map((stroke) => stroke.points), pen);
  const pixels = fitDigit(picture);
  const shares = probabilities(layers, pixels);
  const confidence = max(...shares);
  return { strokes, pixels, shares, confidence, guess: shares.indexOf(confidence) };
}

// The digit; a doubtful one as the mean of it and eight like it, turned and moved, as in Python (prediction.py there).
function reconsidered(layers, one) {
  if (one.confidence >= SURE) return one;
  one.steady ||= similar(one.pixels).reduce((sum, pixels) => {
    const row = probabilities(layers, pixels);
    return sum.map((share, i) => share + row[i] / 9);
  }, one.shares.map((share) => share / 9));
  const confidence = max(...one.steady);
  return { ...one, shares: one.steady, confidence, guess: one.steady.indexOf(confidence) };
}

function similar(pixels) {
  const at = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : pixels[y * SIDE + x]);
  const middle = (SIDE - 1) / 2;
  const like = [];
  for (const turn of [-LEAN, LEAN]) {
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    for (const [right, down] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
      like.push(Uint8Array.from(pixels, (_, i) => {
        const [x, y] = [(i % SIDE) - middle - right, floor(i / SIDE) - middle - down];
        const [fromX, fromY] = [cos * x - sin * y + middle, sin * x + cos * y + middle];
        const [left, top] = [floor(fromX), floor(fromY)];
        const [across, below] = [fromX - left, fromY - top];
        const upper = at(left, top) * (1 - across) + at(left + 1, top) * across;
        const lower = at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across;
        return upper * (1 - below) + lower * below + 0.5;
      }));
    }
  }
  return like;
}

// The digits, or whatever the classes are, from the left to the right; `digit` null where the network refuses.
function answered(digits, { threshold, classes, named }) {
  const sure = digits.filter((one) => one.confidence >= threshold).length;
  const least = sure > 1 ? threshold * COMPANY : threshold;
  return digits.map((one) => {
    const nearest = classes[one.guess];
    return { ...one, nearest, named: named[one.guess], digit: one.confidence >= least ? nearest : null };
  });
}

// Strokes that lie above one another belong together; what is left stands side by side, from the left.
function piecesOf(strokes, pen) {
  let pieces = strokes.map((stroke) => ({ strokes: [stroke], ...boxOf([stroke.points], pen) }));
  for (let joined = true; joined; ) {
    joined = false;
    for (const one of pieces) {
      const other = pieces.find((other) => other !== one && overlap(one, other) > 0.5 * narrower(one, other));
      if (!other) continue;
      const together = [...one.strokes, ...other.strokes].sort((a, b) => a.id - b.id);
      const box = boxOf(together.map((stroke) => stroke.points), pen);
      pieces = [...pieces.filter((piece) => piece !== one && piece !== other), { strokes: together, ...box }];
      joined = true;
      break;
    }
  }
  return pieces.sort((one, other) => one.left + one.width / 2 - other.left - other.width / 2);
}

const narrower = (one, other) => min(one.width, other.width);
const overlap = (one, other) => min(one.left + one.width, other.left + other.width) - max(one.left, other.left);

// The likeliest way to take neighbouring pieces for digits: the best row of candidates from the first to the last.
function likeliest(pieces, lookAt) {
  const height = max(...pieces.map((piece) => piece.height));
  const best = [{ score: 0, digits: [] }];
  for (let last = 0; last < pieces.length; last++) {
    for (let first = last; first >= 0; first--) {
      const run = pieces.slice(first, last + 1);
      const box = around(run);
      if (run.length > 1 && (box.width > WIDEST * height || -overlap(run[0], run[1]) > GAP * height)) break;
      const speck = pieces.length > 1 && max(box.width, box.height) < SPECK * height;
      const seen = speck ? null : lookAt(run.flatMap((piece) => piece.strokes));
      const score = best[first].score + (speck ? -SPECK_SIZE * (box.height / height) : scoreOf(seen, run, box, height));
      if (!best[last + 1] || score > best[last + 1].score) {
        best[last + 1] = { score, digits: speck ? best[first].digits : [...best[first].digits, seen] };
      }
    }
  }
  return best[pieces.length].digits;
}

function around(run) {
  const edge = (least, side, size) => least(...run.map((piece) => piece[side] + (size ? piece[size] : 0)));
  const [left, top] = [edge(min, "left"), edge(min, "top")];
  return { left, top, width: edge(max, "left", "width") - left, height: edge(max, "top", "height") - top };
}

function scoreOf(seen, run, box, height) {
  const [tall, broad, aspect] = [box.height / height, box.width / height, box.width / box.height];
  const isTall = (piece) => piece.height > 0.6 * height;
  const apart = run.filter((piece, i) => i && isTall(piece) && isTall(run[i - 1]) && overlap(piece, run[i - 1]) < 0);
  const unusual = SHORTNESS * max(0, 0.55 - tall) + WIDENESS * max(0, broad - 1);
  return Math.log(seen.confidence) - unusual - FLATNESS * max(0, aspect - 1.2) - DRAWN_APART * apart.length;
}

// What the probability of a digit loses by a patch of paper over the pixels around one, as `mnist predict --explain`.
const PATCH = 5;

function withoutPatch(pixels, x, y) {
  const covered = Uint8Array.from(pixels);
  const reach = PATCH >> 1;
  for (let row = max(0, y - reach); row <= min(SIDE - 1, y + reach); row++) {
    covered.fill(0, row * SIDE + max(0, x - reach), row * SIDE + min(SIDE, x + reach + 1));
  }
  return covered;
}

// One loss after another, so that whoever asks can stop in between; at the end of it the map of 28x28.
function* losses(layers, pixels, guess, confidence) {
  const near = widened(Uint8Array.from(pixels), SIDE, SIDE, SQUARE_OF_5);
  const lost = new Float64Array(SIDE * SIDE);
  for (let i = 0; i < lost.length; i++) {
    if (!near[i]) continue;
    lost[i] = confidence - probabilities(layers, withoutPatch(pixels, i % SIDE, floor(i / SIDE)))[guess];
    yield;
  }
  return averagedOver(lost);
}

function averagedOver(lost) {
  const reach = PATCH >> 1;
  return lost.map((_, i) => {
    const [x, y] = [i % SIDE, floor(i / SIDE)];
    let sum = 0;
    for (let row = max(0, y - reach); row <= min(SIDE - 1, y + reach); row++) {
      for (let column = max(0, x - reach); column <= min(SIDE - 1, x + reach); column++) {
        sum += lost[row * SIDE + column];
      }
    }
    return sum / PATCH ** 2;
  });
}
