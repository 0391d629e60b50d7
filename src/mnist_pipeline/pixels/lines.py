"""Takes ruled and squared lines out of the marks, as staves out of music: along the line, but not across a stroke."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey, mean_where, median
from mnist_pipeline.pixels.shapes import Box, Shapes, digit_candidates, digit_pieces, stroke_width

_LEAN = 0.09  # the steepest slope of a line, about five degrees
_QUICK, _STEPS = 400, 61  # pixels of the longer side at which the slope is looked for, and slopes tried
_NEAR = 8  # pixels from the border within which a line that crosses it is seen
# Of the longer side: how thick the lines of a cell may be, and how long at least those below and beside the digit.
# Of a thickness that does not shrink with the cell, the round foot of 15 in 5,000 small digits was a cell's line.
_THIN, _BELOW, _BESIDE = 0.06, 0.15, 0.08
_FOOT = 0.85  # of the width of a cell that the line below the digit has to cover


class Ruling(NamedTuple):
    """What counts as a ruled line, in shares of the picture."""

    long: float  # of the side along the line
    longer: float  # of the longer side: no stroke is as long, not on a strip of paper one digit high
    thickest: float  # of the longer side
    drawn: float  # of the line's length; rows of digits reach 0.6 only where they all but touch
    near: float  # of its length: how far from a line that is drawn another one may be interrupted
    teeth: int  # so many bars of one height that stand on a line are printed; 0: none are looked for
    several: int  # so many lines are no accident of a digit's shape


# Of one digit, whose own strokes are long: lines go from border to border.
BEHIND_A_DIGIT = Ruling(0.9, 0.0, 0.025, 0.8, 0.01, 0, 3)
# Of a digit and the lines of a sheet that touch it: of 400 digits on sheets that lie on more paper, a fifth of them
# squared, 94 % are read, otherwise 91.
_TOUCHING = Ruling(0.75, 0.0, 0.025, 0.8, 0.01, 0, 3)
_ROOM = _NEAR - 2  # pixels
_AROUND, _OUT = 0.2, 0.04  # of the longer side: as much around a digit is looked at; by so much lines go on beyond it
_THIN_PART, _FAINT_PART = 0.4, 0.3  # times the longer side
_FAINTER = 0.7  # of the pen's strength
_SOFT = np.ones((5, 5), np.uint8)  # so far around a stroke ink is fainter in any case
_FAINT, _PRINTED, _DARKER = 0.3, 0.75, 1.5  # shares of the pen's strength; of the lines': what is darker is pen
# Without what has to be drawn, 27 of 300 digits in rows and columns were misread or missing, since taken out as lines.
# With lines a third as thick, those of one form in ten stayed; of two thirds, some bold boxes: on 210 composed forms 49
# of 1,146 digits were wrong, 34 with these. They may be as thick as that only because their thickness is measured where
# they are straight: measured anywhere, digits that touch them were taken for lines.
ON_A_PAGE = Ruling(0.4, 0.25, 0.024, 0.6, 1 / 12, 3, 1)
_STRAIGHT = 4  # times its thickness is what a line is straight for, at least


def without_lines(marks: Grey, ruling: Ruling) -> Grey:
    """The marks less the thin straight lines that run along the picture or across it; the same array if none do."""
    clean, lines = _without_both_ways(marks, ruling)
    if not lines:
        return marks
    if ruling.teeth:
        # Squared paper's upright lines, less the bars that stand on its level ones, are dashes and no longer found: on
        # 300 composed pages of 2,299 digits, 98.3 % right instead of 87.9, for one squared page gave 230 1s.
        clean &= _without_both_ways(marks, ruling._replace(teeth=0))[0]
    return clean if lines >= ruling.several or _leaves_strokes(marks, clean) else marks


def goes_across(box: Box, picture: tuple[int, ...]) -> bool:
    """Whether a line behind a digit may be in a picture of a shape: what is marked reaches to two opposite borders."""
    (x, y, width, height), (high, wide) = box, picture
    return (x < _NEAR and x + width > wide - _NEAR) or (y < _NEAR and y + height > high - _NEAR)


def without_cell(marks: Grey, found: Shapes) -> Grey:
    """The marks less the thin straight lines that bound the largest shape below and on both sides: a box, a comb."""
    left, top, width, height, _ = found.rows[0].tolist()
    thick = round(_THIN * max(width, height)) + 1
    right, bottom, low = left + width, top + height, max(thick + 4, height // 4)
    foot, least = marks[max(0, bottom - thick) : bottom, left:right], _FOOT * width
    if cv2.countNonZero(foot) <= least or np.count_nonzero(foot.any(axis=0)) <= least:
        return marks  # as of most digits: quick to see
    thickest, below, beside = (round(share * max(marks.shape)) + 1 for share in (_THIN, _BELOW, _BESIDE))
    thin = as_grey(cv2.subtract(marks, _opened(marks, (thickest, thickest))))
    level = _runs(thin, below)
    upright = _runs(np.ascontiguousarray(thin.T), beside).T
    # Each side of its box: the lines along it, where they lie, and how much of it they have to cover.
    sides = [
        (level, np.s_[bottom - thick : bottom, left:right], _FOOT * width),
        (upright.T, np.s_[left : left + thick, bottom - low : bottom], 0.8 * low),
        (upright.T, np.s_[right - thick : right, bottom - low : bottom], 0.8 * low),
    ]
    free = min(left, top) > 0 and right < marks.shape[1] and bottom < marks.shape[0]
    if not free or any(np.count_nonzero(lines[place].any(axis=0)) <= least for lines, place, least in sides):
        return marks
    cell = np.zeros_like(marks)
    for rows_of in (np.s_[top : top + thick], np.s_[bottom - thick : bottom]):
        cell[rows_of] |= level[rows_of]
    for columns_of in (np.s_[left : left + thick], np.s_[right - thick : right]):
        cell[:, columns_of] |= upright[:, columns_of]
    clean = as_grey(cv2.subtract(marks, as_grey(cell * (found.labels == found.numbers[0]))))
    _, _, wide, high = cv2.boundingRect(clean)
    return clean if max(wide, high) > 0.28 * max(width, height) else marks


def without_sheet_lines(marks: Grey, found: Shapes, strength: Grey) -> Grey:
    """The marks less printed lines that touch the digit and end before the picture does: those of a sheet on a table.

    They go on beyond the digit on both sides, and are fainter than it.
    """
    shape = found.mask(digit_pieces(found, digit_candidates(found)))
    x, y, width, height = cv2.boundingRect(shape)
    wide, close = (
        (slice(max(0, y - more), y + height + more), slice(max(0, x - more), x + width + more))
        for more in (round(_AROUND * max(width, height)), 0)
    )
    if not _is_partly_thin(shape[close]) or not _is_partly_faint(strength[wide], shape[wide]):
        return marks
    # Lines that go on beyond what touches the digit are seen from further away, those that end with it from close by.
    for box in (wide, close):
        printed = _printed_lines(strength[box], shape[box])
        if printed is not None:
            less = marks.copy()
            less[box] = cv2.subtract(marks[box], printed)
            return less
    return marks


def _is_partly_thin(shape: Grey) -> bool:
    """Whether so much of a shape is as thin as lines that they may be in it: to look for them takes 5 ms."""
    side = round(_TOUCHING.thickest * max(shape.shape)) + 3
    thin = as_grey(cv2.subtract(shape, _opened(shape, (side, side))))
    return bool(cv2.countNonZero(thin) >= _THIN_PART * max(shape.shape))


def _is_partly_faint(inked: Grey, marked: Grey) -> bool:
    """Whether away from strokes there is so much fainter ink that lines may be in it.

    Around small digits on clean paper there is next to none, and without the search for lines 1.7 times as many are
    read in a second; around those from which lines were taken out it was 0.7 of the longer side or more.
    """
    usual = mean_where(marked, inked)
    pen = mean_where(as_grey(inked > usual), inked)
    near = cv2.dilate(as_grey(inked > _FAINTER * pen), _SOFT)
    away = cv2.subtract(as_grey(inked > _FAINT * usual), near)
    return bool(cv2.countNonZero(away) >= _FAINT_PART * max(marked.shape))


def _printed_lines(inked: Grey, marked: Grey) -> Grey | None:
    """The pixels of printed lines around marks: looked for far below the pen's strength, where they are whole."""
    low = as_grey(inked > _FAINT * mean_where(marked, inked))
    lines = low - without_lines(np.pad(low, _ROOM), _TOUCHING)[_ROOM:-_ROOM, _ROOM:-_ROOM]
    if not lines.any():
        return None
    strong = mean_where(lines, inked)
    printed = as_grey(lines & (inked <= _DARKER * strong))
    strokes = as_grey(cv2.subtract(marked, printed))
    fainter = strong <= _PRINTED * mean_where(strokes, inked)
    return printed if fainter and _stick_out(lines, strokes) else None


