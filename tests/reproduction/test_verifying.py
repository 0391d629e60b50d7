"""mnist verify: what is refused at once, and the verdict once it was trained again."""

import functools
import json
import operator
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from mnist_pipeline.config.recipes import load_config, shipped_configs
from mnist_pipeline.data import Part
from mnist_pipeline.errors import MnistError
from mnist_pipeline.reproduction import verifying
from mnist_pipeline.reproduction.statements import attest, model_files, read
from mnist_pipeline.runs.run import Run
from tests.commands import mnist
from tests.reproduction.pretended import DATA, pretend

Change = Callable[[dict[str, Any]], None]
CODE: dict[str, Any] = {"source": {"commit": "c" * 40, "dirty": False}, "machine": "x86_64"}


@pytest.fixture(autouse=True)
def _images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "load_part", lambda *_, **__: DATA)


@pytest.fixture
def run(banded: Path) -> Run:
    """A run with a statement, of a recipe with a band."""
    made = pretend(load_config(banded), 0.97, **CODE)
    attest(made)
    return made


def restate(run: Run, change: Change) -> None:
    """Change what the statement says."""
    tree = json.loads(run.statement_file.read_text())
    change(tree)
    run.statement_file.write_text(json.dumps(tree))


def answer_of(run: Run, *words: str) -> tuple[int, dict[str, Any]]:
    result = mnist("verify", run.path, "--json", *words)
    return result.exit_code, json.loads(result.stdout)


# The verdict


def test_the_same_weights_numbers_and_files_are_the_same_bits(run: Run, repeated: Callable[..., None]) -> None:
    repeated(0.97, "a" * 64, **CODE)
    result = mnist("verify", run.statement_file)
    assert (result.exit_code, result.stdout) == (0, f"{run.statement_file}: same bits\n")
    assert f"{run.statement_file}: not signed; its config and data are as stated" in result.stderr


def test_a_run_s_folder_is_checked_as_its_statement_would_be(run: Run, repeated: Callable[..., None]) -> None:
    run.statement_file.unlink()
    repeated(0.97, "a" * 64, **CODE)
    assert mnist("verify", run.path).stdout.endswith(": same bits\n")
    assert not run.statement_file.exists()


def test_a_statement_alone_is_checked_and_the_missing_files_are_named(
    run: Run, repeated: Callable[..., None], tmp_path: Path
) -> None:
    alone = shutil.copy(run.statement_file, tmp_path / "received.json")
    repeated(0.97, "a" * 64, **CODE)
    result = mnist("verify", alone)
    assert result.stdout == f"{alone}: same bits\n"
    assert "not here, so known by their digests alone: model.keras, model.onnx" in result.stderr


def test_other_weights_elsewhere_are_the_same_within_the_band(run: Run, repeated: Callable[..., None]) -> None:
    repeated(0.971, "b" * 64, **CODE, processor={"model": "B"})
    code, found = answer_of(run)
    assert (code, found["likeness"]) == (0, "same within the band")
    assert found["reasons"] == ["by the band that it gives itself"]
    assert [len(found["checks"][name]) for name in ("stated", "made again")] == [2, 2]
    assert found["differences"]["environment"] == ['processor.model: "A" → "B"']


def test_other_weights_where_the_same_were_promised_are_different(run: Run, repeated: Callable[..., None]) -> None:
    repeated(0.97, "b" * 64, **CODE)
    code, found = answer_of(run)
    assert (code, found["likeness"]) == (1, "different")
    assert found["reasons"] == ["the same bits are promised for this environment"]


def test_bits_promised_everywhere_are_due_on_another_processor(banded: Path, repeated: Callable[..., None]) -> None:
    banded.write_text(banded.read_text().replace("numerics: fast", "numerics: portable"))
    run = pretend(load_config(banded), 0.97, **CODE)
    repeated(0.97, "b" * 64, **CODE, processor={"model": "B"})
    assert answer_of(run)[1]["likeness"] == "different"


@pytest.mark.parametrize(("stated", "here"), [(0.95, 0.97), (0.97, 0.95)])
def test_either_outside_the_band_is_different(
    banded: Path, repeated: Callable[..., None], stated: float, here: float
) -> None:
    run = pretend(load_config(banded), stated, **CODE)
    repeated(here, "b" * 64, **CODE, processor={"model": "B"})
    code, found = answer_of(run)
    assert (code, found["likeness"]) == (1, "different")


def test_without_a_band_other_weights_are_different(recipe: Path, repeated: Callable[..., None]) -> None:
    run = pretend(load_config(recipe), 0.97, **CODE)
    repeated(0.97, "b" * 64, **CODE, processor={"model": "B"})
    code, found = answer_of(run)
    assert (code, found["reasons"]) == (1, ["other weights, and its config has no band to compare by"])


