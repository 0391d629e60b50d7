"""Whatever the environment of the caller says: a clear line, or the right answer."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.fleet.pool import task_of
from mnist_pipeline.process import quiet_stderr
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training.xla_flags import set_flags
from tests.commands import mnist, shell


def test_libraries_are_quiet_without_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", "/nowhere")
        with quiet_stderr():
            os.write(2, b"noise")
    assert capfd.readouterr().err == ""


def test_what_the_operating_system_refuses_is_one_line(smoke_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", "/nowhere")
        answer = mnist("reproduce", str(smoke_run.path))
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Error: /nowhere/mnist-")
    assert answer.stderr.endswith(": No such file or directory\n")


def test_a_training_without_a_temporary_folder_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", None)
        without.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
        answer = mnist("train", "-c", "smoke")
    assert answer.stderr == "Error: No usable temporary directory found in ['/nowhere']\n"
    assert answer.exit_code == 2


def test_pictures_are_drawn_whatever_the_caller_plots_with(few: Path, tmp_path: Path) -> None:
    answer = shell(f"data plot '{few}' --out '{tmp_path}'", MPLBACKEND="nonsense", HOME="/dev/null")
    assert cv2.imread(str(tmp_path / "digits.png")) is not None
    assert answer.returncode == 0


@pytest.mark.slow
def test_the_weights_are_the_same_whatever_the_environment_says(smoke_run: Run, tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float16", "epsilon": 0.001}')
    environment: dict[str, Any] = {
        "XLA_FLAGS": "--nonsense --xla_cpu_max_isa=SSE4_2", "TF_XLA_FLAGS": "--nonsense", "PYTHONWARNINGS": "error",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "HOME": str(tmp_path), "PYTHONIOENCODING": "ascii", "MNIST_ARTIFACTS": str(tmp_path),
    }  # fmt: skip
    answer = shell("run -c smoke", **environment)
    assert answer.returncode == 0, answer.stderr
    assert Run(tmp_path / "smoke").figures("train")["weights_sha256"] == smoke_run.figures("train")["weights_sha256"]


def test_warnings_of_libraries_do_not_end_a_training() -> None:
    code = "from mnist_pipeline import __main__ as entry; entry.app = lambda **_: warnings.warn('moved'); entry.main()"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import warnings; {code}"], capture_output=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, b"")


@pytest.mark.parametrize("numerics", ["fast", "portable"])
def test_flags_of_others_change_no_bit(monkeypatch: pytest.MonkeyPatch, numerics: Any) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv("XLA_FLAGS", "")
    set_flags(numerics)
    ours = os.environ["XLA_FLAGS"]
    os.environ["XLA_FLAGS"] = "--xla_dump_to=seen --nonsense --xla_cpu_max_isa=SSE4_2 --xla_cpu_enable_fast_math=true"
    set_flags(numerics)
    assert os.environ["XLA_FLAGS"] == f"--xla_dump_to=seen {ours}"


def test_convolutions_are_computed_by_one_library_on_every_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow leaves oneDNN off on some processors, where convolutions then take up to three times as long."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    code = "import os; from mnist_pipeline.training import backend; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"


def test_a_fleet_trains_a_config_that_is_not_ascii(smoke_run: Run) -> None:
    config = load_config("smoke", {"description": "größer ×"})
    words = task_of(config, smoke_run.path.parent).words
    answer = subprocess.run(
        [sys.executable, "-m", "mnist_pipeline.fleet.pool"], input=words.encode(),
        env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, b"")
