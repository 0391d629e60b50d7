// From strokes to the 28x28 bytes that the network sees, to the byte as pixels/preprocess.py does it with a picture of
// them. A stroke is a list of points [x, y], in any unit; a picture is { width, height, values }, its ink 0 to 255.

const DRAWN = 150; // pixels of the longer side of what is drawn, in its picture
const AROUND = 53; // pixels of paper on each side: the picture has 256 at most
const APART = 2; // pixels between the points of a stroke, at least
const BOX = 20; // pixels that MNIST's digits are fitted into
const EDGE = 40; // of 255: what is fainter does not count as part of the box
const THINNEST = 2; // pixels of stroke in the box
const [SQUARE_OF_3, SQUARE_OF_5] = [1, 2].map((reach) => Array.from({ length: 2 * reach + 1 }, () => [-reach, reach]));

// The box around strokes as a pen of a width draws them.
function boxOf(strokes, pen) {
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, top] = [xs, ys].map((values) => min(...values) - pen / 2);
  const [right, bottom] = [xs, ys].map((values) => max(...values) + pen / 2);
  return { left, top, width: right - left, height: bottom - top };
}

// A picture of the strokes: wherever and how large they were drawn, it has them in the middle and as large.
function pictureOf(strokes, pen) {
  const box = boxOf(strokes, pen);
  const by = DRAWN / max(box.width, box.height);
  const [width, height] = [box.width, box.height].map((side) => Math.round(side * by) + 2 * AROUND);
  const picture = { width, height, values: new Uint8Array(width * height) };
  for (const stroke of strokes) {
    const points = thinned(stroke.map(([x, y]) => [(x - box.left) * by + AROUND, (y - box.top) * by + AROUND]));
    points.forEach((point, number) => drawLine(picture, points[max(0, number - 1)], point, (pen / 2) * by));
  }
  return picture;
}

// The points of a line without those that stand so close to the one before that nobody sees them; the last one stays.
function thinned(points) {
  let before = points[0];
  return points.filter((point, number) => {
    const kept = number === 0 || number === points.length - 1 || Math.hypot(...minus(point, before)) >= APART;
    if (kept) before = point;
    return kept;
  });
}

const minus = (one, other) => [one[0] - other[0], one[1] - other[1]];

// A line with round ends; what a pixel's middle lies less than half a pixel outside of is grey.
function drawLine(picture, [x1, y1], [x2, y2], radius) {
  const { width, height, values } = picture;
  const [across, down] = [x2 - x1, y2 - y1];
  const length = across * across + down * down;
  const reach = radius + 1;
  const lastRow = min(height - 1, Math.ceil(max(y1, y2) + reach));
  const lastColumn = min(width - 1, Math.ceil(max(x1, x2) + reach));
  for (let row = max(0, floor(min(y1, y2) - reach)); row <= lastRow; row++) {
    for (let column = max(0, floor(min(x1, x2) - reach)); column <= lastColumn; column++) {
      const [x, y] = [column + 0.5 - x1, row + 0.5 - y1];
      const along = length ? min(1, max(0, (x * across + y * down) / length)) : 0;
      const away = Math.hypot(x - along * across, y - along * down);
      const ink = Math.round(255 * min(1, max(0, radius + 0.5 - away)));
      if (ink > values[row * width + column]) values[row * width + column] = ink;
    }
  }
}

// Otsu's threshold: what is above it is ink.
function thresholdOf(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value]++;
  const total = values.length;
  const mean = counts.reduce((sum, count, value) => sum + value * count, 0) / total;
  let [below, sum, best, threshold] = [0, 0, 0, 0];
  for (let value = 0; value < 256; value++) {
    below += counts[value] / total;
    sum += (value * counts[value]) / total;
    const above = 1 - below;
    if (min(below, above) < 1.2e-7 || max(below, above) > 1 - 1.2e-7) continue;
    const apart = below * above * (sum / below - (mean - sum) / above) ** 2;
    if (apart > best) [best, threshold] = [apart, value];
  }
  return threshold;
}

// A picture of one digit at 28x28.
function fitDigit(picture) {
  const threshold = thresholdOf(picture.values);
  const marks = new Uint8Array(picture.values.length);
  for (let i = 0; i < marks.length; i++) marks[i] = picture.values[i] > threshold ? 1 : 0;
  return centred(boxed(...cutOut(picture, marks)));
}

// The strokes and their soft edges, so strong that the pen is white; and which pixels are strokes.
function cutOut({ width, height, values }, marks) {
  const near = widened(marks, width, height, SQUARE_OF_5);
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += marks[i] * values[i];
    count += marks[i];
  }
  const by = fround(255 / max((1.15 * sum) / count, 1));
  const ink = new Uint8Array(values.length);
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!near[i]) continue;
      ink[i] = min(255, rounded(fround(by * values[i])));
      if (ink[i] <= EDGE) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  const window = { left, top, width: right - left + 1, height: bottom - top + 1 };
  return [ink, marks].map((whole) => part(whole, width, window));
}

function part(values, width, window) {
  const cut = new Uint8Array(window.width * window.height);
  for (let row = 0; row < window.height; row++) {
    const from = (window.top + row) * width + window.left;
    cut.set(values.subarray(from, from + window.width), row * window.width);
  }
  return { width: window.width, height: window.height, values: cut };
}

