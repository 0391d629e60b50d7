"""Letters, signs and words, by hand or in OpenCV's line fonts; some of each are held out from training."""

import cv2
import numpy as np

from mnist_pipeline.data.rendering.ink import Lines, wobble
from mnist_pipeline.data.rendering.strokes import Letter, Random, Strokes, read_alphabets, write_letter

Alphabets = tuple[tuple[Letter, ...], ...]

_ALPHABETS = ("latin", "latin", "greek", "greek", "others", "signs", "signs")  # as often as each is drawn
_HELD_OUT = "(held out)"  # a letter in five: what follows its name in alphabets.txt
_JITTER = 0.04

# Letters that no reader takes for a digit (no O, I, S, Z, B, q), without those that are held out above.
_TYPED = "ACDEGHJLMPRTUVWXYcdefhmnprtuvwx"
_TYPED_SIGNS = "#%@+=*^~<&"
FONTS = (0, 1, 2, 3, 5, 6, 16, 18, 19, 20, 22)  # Hershey's, some of them slanted
UNSEEN_FONTS = (4, 7, 23)  # not trained on: refusing is tried on these too
_MARGIN = 12  # pixels around typed text


def _alphabets(held_out: bool) -> Alphabets:
    """The letters of each alphabet that are held out from training, or all others."""
    named = [read_alphabets()[alphabet].items() for alphabet in _ALPHABETS]
    return tuple(tuple(letter for name, letter in letters if name.endswith(_HELD_OUT) == held_out) for letters in named)


SEEN, UNSEEN = _alphabets(held_out=False), _alphabets(held_out=True)


def handwritten_letter(alphabets: Alphabets, random: Random) -> Strokes:
    """One letter or sign of any alphabet, by hand."""
    return _by_hand(alphabets[random.integers(len(alphabets))], random)


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


def typed_letter(random: Random) -> Lines:
    """One letter or sign as a draughtsman writes it."""
    signs = _TYPED if random.random() < 0.75 else _TYPED_SIGNS
    return _typed(signs[random.integers(len(signs))], random, FONTS)


def unseen_typed_letter(random: Random) -> Lines:
    """One letter in a font that training does not see."""
    return _typed(_TYPED[random.integers(len(_TYPED))], random, UNSEEN_FONTS)


def typed_word(random: Random) -> Lines:
    """Letters side by side, as in a caption or a logo."""
    return _typed("".join(random.choice(list(_TYPED), random.integers(2, 6))), random, FONTS)


def typed_text(random: Random) -> Lines:
    """One to three rows of small print."""
    signs, count = list(_TYPED + "  "), random.integers(1, 4)
    texts = ["".join(random.choice(signs, random.integers(5, 12))) for _ in range(count)]
    rows = [_typed(text, random, FONTS) for text in texts]
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])


def _typed(text: str, random: Random, fonts: tuple[int, ...]) -> Lines:
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
