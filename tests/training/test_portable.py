"""Portable numerics: the same bits at any number of threads and on every x86-64 processor with AVX2."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import load_part

BOTH = ("dense-portable", "tiny-portable")  # in one process, because an emulated one takes long to start

# 200 steps of R1 and 203 of R4.
RUN = """
import sys
from pathlib import Path
from mnist_pipeline.training.xla_flags import set_flags
set_flags("portable")
from mnist_pipeline.training import backend
from mnist_pipeline.training.fit import fit
from mnist_pipeline.training.keras_file import weights_sha256
from mnist_pipeline.training.checkpoints import Checkpoints
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import load_part, validation_indices
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.train import split
source, folder, threads, *recipes = sys.argv[1:]
backend.start(int(threads))
for recipe in recipes:
    config = load_config(recipe, {"data.source": source, "training.epochs": 1 if recipe == "dense-portable" else 7})
    part = load_part(source, "train")
    rows = validation_indices(part.labels, config.data.validation, config.data.split_seed)
    fitted = fit(config, *split(part, rows), Checkpoints(Path(folder) / recipe), Watcher())
    print(recipe, fitted.steps, weights_sha256(fitted.model), fitted.history["loss"][-1])
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 6,400 training images of MNIST, as an .npz."""
    path = tmp_path_factory.mktemp("data") / "part.npz"
    part = load_part("mnist", "train")
    np.savez(path, x_train=part.images[:6400], y_train=part.labels[:6400])
    return path


def start(
    source: Path, folder: Path, threads: int, *prefix: str, recipes: tuple[str, ...] = BOTH, **environment: str
) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "TF_"))}
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", RUN, str(source), str(folder), str(threads), *recipes],
        env=clean | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines(process: "subprocess.Popen[str]") -> list[str]:
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    return out.splitlines()


@pytest.fixture(scope="module")
def native(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What this processor gives with one thread."""
    found = lines(start(source, tmp_path_factory.mktemp("native"), 1))
    assert [line.split()[:2] for line in found] == [["dense-portable", "200"], ["tiny-portable", "203"]]
    return found


def test_the_bits_of_r4_are_those_that_every_processor_gives(source: Path, tmp_path: Path) -> None:
    """Computed with two threads; the digest was taken with one."""
    (found,) = lines(start(source, tmp_path, 2, recipes=("tiny-portable",)))
    assert found.split()[1:3] == ["203", "36bfce05146cafa37eb0322ba931d20c6d8e8f58a0e1cfded0e87faf928ef425"]


@pytest.mark.slow
def test_the_bits_do_not_depend_on_the_threads(source: Path, native: list[str], tmp_path: Path) -> None:
    assert lines(start(source, tmp_path, 2)) == native


@pytest.mark.slow
def test_the_bits_do_not_depend_on_the_libraries_of_an_old_processor(
    source: Path, native: list[str], tmp_path: Path
) -> None:
    old = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    assert lines(start(source, tmp_path, 1, recipes=BOTH, **old)) == native


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-x86_64 (Debian: qemu-user)")
def test_emulated_processors_give_the_same_bits(source: Path, native: list[str], tmp_path: Path) -> None:
    processors = ("Haswell", "EPYC")
    running = [start(source, tmp_path / name, 1, "qemu-x86_64", "-cpu", name) for name in processors]
    assert [lines(process) for process in running] == [native, native]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump and nm (Debian: binutils)")
def test_the_compiled_program_holds_nothing_that_processors_do_differently(source: Path, tmp_path: Path) -> None:
    """Emulators compute approximate instructions exactly, so equal digests alone would not show these."""
    dump = tmp_path / "dump"
    lines(start(source, tmp_path, 1, XLA_FLAGS=f"--xla_dump_to={dump} --xla_dump_hlo_module_re=.*run.*"))
    objects = sorted(dump.glob("*.o"))
    assert objects
    called, code = set(), ""
    for path in objects:
        called |= set(subprocess.run(["nm", "-u", path], capture_output=True, text=True, check=True).stdout.split())
        code += subprocess.run(["objdump", "-d", path], capture_output=True, text=True, check=True).stdout
    assert called - {"U"} <= {"memcpy", "memset", "memmove"}, "no function of a library"
    assert not re.findall(r"\sv?(?:rcp|rsqrt)\w*\s", code), "no approximations"
    assert not re.findall(r"\svfn?m(?:add|sub)\w*\s", code), "no fused multiply-add, which needs no rounding between"
    assert "%zmm" not in code
    programs = [path.read_text() for path in dump.glob("*cpu_after_optimizations.txt")]
    assert any(" dot(" in text for text in programs)
    assert not any(re.search(r"ynn|xnn|onednn|custom-call", text) for text in programs), "no product handed on"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["dense-portable", "tiny-portable"])
def test_the_recipe_gives_the_digest_that_its_config_names(recipe: str) -> None:
    expected = load_config(recipe).expected
    assert expected is not None
    words = [sys.executable, "-m", "mnist_pipeline", "train", "--config", recipe, "--json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["weights_sha256"] == expected.weights_sha256


@pytest.mark.slow
def test_portable_numbers_are_in_the_band_of_fast_ones(source: Path, tmp_path: Path) -> None:
    """The same recipe, seed and order, other rounding: the loss after 200 steps agrees to a part in a thousand."""
    portable = float(lines(start(source, tmp_path, 1))[0].split()[-1])
    words = ["train", "--config", "dense", "--json", "--set", f"data.source={source}", "--set", "training.epochs=1"]
    answer = subprocess.run(
        [sys.executable, "-m", "mnist_pipeline", *words], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout)["train_loss"] == pytest.approx(portable, rel=1e-3)