def _stick_out(lines: Grey, strokes: Grey) -> bool:
    """Whether lines, level or upright, go on beyond the strokes at both ends."""
    left, top, width, height, _ = max(cv2.connectedComponentsWithStats(strokes)[2][1:].tolist(), key=lambda row: row[4])
    x, y, wide, high = cv2.boundingRect(lines)
    sides = [(wide, lines.shape[1], left - x, x + wide - left - width)]
    sides.append((high, lines.shape[0], top - y, y + high - top - height))
    long = [(before, behind) for reach, side, before, behind in sides if reach >= _TOUCHING.long * side]
    return bool(long) and all(min(ends) >= _OUT * max(lines.shape) for ends in long)


def _runs(marks: Grey, length: int) -> Grey:
    """The pixels of level runs of a length, wavering by a pixel allowed."""
    wider = cv2.dilate(marks, np.ones((3, 1), np.uint8))
    return as_grey(cv2.bitwise_and(cv2.morphologyEx(wider, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)), marks))


def _leaves_strokes(marks: Grey, clean: Grey) -> bool:
    """Whether strokes are left without the lines, not the rest of a digit of which a part looked like a line."""
    _, _, width, height = cv2.boundingRect(clean)
    # The rest of a digit that is cut out tightly still goes from border to border, as its stem did.
    free = width < marks.shape[1] - _NEAR and height < marks.shape[0] - _NEAR
    large = max(width, height) >= 0.15 * max(marks.shape)
    return free and large and stroke_width(clean) > 1.1 * stroke_width(marks - clean)


