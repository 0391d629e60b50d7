"""Every pixel's way into a model, for training and for a picture file alike: a grey picture to 28x28, bytes to 0..1.

`find_digit` does with a picture what MNIST's authors did with their scans: the strokes alone, light on dark, fitted
into 20x20 keeping their aspect, their mass moved into the middle of 28x28. `plain` only shrinks it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.ink import Ink, Step, add, find_ink
from mnist_pipeline.pixels.light import Grey, Invert, as_grey, border, mean_where, working_size
from mnist_pipeline.pixels.panels import Outline, cut_out, outline_of, panel_area, possible_panel, without_box
from mnist_pipeline.pixels.pictures import Picture, read_grey
from mnist_pipeline.pixels.shapes import Box, are_several, digit_candidates, digit_pieces, stroke_width

SIDE = 28  # pixels; MNIST's
LONGEST = 1000  # pixels of a picture's longer side: enough for a single digit
PIXEL = np.float32(1 / 255)  # one step of grey; as a factor, because a compiler would make it one anyway
NOTHING = "nothing is drawn"
SEVERAL = "several shapes: --all reads each of them"
_BOX = 20  # pixels that MNIST's digits are fitted into
_SMALL = 2 * _BOX  # pixels: a smaller digit is looked at from closer by; then seven sizes are read 99.0 to 99.3 % right
_FEWEST = 4  # pixels along each side of what is looked at from closer by: less shows no digit, and rounds to nothing
_REACH = 2  # pixels around the strokes in which their soft edges lie
_NEAR = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
_EDGE = 40  # of 255: what is fainter does not count as part of the box
_BARE = 0.3  # of all contrast of a small picture, at most so much is along a border of bare paper
_LEAN = 8  # degrees by which an image like another is turned
_THINNEST = 2.0  # pixels of stroke in the box; MNIST's pens are rarely thinner


def scale(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes to 0..1: what every model here takes."""
    return np.multiply(images, PIXEL, dtype=np.float32)


class Seen(NamedTuple):
    """What a model gets to see of a picture, or why there is nothing to see."""

    pixels: Grey | None  # (28, 28), light on dark; None when there is nothing to look at
    inverted: bool
    reason: str | None = None  # why there is no digit


def look_at(picture: Picture, invert: Invert = "auto") -> Seen:
    """The digit of a picture: a file, its bytes, or an array; one that cannot be read is a PictureError."""
    return find_digit(read_grey(picture, LONGEST), invert)


def fit_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, height, width), light on dark, at 28x28: as they are, or fitted as a picture's digit is."""
    if images.shape[1:] == (SIDE, SIDE):
        return images
    seen = ((image, find_digit(image, "no").pixels) for image in images)
    return np.stack([plain(image, "no")[0] if pixels is None else pixels for image, pixels in seen])


def find_digit(grey: Grey, invert: Invert = "auto", steps: list[Step] | None = None) -> Seen:
    """The digit of a grey picture as MNIST would hold it: found, cleaned, fitted into 20x20 and centred in 28x28."""
    return as_seen(find_strokes(grey, invert, steps))


class Strokes(NamedTuple):
    """The strokes of a picture's digit, cleaned but not fitted into 28x28 yet."""

    ink: Ink  # in which they are
    alone: Grey | None  # where they are, as 1 on 0; None when there are none
    box: Box  # around them
    reason: str | None = None  # why there is no digit


def as_seen(strokes: Strokes) -> Seen:
    """Strokes as a model gets to see them."""
    ink, alone, box, reason = strokes
    return Seen(None if alone is None else fit_digit(ink.strength, alone, box), ink.inverted, reason)


def find_strokes(grey: Grey, invert: Invert = "auto", steps: list[Step] | None = None) -> Strokes:
    """The strokes of the digit of a grey picture."""
    small = working_size(grey)
    ink, found = find_ink(small, invert, steps, max(1.0, max(small.shape) / max(grey.shape)))
    if not len(found.rows):
        close = _from_closer(grey, ink.marks.shape, found.box) if found.box[2] else None  # a digit as small as specks
        return Strokes(ink, None, found.box, NOTHING) if close is None else find_strokes(close, invert, steps)
    candidates = digit_candidates(found)
    largest = possible_panel(found)
    panel = largest if candidates[found.largest].all() else None  # a table or a pen beside the digit is none
    if panel and invert == "auto" and (written := _on_panel(small, panel, ink.inverted, steps)):
        return written
    pieces = digit_pieces(found, candidates)
    # As in most pictures: its outline was looked for already.
    known = largest is not None and (len(pieces) == 1 or bool((pieces == found.largest).all()))
    strokes = without_box(largest if largest and known else outline_of(found, pieces))
    box = found.box if strokes is found.labels else cv2.boundingRect(strokes)
    several = are_several(found, candidates, pieces)
    close = None if several else _from_closer(grey, strokes.shape, box)
    if close is not None:
        return find_strokes(close, invert, steps)
    add(steps, "the digit alone", strokes, 255)
    return Strokes(ink, strokes, box, SEVERAL if several else None)


def other_looks(grey: Grey, invert: Invert, inverted: bool, answered: bool) -> Iterator[tuple[Seen, list[Step]]]:
    """The digit of a picture of few pixels seen in other ways: without noise, and in the other polarity.

    In so small a picture noise is as wide as a stroke, and little paper shows. The other polarity takes ten times as
    long as a first look, so where that was answered it is tried only if more than paper lies along the border.
    """
    ways: list[tuple[str, Grey, Invert]] = [("smoothed", as_grey(cv2.medianBlur(grey, 3)), invert)]
    if invert == "auto" and not (answered and _has_bare_border(grey)):
        ways.append(("in the other polarity", grey, "no" if inverted else "yes"))
    for name, picture, polarity in ways:
        steps = [(name, picture)]
        yield find_digit(picture, polarity, steps), steps


