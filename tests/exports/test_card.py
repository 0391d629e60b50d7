"""The card of a run's exports: what it says is so, and words from outside stay words."""

import hashlib
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError

from mnist_pipeline import pipeline
from mnist_pipeline.data import Part
from mnist_pipeline.exports.forms import FORMS
from mnist_pipeline.exports.texts import licence, markdown, preparation
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.predictor import file_predictor
from mnist_pipeline.prediction.runtimes import open_runtime
from mnist_pipeline.runs.run import Run

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
    "preparation": preparation(DIGITS), "refuses_below": 0.0, "versions": {}, "forms": {"saved-model": FORM},
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


def test_the_card_says_what_the_files_are(exported: Run) -> None:
    card = exported.export_card()
    assert card["forms"].keys() == FORMS.keys()
    assert card["weights_sha256"] == exported.figures("train")["weights_sha256"]
    assert card["classes"] == list("0123456789")
    assert "CC BY-SA 3.0" in card["data"]["licence"]
    for form in card["forms"].values():
        for file in form["files"]:
            content = (exported.exports / file["file"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        for check in form["checks"]:
            assert check["n"] == 10_000
    listed = {file["file"] for form in card["forms"].values() for file in form["files"]}
    listed |= {"card.md", "card.json", "CITATION.cff", "croissant.json"}
    there = {path.relative_to(exported.exports).as_posix() for path in exported.exports.rglob("*") if path.is_file()}
    assert there == listed


def test_the_card_says_what_goes_in_and_comes_out(exported: Run) -> None:
    forms = exported.export_card()["forms"]
    assert forms["onnx"]["input"] == {
        "name": "image", "shape": ["n", 28, 28], "type": "float32", "range": "0 to 1: pixel / 255",
    }  # fmt: skip
    assert forms["onnx"]["needs_normalising"] is True
    assert forms["litert"]["needs_normalising"] is True
    assert forms["onnx-with-scaling"]["needs_normalising"] is False
    assert forms["litert-int8"]["needs_normalising"] is False
    assert forms["litert-int8"]["input"]["range"] == "-128 to 127: pixel - 128"
    page = (exported.exports / "card.md").read_text()
    assert "p / (1 - p)" in page
    assert all(f"**{name}**" in page for name in FORMS)


def test_the_card_tells_from_what_on_a_model_answers(exported_copy: Run) -> None:
    exported_copy.refusal_file.write_text('{"threshold": 0.83}')
    assert pipeline.export("dense", ["onnx"])["refuses_below"] == 0.83
    assert "below 0.83 holds no digit" in (exported_copy.exports / "card.md").read_text()
    assert file_predictor(exported_copy.exports / "model.onnx").threshold == 0.83
    assert file_predictor(exported_copy.onnx_file).threshold == 0


def test_the_snippet_on_the_card_reads_pictures(exported: Run, test_images: Part, tmp_path: Path) -> None:
    """Digits as somebody would have them: large, dark on light, off the middle."""
    page = (exported.exports / "card.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(snippet.splitlines()) <= 15
    names: dict[str, Any] = {}
    exec(snippet, names)  # it is what the reader will do
    runtime = open_runtime(exported.exports / "model.onnx")
    right = 0
    for image, label in zip(test_images.images[:200], test_images.labels[:200], strict=True):
        paper = np.full((300, 260), 255, np.uint8)
        paper[30:198, 70:238] = 255 - cv2.resize(image, (168, 168), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / "digit.png"), paper)
        seen = names["digit"](str(tmp_path / "digit.png"))
        assert (seen.shape, seen.dtype) == ((28, 28), np.uint8)
        right += int(runtime.scores(scale(seen[None]))[0].argmax() == label)
    assert right >= 180