def _without_both_ways(marks: Grey, ruling: Ruling) -> tuple[Grey, int]:
    """The marks without nearly level and nearly upright lines, and how many of those there were."""
    level, lines = _without_level(marks, ruling)
    turned, more = _without_level(level.T, ruling)
    return np.ascontiguousarray(turned.T), lines + more


def _without_level(marks: Grey, ruling: Ruling) -> tuple[Grey, int]:
    """The marks without nearly level lines and what stands on them, and how many of those there were."""
    height, width = marks.shape
    least = max(8, round(max(ruling.long * width, min(0.95 * width, ruling.longer * max(marks.shape)))))
    across = ruling.long > 0.5  # from border to border
    if np.count_nonzero(marks.any(axis=0)) < least or (
        across and not (marks[:, :_NEAR].any() and marks[:, -_NEAR:].any())
    ):
        return marks, 0
    slope = _slope(marks)
    level = _sheared(marks, slope)
    lines = _lines(level, least, ruling)
    tops = np.flatnonzero(np.diff(lines.any(axis=1).astype(np.int8), prepend=0) == 1)
    if not len(tops):
        return marks, 0
    thick = _thickness(lines, max(3, round(ruling.thickest * max(marks.shape))))
    bars = _teeth(level, tops, thick, ruling.teeth) if ruling.teeth else np.zeros_like(level)
    # Marks above or below a line, in a column of it, are a stroke that crosses it; and beside a bar likewise.
    upright, flat = (_opened(level, size) for size in ((thick + 2, 1), (1, 3 * thick + 2)))
    gone = as_grey((lines & (1 - (upright & (1 - bars)))) | (bars & (1 - (flat & (1 - lines)))))
    kept = as_grey(cv2.subtract(level, gone))
    return as_grey(cv2.bitwise_and(_sheared(kept, -slope, height), marks)), len(tops)


def _opened(marks: Grey, size: tuple[int, int]) -> Grey:
    """The marks in which a rectangle of a height and width finds room."""
    return as_grey(cv2.morphologyEx(marks, cv2.MORPH_OPEN, np.ones(size, np.uint8)))


