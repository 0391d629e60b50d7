"""The story of a run: load, build, fit, save, evaluate, report, export.

From a config to a run folder; each chapter stands in a file of its own:

    load      data/loading.py          images and labels, some of them kept apart to validate
    build     training/models.py       the network that the config describes
    fit       training/fit.py          the epochs, with checkpoints to go on from
    save      training/train.py        model, numbers and history into the run folder
    evaluate  evaluation/evaluate.py   the test images, once: figures and plots
    report    evaluation/page.py       one page about the run
    export    exports/export.py        forms that leave the framework, each proven
    bench     exports/bench.py         what each form costs

Whatever can be refused is refused here, in milliseconds; TensorFlow and matplotlib load once a chapter begins.
"""

import shlex
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.forms import FORMS, NO_MEANS, files_of, left_out, select_forms, unchanged
from mnist_pipeline.packages import install, missing, need
from mnist_pipeline.prediction.shipping import SHIPPED, ShippedRun, run_called
from mnist_pipeline.runs.files import whole
from mnist_pipeline.runs.opening import begin, claimed, open_run, opened, same_recipe
from mnist_pipeline.runs.provenance import environment
from mnist_pipeline.runs.results import Benched, Corrupted, Evaluated, Exported, Trained
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import Watcher, printing
from mnist_pipeline.training.xla_flags import set_flags

if TYPE_CHECKING:
    from mnist_pipeline.training.material import Material


def train(
    config: Config | str | Path,
    *,
    force: bool = False,
    one_of_many: bool = False,
    progress: bool = True,
    watcher: Watcher | None = None,
) -> Trained:
    """Load, build, fit and save the config's run, or go on with it; gives the numbers of the training.

    A run that is trained already is left as it is, unless `force` trains it again. A line for each epoch is printed on
    stderr, unless `progress` is False or a watcher of the caller's is told instead. `one_of_many`, such as a seed of a
    sweep, never becomes the run that is used by default.
    """
    config = config if isinstance(config, Config) else load_config(config)
    watcher = watcher or (printing(config.training.epochs) if progress else Watcher())
    if config.name == SHIPPED:
        raise RunError(f"{SHIPPED} is the model that comes with the package: choose another --name")
    if config.members:
        made_of = [open_run(artifacts() / member.name) for member in config.members]
        return _join(config, made_of, watcher, force=force, one_of_many=one_of_many)
    run = Run(artifacts() / config.name)
    # Whatever can refuse is asked before a folder is taken, or a trained run taken away.
    material = None if run.state == "trained" and not force else _load(config, watcher)
    with claimed(config.name):
        if run.state == "trained" and not force:
            same_recipe(run, config)
            found = Trained.of(run)
            watcher.note(f"{run.path} is trained with this config already; nothing done (--force trains it again)")
            return found
        material = material or _load(config, watcher)
        config = config.called(material.images.classes)
        tempfile.gettempdir()  # Keras saves through it: refused now, not after the last epoch, where there is none
        set_flags(config.training.numerics)
        made_with = environment(config.training.threads) | material.digests()
        begin(config, made_with, force=force, one_of_many=one_of_many)
        for change in run.environment().get("changed", []):
            watcher.note(f"changed since this training began: {change}")
        from mnist_pipeline.training.train import train_run

        train_run(run, config, material, watcher)
    return Trained.of(run)


def ensemble(
    runs: Iterable[str | Path | Run], name: str = "ensemble", *, force: bool = False, watcher: Watcher | None = None
) -> Trained:
    """Join trained runs to one whose answer is the mean of their probabilities; gives its numbers."""
    need("an ensemble", "tensorflow")
    from mnist_pipeline.training.members import ensemble_of, opened_members

    members = opened_members(runs)
    return _join(ensemble_of(members, name), members, watcher or Watcher(), force=force)


def _join(
    config: Config, members: list[Run], watcher: Watcher, *, force: bool = False, one_of_many: bool = False
) -> Trained:
    """Write the run of an ensemble, unless it is there; refused where a member is not what its config says."""
    from mnist_pipeline.training.members import digests, require_members

    need("an ensemble", "tensorflow")
    require_members(config, members)
    run = Run(artifacts() / config.name)
    with claimed(config.name):
        if run.state == "trained" and not force:
            same_recipe(run, config)
            if run.figures("train").get("members") != digests(members):
                raise RunError(f"{run.path}: its members have been trained anew since: replace it with --force")
            watcher.note(f"{run.path} is made of these runs already; nothing done (--force makes it again)")
            return Trained.of(run)
        made_with = environment(config.training.threads) | {"data_sha256": members[0].figures("train")["data_sha256"]}
        command = shlex.join(["mnist", "ensemble", *(str(member.path) for member in members), "--name", config.name])
        begin(config, made_with, force=force, one_of_many=one_of_many, command=command)
        from mnist_pipeline.training.joining import join_runs

        join_runs(run, config, members)
    return Trained.of(run)


