"""The way from a picture to a model's input, for those who have only the exported file: in words, and as code."""

WORDS = (
    "One digit, light on dark, as MNIST holds it: grey values, inverted if the picture's border is light; what is "
    "darker than Otsu's threshold set to 0; cut out, shrunk or grown to fit 20x20 with its proportions kept, and laid "
    "into 28x28 with its centre of mass in the middle. Then pixel / 255, or what the form's input range says. "
    "`mnist predict` does the same with more care: uneven light, several shapes, pictures that hold no digit."
)

SNIPPET = '''\
import cv2
import numpy as np

def digit(path):
    """The picture's one digit as (28, 28) bytes, light on dark."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    grey = 255 - grey if border.mean() > 127.5 else grey
    ink = cv2.threshold(grey, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    x, y, w, h = cv2.boundingRect(ink)
    size = [max(1, round(20 * side / max(w, h))) for side in (w, h)]
    small = cv2.resize(ink[y:y + h, x:x + w], size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    right, down = (round(14 - moments[axis] / moments["m00"]) for axis in ("m10", "m01"))
    return cv2.warpAffine(small, np.float32([[1, 0, right], [0, 1, down]]), (28, 28))
'''
