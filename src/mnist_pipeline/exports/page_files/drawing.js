// Paper to draw on with a finger, a pen, a mouse or the keyboard. Its unit is its height, whatever its pixels are.

const STEP = 0.025; // of the paper's height: how far an arrow key moves the pen

// The paper in a canvas; `changed(done)` is called while a stroke is drawn, and once more when it is done.
function paperIn(canvas, changed) {
  const paper = { strokes: [], pen: 0.06, cursor: null };
  const context = canvas.getContext("2d");
  let current = null; // the stroke that is being drawn
  let number = 0;

  const wide = () => canvas.clientWidth / canvas.clientHeight;

  function begin(point) {
    current = { id: ++number, points: [point] };
    paper.strokes.push(current);
    drawn(false);
  }

  function goOn(point) {
    const last = current.points[current.points.length - 1];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) > 0.002) current.points.push(point);
  }

  function end() {
    current = null;
    drawn(true);
  }

  function drawn(done) {
    paper.draw();
    changed(done);
  }

  paper.draw = () => {
    const by = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * by));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.setTransform(height, 0, 0, height, 0, 0);
    context.clearRect(0, 0, wide(), 1);
    const style = getComputedStyle(canvas);
    context.strokeStyle = context.fillStyle = style.color;
    [context.lineWidth, context.lineCap, context.lineJoin] = [paper.pen, "round", "round"];
    for (const { points } of paper.strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
      context.stroke();
    }
    if (paper.cursor) drawCursor(style.getPropertyValue("--accent"));
  };

  function drawCursor(colour) {
    context.beginPath();
    context.arc(...paper.cursor, paper.pen / 2 + 0.012, 0, 2 * Math.PI);
    [context.strokeStyle, context.lineWidth] = [colour, 0.006];
    context.stroke();
    if (!current) return;
    context.fillStyle = colour;
    context.fill();
  }

  paper.undo = () => {
    current = null;
    paper.strokes.pop();
    drawn(true);
  };

  paper.clear = () => {
    current = null;
    paper.strokes = [];
    drawn(true);
  };

  let finger = null; // the one pointer that draws: a palm beside it does not
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.height, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (finger !== null || event.button !== 0) return;
    finger = event.pointerId;
    canvas.setPointerCapture(finger);
    paper.cursor = null;
    begin(placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== finger || !current) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of events.length ? events : [event]) goOn(placeOf(one));
    drawn(false);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      if (event.pointerId !== finger) return;
      finger = null;
      if (current) end();
    });
  }
  canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // what a long press opens

  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || (event.metaKey && event.key !== "z") || (event.ctrlKey && event.key !== "z")) return;
    if (moves[event.key]) {
      const [x, y] = paper.cursor || [wide() / 2, 0.5];
      const [across, down] = moves[event.key].map((step) => step * (event.shiftKey ? 4 : 1));
      paper.cursor = [min(wide(), max(0, x + across)), min(1, max(0, y + down))];
      if (current) goOn(paper.cursor);
      if (current) drawn(false);
      else paper.draw();
    } else if (event.key === " " || event.key === "Enter") {
      paper.cursor = paper.cursor || [wide() / 2, 0.5];
      if (current) end();
      else begin(paper.cursor);
    } else if (event.key === "Backspace" || event.key === "z") {
      paper.undo();
    } else if (event.key === "Delete") {
      paper.clear();
    } else {
      return;
    }
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    paper.cursor = null;
    if (current && finger === null) end();
    else paper.draw();
  });
  return paper;
}
