"""The page that reads what is drawn on it: its network, its way to 28x28, its reading of strokes, and its text."""

import base64
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from benchmarks.drawings import READER, Drawing, drawings, in_node, several, shipped_model
from mnist_pipeline import pipeline
from mnist_pipeline.cli import app
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Part
from mnist_pipeline.errors import ExportError, PackageError
from mnist_pipeline.exports import page, page_proof
from mnist_pipeline.exports.forms import left_out, select_forms
from mnist_pipeline.exports.page_network import read_network
from mnist_pipeline.exports.page_proof import NodeRuntime
from mnist_pipeline.numerals import percent
from mnist_pipeline.pixels.ink import threshold_ink
from mnist_pipeline.pixels.preprocess import find_digit, fit_digit, scale
from mnist_pipeline.prediction.prediction import occlusion
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.prediction.shipping import SHIPPED, shipped
from mnist_pipeline.runs.run import Run

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node, which runs the page's code, is not here")

# The network


@needs_node
def test_the_page_gives_what_keras_gives(exported: Run, test_images: Part, keras_outputs: NDArray[np.float32]) -> None:
    """The promise itself, by none of the code that checks it when exporting."""
    images, outputs = scale(test_images.images[:1000]), keras_outputs[:1000]
    in_float, in_bytes = (NodeRuntime(exported.exports / f"{name}.html").scores(images) for name in FORMS_OF_PAGE)
    # Sigmoids next to 1 have lost what normalising them would need; there the page knows more than Keras' output.
    known = outputs.max(axis=1) < 0.99
    np.testing.assert_allclose(in_float[known], normalised(outputs, "sigmoid")[known], atol=1e-5)
    assert 0 < np.abs(in_bytes - in_float).max() < 0.1
    assert (in_bytes.argmax(1) == in_float.argmax(1)).mean() > 0.99


FORMS_OF_PAGE = ("page-float", "page")
_ODD = {
    "model.convolutions": [
        {"filters": 4, "kernel": 4, "batch_norm": True, "pool": 3},
        {"filters": 11, "kernel": 3, "stride": 2, "batch_norm": True, "pool": 1},
        {"filters": 9, "kernel": 3, "separable": True, "batch_norm": True, "residual": 2},
        {"filters": 9, "kernel": 3, "batch_norm": True, "residual": 1},
    ],
}  # fmt: skip


@needs_node
@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["flatten", "average"])
@pytest.mark.parametrize("activation", ["relu", "elu", "leaky_relu", "selu", "sigmoid", "silu", "tanh"])
@pytest.mark.usefixtures("tensorflow")
def test_every_layer_that_a_config_can_ask_for(activation: str, pooling: str, tmp_path: Path) -> None:
    """Even kernels, windows that leave a rest, channels that fill no block, normalisations that turn the sign."""
    from mnist_pipeline.exports.proof import KerasRuntime
    from mnist_pipeline.training.models import build
    from mnist_pipeline.training.saving import save_onnx

    settings = load_config("cnn", {**_ODD, "model.activation": activation, "model.pooling": pooling}).model
    model, random = build(settings, 0), np.random.default_rng(0)
    for weight in model.weights:
        values = random.normal(0, 0.3, weight.shape)
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    save_onnx(model, tmp_path / "model.onnx")
    images = random.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    code = "const answer = ({network, images}) => images.map((one) => probabilities(readNetwork(network), one));"
    given = {"network": read_network(tmp_path / "model.onnx", 32), "images": images.reshape(-1, 784).tolist()}
    np.testing.assert_allclose(in_node(code, given), KerasRuntime(model).scores(scale(images)), atol=1e-5)


def test_a_layer_that_the_page_does_not_compute_is_named(tmp_path: Path) -> None:
    import onnx

    model = onnx.load(shipped().path)
    model.graph.node[2].op_type = "Erf"
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ExportError, match="the page computes no Erf"):
        read_network(tmp_path / "model.onnx", 8)


# The form


def test_without_node_a_page_is_refused_in_a_line_and_left_out_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PackageError, match=r"exporting page takes node, .*: install Node.js"):
        select_forms(["page"], with_scaling=False)
    assert "page" not in {form.name for form in select_forms(["all"], with_scaling=False)}
    assert [line.split(":")[0] for line in left_out()] == ["page", "page-float"]


@needs_node
@pytest.mark.slow
def test_the_shipped_model_reads_as_well_in_its_page() -> None:
    """By the command, as `make page` does it: of 10,000 test images at most ten more are read wrong."""
    card = pipeline.export(SHIPPED, ["page"]).card
    (check,) = card["forms"]["page"]["checks"]
    assert check["n"] == 10_000
    assert check["accuracy"] >= shipped().facts["test_accuracy"] - 0.001


def test_pages_are_small(exported: Run) -> None:
    assert len(page.build(SHIPPED).encode()) <= 350_000
    assert (exported.exports / "page.html").stat().st_size <= 100_000


# From strokes to 28x28


_FIT = """
const answer = (drawings) => drawings.map(([, strokes, pen]) => {
  const picture = pictureOf(strokes, pen);
  return [picture.width, picture.height, Buffer.from(picture.values).toString("base64"), Array.from(fitDigit(picture))];
});
"""


