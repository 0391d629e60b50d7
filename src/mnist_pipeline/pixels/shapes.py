"""The connected shapes of a picture, and which of them are the digit."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey

_SPECK = 0.04  # of the picture's longer side
_BAR = 0.5  # of the picture's side
_LARGE, _VISIBLE = 0.28, 0.15  # of the picture's shorter side: a digit
# Of the sides of the box around a frame: how far in its own sides may lie, how near to the corners of the box it has a
# corner, where a round 0 has nothing, and how tall a digit is that stands in it.
_SIDES, _CORNER, _FRAMED = 0.2, 0.1, 0.25
# A pen is so much wider than the strokes. Set by three of 108 photos cut so that a pen lies beside, where it is 1.26 to
# 1.38 times as wide; 107 of them are then read instead of 104, and of 800 MNIST digits beside a pen as many as without.
_WIDER = 1.2
_MOST = 64  # shapes looked at, largest first; a digit with its surroundings is a handful
_FIRST, _ONE = np.ones(1, np.int64), np.ones(1, bool)


Box = Sequence[int]  # x, y, width, height


class Shapes(NamedTuple):
    """The shapes of a picture, the largest first; each is a row (x, y, width, height, area)."""

    labels: NDArray[np.uint16] | Grey
    numbers: NDArray[np.int64]  # each row's number in the labels
    rows: NDArray[np.int64]
    box: Box  # around all marks, specks too
    edge: cv2.typing.MatLike | None = None  # the corners of the marks' outline, if they are one shape: their own labels

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The longer side of each shape."""
        return np.maximum(self.rows[:, 2], self.rows[:, 3])

    @property
    def free(self) -> NDArray[np.bool_]:
        """True for the shapes that do not come in from the border."""
        height, width = self.labels.shape
        x, y, wide, high, _ = self.rows.T
        return np.asarray((x > 1) & (y > 1) & (x + wide < width - 1) & (y + high < height - 1))

    @property
    def largest(self) -> NDArray[np.bool_]:
        """True for the shape with the most ink."""
        return _ONE if len(self.rows) == 1 else np.arange(len(self.rows)) == self.rows[:, 4].argmax()

    def mask(self, chosen: NDArray[np.bool_]) -> Grey:
        """A picture of the chosen shapes alone, as 1 on 0."""
        if np.count_nonzero(chosen) == 1:  # as in most pictures
            if self.edge is not None:
                return as_grey(self.labels)
            one: Grey = (self.labels == self.numbers[int(chosen.argmax())]).view(np.uint8)
            return one
        table = np.zeros(self.labels.max() + 1, np.uint8)
        table[self.numbers[chosen]] = 1
        return table.take(self.labels, mode="clip")  # no label is beyond the table; half the time of table[labels]