def test_a_shipped_recipe_is_held_against_its_own_band_whatever_the_statement_says(
    repeated: Callable[..., None],
) -> None:
    wide = {"n": 20, "test_accuracy": {"mean": 0.5, "sd": 0.3}, "test_loss": {"mean": 0.5, "sd": 0.3}}
    run = pretend(load_config("tiny", {"expected": wide}, name="theirs"), 0.70, **CODE)
    repeated(0.70, "b" * 64, **CODE, processor={"model": "B"})
    code, found = answer_of(run)
    assert (code, found["likeness"], found["reasons"]) == (1, "different", ["by the band of the recipe tiny"])


def test_numbers_that_are_not_those_of_the_weights_are_a_lie(run: Run, repeated: Callable[..., None]) -> None:
    restate(run, lambda tree: tree["predicate"]["numbers"].update(test_accuracy=0.975))
    repeated(0.97, "a" * 64, **CODE)
    code, found = answer_of(run)
    assert (code, found["likeness"]) == (1, "different")
    assert found["reasons"] == ["the weights are the same, and its numbers are not theirs"]
    assert found["differences"]["numbers"] == ["test_accuracy: 0.975 → 0.97"]


def test_one_image_more_or_less_is_no_lie(run: Run, repeated: Callable[..., None]) -> None:
    restate(run, lambda tree: tree["predicate"]["numbers"].update(test_accuracy=0.97005))
    repeated(0.97, "a" * 64, **CODE)
    assert answer_of(run)[1]["likeness"] == "same bits"


def test_a_file_that_the_training_does_not_give_is_different(
    run: Run, repeated: Callable[..., None], tmp_path: Path
) -> None:
    """The weights' digest is told rightly, and that of the model file is another's."""
    restate(run, lambda tree: tree["subject"][1]["digest"].update(sha256="f" * 64))
    alone = shutil.copy(run.statement_file, tmp_path / "received.json")
    repeated(0.97, "a" * 64, **CODE)
    result = mnist("verify", alone)
    assert result.exit_code == 1
    assert f'files: model.onnx: "{"f" * 64}" → ' in result.stdout


def test_the_same_weights_in_files_of_other_versions_are_no_more_than_within_the_band(
    run: Run, repeated: Callable[..., None], tmp_path: Path
) -> None:
    restate(run, lambda tree: tree["subject"][1]["digest"].update(sha256="f" * 64))
    alone = shutil.copy(run.statement_file, tmp_path / "received.json")
    repeated(0.97, "a" * 64, **CODE, versions={"onnx": "2.0"})
    result = mnist("verify", alone)
    assert result.exit_code == 0
    assert "same within the band\n  the weights are the same; that its files hold" in result.stdout


# Refused at once: nothing is trained, as no test below says what a repetition would give


def refused(what: Path, *words: str) -> Result:
    result = mnist("verify", what, *words)
    assert result.stderr.startswith("Error: "), result.output
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    return result


def test_a_file_beside_it_that_is_another_is_refused(run: Run) -> None:
    run.onnx_file.write_text("another model")
    result = refused(run.path)
    assert result.exit_code == 1
    assert f"{run.onnx_file}: is not the file that statement.json is about" in result.stderr


def test_a_file_of_the_model_beside_it_that_it_is_not_about_is_refused(run: Run) -> None:
    run.refusal_file.write_text('{"threshold": 0.999}')
    assert f"{run.refusal_file}: is not the file" in refused(run.path).stderr


@pytest.mark.parametrize("named", [[], [0], [0, 0], [0, 1, 1]], ids=str)
def test_a_statement_that_is_not_about_each_file_of_the_model_once_is_refused(run: Run, named: list[int]) -> None:
    restate(run, lambda tree: tree.update(subject=[tree["subject"][number] for number in named]))
    assert ", not model.keras, model.onnx" in refused(run.statement_file).stderr


def test_where_training_chose_when_to_refuse_that_belongs_to_the_model() -> None:
    assert model_files(load_config("photo")) == ["model.keras", "model.onnx", "refusal.json"]


def test_other_images_are_refused(run: Run) -> None:
    restate(run, lambda tree: tree["predicate"]["data"].update(test_sha256="e" * 64))
    assert "was made with other test images than mnist here" in refused(run.statement_file).stderr


@pytest.mark.parametrize("promised", [["bits everywhere", "band"], ["bits here"], ["the moon"]])
def test_a_promise_that_the_config_cannot_give_is_refused(run: Run, promised: list[str]) -> None:
    restate(run, lambda tree: tree["predicate"].update(promised=promised))
    assert "which its config cannot give" in refused(run.statement_file).stderr


