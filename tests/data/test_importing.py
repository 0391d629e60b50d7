"""Your own pictures become a data set: labelled by folders or a table, listed, split, and refused with a reason."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_pipeline.data import Dataset, load
from mnist_pipeline.data.importing import import_pictures
from mnist_pipeline.data.splitting import split
from mnist_pipeline.errors import DataError
from mnist_pipeline.pixels.preprocess import look_at
from tests.commands import mnist
from tests.pixels.picture_files import black_png


@pytest.fixture
def pictures(tmp_path: Path, mnist: Dataset) -> Path:
    """A folder of pictures: four different ones of each of three digits, dark on light, by two writers each."""
    folder = tmp_path / "pictures"
    for digit in (1, 4, 10):
        images = mnist.test.images[mnist.test.labels == digit % 10]
        for number in range(4):
            path = folder / str(digit) / ("anna" if number % 2 else "ben") / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), cv2.resize(255 - images[number], (84, 84), interpolation=cv2.INTER_LINEAR))
    return folder


@pytest.fixture
def no_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No contact sheet is drawn, which takes a quarter of a second."""
    monkeypatch.setattr("mnist_pipeline.evaluation.plots.images.contact_sheets", lambda *_: None)


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def importing(*words: str | Path) -> Any:
    """What the command says; the folder is made."""
    result = mnist("data", "import", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(*words: str | Path) -> str:
    """The one line that an import is refused with; nothing is made."""
    out = words[words.index("--out") + 1] if "--out" in words else "made"
    result = mnist("data", "import", *words, *([] if "--out" in words else ["--out", out]))
    assert result.exit_code == 2
    assert not Path(out).is_dir()
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.removeprefix("Error: ").rstrip()


def test_folders_become_a_set_that_is_read_like_any_other(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    told = importing(pictures, "--out", out, "--test", "0.5")
    n = {"train": 6, "test": 6}
    assert told == {"folder": str(out), "classes": ["1", "4", "10"], "n": n, "split_by": "group", "refused": 0}
    dataset = load(out)
    assert dataset.classes == ("1", "4", "10")
    assert dataset.train.counts == dataset.test.counts == [2, 2, 2]
    fours = [entry["file"] for entry in manifest(out)["files"] if (entry["part"], entry["label"]) == ("train", "4")]
    for image, name in zip(dataset.train.images[dataset.train.labels == 1], fours, strict=True):
        np.testing.assert_array_equal(image, look_at(pictures / name).pixels)


@pytest.mark.usefixtures("no_sheets")
def test_no_writer_is_in_both_parts(pictures: Path, tmp_path: Path) -> None:
    importing(pictures, "--out", tmp_path / "made")
    parts = {(entry["group"], entry["part"]) for entry in manifest(tmp_path / "made")["files"]}
    assert len(parts) == 2


def test_a_seed_names_the_split_and_the_same_pictures_the_same_bytes(pictures: Path, tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("one", "two")]
    for out in made:
        importing(pictures, "--out", out, "--seed", "3")
    files = [{path.name: path.read_bytes() for path in out.iterdir()} for out in made]
    assert files[0] == files[1]
    assert {"classes.txt", "manifest.json", "sheet.png", "t10k-labels-idx1-ubyte.gz"} <= set(files[0])


@pytest.mark.usefixtures("no_sheets")
def test_what_is_left_out_is_listed_with_the_reason(pictures: Path, tmp_path: Path) -> None:
    four = pictures / "4"
    (four / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (four / "notes.txt").write_text("hello")
    cv2.imwrite(str(four / "blank.png"), np.full((60, 60), 255, np.uint8))
    (pictures / "1" / "again.png").write_bytes((four / "ben" / "0.png").read_bytes())
    (pictures / "stray.png").write_bytes(b"")
    (four / ".hidden.png").write_bytes(b"")
    (four / "bomb.png").write_bytes(black_png(30_000, 30_000))
    out = tmp_path / "made"
    assert importing(pictures, "--out", out)["refused"] == 6
    refused = {entry["file"]: entry["refused"] for entry in manifest(out)["files"] if entry["refused"]}
    assert refused.pop("4/broken.png")
    assert refused.pop("4/bomb.png").startswith("30000 x 30000 pixels, more than the 50 million decoded here")
    assert refused == {
        "4/notes.txt": "its name ends in none of .png, .jpg, .jpeg, .bmp, .gif, .webp, .tif, .tiff",
        "4/blank.png": "nothing is drawn",
        "4/ben/0.png": "the same file as 1/again.png, which is labelled 1",
        "stray.png": "lies in no folder of a class",
    }


@pytest.mark.usefixtures("no_sheets")
@pytest.mark.skipif(os.name == "nt", reason="links and such names need a POSIX system")
def test_links_and_odd_names_are_read_as_what_they_are(pictures: Path, tmp_path: Path) -> None:
    (pictures / "4" / "round").symlink_to(pictures)
    (pictures / "loop").symlink_to(pictures)
    (pictures / "4" / "gone.png").symlink_to(pictures / "nowhere.png")
    os.mkfifo(pictures / "4" / "pipe.png")
    (pictures / "4" / "ben" / "0.png").rename(pictures / "4" / "\udcff\n.png")
    out = tmp_path / "made"
    importing(pictures, "--out", out)
    fours = [entry for entry in manifest(out)["files"] if entry["label"] == "4"]
    said = {entry["file"]: (entry["part"], entry["refused"]) for entry in fours}
    assert said.pop("4/gone.png") == (None, "no such file")
    assert said.pop("4/pipe.png") == (None, "not a regular file")
    assert said.pop("4/\udcff\n.png")[1] is None
    assert len(said) == 3


@pytest.mark.usefixtures("no_sheets")
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_a_table_says_which_file_is_what(pictures: Path, tmp_path: Path, comma: str) -> None:
    rows = [["Label", "writer", "File"], ["four", "a", "4/ben/0.png"], ["four", "b", "4/ben/2.png"]]
    rows += [["one", "a", "1/ben/0.png"], ["one", "b", str(pictures / "1/ben/2.png")], ["", "b", "1/anna/1.png"]]
    table = pictures / "labels.csv"
    table.write_text("\n".join(comma.join(row) for row in rows), encoding="utf-8-sig")
    told = importing(table, "--out", tmp_path / "made", "--group", "writer", "--test", "0.5")
    assert told["classes"] == ["four", "one"]
    assert (told["split_by"], told["n"], told["refused"]) == ("group", {"train": 2, "test": 2}, 1)
    assert importing(table, "--out", tmp_path / "other")["split_by"] == "class"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"file,digit\nx.png,1", "its first row names no column label (it has file, digit)"),
        (b"", "its first row names no column file or label (it has nothing)"),
        (b"file,label\n", "below its first row, give a file and its label in each"),
        (b"file,label\n\xff.png,1", "not a table of file and label in UTF-8"),
        (b'file,label\n"x.png,1', "not a table of file and label in UTF-8"),
        (b"file,label\nx.png,1\ny.png,2", "none of 2 pictures can be used: no such file"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labels.csv").write_bytes(text)
    assert says in refusal("labels.csv")


def test_folders_that_are_none_of_classes_are_a_line(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    assert refusal("empty").startswith("no picture of a class in empty: give it a folder for each class, or a table")
    assert refusal("nowhere") == "nowhere: cannot be read (No such file or directory)"
    for part in ("train", "test"):
        Path("split", part).mkdir(parents=True)
    assert "already: train on it as it is" in refusal("split")
    for digit in ("4", "10"):
        for path in (pictures / digit).rglob("*.png"):
            path.unlink()
    assert refusal(pictures) == f"{pictures}: pictures of one class alone (1), expected 2 to 256 classes"


def test_what_is_there_is_not_touched(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    assert "is there already, and nothing is overwritten" in refusal(pictures, "--out", tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


def test_a_kill_leaves_nothing_half_made(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mnist_pipeline.evaluation.plots.images.contact_sheets", fail)
    assert mnist("data", "import", pictures, "--out", tmp_path / "made").exit_code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_by_class_each_keeps_a_picture_to_train_on() -> None:
    labels = np.array([0] * 10 + [1] * 2 + [2], np.uint8)
    tests = split(labels, [""] * 13, 0.2, seed=0)
    assert [int(tests[labels == number].sum()) for number in range(3)] == [2, 1, 0]
    with pytest.raises(DataError, match="one picture of each class"):
        split(np.arange(3, dtype=np.uint8), [""] * 3, 0.2, seed=0)


def test_by_group_the_share_is_met_as_nearly_as_groups_allow() -> None:
    labels = np.tile(np.arange(2, dtype=np.uint8), 50)
    groups = [f"writer {number // 10}" for number in range(100)]
    assert split(labels, groups, 0.2, seed=5).sum() == 20
    with pytest.raises(DataError, match="all pictures are of one group"):
        split(labels, ["a"] * 100, 0.2, seed=0)
    with pytest.raises(DataError, match="no split by groups leaves pictures of each class"):
        split(np.array([0, 1], np.uint8), ["a", "b"], 0.5, seed=0)


def test_plain_keeps_the_picture_as_it_is(pictures: Path, mnist: Dataset) -> None:
    made = import_pictures(pictures, way="plain")
    ones = mnist.test.images[mnist.test.labels == 1][:4]
    assert np.abs(made.whole.images[:4].astype(int) - ones[[1, 3, 0, 2]]).mean() < 12


@pytest.mark.usefixtures("no_sheets")
def test_idx_files_say_what_they_hold(pictures: Path, tmp_path: Path) -> None:
    importing(pictures, "--out", tmp_path / "made")
    raw = gzip.decompress((tmp_path / "made" / "train-images-idx3-ubyte.gz").read_bytes())
    assert raw[:16].hex() == "00000803" + "00000006" + "0000001c" * 2


@pytest.mark.slow
def test_a_run_on_imported_pictures_answers_with_their_classes(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    importing(pictures, "--out", out)
    settings = [f"data.source={out}", "data.validation=0", "training.batch_size=2", "training.epochs=20"]
    words = [word for setting in settings for word in ("--set", setting)]
    result = mnist("run", "smoke", *words, "--name", "mine")
    assert result.exit_code == 0, result.stderr
    told = [
        json.loads(mnist("predict", pictures / name / "anna" / "1.png", "--run", "mine", "--json").stdout)["label"]
        for name in ("1", "4", "10")
    ]
    assert told == ["1", "4", "10"]
