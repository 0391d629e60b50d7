"""Words of a command line to files: in order, one after the other, and a reason where there is none."""

import os
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from mnist_pipeline.cli import app
from mnist_pipeline.prediction.finding import Found, count, find
from tests.systems import posix


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures, folders of them, and what is neither or hidden."""
    monkeypatch.chdir(tmp_path)
    for name in ("10.png", "9.PNG", "b.jpeg", "notes.txt", ".hidden.png", "in/2.tif", "in/1.webp", ".git/x.png"):
        path = tmp_path / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with suppress(OSError):  # Windows lets only some make links
        (tmp_path / "all" / "loop").symlink_to(tmp_path / "all")
    (tmp_path / "empty").mkdir()
    return tmp_path


def paths(*words: str) -> list[str]:
    found = list(find(words))
    assert all(file is not None and file.problem is None for file in found)
    return [file.path for file in found if file is not None]


def problem(word: str) -> str:
    (found,) = find([word])
    assert found is not None
    assert found.problem is not None
    assert found.problem.startswith(f"{word}: ")
    return found.problem


IN_ALL = ["all/9.PNG", "all/10.png", "all/b.jpeg", "all/in/1.webp", "all/in/2.tif"]


@posix
def test_a_folder_is_its_pictures_in_natural_order_and_those_below(folder: Path) -> None:
    assert paths("all") == IN_ALL


@pytest.mark.parametrize(
    "names",
    [
        ["01.png", "1.png", "2.png", "010.png", "10.png"],
        ["a1b2.png", "a1b10.png", "a2.png", "a10b1.png", "a.png", "b.png"],
    ],
)
def test_numbers_in_names_are_numbers_and_equal_ones_text(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert paths(str(tmp_path)) == [str(tmp_path / name) for name in names]


@posix
def test_a_link_to_itself_hides_no_other_picture(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    (tmp_path / "2.png").symlink_to("2.png")
    assert paths(str(tmp_path)) == [str(tmp_path / name) for name in ("1.png", "2.png")]


@posix
def test_a_pattern_is_what_fits_it_whatever_its_name(folder: Path) -> None:
    assert paths("all/*.png") == ["all/10.png"]
    assert paths("all/[n]otes*", "all/i?") == ["all/notes.txt", "all/in/1.webp", "all/in/2.tif"]
    assert paths("all/**/*.t*") == ["all/in/2.tif", "all/notes.txt"]


def test_a_file_of_that_very_name_is_no_pattern(folder: Path) -> None:
    (folder / "[1].png").touch()
    assert paths("[1].png") == ["[1].png"]


@posix
def test_words_come_in_their_order_missing_files_too(folder: Path) -> None:
    assert paths("all/b.jpeg", "none.png", "all/in") == ["all/b.jpeg", "none.png", "all/in/1.webp", "all/in/2.tif"]


def test_where_there_is_nothing_the_reason_is_given(folder: Path) -> None:
    assert "no file fits" in problem("*.bmp")
    assert "no picture in this folder (names ending in .png" in problem("empty")


def listed(content: bytes) -> list[Found | None]:
    ours, theirs = os.pipe()
    os.write(theirs, content)
    os.close(theirs)
    try:
        return list(find(["-"], ours))
    finally:
        os.close(ours)


@posix
@pytest.mark.parametrize(
    "content", [b"a b.png\n\n*.png\n\xff.png", b"a b.png\0*.png\0\xff.png\0"], ids=["lines", "NUL between"]
)
def test_a_list_is_taken_as_it_is(content: bytes) -> None:
    assert listed(content) == [Found("a b.png"), Found("*.png"), Found("\udcff.png")]


def test_an_endless_line_is_cut() -> None:
    (found,) = listed(b"x" * 60_000)
    assert found is not None


@posix
def test_who_waits_for_a_list_is_told_so() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"1.png\n2.p")
    coming = find(["-"], ours)
    assert [next(coming), next(coming)] == [Found("1.png"), None]
    os.write(theirs, b"ng\n")
    assert next(coming) == Found("2.png")
    os.close(theirs)
    assert list(coming) == []
    os.close(ours)


@posix
@pytest.mark.parametrize("mark", [b"\n", b"\0"])
def test_a_list_that_comes_slowly_is_the_same_list(mark: bytes) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"1.p")
    coming = find(["-"], ours)
    assert next(coming) is None
    os.write(theirs, b"ng" + mark + b"2.png" + mark + b"3.png")
    os.close(theirs)
    assert list(coming) == [Found("1.png"), Found("2.png"), Found("3.png")]
    os.close(ours)


def test_a_closed_stdin_is_a_line() -> None:
    (found,) = find(["-"], 987)
    assert found is not None
    assert "Bad file descriptor" in str(found.problem)


def test_a_folder_of_pages_is_not_walked_once_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((40, 40), 255, np.uint8))
    walked, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: walked.append(folder) or scandir(folder))  # type: ignore[func-returns-value]
    assert CliRunner().invoke(app, ["predict", "--all", str(tmp_path)]).exit_code == 0
    assert walked.count(str(tmp_path)) <= 2


def test_all_is_counted_but_a_list(folder: Path) -> None:
    assert count(["all", "none.png"]) == 6
    assert count(["all", "-"]) is None
