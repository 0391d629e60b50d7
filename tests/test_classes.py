"""Classes that are not the ten digits, from the pictures to every page, table and export; and letters, end to end."""

import json
from pathlib import Path
from shutil import which
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from mnist_pipeline import evaluate, export, predict, report, train
from mnist_pipeline.cli import app
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import load_part
from mnist_pipeline.errors import ConfigError, MnistError, RunError
from mnist_pipeline.numerals import fault_of, named
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs.run import Run

LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
SHAPES = ("anchor", "ring", "stroke")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("7", "a 7"), ("8", "an 8"), ("11", "an 11"), ("b", "a b"), ("F", "an F"), ("u", "a u"),
        ("ankle boot", "an ankle boot"), ("T-shirt", "a T-shirt"), ("sandal", "a sandal"),
    ],
)  # fmt: skip
def test_a_class_has_its_article(label: str, said: str) -> None:
    assert named(label) == said


@pytest.mark.parametrize(
    ("classes", "fault"),
    [
        (["a", "b", "a"], "'a' is there twice"),
        (["a", "\x1b[2J"], "'\\x1b[2J' is no name of a class: 1 to 40 characters that can be printed"),
        (["a", " "], "' ' is no name of a class: 1 to 40 characters that can be printed"),
        (["macro", "micro"], "'macro' is what a mean over all classes is called: use another name"),
        (["か", "き"], None),
    ],
)
def test_names_that_cannot_be_told_apart_or_written_are_said(classes: list[str], fault: str | None) -> None:
    assert fault_of(classes) == fault


def test_digits_alone_are_drawn_again() -> None:
    with pytest.raises(ConfigError, match=r"data.rendering: draws digits, and data.classes names other classes"):
        load_config("photo", {"data.classes": ["a", "b"]})