def _teeth(level: Grey, tops: NDArray[np.int64], thick: int, fewest: int) -> Grey:
    """The pixels of the thin bars of one height that stand on a line: dividers of boxes, teeth of a comb."""
    teeth = np.zeros_like(level)
    wider = cv2.dilate(level, np.ones((1, 3), np.uint8))
    for top in tops:
        empty = wider[:top][::-1] == 0
        bars = _bars(np.where(empty.any(axis=0), empty.argmax(axis=0), top), thick)
        usual = median(np.array([high for _, _, high in bars])) if bars else 0
        alike = [bar for bar in bars if abs(bar[2] - usual) <= 2 + 0.04 * usual]
        for left, right, high in alike if len(alike) >= fewest else ():
            place = np.s_[max(top - high - 1, 0) : top + thick, left:right]
            teeth[place] = level[place]
    return teeth


def _bars(heights: NDArray[np.int64], thick: int) -> list[tuple[int, int, int]]:
    """Of the heights of marks above each column of a line: where thin bars begin and end, and how high they are."""
    ends = np.flatnonzero(np.diff((heights > max(8, 3 * thick)).astype(np.int8), prepend=0, append=0))
    bars = []
    for start, end in ends.reshape(-1, 2):
        high = int(heights[start:end].max())
        columns = start + np.flatnonzero(heights[start:end] > 0.9 * high)
        if columns[-1] - columns[0] < 4 * thick + 6:
            bars.append((int(columns[0]), int(columns[-1]) + 1, high))
    return bars


def _slope(marks: Grey) -> float:
    """The slope of the lines: sheared level by it, rows of pixels are fullest."""
    by = min(1.0, _QUICK / max(marks.shape))
    small = cv2.resize(marks * 255, None, fx=by, fy=by, interpolation=cv2.INTER_AREA) if by < 1 else marks * 255
    slopes = np.linspace(-_LEAN, _LEAN, _STEPS)
    fullness = [float((_sheared(as_grey(small), slope).sum(axis=1, dtype=np.float64) ** 2).sum()) for slope in slopes]
    return float(slopes[int(np.argmax(fullness))])


def _sheared(marks: Grey, slope: float, height: int | None = None) -> Grey:
    """The marks with each column moved so that lines of a slope become level: on a higher page, or cut to a height."""
    rows, width = marks.shape
    reach = round(_LEAN * width) + 1
    down = reach if height is None else -reach
    matrix = np.array([[1, 0, 0], [-slope, 1, down + slope * width / 2]], np.float64)
    size = (width, rows + 2 * reach if height is None else height)
    return as_grey(cv2.warpAffine(marks, matrix, size, flags=cv2.INTER_NEAREST))


def _lines(level: Grey, length: int, ruling: Ruling) -> Grey:
    """The pixels of long level runs, small gaps and wavering allowed, that are mostly drawn or near one that is.

    Digits that stand in rows make long runs too, which are mostly gaps. On squared paper the lines across make such
    runs as well; these are near a line that is drawn.
    """
    gap = max(3, length // 12)
    wider = as_grey(cv2.dilate(level, np.ones((3, 1), np.uint8)))
    closed = cv2.morphologyEx(wider, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    along, border = np.ones((1, length), np.uint8), cv2.BORDER_CONSTANT
    runs = as_grey(cv2.morphologyEx(closed, cv2.MORPH_OPEN, along, borderType=border, borderValue=0))
    drawn = as_grey(as_grey(cv2.blur(wider * 255, (length, 1), borderType=border)) > 255 * ruling.drawn) & runs
    beside = np.ones((2 * round(ruling.near * length) + 1, 1), np.uint8)
    near = as_grey(cv2.dilate(drawn.max(axis=1, keepdims=True), beside))
    return as_grey(cv2.bitwise_and(cv2.dilate(runs * near, np.ones((3, 1), np.uint8)), level))


def _thickness(lines: Grey, most: int) -> int:
    """The pixels that lines are thick in most places, strokes that stand on them left out."""
    for thickness in range(1, most):
        thick = _opened(lines, (thickness + 1, _STRAIGHT * (thickness + 1)))
        if np.count_nonzero(thick) < 0.3 * np.count_nonzero(lines):
            return thickness
    return most