// The ink at 20 pixels along its longer side, white at its strongest; a thin pen is made wider before.
function boxed(ink, marks) {
  let by = BOX / max(ink.width, ink.height);
  const missing = rounded(THINNEST / by - strokeWidth(marks));
  if (missing > 0) {
    const room = (missing + 1) >> 1;
    const more = withRoom(ink, room);
    ink = { ...more, values: widened(more.values, more.width, more.height, disc(missing + 1)) };
    by = BOX / max(ink.width, ink.height);
  }
  const [width, height] = [ink.width, ink.height].map((side) => min(BOX, max(1, rounded(side * by))));
  const small = shrunk(ink, width, height);
  const strongest = fround(255 / max(1, ...small.values));
  return { ...small, values: small.values.map((value) => min(255, rounded(fround(value * strongest)))) };
}

function withRoom({ width, height, values }, room) {
  const wider = { width: width + 2 * room, height: height + 2 * room };
  const whole = new Uint8Array(wider.width * wider.height);
  for (let row = 0; row < height; row++) {
    whole.set(values.subarray(row * width, (row + 1) * width), (row + room) * wider.width + room);
  }
  return { ...wider, values: whole };
}

// The rows of a disc in a square of so many pixels: from where to where each reaches, counted from the middle.
function disc(side) {
  const middle = side >> 1;
  return Array.from({ length: side }, (_, row) => {
    const reach = rounded(middle * Math.sqrt(middle ** 2 - (row - middle) ** 2) / middle);
    return [-min(reach, middle), min(reach, side - 1 - middle)];
  });
}

// Every pixel as strong as the strongest one around it, in a shape given by its rows.
function widened(values, width, height, shape) {
  const wide = new values.constructor(values.length);
  const middle = shape.length >> 1;
  const spread = new Map(); // rows widened sideways, by how far
  shape.forEach(([from, to], number) => {
    const key = `${from} ${to}`;
    if (!spread.has(key)) spread.set(key, sideways(values, width, height, from, to));
    const rows = spread.get(key);
    const down = number - middle;
    for (let i = max(0, -down * width); i < min(values.length, values.length - down * width); i++) {
      const value = rows[i + down * width];
      if (value > wide[i]) wide[i] = value;
    }
  });
  return wide;
}

function sideways(values, width, height, from, to) {
  const wide = new values.constructor(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = values[row * width + column];
      if (!value) continue;
      for (let x = max(0, column - to); x <= min(width - 1, column - from); x++) {
        if (value > wide[row * width + x]) wide[row * width + x] = value;
      }
    }
  }
  return wide;
}

// How wide the strokes are in most places, in pixels: by the ridges of the distances to the paper.
function strokeWidth(marks) {
  const { width, height, values } = withRoom(marks, 1);
  const [beside, across] = [62587, 89738]; // 0.955 and 1.3693, in steps of 2^-16
  const depth = new Int32Array(values.length);
  const last = values.length - width - 1;
  for (let i = width; i <= last; i++) {
    if (!values[i]) continue;
    const up = i - width;
    const corner = min(depth[up - 1], depth[up + 1]) + across;
    depth[i] = min(depth[i - 1] + beside, depth[up] + beside, corner);
  }
  for (let i = last; i >= width; i--) {
    if (!values[i]) continue;
    const down = i + width;
    const corner = min(depth[down - 1], depth[down + 1]) + across;
    depth[i] = min(depth[i], depth[i + 1] + beside, depth[down] + beside, corner);
  }
  const around = widened(depth, width, height, SQUARE_OF_3);
  const ridge = [];
  for (let i = width; i <= last; i++) {
    if (!values[i]) continue;
    const [own, most] = [fround(depth[i] / 65536), fround(around[i] / 65536)];
    if (own >= fround(most - fround(1e-3))) ridge.push(own);
  }
  ridge.sort((one, other) => one - other);
  return ridge.length ? 2 * ridge[ridge.length >> 1] - 1 : 1;
}

// A picture made smaller by averages: each pixel is what lies below it.
function shrunk(picture, width, height) {
  const columns = sharesOf(picture.width, width);
  const rows = sharesOf(picture.height, height);
  const values = rows.flatMap((row) => {
    const sums = new Float32Array(width);
    for (const [y, part] of row) {
      columns.forEach((column, x) => {
        let sum = 0;
        for (const [from, share] of column) {
          sum = fround(sum + fround(picture.values[y * picture.width + from] * share));
        }
        sums[x] = sums[x] + fround(sum * part);
      });
    }
    return Array.from(sums, rounded);
  });
  return { width, height, values: Uint8Array.from(values) };
}

// Of each of so many pixels of a side: the longer side's pixels that it covers, with their shares in it.
function sharesOf(longer, shorter) {
  const by = longer / shorter;
  return Array.from({ length: shorter }, (_, number) => {
    const [from, to] = [number * by, number * by + by];
    const cell = min(by, longer - from);
    const last = min(floor(to), longer - 1);
    const first = min(Math.ceil(from), last);
    const shares = [];
    if (first - from > 1e-3) shares.push([first - 1, fround((first - from) / cell)]);
    for (let at = first; at < last; at++) shares.push([at, fround(1 / cell)]);
    if (to - last > 1e-3) shares.push([last, fround(min(min(to - last, 1), cell) / cell)]);
    return shares;
  });
}

// A small picture on 28x28, its centre of mass in the middle, as far as the edges let it.
function centred({ width, height, values }) {
  let [total, right, down] = [0, 0, 0];
  values.forEach((value, i) => {
    total += value;
    right += value * (i % width);
    down += value * floor(i / width);
  });
  const placed = (mass, side) => min(max(rounded(SIDE / 2 - mass / max(total, 1)), 0), SIDE - side);
  const [left, top] = [placed(right, width), placed(down, height)];
  const whole = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < height; row++) {
    whole.set(values.subarray(row * width, (row + 1) * width), (top + row) * SIDE + left);
  }
  return whole;
}

// To the nearest whole number, a half to the even one, as Python and OpenCV do.
function rounded(value) {
  const down = floor(value);
  const rest = value - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}
