"""What a command line is expected to do: a config as a plain word, slips answered with what was meant, short help."""

import pytest

from mnist_pipeline.runs.run import Run
from tests.commands import mnist


def test_a_config_is_named_with_or_without_its_option(smoke_run: Run) -> None:
    assert mnist("train", "smoke").stdout == mnist("train", "--config", "smoke").stdout
    assert mnist("train", "smoke").exit_code == 0


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("train", "which config? Name one: mnist train dense"),
        ("train dense --config dense", "one config, not two"),
        ("train dnse", "Did you mean dense?"),
        ("train dense --epochs 3", "did you mean --set training.epochs=3?"),
        ("run dense --learning-rate=0.1", "did you mean --set training.optimizer.learning_rate=0.1?"),
        ("train dense --hidden", "did you mean --set model.hidden=VALUE?"),
        ("train dense --seed abc", "'--seed': must be a whole number, not abc"),
        ("reproduce dense --seeds 0", "'--seeds': must be greater than or equal to 1, not 0"),
        ("predict x.png --invert maybe", "'--invert': 'maybe' is not one of 'auto', 'yes', 'no'"),
        ("config show", "Missing argument 'config'"),
        ("evaluate smokes", "Did you mean smoke? Runs in "),
    ],
)
def test_a_slip_is_answered_in_a_line_with_what_was_meant(smoke_run: Run, words: str, answer: str) -> None:
    result = mnist(*words.split())
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert answer in result.stderr.splitlines()[0]


@pytest.mark.parametrize("words", ["", "train", "predict", "data", "runs diff"])
def test_the_help_gives_flags_no_type(words: str) -> None:
    assert "<bool>" not in mnist(*words.split(), "--help").stdout
