"""Files are written whole or not at all."""

import json
import os
import stat
from pathlib import Path

import pytest

from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.files import whole, write_json, write_text
from tests.systems import linux


def test_the_file_appears_with_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "numbers.json"
    with whole(path) as beside:
        assert beside.parent == path.parent
        assert beside.suffix == path.suffix
        beside.write_text("{}", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "{}"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_a_file_is_what_the_umask_says(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(failure: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with whole(path) as beside:
            beside.write_text("half", encoding="utf-8")
            raise failure

    with pytest.raises(RunError if failure is OSError else failure):
        write_half()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), whole(tmp_path / "x.json"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


@linux
def test_a_place_that_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x.json", tmp_path / "folder", Path("/proc/none/x.json"), Path("/")):
        with pytest.raises(RunError) as caught:
            write_text(path, "text")
        assert str(caught.value).startswith(f"{path}: cannot be written (")
        assert str(caught.value).endswith("); nothing there was changed")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file", tmp_path / "folder"]


def test_a_folder_without_permission_is_a_run_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", denied)  # as root writes to any folder
    with pytest.raises(RunError, match=r"x\.json: cannot be written \(Permission denied\)"):
        write_json(tmp_path / "x.json", {})


def test_text_and_numbers_read_back(tmp_path: Path) -> None:
    write_text(tmp_path / "a.yaml", "ü 五\n")
    assert (tmp_path / "a.yaml").read_bytes() == "ü 五\n".encode()
    write_json(tmp_path / "a.json", {"loss": 0.1, "none": None, "ü": [1, 2]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "loss": 0.1,
        "none": None,
        "ü": [1, 2],
    }


def test_json_holds_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"loss": 1.0}


def test_a_library_that_takes_its_file_away_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a\.bin: cannot be written"), whole(tmp_path / "a.bin") as beside:
        beside.unlink()
    assert list(tmp_path.iterdir()) == []