def test_images_from_a_path_of_somebody_else_s_are_not_opened(
    run: Run, repeated: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def load_part(source: str, *_: object, **__: object) -> Part:
        opened.append(source)
        return DATA

    monkeypatch.setattr(verifying, "load_part", load_part)
    restate(run, lambda tree: tree["predicate"]["config"]["data"].update(source="/home/you/secret.npz"))
    result = refused(run.statement_file)
    assert (result.exit_code, opened) == (2, [])
    assert "say where they are here: --data PATH" in result.stderr
    repeated(0.97, "a" * 64, **CODE)
    assert answer_of(run, "--data", "mine.npz")[1]["likeness"] == "same bits"
    assert set(opened) == {"mine.npz"}


WIDE = [{"filters": 96}] * 2
PORTABLE = {"training.numerics": "portable"}  # whose convolutions take four times as long and more memory


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"training.epochs": 10_000, "training.batch_size": 1}, "steps"),
        ({"model.hidden": [8192] * 16}, "weights"),
        ({"model": {"family": "cnn", "convolutions": [{"filters": 512}] * 3, "pooling": "average"}}, "products"),
        ({"model": {"family": "cnn", "convolutions": [{"filters": 9}] * 2}, "training.batch_size": 60_000}, "values"),
        (PORTABLE | {"model": {"family": "cnn", "convolutions": [{"filters": 64, "kernel": 11}] * 2}}, "values"),
        (PORTABLE | {"model": {"family": "cnn", "convolutions": WIDE}, "training.epochs": 14}, "products"),
    ],
)
def test_what_would_take_hours_or_the_memory_is_not_trained(recipe: Path, settings: dict[str, Any], what: str) -> None:
    run = pretend(load_config(recipe, settings), 0.97)
    assert f" {what}" in refused(run.path).stderr


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_every_recipe_of_ours_is_trained(name: str) -> None:
    size = verifying._size(load_config(name))
    assert all(size[what] * 2 < most for what, most in verifying._MOST.items())


DAMAGED: dict[str, Change] = {
    "another type": lambda tree: tree.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda tree: tree.update(predicateType="https://slsa.dev/provenance/v1"),
    "a path for a name": lambda tree: tree["subject"][0].update(name="../../model.keras"),
    "an absolute path": lambda tree: tree["subject"][0].update(name="/etc/passwd"),
    "a number for a name": lambda tree: tree["subject"][0].update(name=10**30),
    "no digest": lambda tree: tree["subject"][0].update(digest={"md5": "a" * 32}),
    "short digest": lambda tree: tree["predicate"].update(weights_sha256="abc"),
    "no numbers": lambda tree: tree["predicate"].pop("numbers"),
    "a number that is text": lambda tree: tree["predicate"]["numbers"].update(test_loss="low"),
    "an accuracy above one": lambda tree: tree["predicate"]["numbers"].update(test_accuracy=1.5),
    "no config": lambda tree: tree["predicate"].update(config=None),
    "an unknown setting": lambda tree: tree["predicate"]["config"]["training"].update(code="os.system('x')"),
    "a name out of the folder": lambda tree: tree["predicate"]["config"].update(name="../../../tmp/x"),
    "text that is none": lambda tree: tree["predicate"]["environment"].update(python="\ud800"),
    "a list": lambda tree: tree.update(predicate=[]),
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_what_is_not_the_form_of_a_statement_is_one_line(run: Run, change: Change) -> None:
    restate(run, change)
    assert refused(run.statement_file).exit_code == 2


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80\x04pickle", b"[]", b"null", b'{"a": NaN}', b'{"_type": 1, "_type": 2}', b"[" * 100_000, b"9" * 5000,
        b" " * (2**20 + 1), b'{"payloadType": "text/html", "payload": "", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "!", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "eA==", "signatures": []}',
        b'{"payloadType": [], "payload": {}, "signatures": 3}',
    ],
    ids=range(13),
)  # fmt: skip
def test_any_other_bytes_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "statement.json"
    path.write_bytes(content)
    assert refused(path).exit_code == 2


def places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a tree."""
    yield way
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from places(tree[key], (*way, key))


def test_one_wrong_value_anywhere_is_one_line_or_a_verdict(run: Run) -> None:
    good, path = json.loads(run.statement_file.read_text()), run.statement_file
    ended: list[str] = []
    for *way, last in filter(None, places(good)):
        tree = json.loads(json.dumps(good))
        functools.reduce(operator.getitem, way, tree)[last] = 10**30
        path.write_text(json.dumps(tree))
        try:
            statement = read(path)
            verifying.check_at_once(statement)
            ended.append(verifying.judge(statement, good).likeness)
        except MnistError as error:
            ended.append(str(error))
    assert [line for line in ended if "\n" in line] == []
    assert len({*ended}) > 30, "each place is named"


def test_a_forged_line_stays_within_its_line(run: Run, repeated: Callable[..., None]) -> None:
    restate(run, lambda tree: tree["predicate"]["environment"]["versions"].update({"x\nall is well: same bits": "1"}))
    repeated(0.97, "b" * 64, **CODE)
    result = mnist("verify", run.statement_file)
    assert len([line for line in result.stdout.splitlines() if "same bits" in line]) == 1
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].endswith("same within the band")