def _load(config: Config, watcher: Watcher) -> "Material":
    """What the training is made of."""
    from mnist_pipeline.training.material import gather

    need("training", "tensorflow")
    return gather(config, watcher.note)


def evaluate(where: str | Path | Run | None = None, *, pictures: bool = True) -> Evaluated:
    """Evaluate a trained run, by default the last one, or the shipped model on the test images; gives the numbers."""
    if where == SHIPPED:
        from mnist_pipeline.evaluation.metrics import evaluate_file

        return replace(evaluate_file(ShippedRun().onnx_file, None)[0], model=SHIPPED)
    need("evaluating a run", "tensorflow")
    with opened(where) as run:
        from mnist_pipeline.evaluation.evaluate import evaluate_run

        evaluate_run(run, pictures)
        return Evaluated.of(run)


def corruptions(where: str | Path | Run | None = None) -> Corrupted:
    """Read the test images corrupted in fifteen ways, with a trained run or the shipped model; gives the figures."""
    need("measuring corruptions", "matplotlib")
    from mnist_pipeline.evaluation.robustness import corrupt_run

    if where == SHIPPED:
        return corrupt_run(ShippedRun())
    with opened(where) as run:
        return corrupt_run(run)


def report(where: str | Path | Run | None = None) -> Path:
    """Write the page of an evaluated run, by default the last one, or of the shipped model; gives its path."""
    need("a report", "jinja2", "matplotlib")
    if where == SHIPPED:
        from mnist_pipeline.evaluation.page import write_shipped_page

        return write_shipped_page()
    with opened(where) as run:
        from mnist_pipeline.evaluation.page import write_page

        return write_page(run)


def export(
    where: str | Path | Run | None = None,
    forms: Iterable[str] = ("all",),
    *,
    with_scaling: bool = False,
    watcher: Watcher | None = None,
) -> Exported:
    """Write a trained run, by default the last one, in forms that leave the framework, each proven; gives the card.

    `all` are the forms that can be made here, and the watcher is told of the others.
    """
    watcher, names = watcher or Watcher(), set(forms)
    wanted = select_forms(names, with_scaling)
    if where == SHIPPED and FORMS["onnx"] in wanted and missing(["tensorflow"]):
        return _export_as_it_is(ShippedRun(), watcher)
    need("exporting", "tensorflow")
    for line in left_out() if "all" in names else ():
        watcher.note(f"left out: {line}")
    with opened(run_called(where)) as run:
        from mnist_pipeline.exports.export import export_run

        if run.config().averages and "all" in names:
            apart = [form for form in wanted if not form.of_means and form.name not in names]
            wanted = [form for form in wanted if form not in apart]
            for form in apart:
                watcher.note(f"left out: {form.name}: {NO_MEANS}")
        if isinstance(run, ShippedRun):
            run.write_refusal()
        export_run(run, wanted, watcher)
        return Exported(run=run.path, card=run.export_card())


def _export_as_it_is(run: ShippedRun, watcher: Watcher) -> Exported:
    """Copy the shipped model's ONNX file, of which other forms are made only with TensorFlow."""
    watcher.note(f"left out: all but onnx, which take tensorflow: {install(['tensorflow'])}")
    run.write_refusal()
    with whole(run.exports / "model.onnx") as copy:
        copy.write_bytes(run.onnx_file.read_bytes())
    files = files_of([run.exports / "model.onnx"])
    return Exported(run=run.path, card={"name": run.name, "forms": {"onnx": {"files": files}}})


def bench(where: str | Path | Run | None = None, *, watcher: Watcher | None = None) -> Benched:
    """Measure every form of a trained run, by default the last one; those not exported yet are exported first."""
    watcher = watcher or Watcher()
    need("measuring a run", "tensorflow")
    run = run_called(where)
    from mnist_pipeline.exports.bench import measure_run

    there = unchanged(run.export_card().get("forms", {}), run.exports)
    wanted = [name for name, form in FORMS.items() if form.measured and name not in there and not missing(form.takes)]
    if wanted:
        export(run, wanted, watcher=watcher)
    return Benched(run=run.path, name=run.name, **measure_run(run, watcher))
