"""The card of a run's exports as Markdown: it says what card.json says, and shows words from outside as words."""

from typing import Any

import pytest
from jinja2 import UndefinedError

from mnist_pipeline.exports.texts import PREPARATION, licence, markdown

FORM: dict[str, Any] = {
    "input": {"name": "image", "type": "float32", "shape": ["n", 28, 28], "range": "0 to 1: pixel / 255"},
    "output": {"name": "scores", "type": "float32", "shape": ["n", 10]},
    "needs_normalising": False,
    "files": [{"file": "saved-model/a.pb", "bytes": 1000, "sha256": "ef" * 32},
              {"file": "saved-model/variables/b", "bytes": 234, "sha256": "01" * 32}],
    "checks": [{"reader": "tensorflow", "accuracy": 0.9605, "agreement": 1.0, "ties": 0, "largest_difference": 1.8e-7}],
}  # fmt: skip
CARD: dict[str, Any] = {
    "name": "trial", "description": "A recipe (R1)", "weights_sha256": "ab" * 32, "parameters": 42310,
    "classes": list("0123456789"), "keras": {"test_accuracy": 0.9605, "n": 10000}, "calibration_images": 500,
    "data": {"source": "mnist", "train_sha256": "cd" * 32, "test_sha256": "ef" * 32, "licence": licence("mnist")},
    "preparation": PREPARATION, "refuses_below": 0.0, "versions": {}, "forms": {"saved-model": FORM},
}  # fmt: skip


def test_a_form_is_a_row_with_its_folder_its_bytes_and_its_proof() -> None:
    assert "\n| saved-model | saved-model | 1,234 | tensorflow | 96.05% | 100.00% | 1.8e-07 |\n" in markdown(CARD)


def test_ties_are_counted_beside_the_agreement() -> None:
    tied = FORM | {"checks": [FORM["checks"][0] | {"ties": 3}]}
    assert "| 100.00%, 3 of them ties |" in markdown(CARD | {"forms": {"saved-model": tied}})


def test_the_steps_of_eight_bits_are_said() -> None:
    output = FORM["output"] | {"scale": 1 / 256, "zero_point": -128}
    page = markdown(CARD | {"forms": {"litert-int8": FORM | {"output": output}}})
    assert "gives `scores` float32 (n, 10), each (value - (-128)) * 0.00390625. Ten probabilities" in page


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Dense 50-50-10 with sigmoid outputs, Adam, 15 epochs (R1)", None),
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[free](http://x.y) *b* `c` | d", r"\[free\](http://x.y) \*b\* \`c\` \| d"),
        ("one\n\n# two", r"one \# two"),
    ],
)
def test_a_description_is_one_line_without_markup(words: str, shown: str | None) -> None:
    assert f"\n\n{shown or words}\n\nWeights `" in markdown(CARD | {"description": words})


def test_the_name_of_a_data_file_is_no_markup() -> None:
    data = CARD["data"] | {"licence": licence("/data/<b>my_digits.npz")}
    assert r"that of \<b\>my\_digits.npz, which" in markdown(CARD | {"data": data})


def test_without_a_description_the_weights_come_first() -> None:
    assert "digits\n\nWeights `" in markdown(CARD | {"description": ""})


def test_a_card_that_lacks_something_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="calibration_images"):
        markdown({key: value for key, value in CARD.items() if key != "calibration_images"})
