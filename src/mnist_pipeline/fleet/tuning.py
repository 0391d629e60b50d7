"""Looks for the settings of a config that validate best: Optuna proposes, each trial trains in the fleet.

A trial that is worse than most were at the same epoch is stopped there. Its score is a figure of the validation images;
the test images are read by no trial.
"""

import json
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import check, shown
from mnist_pipeline.config.outcome_schema import Search, Tune
from mnist_pipeline.config.recipes import override
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError, MnistError
from mnist_pipeline.fleet.engine import Engine, Event, LocalEngine, Task, run_all
from mnist_pipeline.fleet.pool import task_of, workers_for
from mnist_pipeline.packages import need
from mnist_pipeline.runs.files import write_csv, write_text
from mnist_pipeline.runs.opening import differences
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher, Note

_RECIPE, _FAILURE = "recipe", "failure"  # what a study and a failed trial say of themselves
_RANDOM = 10  # trials drawn at random before Optuna models the scores
_UNPRUNED_EPOCHS = 2  # of a trial is the first that may be its last
_ASKED = 4  # times, a second apart, for a study
_UNPRUNED = 5  # trials that are trained to the end before any is compared with them


class Found(NamedTuple):
    """What a study has found so far."""

    study: str
    score: str
    trials: dict[str, int]  # how many ended complete, pruned and failed
    number: int  # of the best trial
    best: float
    settings: dict[str, Any]  # of the best trial
    importance: dict[str, float]
    config: Path  # the best trial's, complete


def tuned_part(config: Config) -> Tune:
    """What the config says to look for, once every end of every range has proved to be a setting that it can have."""
    if config.tune is None:
        raise ConfigError(f"{config.name}: has no `tune` block, which says what to look for: docs/fleet.md shows one")
    for key, search in config.tune.search.items():
        for value in search.choices or (search.low, search.high):
            _with(config, config.name, {key: value}, alone=True)
    return config.tune


def tune(
    config: Config, trials: int, *, storage: str | None, name: str | None, engine: Engine | None,
    watcher: FleetWatcher, note: Note,
) -> Found:  # fmt: skip
    """Try settings until the study has so many trials, then write the best config and what is known of all trials.

    The study is kept in the storage: the same call goes on with it, and several may work on it at the same time.
    """
    need("tuning", "optuna", "tensorflow")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")  # of its features that may still change
        study = _Study(config, tuned_part(config), trials, _opened(config, storage, name), watcher, note)
        with TemporaryDirectory(prefix="mnist-") as around:
            study.run(engine or LocalEngine(workers_for([config])), Path(around))
        return study.found()


def _opened(config: Config, storage: str | None, name: str | None) -> Any:
    """The study, begun or gone on with; one that was begun with another recipe is refused."""
    import optuna

    assert config.tune
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = name or config.name
    journal = Path(storage) if storage else artifacts() / "tune" / name / "journal.log"
    try:
        if not storage or "://" not in storage:
            journal.parent.mkdir(parents=True, exist_ok=True)
        study = _begun(storage, journal, name, config.tune.score)
    except Exception as error:  # of whichever database it is
        raise MnistError(f"{storage or journal}: cannot be used ({str(error).partition(chr(10))[0]})") from None
    recipe = config.recipe() | {"tune": config.tune.model_dump(mode="json")}
    if changes := differences(study.user_attrs.get(_RECIPE, recipe), recipe):
        lines = "\n  ".join(changes)
        raise MnistError(f"{name}: is a study of another config:\n  {lines}\nChoose another --study-name")
    study.set_user_attr(_RECIPE, recipe)
    return study