def drawing(shape: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """An anchor, a ring or a stroke, each a little different, in dark ink."""
    paper = np.full((64, 64), 250, np.uint8)
    x, y = (int(random.integers(28, 36)) for _ in range(2))
    if shape == "ring":
        cv2.ellipse(paper, (x, y), (int(random.integers(11, 17)), 15), 0, 0, 360, (10,), 4)
    else:
        cv2.line(paper, (x, y - 18), (x + int(random.integers(-4, 5)), y + 18), (10,), 4)
    if shape == "anchor":
        cv2.ellipse(paper, (x, y), (16, 17), 0, 10, 170, (10,), 4)
    return paper


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of three shapes, twelve of each to train on and three to test on."""
    folder, random = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 3)):
        for shape in SHAPES:
            (folder / part / shape).mkdir(parents=True)
            for number in range(count):
                cv2.imwrite(str(folder / part / shape / f"{number}.png"), drawing(shape, random))
    return folder


def config_of(source: Path, **settings: Any) -> Config:
    wanted = {"training.epochs": 30, "training.batch_size": 6, "data.validation": 0.0}
    return load_config("smoke", {"data.source": str(source), **wanted, **settings}, name="shapes")


@pytest.fixture(scope="module")
def shapes_artifacts(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifacts folder in which the shapes were trained, evaluated, reported and exported."""
    folder = tmp_path_factory.mktemp("artifacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        train(config_of(pictures), progress=False)
        (folder / "said.txt").write_text(CliRunner().invoke(app, ["evaluate", "shapes"]).stdout)
        report("shapes")
        export("shapes", ["onnx"])
    return folder


@pytest.fixture
def run(shapes_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MNIST_ARTIFACTS", str(shapes_artifacts))
    return Run(shapes_artifacts / "shapes")


def test_a_run_knows_the_classes_that_its_folders_named(run: Run, pictures: Path) -> None:
    assert run.classes == run.config().data.classes == SHAPES
    assert train(config_of(pictures), progress=False).run == run.path, "the same recipe, which names no classes"
    with pytest.raises(RunError, match=r'data.classes: \["anchor", "ring", "stroke"\] → \["x", "y", "z"\]'):
        train(config_of(pictures, **{"data.classes": ["x", "y", "z"]}))


def test_every_number_is_of_a_class_by_its_name(run: Run) -> None:
    found = run.figures("evaluate")
    assert [row["label"] for row in found["per_class"]] == [*SHAPES]
    assert {row["digit"] for row in found["per_class"]} == {None}
    assert [*found["report"]] == [*SHAPES, "macro", "weighted"]
    assert found["test_accuracy"] >= 8 / 9
    page = run.report_file.read_text()
    assert "<h2>Class by class</h2>" in page
    assert '<th scope="row">anchor</th>' in page
    table = (run.path.parent / "said.txt").read_text()
    assert "class   images" in table
    assert "\nring " in table


def test_an_answer_is_a_class_by_its_name_and_no_digit(run: Run, pictures: Path) -> None:
    found = predict(pictures / "test/ring/0.png", run)
    assert (found.digit, found.label, found.guess, found.nearest) == (None, "ring", 1, "ring")
    assert found.probabilities is not None
    assert len(found.probabilities) == 3
    assert ": this is a ring (" in found.sentence()
    told = CliRunner().invoke(app, ["predict", str(pictures / "test/anchor/1.png"), "--run", "shapes", "--json"])
    assert json.loads(told.stdout)["label"] == "anchor"
    rows = CliRunner().invoke(app, ["predict", str(pictures / "test/stroke"), "--run", "shapes", "--csv"]).stdout
    assert rows.splitlines()[0].startswith("image,digit,label,confidence,guess,nearest")
    assert rows.count(",stroke,") == 6


def test_other_things_than_digits_may_be_made_of_several_shapes(run: Run) -> None:
    paper = np.full((64, 128), 250, np.uint8)
    cv2.circle(paper, (32, 32), 14, (10,), 4)
    cv2.circle(paper, (96, 32), 14, (10,), 4)
    assert predict(paper, run).label is not None
    assert "several shapes" in (predict(paper, "shipped").reason or "")


def test_a_page_of_words_is_refused_in_a_line(run: Run, pictures: Path) -> None:
    told = CliRunner().invoke(app, ["predict", "--all", str(pictures / "test/ring/0.png"), "--run", "shapes"])
    assert told.exit_code == 2
    assert told.stderr.endswith("Error: pages are read by models of digits and letters, and this one knows 'anchor'\n")


def test_an_export_names_its_classes_and_answers_with_them(run: Run, pictures: Path, tmp_path: Path) -> None:
    from mnist_pipeline.evaluation.metrics import evaluate_file
    from mnist_pipeline.prediction.predictor import file_predictor

    assert run.export_card()["classes"] == [*SHAPES]
    assert "a classifier of 3 classes" in (run.exports / "card.md").read_text()
    assert "Classes: anchor, ring, stroke, in this order." in (run.exports / "card.md").read_text()
    assert json.loads((run.exports / "croissant.json").read_text())["distribution"][0]["@type"] == "cr:FileSet"
    file = run.exports / "model.onnx"
    assert file_predictor(file).predict(pictures / "test/ring/0.png").label == "ring"
    assert evaluate_file(file, None)[0]["n"] == 9
    elsewhere = tmp_path / "model.onnx"
    elsewhere.write_bytes(file.read_bytes())
    with pytest.raises(RunError, match="gives 3 scores for an image, expected 10: a model of other classes than the"):
        file_predictor(elsewhere)


def test_the_page_to_draw_on_shows_the_classes(run: Run) -> None:
    from mnist_pipeline.exports import page

    text = page.build(run)
    assert '"classes":["anchor","ring","stroke"],"named":["an anchor","a ring","a stroke"]' in text
    assert "<title>Draw one of 3 classes: shapes</title>" in text


WHOLE = """
const answer = ({ model, strokes }) => {
  const read = readerOf(model).read(strokes, 0.06);
  return [read.length, sentenceOf(read, strokes.length)];
};
"""


@pytest.mark.skipif(which("node") is None, reason="Node, which runs the page's code, is no Python package")
def test_what_is_drawn_is_read_as_one_thing_where_classes_are_words(run: Run) -> None:
    from benchmarks.drawings import in_node
    from mnist_pipeline.exports.page import build

    turns = np.linspace(0, 2 * np.pi, 40)
    halves = np.array_split(np.stack([0.6 + 0.2 * np.cos(turns), 0.5 + 0.22 * np.sin(turns)], axis=1), 2)
    strokes = [{"id": number, "points": half.tolist()} for number, half in enumerate(halves)]
    model = json.loads(build(run).split('id="model">')[1].split("</script>")[0])
    count, sentence = in_node(WHOLE, {"model": model, "strokes": strokes})
    assert count == 1
    assert sentence.startswith("This is a ring, ")


def test_a_service_tells_the_classes_and_reads_no_page_of_words(run: Run, pictures: Path) -> None:
    from fastapi.testclient import TestClient

    from mnist_pipeline.web.app import Service, Settings
    from mnist_pipeline.web.metrics import Counters

    service = Service(predictor(run), Settings(max_bytes=10**6), Counters())
    with TestClient(service.app) as client:
        picture = (pictures / "test/ring/0.png").read_bytes()
        told = client.post("/predict", content=picture, headers={"content-type": "image/png"}).json()
        assert (told["label"], told["digit"], told["sentence"]) == ("ring", None, "this is a ring")
        assert client.get("/models").json()["models"][0]["classes"] == [*SHAPES]
        page = client.post("/predict/page", content=picture, headers={"content-type": "image/png"})
        assert (page.status_code, page.json()["error"][:52]) == (
            422,
            "pages are read by models of digits and letters, and ",
        )


def test_drawings_of_digits_are_refused_for_other_classes_before_a_run_is_begun(pictures: Path) -> None:
    source = {"data.source": str(pictures)}
    with pytest.raises(ConfigError, match=r"data.rendering: draws digits, and .* has other classes: set it to null"):
        train(load_config("photo", source))


# Letters, which the tests draw themselves


def letters(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Letters a to z as matplotlib's fonts have them, turned, stretched and put on paper at random."""
    from matplotlib.font_manager import FontProperties, fontManager
    from matplotlib.textpath import TextPath

    random = np.random.default_rng(seed)
    fonts = sorted({font.fname for font in fontManager.ttflist if "DejaVu" in font.name and "Display" not in font.name})
    images = np.zeros((count, 28, 28), np.uint8)
    labels = np.arange(count, dtype=np.uint8) % 26
    for image, label in zip(images, labels, strict=True):
        path = TextPath((0, 0), LETTERS[label], size=20, prop=FontProperties(fname=str(random.choice(fonts))))
        image[:] = fitted(path, random)
    return images, labels


def fitted(path: Any, random: np.random.Generator) -> NDArray[np.uint8]:
    """A letter's outline, sheared and turned a little, as a picture file's way makes it."""
    from mnist_pipeline.pixels.preprocess import look_at

    turn, shear = random.normal(0, 0.12), random.normal(0, 0.15)
    moved = np.array([[np.cos(turn), -np.sin(turn) + shear], [np.sin(turn), np.cos(turn)]])
    outlines = [
        np.rint((polygon @ moved.T * [1, -1] * 4 + 110) * 16).astype(np.int32) for polygon in path.to_polygons()
    ]
    paper = np.full((220, 220), 255, np.uint8)
    cv2.fillPoly(paper, outlines, (0,), cv2.LINE_AA, shift=4)
    pixels = look_at(paper).pixels
    assert pixels is not None
    return pixels


@pytest.mark.slow
def test_letters_from_fonts_are_trained_and_read_end_to_end(tmp_path: Path) -> None:
    (x_train, y_train), (x_test, y_test) = letters(5200, 1), letters(520, 2)
    np.savez(tmp_path / "letters.npz", x_train=x_train, y_train=y_train + 1, x_test=x_test, y_test=y_test + 1)
    settings = {"data.source": str(tmp_path / "letters.npz"), "data.classes": [*LETTERS], "training.epochs": 8}
    train(load_config("smoke", settings, name="letters"), progress=False)
    assert evaluate("letters").test_accuracy >= 0.95
    for number, label in enumerate(y_test[:52]):
        cv2.imwrite(str(tmp_path / f"{LETTERS[label]}{number}.png"), 255 - x_test[number])
    files = sorted(tmp_path.glob("*.png"))
    right = sum(predict(file, "letters").label == file.name[0] for file in files)
    assert right >= 45
    page = np.full((80, 400), 255, np.uint8)
    for place, letter in enumerate("code"):
        number = LETTERS.index(letter)
        page[20:48, 40 + 60 * place : 68 + 60 * place] = 255 - x_test[number]
    assert len(predictor("letters").read_page(page).text) == 4
    export("letters", ["onnx", "litert"])


# The recipes for published sets, of whose files only the names and the layout are known here


@pytest.mark.parametrize(
    "name", ["emnist-letters", "emnist-balanced", "emnist-digits", "kmnist", "qmnist", "kannada", "fashion"]
)
def test_the_recipe_for_a_published_set_reads_its_layout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.data.digit_sets import write_folder
    from tests.data.test_sources import write_set

    monkeypatch.chdir(tmp_path)
    config = load_config(name).data
    count, first = len(config.classes or "0123456789"), int(name == "emnist-letters")
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 2, 20] = 200
    labels = (np.arange(count) + first).astype(np.uint8)
    arrays = {"x_train": images, "y_train": labels, "x_test": images[:1], "y_test": labels[:1]}
    if name in ("kmnist", "fashion"):
        write_folder(Path("here"), arrays)
        source = "here"
    elif name == "kannada":
        source = config.source
        Path(source).mkdir()
        for key, array in arrays.items():
            np.savez(f"{source}/{key[0].replace('x', 'X')}_kannada_MNIST_{key[2:]}.npz", array)
    else:
        source = config.source
        write_set(Path(source.split("/")[0]), name, arrays)
    part = load_part(source, "train", config.classes, transposed=config.transposed)
    assert part.counts == [1] * count
    assert part.images[0, 20, 2] == (200 if config.transposed else 0)


def test_recipes_for_images_that_do_not_come_with_the_package_are_left_out_of_reproduce_all() -> None:
    from mnist_pipeline.reproduction.seeds import all_recipes

    assert "dense" in all_recipes()
    assert not {name for name in all_recipes() if load_config(name).data.source != "mnist"}


def test_a_class_of_more_than_a_letter_is_said_from_python(run: Run, pictures: Path) -> None:
    with pytest.raises(MnistError, match="pages are read by models of digits and letters"):
        predictor(run).read_page(pictures / "test/ring/0.png")