def _has_bare_border(grey: Grey) -> bool:
    """Whether a picture's border differs little in itself, beside all that the picture does."""
    return bool(np.ptp(border(grey)) <= _BARE * np.ptp(grey))


def _on_panel(grey: Grey, largest: Outline, inverted: bool, steps: list[Step] | None) -> Strokes | None:
    """What is written on the largest shape, when that is a panel with something on it."""
    area = panel_area(largest)
    if area is None:
        return None
    further: list[Step] = [("a panel", largest.shape * 255)]
    written = find_strokes(cut_out(grey, area, largest.shape), "no" if inverted else "yes", further)
    if written.alone is None:
        return None
    if steps is not None:
        steps += further
    return written


def _from_closer(grey: Grey, size: tuple[int, ...], box: Box) -> Grey | None:
    """What lies in a box of the picture as it is in another size, with some paper around it; None when large enough."""
    x, y, width, height = box
    longest = max(width, height)
    if longest >= _SMALL:
        return None
    by = grey.shape[0] / size[0]
    around = 0.35 * longest
    sides = x - around, y - around, x + width + around, y + height + around
    left, top, right, bottom = (round(by * side) for side in sides)
    close = grey[max(top, 0) : bottom, max(left, 0) : right]
    # Nearly the whole picture again would be looked at for ever: it is made larger once, then smaller.
    return close if min(close.shape) >= _FEWEST and max(close.shape) < 0.9 * max(grey.shape) else None


def fit_digit(strength: Grey, strokes: Grey, box: Box | None = None) -> Grey:
    """A digit's strokes, a mask in a picture of inked strength, with their soft edges at 28x28 as MNIST has them."""
    x, y, width, height = box or cv2.boundingRect(strokes)
    around = (slice(max(0, y - _REACH), y + height + _REACH), slice(max(0, x - _REACH), x + width + _REACH))
    strength, strokes = strength[around], strokes[around]  # half of a picture is paper, or more
    near = cv2.dilate(strokes, _NEAR)
    pen = mean_where(strokes, strength)
    ink = as_grey(cv2.multiply(strength, near, scale=255 / max(1.15 * pen, 1)))  # so that the pen is white
    x, y, width, height = cv2.boundingRect((ink > _EDGE).view(np.uint8))
    if not width:  # thinner than its own soft edge
        x, y, width, height = cv2.boundingRect(strokes)
    window = (slice(y, y + height), slice(x, x + width))
    return _centred(_boxed(ink[window], strokes[window]))


def _boxed(ink: Grey, strokes: Grey) -> Grey:
    """The ink at 20 pixels along its longer side, white at its strongest."""
    by = _BOX / max(ink.shape)
    missing = round(_THINNEST / by - stroke_width(strokes))
    if missing > 0:  # a pen so thin that it would be shrunk away
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
        room = (missing + 1) // 2
        ink = as_grey(cv2.dilate(cv2.copyMakeBorder(ink, room, room, room, room, cv2.BORDER_CONSTANT), pen))
        by = _BOX / max(ink.shape)
    height, width = (min(_BOX, max(1, round(side * by))) for side in ink.shape)
    way = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    small = as_grey(cv2.resize(ink, (width, height), interpolation=way))
    return as_grey(cv2.convertScaleAbs(small, alpha=255 / max(cv2.norm(small, cv2.NORM_INF), 1)))


def _centred(small: Grey) -> Grey:
    """A small picture on 28x28 black, its centre of mass in the middle, as far as the edges let it."""
    height, width = small.shape
    mass = cv2.moments(small)
    total = max(mass["m00"], 1)
    middle = SIDE / 2  # where MNIST's own images have it, on average to a hundredth of a pixel
    top = min(max(round(middle - mass["m01"] / total), 0), SIDE - height)
    left = min(max(round(middle - mass["m10"] / total), 0), SIDE - width)
    whole: Grey = np.zeros((SIDE, SIDE), np.uint8)
    whole[top : top + height, left : left + width] = small
    return whole


def similar(image: Grey) -> Grey:
    """Eight images like a 28x28 one: turned a little either way, and moved by a pixel to each of four sides."""
    middle, like = (SIDE - 1) / 2, list[Grey]()
    for turn in (-_LEAN, _LEAN):
        for moved in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            matrix = cv2.getRotationMatrix2D((middle, middle), turn, 1)
            matrix[:, 2] += moved
            like.append(as_grey(cv2.warpAffine(image, matrix, (SIDE, SIDE))))
    return np.stack(like)


def plain(grey: Grey, invert: Invert = "auto") -> tuple[Grey, bool]:
    """A grey picture shrunk to 28x28, light on dark as MNIST is, and whether it had to be inverted."""
    inverted = invert == "yes" or (invert == "auto" and float(border(grey).mean()) > 127.5)
    # Averaging keeps thin strokes where a side shrinks; where it grows, averaging would draw blocks.
    height, width = grey.shape
    shrunk = cv2.resize(grey, (min(width, SIDE), min(height, SIDE)), interpolation=cv2.INTER_AREA)
    small = as_grey(cv2.resize(shrunk, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))
    return (255 - small if inverted else small), inverted
