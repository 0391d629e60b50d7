"""The quick gate: real runs of two recipes in their bands, and one repeated to the same bits."""

from pathlib import Path

import pytest
from typer.testing import Result

from tests.commands import mnist


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """R1 and R4, two seeds each, in processes of their own."""
    folder = tmp_path_factory.mktemp("gate")
    return mnist("reproduce", "dense", "tiny", "--seeds", "2", "--check", MNIST_ARTIFACTS=str(folder)), folder


def test_quick_gate_r1_and_r4_are_in_their_bands(gate: tuple[Result, Path]) -> None:
    """A change that moves the numbers, either way or to the implausible, ends here."""
    result, _ = gate
    assert result.exit_code == 0, result.output


def test_a_run_of_the_gate_repeats_to_the_same_bits(gate: tuple[Result, Path]) -> None:
    run = gate[1] / "tiny-seed0"
    result = mnist("reproduce", str(run))
    assert (result.exit_code, result.stdout) == (0, f"{run}: same bits\n"), result.output
