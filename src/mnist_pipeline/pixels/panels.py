"""A picture within the picture: a sheet on a table, a sign, a key; what is written on it is what counts."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.shapes import Shapes, stroke_width

_SMALLEST = 0.12  # of the picture's area
_SOLID = 0.6  # share of the panel that is not written on
_WHOLE = 0.75  # share of the panel's hull that its outline fills: no bays, as a digit has them
_CLOSED = 0.93  # share of a box's hull that its outline fills
_SQUARE = 0.9  # share of the hull that four corners of it span: no round shape, as digits have them


class Outline(NamedTuple):
    """A shape with the hull of its longest outline."""

    shape: Grey
    hull: cv2.typing.MatLike
    area: float  # of the hull
    within: float  # the outline's own area


def outline_of(found: Shapes, chosen: NDArray[np.bool_]) -> Outline:
    """The chosen shapes as one, with its outline, looked for once as it takes a while."""
    shape, edge = found.mask(chosen), found.edge
    if edge is None:
        # The corners alone have the same hull and area, in half the time; which of several is longest all points tell.
        edges, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        if len(edges) > 1:
            edges, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        edge = max(edges, key=len)
    hull = cv2.convexHull(edge)
    return Outline(shape, hull, cv2.contourArea(hull), cv2.contourArea(edge))


def possible_panel(found: Shapes) -> Outline | None:
    """The shape with the most ink, when it has enough for a panel."""
    marked = int(found.rows[:, 4].max())
    return outline_of(found, found.largest) if marked >= _SOLID * _SMALLEST * found.labels.size else None


def panel_area(found: Outline) -> Grey | None:
    """The area of a panel, as 1 on 0, if the shape is one: large, solid, four-sided, with something on it."""
    if not _four_sided(found, _SOLID, 0.99, _WHOLE):
        return None
    area = _shrunk(found, 0.04 * max(found.shape.shape))
    return area if area.any() else None  # a narrow one is all edge


def without_box(found: Outline) -> Grey:
    """The strokes of a shape without a box drawn around them that they touch; the shape when there is no box."""
    shape = found.shape
    if not _four_sided(found, 0, _SOLID, _CLOSED):
        return shape
    inside = as_grey(cv2.bitwise_and(shape, _shrunk(found, 1.5 * stroke_width(shape) + 1)))
    _, _, _, height = cv2.boundingRect(shape)
    _, _, _, digit = cv2.boundingRect(inside)
    return inside if digit > 0.4 * height else shape


def _four_sided(found: Outline, least: float, most: float, whole: float) -> bool:
    """Whether a shape is large and four-sided: of its hull, marks fill a share in bounds and the outline enough."""
    shape, hull, area, within = found
    if area < _SMALLEST * shape.size or within < whole * area:
        return False
    return bool(least * area < cv2.countNonZero(shape) < most * area) and _square(hull, area)


def _shrunk(found: Outline, by: float) -> Grey:
    """The hull filled with 1, smaller by a number of pixels on each side."""
    filled = cv2.fillConvexPoly(np.zeros_like(found.shape), found.hull, (1,))
    width = 2 * max(1, round(by)) + 1
    # Beyond the picture there is no panel either.
    return as_grey(cv2.erode(filled, np.ones((width, width), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))


def _square(hull: cv2.typing.MatLike, area: float) -> bool:
    """Whether four corners of a hull span nearly all of its area."""
    around = cv2.arcLength(hull, closed=True)
    for slack in (0.02, 0.04, 0.06, 0.08, 0.1):
        corners = cv2.approxPolyDP(hull, slack * around, closed=True)
        if len(corners) <= 4:
            return len(corners) == 4 and cv2.contourArea(corners) >= _SQUARE * area
    return False


def cut_out(grey: Grey, area: Grey, shape: Grey) -> Grey:
    """The panel alone, what lies around it painted in the panel's colour."""
    colour = round(cv2.mean(grey, mask=shape)[0])
    x, y, width, height = cv2.boundingRect(area)
    window = (slice(y, y + height), slice(x, x + width))
    return np.where(area[window] > 0, grey[window], colour).astype(np.uint8)