def fitted(count: int, seed: int) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Pictures of drawn digits, dark on light, with the 28x28 that the page makes of each."""
    found = in_node(_FIT, list(drawings(count, seed)))
    pictures = [np.frombuffer(base64.b64decode(ink), np.uint8).reshape(high, wide) for wide, high, ink, _ in found]
    return [(255 - ink, np.array(row[3], np.uint8).reshape(28, 28)) for ink, row in zip(pictures, found, strict=True)]


@needs_node
def test_a_drawn_digit_is_fitted_as_python_fits_a_picture_of_it() -> None:
    for picture, seen in fitted(100, 5):
        np.testing.assert_array_equal(seen, find_digit(picture).pixels)


@needs_node
@pytest.mark.slow
def test_thousands_of_drawn_digits_are_fitted_as_python_fits_pictures_of_them() -> None:
    """To the byte; but for one in a thousand, part of which Python takes for the lines of a cell around a digit."""
    others = 0
    for picture, seen in fitted(5000, 1):
        ink = 255 - picture
        np.testing.assert_array_equal(seen, fit_digit(ink, threshold_ink(ink)))
        found = find_digit(picture).pixels
        others += found is None or not np.array_equal(seen, found)
    assert others <= 10


@needs_node
def test_where_and_how_large_a_digit_is_drawn_changes_nothing() -> None:
    """By powers of two, which round nothing."""
    drawing = next(drawings(1, 3))
    strokes = [[[round(1024 * at) / 1024 for at in point] for point in stroke] for stroke in drawing.strokes]
    moved = [[[at / 8 + 0.75 for at in point] for point in stroke] for stroke in strokes]
    one, other = in_node(_FIT, [(0, strokes, 1 / 16), (0, moved, 1 / 128)])
    assert one == other


# The answer


def read(drawn: list[Drawing]) -> list[str]:
    """What the shipped model's page reads in drawings, ? for what it refuses."""
    return [text for text, _ in in_node(READER, {"model": shipped_model(), "drawings": drawn})]


@needs_node
def test_digits_are_read_and_several_side_by_side_as_a_number() -> None:
    drawn = [*drawings(20, 8), *drawings(5, 8, several)]
    found = read(drawn)
    assert sum(text != one.digits for text, one in zip(found, drawn, strict=True)) <= 1, found


@needs_node
def test_nothing_scribbles_and_a_dot_are_no_digit() -> None:
    random = np.random.default_rng(0)
    nothing, dot = Drawing("", [], 0.05), Drawing("", [[[0.5, 0.5]]], 0.05)
    scribbles = [Drawing("", [random.random((40, 2)).tolist()], 0.03) for _ in range(5)]
    assert read([nothing, dot, *scribbles]) == ["", *"??????"]


@needs_node
def test_what_each_pixel_contributes_is_what_predict_explains(exported: Run, test_images: Part) -> None:
    model, image = predictor(exported), test_images.images[0]
    code = """
    const answer = ({ network, pixels }) => {
      const steps = losses(readNetwork(network), pixels, 7, probabilities(readNetwork(network), pixels)[7]);
      for (let step = steps.next(); ; step = steps.next()) if (step.done) return Array.from(step.value);
    };
    """
    found = in_node(code, {"network": read_network(exported.onnx_file, 32), "pixels": image.ravel().tolist()})
    expected = occlusion(image, 7, model.probabilities)
    np.testing.assert_allclose(np.reshape(found, (28, 28)), expected, atol=1e-4)


# The text


def test_nothing_is_asked_for_and_nothing_runs_but_the_page_s_own_code() -> None:
    """By a rule in the page itself, which names its one style and its one script by their digests."""
    text = page.build(SHIPPED)
    (rules,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert rules.startswith("default-src &#39;none&#39;")
    for kind in ("style", "script"):
        (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;" in rules
    assert re.findall(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|sendBeacon|WebSocket", text) == []
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r"\sstyle=|\son\w+=", markup) == []


def test_the_parts_of_the_page_have_no_style_or_script_within_the_html(exported: Run) -> None:
    ours = page.parts(exported.path, head='<link rel="stylesheet" href="more.css">', body="<p>more</p>")
    assert re.findall(r"<(?:style|script)[^>]*>", ours.html) == [
        '<script type="application/json" id="model">', '<script src="page.js" defer>',
    ]  # fmt: skip
    assert '<link rel="stylesheet" href="page.css">\n<link rel="stylesheet" href="more.css">\n</head>' in ours.html
    assert "<p>more</p>\n</main>" in ours.html
    assert ours.js == page.parts(SHIPPED).js
    assert "readNetwork" in ours.js


def test_a_page_says_which_model_it_has(exported: Run) -> None:
    text = page.build(exported)
    assert "<title>Draw a digit: dense</title>" in text
    assert "with 42,310 weights" in text
    assert '"threshold":0.0' in text
    assert percent(shipped().facts["test_accuracy"]) in page.build(SHIPPED)


def test_the_command_writes_the_page_and_says_how_it_was_proven(
    exported_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not here")
    monkeypatch.setattr(page_proof.NodeRuntime, "scores", lambda _, images: np.eye(10)[np.zeros(len(images), int)])
    result = CliRunner().invoke(app, ["export", "dense", "--to", "page"])
    assert result.exit_code == 1
    assert "page: not kept: not as good as the model" in result.stderr
    assert not (exported_copy.exports / "page.html").exists()
