"""Letters, signs, words and emblems, by hand or in OpenCV's line fonts; some of each are held out from training."""

import cv2
import numpy as np

from mnist_pipeline.data.rendering.ink import Lines, rotation, wobble
from mnist_pipeline.data.rendering.strokes import Letter, Random, Strokes, read_alphabets, write_letter

Alphabets = tuple[tuple[Letter, ...], ...]

# Alphabets, each as often as it is drawn.
WRITTEN = (*["latin"] * 4, *["greek"] * 3, *["others"] * 3, *["signs"] * 2)
OUTLINES, EMBLEMS = ("outlines",), ("rings", "emblems")
_HELD_OUT = "(held out)"  # a letter in five: what follows its name in alphabets.txt
_JITTER, _NEAT = 0.04, 0.006  # of the corners, by hand and in print

# Letters that no reader takes for a digit (no O, I, S, Z, B, q), without those that are held out above.
_TYPED = "ACDEGHJLMPRTUVWXYcdefhmnprtuvwx"
_TYPED_SIGNS = "#%@+=*^~<&"
FONTS = (0, 1, 2, 3, 5, 6, 16, 18, 19, 20, 22)  # Hershey's, some of them slanted
UNSEEN_FONTS = (4, 7, 23)  # not trained on: refusing is tried on these too
_MARGIN = 12  # pixels around typed text


def select_letters(names: tuple[str, ...], held_out: bool) -> Alphabets:
    """The letters of each alphabet that are held out from training, or all others."""
    named = [read_alphabets()[alphabet].items() for alphabet in names]
    return tuple(tuple(letter for name, letter in letters if name.endswith(_HELD_OUT) == held_out) for letters in named)


def handwritten_letter(alphabets: Alphabets, random: Random) -> Strokes:
    """One letter or sign of any alphabet, by hand."""
    return _by_hand(alphabets[random.integers(len(alphabets))], random)


def emblem(alphabets: Alphabets, random: Random) -> Strokes:
    """An emblem, by hand or as neat as in print, upright or turned any way.

    With emblems by hand alone, turned any way, two of five models answered a logo, a ring with a dot in its gap, as 0.
    """
    neat, upright = random.random(2) < 0.5
    signs = alphabets[random.integers(len(alphabets))]
    strokes = write_letter(signs[random.integers(len(signs))], random, _NEAT) if neat else _by_hand(signs, random)
    turn = rotation(random.normal(0, 0.08) if upright else random.uniform(0, 2 * np.pi))
    return [stroke @ turn for stroke in strokes]


def marked_letter(alphabets: Alphabets, random: Random) -> Strokes:
    """A letter with a mark: in a ring, with a bar across it, above or below it, or with two dots on it."""
    strokes = handwritten_letter(alphabets, random)
    every = np.concatenate(strokes)
    least, size = every.min(0), np.maximum(np.ptp(every, axis=0), 0.2)
    mark = random.integers(5)
    if mark == 0:
        angles = np.linspace(0, 2 * np.pi, 40)
        marks = [0.5 + random.uniform(0.68, 0.85) * np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    else:
        level = random.normal((0.5, -0.2, 1.2, -0.22)[mark - 1], 0.04)
        ends = ((-0.15, 1.15),) if mark < 4 else ((0.15, 0.25), (0.75, 0.85))
        marks = [np.array([(start, level), (end, level + random.normal(0, 0.03))]) for start, end in ends]
    return [*((stroke - least) / size for stroke in strokes), *marks]


def handwritten_word(alphabets: Alphabets, random: Random) -> Strokes:
    """Letters of one alphabet, by hand, so close that most of them touch."""
    alphabet, at, strokes = alphabets[random.integers(len(alphabets))], 0.0, Strokes()
    for _ in range(random.integers(2, 5)):
        letter = _by_hand(alphabet, random)
        across = np.concatenate(letter)[:, 0]
        left, right = across.min(), across.max()
        strokes += [stroke + np.array((at - left, 0)) for stroke in letter]
        at += (right - left) * random.uniform(0.85, 1.0)
    return [stroke / max(at, 1.0) for stroke in strokes]


def _by_hand(alphabet: tuple[Letter, ...], random: Random) -> Strokes:
    """A letter of the alphabet, narrow or wide, leaning either way."""
    lean = np.array([[random.uniform(0.6, 1.15), 0.0], [random.normal(0, 0.1), 1.0]])
    return [stroke @ lean for stroke in write_letter(alphabet[random.integers(len(alphabet))], random, _JITTER)]


def typed_letter(fonts: tuple[int, ...], random: Random) -> Lines:
    """One letter or sign as a draughtsman writes it."""
    signs = _TYPED if random.random() < 0.75 else _TYPED_SIGNS
    return _typed(signs[random.integers(len(signs))], fonts, random)


def typed_word(fonts: tuple[int, ...], random: Random) -> Lines:
    """Letters side by side, as in a caption or a logo."""
    return _typed("".join(random.choice(list(_TYPED), random.integers(2, 6))), fonts, random)


def typed_text(fonts: tuple[int, ...], random: Random) -> Lines:
    """One to three rows of small print."""
    signs, count = list(_TYPED + "  "), random.integers(1, 4)
    texts = ["".join(random.choice(signs, random.integers(5, 12))) for _ in range(count)]
    rows = [_typed(text, fonts, random) for text in texts]
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])


def _typed(text: str, fonts: tuple[int, ...], random: Random) -> Lines:
    """Text in one of these fonts, a little turned and, a single letter, wobbling."""
    font, size = int(random.choice(fonts)), random.uniform(2.0, 3.2) / (1 if len(text) == 1 else 2)
    (width, height), below = cv2.getTextSize(text, font, size, 1)
    page = np.zeros((height + below + 2 * _MARGIN, width + 2 * _MARGIN), np.uint8)
    cv2.putText(page, text, (_MARGIN, height + _MARGIN), font, size, 255, 1)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), random.normal(0, 7), 1.0)
    turn[0, 1] += random.normal(0, 0.12)
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    places = wobble(x, y, np.asarray(turn, float), abs(random.normal(0, 2.5)) if len(text) == 1 else 0.5, random)
    return np.where(cv2.remap(page, *places, cv2.INTER_LINEAR) > 90, np.uint8(255), np.uint8(0))
