"""Letters, signs and words in somebody's hand; which letters training sees, and which are kept apart from it."""

from pathlib import Path

import numpy as np

from mnist_pipeline.data.rendering.strokes import Random, Strokes, written

Alphabets = tuple[tuple[tuple[str, ...], ...], ...]
"""For each alphabet its letters, for each letter its forms."""

_ALPHABETS = ("latin", "latin", "greek", "greek", "others", "signs", "signs")  # as often as each is drawn
# Those that people write most are not among them: what is known of them shall be used.
_APART = frozenset((
    "k", "F", "K", "N", "rho", "Sigma", "chi", "cyrillic de", "cyrillic yu", "hebrew shin", "hebrew tsadi",
    "arabic lillah", "devanagari ma", "devanagari la", "thai po", "kana ne", "kana yo", "kana ka", "hangul u",
    "han woman", "han hand", "arrow down", "yen", "key", "infinity", "envelope", "umbrella", "anchor", "snowflake",
    "crown",
))  # fmt: skip
_JITTER = 0.04
_FILE = Path(__file__).with_name("alphabets.txt")


def read_alphabets() -> dict[str, dict[str, tuple[str, ...]]]:
    """The file's alphabets by name: for each letter the ways in which people write it, for `strokes.written`."""
    alphabets: dict[str, dict[str, tuple[str, ...]]] = {}
    letters: dict[str, tuple[str, ...]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            letters = alphabets[line.strip("[]")] = {}
        elif line.startswith("  "):
            letters[next(reversed(letters))] += (line.strip(),)
        elif line and not line.startswith(";"):
            letters[line] = ()
    return alphabets


def _alphabets(apart: bool) -> Alphabets:
    """The letters that are kept apart from training, or all others."""
    alphabets = read_alphabets()
    return tuple(
        tuple(forms for name, forms in alphabets[alphabet].items() if (name in _APART) == apart)
        for alphabet in _ALPHABETS
    )


SEEN, UNSEEN = _alphabets(apart=False), _alphabets(apart=True)


def letter(alphabets: Alphabets, random: Random) -> Strokes:
    """One letter or sign of any alphabet."""
    return _by_hand(alphabets[random.integers(len(alphabets))], random)


def word(alphabets: Alphabets, random: Random) -> Strokes:
    """Letters of one alphabet so close that most of them touch."""
    alphabet, at, strokes = alphabets[random.integers(len(alphabets))], 0.0, Strokes()
    for _ in range(random.integers(2, 5)):
        next_one = _by_hand(alphabet, random)
        across = np.concatenate(next_one)[:, 0]
        left, right = across.min(), across.max()
        strokes += [stroke + np.array((at - left, 0)) for stroke in next_one]
        at += (right - left) * random.uniform(0.85, 1.0)
    return [stroke / max(at, 1.0) for stroke in strokes]


def _by_hand(alphabet: tuple[tuple[str, ...], ...], random: Random) -> Strokes:
    """A letter as nobody writes it twice: narrow or wide, leaning either way."""
    lean = np.array([[random.uniform(0.6, 1.15), 0.0], [random.normal(0, 0.1), 1.0]])
    return [stroke @ lean for stroke in written(alphabet[random.integers(len(alphabet))], random, _JITTER)]
