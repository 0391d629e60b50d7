"""What the benchmark says of its figures: medians, ratios within a round, targets met or missed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases
from benchmarks.bench import RESULTS, ROUNDS, read_options
from benchmarks.chosen_on_test import EveryEpoch, row
from benchmarks.commands import ROOT, Variant, epoch_ends, later, run
from benchmarks.seconds import Trained, tables
from benchmarks.table import Row, Spread, ratios, short, table
from mnist_pipeline.training.checkpoints import TrainingState


def test_a_spread_is_median_least_most_and_n() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)
    assert Spread.of([3.0, 1.0, 2.0]).text(" s") == "2.00 s (1.00 .. 3.00)"
    assert Spread.of([12.34]).text(" GB") == "12.3 GB"


@pytest.mark.parametrize(("value", "text"), [(0.256, "0.26"), (9.99, "9.99"), (23.45, "23.4"), (345.6, "346")])
def test_figures_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_a_ratio_is_taken_within_its_round() -> None:
    assert ratios([20.0, 40.0, 30.0], [2.0, 4.0, 10.0]) == Spread(10.0, 3.0, 10.0, 3)
    with pytest.raises(ValueError, match="zip"):
        ratios([20.0, 40.0], [2.0])


MEASURED = {"plain": {"fit": [20.0, 24.0]}, "ours": {"fit": [2.0, 3.0], "after": [1.0, 2.0]}}


@pytest.mark.parametrize(("at_least", "verdict"), [(9, "met"), (10, "missed")])
def test_a_row_gives_both_sides_the_ratio_and_the_verdict(at_least: int, verdict: str) -> None:
    assert Row("training", "fit", "ours", "plain", at_least=at_least).cells(MEASURED) == [
        "training",
        "22.0 s (20.0 .. 24.0)",
        "2.50 s (2.00 .. 3.00)",
        "9.00x (8.00 .. 10.0)",
        "2",
        f"at least {at_least}x: {verdict}",
    ]


@pytest.mark.parametrize(("at_most", "verdict"), [(1.5, "met"), (1.4, "missed")])
def test_a_row_without_a_baseline_is_judged_by_its_value(at_most: float, verdict: str) -> None:
    cells = Row("files", "after", "ours", at_most=at_most).cells(MEASURED)
    assert cells == ["files", "–", "1.50 s (1.00 .. 2.00)", "–", "2", f"at most {at_most:.2f} s: {verdict}"]


@pytest.mark.parametrize(("no_less", "verdict"), [(2, "met"), (3, "missed")])
def test_a_row_may_have_to_reach_a_value(no_less: int, verdict: str) -> None:
    cells = Row("pictures", "fit", "ours", unit=" a second", no_less=no_less).cells(MEASURED)
    assert cells[-1] == f"at least {no_less} a second: {verdict}"


def test_a_table_leaves_out_what_was_not_measured() -> None:
    lines = table([Row("a", "fit", "ours", "plain"), Row("b", "fit", "bfloat16", "plain")], MEASURED).splitlines()
    assert [line.split()[1] for line in lines] == ["measured", "---", "a"]
    assert len({line.count("|") for line in lines}) == 1


def test_epochs_are_timed_by_the_lines_that_train_prints() -> None:
    notes = [(3.0, "epoch  9/10  loss 0.1"), (3.5, "epoch 10/10  loss 0.1"), (4.0, "Next: mnist evaluate dense")]
    assert epoch_ends(notes) == [3.0, 3.5]


def test_a_usual_epoch_is_not_the_first() -> None:
    assert later([9.0, 1.0, 2.0, 3.0]) == 2.0
    assert later([9.0]) == 9.0


# Linux counts the size of a process towards the peak of those it starts: so a small one starts it.
ONE_RUN = """
import json, sys
from benchmarks.commands import run
outcome = run([sys.executable, "-c", "import sys; print('out'); print('note', file=sys.stderr)"])
print(json.dumps(vars(outcome)))
"""


def test_a_process_is_measured_from_start_to_exit() -> None:
    answer = subprocess.run([sys.executable, "-c", ONE_RUN], cwd=ROOT, capture_output=True, text=True, check=True)
    outcome = json.loads(answer.stdout)
    assert outcome["output"] == "out\n"
    assert [line for _, line in outcome["notes"]] == ["note"]
    assert 0 < outcome["notes"][0][0] <= outcome["seconds"] < 10
    assert 0 < outcome["processor_seconds"] < 10
    assert 0.001 < outcome["peak_gb"] < 1


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="exit code 3\nwhy"):
        run([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"])


def test_the_rounds_of_each_part_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--cnn", "1", "--only", "start"])
    options = read_options()
    assert (options.dense, options.cnn, options.only) == (ROUNDS["dense"], 1, ["start"])


def test_the_results_are_of_the_commands_and_rows_that_are_measured() -> None:
    written = RESULTS.read_text(encoding="utf-8")
    case = cases.dense(quick=False)
    assert [variant.command for variant in case.variants.values() if f"\n{variant.command}\n" not in written] == []
    assert [row.label for row in case.rows if f"\n| {row.label} |" not in written] == []


def test_a_case_runs_its_variants_in_turns_and_keeps_every_round() -> None:
    ran: list[str] = []

    def variant(name: str) -> Variant:
        def measure(folder: Path) -> dict[str, float]:
            assert list(folder.iterdir()) == []
            ran.append(name)
            return {"fit": float(len(ran))}

        return Variant(name, measure)

    said: list[str] = []
    case = cases.Case("Turns", {"ours": variant("a"), "plain": variant("b")}, ())
    assert case.measure(2, said.append) == {"ours": {"fit": [1.0, 3.0]}, "plain": {"fit": [2.0, 4.0]}}
    assert ran == ["a", "b", "a", "b"]
    assert said[0] == "1/2  a  fit 1.00"


def test_what_was_chosen_on_the_test_images_stands_beside_the_honest_mean() -> None:
    seeds = [(0.970, [0.960, 0.975, 0.970]), (0.966, [0.965, 0.969])]
    cells = row("dense", seeds)
    assert cells == ["dense", "2", "96.80 ± 0.28 %", "97.20 %", "97.50 %", "0.70 points"]


def test_of_every_epoch_the_weights_are_kept_with_which_it_would_answer() -> None:
    store = EveryEpoch()
    store.save(TrainingState(epoch=1, weights=[np.zeros(1)]))
    store.save(TrainingState(epoch=2, weights=[np.zeros(1)], average=[np.ones(1)]))
    assert [float(weights[0][0]) for weights in store.epochs] == [0, 1]


def test_a_goal_is_reached_by_the_shortest_training_whose_mean_is_no_lower() -> None:
    short_ones = [Trained(0.989, 5.0, 2.0), Trained(0.992, 7.0, 3.0)]
    lines = tables({1: short_ones, 2: [Trained(0.9935, 9.0, 5.0)]})
    assert lines[2] == "| 1 | 2 | 99.05 ± 0.21 % | 6.0 ± 1.4 s | 2.5 s |"
    assert lines[-3:] == ["| 99.0 % | 6.0 |", "| 99.2 % | 9.0 |", "| 99.4 % | not reached |"]
