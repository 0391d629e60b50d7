"""A picture within the picture: a sheet on a table, a sign, a key; what is written on it is what counts."""

import cv2
import numpy as np

from mnist_pipeline.ink.light import Grey, as_grey

_SMALLEST = 0.12  # of the picture's area
_SOLID = 0.6  # share of the panel that is not written on
_WHOLE = 0.85  # share of the panel's hull that its outline fills: no bays, as a digit has them
_SQUARE = 0.88  # share of its box, turned with it, that a four-sided panel fills


def panel(shape: Grey) -> Grey | None:
    """The area of a panel, as 1 on 0, when a shape is one: large, solid, four-sided, with something on it."""
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)
    hull = cv2.convexHull(outline)
    area = cv2.contourArea(hull)
    (_, (wide, high), _) = cv2.minAreaRect(hull)
    square = area >= max(_SMALLEST * shape.size, _SQUARE * wide * high)
    solid = _SOLID * area < np.count_nonzero(shape) < 0.99 * area
    if not (square and solid and cv2.contourArea(outline) >= _WHOLE * area):
        return None
    inside = as_grey(cv2.fillConvexPoly(np.zeros_like(shape), hull, (1,)))
    border = max(1, round(0.02 * max(shape.shape)))
    return as_grey(cv2.erode(inside, np.ones((2 * border + 1, 2 * border + 1), np.uint8)))


def cut_out(grey: Grey, area: Grey, shape: Grey) -> Grey:
    """The panel alone, what lies around it painted in its own colour."""
    colour = round(cv2.mean(grey, mask=shape)[0])
    x, y, width, height = cv2.boundingRect(area)
    window = (slice(y, y + height), slice(x, x + width))
    return np.where(area[window] > 0, grey[window], colour).astype(np.uint8)
