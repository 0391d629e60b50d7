"""Pictures that hold no digit: letters, signs, scribbles, digits in pieces or crossed out, several at once, scenes."""

from collections.abc import Callable, Sequence

from mnist_pipeline.rendering import emblems, letters
from mnist_pipeline.rendering.glyphs import Random, Strokes, rounded
from mnist_pipeline.rendering.originals import Originals
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import BROADEST, drawn, inked
from mnist_pipeline.rendering.scenes import filled, grid, page_side, scene, texture
from mnist_pipeline.rendering.spoilt import crossed_out, piece, several, turned
from mnist_pipeline.rendering.typed import letter, other_letter, text, word

_FINE = 0.03  # a broader pen would fill what is inside a ring, and leave a 0


def negative(digits: Originals, random: Random, kinds: "Sequence[Kind]") -> Grey:
    """A picture of no digit; digits are at hand for those made of them."""
    return kinds[int(random.integers(len(kinds)))](digits, random)


def handwritten(_: Originals, random: Random) -> Grey:
    """A letter of some script, or a sign, in somebody's hand."""
    return _on_a_page(letters.letter(letters.SEEN, random), random)


def handwritten_word(_: Originals, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.SEEN, random), random)


def unseen_letter(_: Originals, random: Random) -> Grey:
    """A letter or sign that training never shows in any form."""
    return _on_a_page(letters.letter(letters.UNSEEN, random), random)


def unseen_word(_: Originals, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.UNSEEN, random), random)


def scribble(_: Originals, random: Random) -> Grey:
    """Random strokes, straight or round: foreign letters, doodles, signatures."""
    strokes = []
    for _number in range(random.integers(2, 6)):
        corners = random.random((random.integers(2, 6), 2))
        strokes.append(rounded(corners) if random.random() < 0.5 and len(corners) > 2 else corners)
    return _on_a_page(strokes, random)


def emblem(_: Originals, random: Random) -> Grey:
    """Rings, arcs and polygons, as in a logo."""
    return _on_a_page(emblems.emblem(emblems.SEEN, random), random, _FINE)


def unseen_emblem(_: Originals, random: Random) -> Grey:
    """The same, most of them of forms that training never shows."""
    return _on_a_page(emblems.emblem(emblems.UNSEEN, random), random, _FINE)


Kind = Callable[[Originals, Random], Grey]
KINDS: tuple[Kind, ...] = (
    *[handwritten] * 12, handwritten_word, *[letter] * 5, word, text, scribble, scribble, emblem, emblem, several,
    piece, turned, turned, crossed_out, filled, filled, scene, texture,
)  # fmt: skip
HELD_OUT: tuple[Kind, ...] = (
    *[unseen_letter] * 6, unseen_word, letter, other_letter, other_letter, word, text, scribble, unseen_emblem, several,
    piece, turned, crossed_out, filled, scene, texture, grid,
)  # fmt: skip


def _on_a_page(strokes: Strokes, random: Random, broadest: float = BROADEST) -> Grey:
    return pictured(inked(drawn(strokes, page_side(random), random), random, broadest), random)