def _begun(storage: str | None, journal: Path, name: str, score: str) -> Any:
    """Optuna's study; where several commands make a new database's tables at once, all but one fail and ask again."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    way = "maximize" if score.endswith("accuracy") else "minimize"
    for left in reversed(range(_ASKED)):
        try:
            return optuna.create_study(
                storage=storage if storage and "://" in storage else JournalStorage(JournalFileBackend(str(journal))),
                study_name=name, load_if_exists=True, direction=way,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED, n_warmup_steps=_UNPRUNED_EPOCHS),
            )  # fmt: skip
        except Exception as error:
            # SQLAlchemy's, by name, since it comes with Optuna alone.
            if not left or type(error).__name__ not in ("IntegrityError", "ProgrammingError"):
                raise
            time.sleep(1)
    raise AssertionError


def _with(config: Config, name: str, settings: dict[str, Any], *, alone: bool = False) -> Config:
    """The config with other settings, to be trained by itself; a wrong one is blamed on the tune block."""
    tree = config.tree() | {"name": name, "tune": None, "expected": None}
    places = {key: f"tune.search {key}" for key in settings}
    for key, value in settings.items():
        override(tree, key, value, places[key])
    try:
        return check(tree, config.name, places)
    except ConfigError as error:
        if alone and not any(key in str(error) for key in settings):
            return config  # it contradicts a setting that is looked for as well
        raise


class _Study:
    """A study at work: what it asks for becomes tasks, and what these tell goes back to it."""

    def __init__(self, config: Config, tune: Tune, trials: int, study: Any, watcher: FleetWatcher, note: Note) -> None:
        from optuna.trial import TrialState

        self._config, self._tune, self._most, self._study = config, tune, trials, study
        self._watcher, self._note, self._states = watcher, note, TrialState
        self._running: dict[str, Any] = {}  # trials by the names of their tasks

    def run(self, engine: Engine, around: Path) -> None:
        """Ask and tell until there are as many trials as wanted; those that are interrupted are asked for again."""
        self._watcher.begin(self._done(), self._most)
        try:
            again = lambda event: self._watcher.again(event.task.name, event.failure or "")  # noqa: E731
            run_all(self._tasks(around), engine, partial(self._hear, engine, around), again)
        finally:
            for trial in self._running.values():
                self._study.tell(trial, state=self._states.FAIL)
                self._study.enqueue_trial(trial.params)

    def _ended(self) -> list[Any]:
        """The trials that are over, but for those that were interrupted."""
        trials = self._study.get_trials(deepcopy=False)
        return [
            trial for trial in trials
            if trial.state in (self._states.COMPLETE, self._states.PRUNED) or _FAILURE in trial.user_attrs
        ]  # fmt: skip

    def _done(self) -> int:
        return len(self._ended())

    def _tasks(self, around: Path) -> Iterator[Task]:
        from optuna.samplers import TPESampler

        while self._done() + len(self._running) < self._most:
            # A trial's settings follow from the seed and the trials before it, also after an interruption.
            seed = (self._config.training.seed * 1_000_003 + len(self._study.get_trials(deepcopy=False))) % 2**32
            self._study.sampler = TPESampler(n_startup_trials=_RANDOM, seed=seed)
            trial = self._study.ask()
            name = f"{self._config.name}-trial{trial.number}"
            settings = {key: _asked(trial, key, search) for key, search in self._tune.search.items()}
            try:
                config = _with(self._config, name, settings)
            except ConfigError as error:  # settings that contradict each other
                self._fail(trial, name, str(error).splitlines()[-1].strip())
                continue
            self._running[name] = trial
            yield task_of(config, around, test=False)

    def _fail(self, trial: Any, name: str, failure: str) -> None:
        trial.set_user_attr(_FAILURE, failure)
        self._study.tell(trial, state=self._states.FAIL)
        self._watcher.end(name, failure)

    def _hear(self, engine: Engine, around: Path, event: Event) -> None:
        name = event.task.name
        trial = self._running[name]
        if not event.ended:
            self._watcher.share(name, float(event.told["share"]))
            self._report(trial, name, event, engine)
            return
        del self._running[name]
        if "pruned" in trial.user_attrs:
            self._study.tell(trial, state=self._states.PRUNED)
        elif event.failure:
            self._fail(trial, name, event.failure)
            return
        else:
            score = float(Run(around / name).figures("train")[self._tune.score])
            self._study.tell(trial, score)
            if self._study.best_trial.number == trial.number:
                self._note(f"{name}: {self._tune.score} {score:.4f}, the best so far")
        self._watcher.end(name, None)

    def _report(self, trial: Any, name: str, event: Event, engine: Engine) -> None:
        """Pass on an epoch's score; a trial that is worse than most were then is stopped."""
        if "figures" not in event.told or "pruned" in trial.user_attrs:
            return
        trial.report(event.told["figures"][self._tune.score], int(event.told["epoch"]))
        if trial.should_prune():
            trial.set_user_attr("pruned", True)
            self._note(f"{name}: stopped after epoch {event.told['epoch']}, worse than most were there")
            engine.stop(name)

    def found(self) -> Found:
        """Write the best config, trials.csv and the plots; gives what was found."""
        trials, name = self._study.get_trials(deepcopy=False), self._study.study_name
        if not any(trial.state == self._states.COMPLETE for trial in trials):
            raise MnistError(f"{name}: no trial was trained to the end" + _why(trials))
        best, folder = self._study.best_trial, artifacts() / "tune" / name
        settings = {key: _value(value, self._tune.search[key]) for key, value in best.params.items()}
        config, path = _with(self._config, f"{self._config.name}-tuned", settings), folder / "best.yaml"
        said = f"trial {best.number} of study {name}: {self._tune.score} {best.value:.4f}, n = {self._done()}"
        write_text(path, f"# {said}\n{yaml_text.write(config.tree())}")
        write_csv(folder / "trials.csv", _rows(trials, self._tune))
        importance = self._importance()
        self._draw(trials, importance, folder, said)
        states = [trial.state for trial in self._ended()]
        counts = {state.name.lower(): states.count(state) for state in (self._states.COMPLETE, self._states.PRUNED)}
        counts["failed"] = len(states) - sum(counts.values())
        return Found(name, self._tune.score, counts, best.number, float(best.value), settings, importance, path)

    def _importance(self) -> dict[str, float]:
        """The share of each setting, by PED-ANOVA, which takes no further package; empty below three scores."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        scored = {trial.value for trial in self._study.get_trials(deepcopy=False, states=(self._states.COMPLETE,))}
        if len(scored) < 3:
            return {}
        found = get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())
        return {key: float(share) for key, share in found.items()}

    def _draw(self, trials: list[Any], importance: dict[str, float], folder: Path, said: str) -> None:
        from mnist_pipeline.evaluation.plots import tuning

        scores = [trial.value if trial.state == self._states.COMPLETE else None for trial in trials]
        tuning.history(scores, folder / "history.png", said, rising=self._tune.score.endswith("accuracy"))
        if importance:
            tuning.importance(importance, folder / "importance.png", said)


def _why(trials: list[Any]) -> str:
    """The last failure, to stand behind a sentence."""
    failures = [trial.user_attrs[_FAILURE] for trial in trials if _FAILURE in trial.user_attrs]
    return f" ({failures[-1]})" if failures else ""


def _asked(trial: Any, key: str, search: Search) -> Any:
    """The value that Optuna proposes for a setting; lists go to it as JSON, because it knows only plain values."""
    if search.choices:
        return json.loads(trial.suggest_categorical(key, [json.dumps(choice) for choice in search.choices]))
    whole = isinstance(search.low, int) and isinstance(search.high, int)
    return (trial.suggest_int if whole else trial.suggest_float)(key, search.low, search.high, log=search.log)


def _value(proposed: Any, search: Search) -> Any:
    return json.loads(proposed) if search.choices else proposed


def _rows(trials: list[Any], tune: Tune) -> Iterator[list[Any]]:
    yield ["trial", "state", tune.score, "epochs", *tune.search]
    for trial in trials:
        values = [
            shown(_value(trial.params[key], tune.search[key])) if key in trial.params else "" for key in tune.search
        ]
        epochs = max(trial.intermediate_values, default=0)
        yield [trial.number, trial.state.name.lower(), trial.value, epochs, *values]