def find_shapes(marks: Grey) -> Shapes:
    """The connected shapes of the marks, without specks."""
    least = max(3.0, _SPECK * max(marks.shape))
    # Outer edges and, in a second row, those of holes: where no edge comes after the first there is one shape, as in
    # most pictures. Its edge is looked for below anyway, and to number it would take twice as long.
    edges, order = cv2.findContours(marks, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if edges and order.item(0, 0, 0) < 0:
        box = cv2.boundingRect(edges[0])
        if max(box[2:]) >= least:
            return Shapes(marks, _FIRST, np.array([[*box, cv2.countNonZero(marks)]]), box, edges[0])
    # The same numbers as by default, in less than half the time; two bytes number those of a picture of working size.
    _, numbered, rows, _ = cv2.connectedComponentsWithStatsWithAlgorithm(marks, 8, cv2.CV_16U, cv2.CCL_BBDT)
    labels = numbered.astype(np.uint16, copy=False)
    sizes = np.maximum(rows[:, 2], rows[:, 3])
    sizes[0] = 0  # the paper
    numbers = np.flatnonzero(sizes >= least)
    if len(numbers) > 1:
        numbers = numbers[np.argsort(-sizes[numbers], kind="stable")][:_MOST]
    return Shapes(labels, numbers, rows[numbers].astype(np.int64), cv2.boundingRect(marks))


def digit_candidates(found: Shapes) -> NDArray[np.bool_]:
    """True for what may belong to a digit: nothing from the border, no frame around it, no bar or pen beside it."""
    if len(found.rows) == 1:  # as in most pictures: the steps below would find the same
        return _ONE
    candidates = ~_frames(found)
    height, width = found.labels.shape
    free = found.free
    pens = np.array([not free[number] and _is_pen(found, number) for number in range(len(candidates))])
    others = candidates & ~pens
    if pens.any() and others.any() and _reach(found, digit_pieces(found, others)) >= _VISIBLE * min(height, width):
        candidates = others
    if free.any() and _reach(found, digit_pieces(found, free)) >= _LARGE * min(height, width):
        candidates &= free
    bars = np.array([_is_bar(found, number) for number in range(len(candidates))])
    # What comes in from the border, straight all along, is a pen even beside a small digit.
    for others, share in ((candidates & ~bars, _LARGE), (candidates & ~(bars & ~free), _VISIBLE)):
        if 0 < np.count_nonzero(others) < np.count_nonzero(candidates):
            pieces = digit_pieces(found, others)
            if _reach(found, pieces) >= share * min(height, width):
                return others | _joined(found, candidates, pieces)
    return candidates


def _frames(found: Shapes) -> NDArray[np.bool_]:
    """True for a shape along two or more sides of a box in which something as tall as a digit stands.

    Of 108 photos laid on more paper it makes 108 readable instead of 106, beside a pen 104 instead of 102. A closed box
    that the digit touches is `panels.without_box`'s.
    """
    x, y, wide, high, area = found.rows.T
    right, bottom = x + wide, y + high
    frames = np.zeros(len(x), bool)
    for number in np.flatnonzero(area < 0.5 * wide * high):
        left, top = x[number], y[number]
        inside = (x >= left) & (y >= top) & (right <= right[number]) & (bottom <= bottom[number])
        inside[number] = False
        if inside.any() and bottom[inside].max() - y[inside].min() >= _FRAMED * high[number]:
            shape = found.labels[top : bottom[number], left : right[number]] == found.numbers[number]
            frames[number] = _is_angular(shape)
    return frames


def _is_angular(shape: NDArray[np.bool_]) -> bool:
    """Whether a shape, cut out along its box, keeps to the box's sides and has a corner where the box has one."""
    height, width = shape.shape
    down, across = (max(1, round(_SIDES * side)) for side in shape.shape)
    in_the_middle = np.count_nonzero(shape[down : height - down, across : width - across])
    down, across = (max(1, round(_CORNER * side)) for side in shape.shape)
    corners = (shape[rows, columns] for rows in np.s_[:down, -down:] for columns in np.s_[:across, -across:])
    return bool(in_the_middle < 0.05 * np.count_nonzero(shape)) and any(corner.any() for corner in corners)


def _reach(found: Shapes, chosen: NDArray[np.bool_]) -> int:
    """The longer side of the box around the chosen shapes."""
    x, y, wide, high, _ = found.rows[chosen].T
    return int(max((x + wide).max() - x.min(), (y + high).max() - y.min()))


def _is_bar(found: Shapes, number: int) -> bool:
    """Whether a shape is one straight stroke along most of the picture: a pen, a printed line, or a 1."""
    return _is_straight(found, number, 0.2, 0.6)


def _is_pen(found: Shapes, number: int) -> bool:
    """Whether a shape is straight and wider than the strokes of all others: what is seen of a pen in a close crop."""
    if not _is_straight(found, number, 0.5, 0.75):
        return False
    others = np.arange(len(found.rows)) != number
    return _widest(found.mask(~others)) >= _WIDER * _widest(found.mask(others))


def _is_straight(found: Shapes, number: int, wide: float, full: float) -> bool:
    """Whether a shape goes along most of the picture, at most so wide for its length, and so full a rectangle."""
    height, width = found.labels.shape
    _, _, across, down, area = found.rows[number]
    if max(across, down) < _BAR * (width if across > down else height) or area > wide * max(across, down) ** 2:
        return False
    mask = (found.labels == found.numbers[number]).view(np.uint8)
    _, sides, _ = cv2.minAreaRect(cv2.findNonZero(mask))
    return bool(min(sides) < wide * max(sides) and area > full * (sides[0] + 1) * (sides[1] + 1))


def _widest(marks: Grey) -> float:
    """Half the width of the widest place of the marks."""
    return float(_depths(marks).max())


def _depths(marks: Grey) -> NDArray[np.float32]:
    """How far each mark is from the paper, with a pixel of paper around the picture too."""
    padded = cv2.copyMakeBorder(marks, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3), np.float32)


def digit_pieces(found: Shapes, candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for the digit: the most prominent of the candidates, and the pieces that belong to it."""
    if len(candidates) == 1:  # as in most pictures: the steps below would find the same
        return _ONE
    prominence = found.sizes * np.sqrt(found.rows[:, 4]) * candidates
    chosen = np.zeros(len(candidates), bool)
    chosen[int(prominence.argmax())] = True
    return _joined(found, candidates, chosen)


def _joined(found: Shapes, candidates: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for the chosen shapes and the candidates that stand so close that they belong to the same digit."""
    chosen = chosen.copy()
    x, y = found.rows[:, 0], found.rows[:, 1]
    right, bottom = x + found.rows[:, 2], y + found.rows[:, 3]
    while True:
        box = x[chosen].min(), y[chosen].min(), right[chosen].max(), bottom[chosen].max()
        size = max(box[2] - box[0], box[3] - box[1])
        beside = np.maximum(np.maximum(x - box[2], box[0] - right), 0)
        above = np.maximum(np.maximum(y - box[3], box[1] - bottom), 0)
        away = np.hypot(beside, above)
        # The larger a piece, the further away it may stand: a bar of a 5, but no speck.
        joined = candidates & (away <= np.minimum(0.6 * found.sizes, 0.2 * size))
        if (joined <= chosen).all():
            return chosen
        chosen |= joined


def are_several(found: Shapes, candidates: NDArray[np.bool_], pieces: NDArray[np.bool_]) -> bool:
    """Whether there are several digits: a candidate beside the pieces that is as tall as one, or pieces in a row."""
    if len(candidates) == 1 or np.count_nonzero(candidates) < 2:
        return False
    x, y, wide, high, _ = found.rows[pieces].T
    height = (y + high).max() - y.min()
    if (candidates & ~pieces & (found.rows[:, 3] >= 0.5 * height)).any():
        return True
    if len(x) < 2:
        return False
    tall = high >= 0.75 * height
    beside = x[None, tall] > (x + wide)[tall, None]
    return bool((x + wide).max() - x.min() > 1.8 * height or beside.any())


_NEXT = np.ones((3, 3), np.uint8)


def stroke_width(strokes: Grey) -> float:
    """How wide the strokes are in most places, in pixels."""
    depth = _depths(strokes)
    ridge = depth[(depth > 0) & (depth >= cv2.dilate(depth, _NEXT) - 1e-3)]
    middle = ridge.size // 2
    return 2 * float(np.partition(ridge, middle)[middle]) - 1 if ridge.size else 1.0
