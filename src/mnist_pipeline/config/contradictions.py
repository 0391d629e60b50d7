"""Settings that are each right and contradict each other."""

from collections.abc import Iterator, Sequence

from mnist_pipeline.config.ensembles import EnsembleModel, together
from mnist_pipeline.config.schema import CnnModel, Config
from mnist_pipeline.numerals import DIGITS, fault_of


def contradictions(config: Config) -> Iterator[str]:
    """Every contradiction in a config whose single values are all right; each names all settings it comes from."""
    for check in (_classes, _validation, _output, _learning_rate, _family, _portable, _tune, _ensemble):
        yield from check(config)


def _classes(config: Config) -> Iterator[str]:
    """Names that cannot be told apart or written, and what is for digits alone."""
    names = config.data.classes
    if names and (fault := fault_of(names)):
        yield f"data.classes: {fault}"
    elif names and names != DIGITS and config.data.rendering:
        yield "data.rendering: draws digits, and data.classes names other classes: set data.rendering to null"


def _validation(config: Config) -> Iterator[str]:
    """Settings that need validation images, where there are none."""
    if config.data.validation:
        return
    training, rendering = config.training, config.data.rendering
    monitors = {
        "training.early_stopping.monitor": training.early_stopping and training.early_stopping.monitor,
        "training.plateau.monitor": training.plateau and training.plateau.monitor,
        "training.keep_best": training.keep_best,
    }
    needs = "needs validation images, and data.validation is 0: set data.validation=0.1, or"
    for setting, monitor in monitors.items():
        if monitor and monitor.startswith("val_"):
            yield f"{setting}: {monitor} {needs} watch {monitor.removeprefix('val_')}"
    if training.calibrate:
        yield f"training.calibrate: {needs} use false"
    if rendering and rendering.negatives:
        yield f"data.rendering.negatives: {needs} use 0: when to refuse is chosen on them"


def _output(config: Config) -> Iterator[str]:
    """Settings that need another activation of the last layer, or another loss."""
    training, output, rendering = config.training, config.model.output, config.data.rendering
    if config.views > 1 and output != "softmax":
        yield f"model.views: the mean of {config.views} needs model.output: softmax, not {output}: use 1"
    if training.loss == "binary" and output != "sigmoid":
        yield f"training.loss: binary needs model.output: sigmoid, not {output}: set that, or use sparse or onehot"
    if training.calibrate and output != "softmax":
        yield "training.calibrate: is for model.output: softmax: use false"
    if training.loss == "onehot" and output == "softmax":
        return
    # A training image gets a share of several classes.
    wanted = "which one-hot targets and a softmax can: set training.loss=onehot and model.output=softmax, or this to 0"
    if training.label_smoothing:
        yield f"training.label_smoothing: spreads targets over classes, {wanted}"
    if rendering and rendering.negatives:
        yield f"data.rendering.negatives: have every class as their target, {wanted}"


def _learning_rate(config: Config) -> Iterator[str]:
    stopping, plateau = config.training.early_stopping, config.training.plateau
    if stopping and plateau and plateau.patience >= stopping.patience:
        less = f"{plateau.patience} is not below training.early_stopping.patience ({stopping.patience})"
        yield f"training.plateau.patience: {less}, so training would stop first: use less, or more there"
    optimizer = config.training.optimizer
    for setting in ("beta_1", "beta_2"):
        if getattr(optimizer, setting) is not None and not optimizer.name.startswith("adam"):
            yield f"training.optimizer.{setting}: is for adam and adamw, not {optimizer.name}: set it to null"
    if config.training.schedule and plateau:
        yield "training.schedule: and training.plateau both set the learning rate: set one of them to null"


def _family(config: Config) -> Iterator[str]:
    """Settings that are not for this kind of network."""
    if isinstance(config.model, CnnModel):
        yield from _blocks(config.model)
    elif config.training.precision == "bfloat16":
        yield "training.precision: bfloat16 is for model.family: cnn (others only get slower): use float32"


def _blocks(model: CnnModel) -> Iterator[str]:
    """Convolution blocks that do not fit together."""
    side = 28
    for number, block in enumerate(model.convolutions):
        side = -(-side // block.stride) // block.pool
        where = f"model.convolutions[{number}].residual: leads around {block.residual} blocks"
        if block.residual > number + 1:
            yield f"{where}, and there are {number + 1} up to this one: use less"
        elif any(within.pool > 1 for within in model.convolutions[number + 1 - block.residual : number]):
            yield f"{where}, and one before the last of them pools: pool in the last, or use a stride"
    if not side:
        yield "model.convolutions: the pools leave nothing of the 28 pixels: pool less"


def _portable(config: Config) -> Iterator[str]:
    """Settings whose bits depend on the processor or the system."""
    training = config.training
    if training.numerics != "portable":
        return
    refused = "is not for training.numerics: portable"
    if training.precision == "bfloat16":
        why = "some processors multiply it, others emulate that"
        yield f"training.precision: bfloat16 {refused} ({why}): use float32, or numerics: fast"
    if isinstance(config.model, CnnModel) and any(block.separable for block in config.model.convolutions):
        why = "a library, which filters each feature, sums in another order on other processors"
        yield f"model.convolutions: a separable one {refused} ({why}): use false, or numerics: fast"
    if training.calibrate:
        why = "the finished network's scores, from which its factor comes, differ between processors"
        yield f"training.calibrate: {refused} ({why}): use false, or numerics: fast"
    if config.data.rendering:
        why = "OpenCV, which draws, rounds differently on other processors"
        yield f"data.rendering: {refused} ({why}): use null, or numerics: fast"


def _tune(config: Config) -> Iterator[str]:
    """What cannot be looked for."""
    if config.tune is None:
        return
    if not config.data.validation and "data.validation" not in config.tune.search:
        yield "tune: compares trials by validation images, and data.validation is 0: set data.validation=0.1"
    for key, search in config.tune.search.items():
        where, ends = f"tune.search.{key}", (search.low, search.high)
        if (search.choices is None) == (ends == (None, None)) or (search.choices is None and None in ends):
            yield f"{where}: must have either low and high, or choices"
        elif search.low is not None and search.high is not None and search.low >= search.high:
            yield f"{where}: low ({search.low}) must be below high ({search.high})"
        elif search.log and (search.choices or (search.low or 0) <= 0):
            yield f"{where}: log is for a range whose low is above 0"
        elif key.split(".")[0] not in ("data", "model", "training"):
            yield f"{where}: is no setting of data, model or training"


def _ensemble(config: Config) -> Iterator[str]:
    """What an ensemble cannot have, and members that cannot answer together."""
    if not isinstance(config.model, EnsembleModel):
        return
    if config.tune:
        yield "tune: is not for model.family: ensemble: set it to null"
    derived = together(config.model.members)
    given = config.training.model_dump(exclude_defaults=True)
    for key in sorted({*derived, *given}):
        if given.get(key, derived.get(key)) != derived.get(key):
            yield f"training.{key}: is each member's own where model.family is ensemble: leave it out"


def of_members(config: Config, members: Sequence[Config]) -> Iterator[str]:
    """Members of an ensemble that cannot answer together, though each is right by itself."""
    names = [member.name for member in members]
    for number, member in enumerate(members):
        where = f"model.members[{number}]"
        if isinstance(member.model, EnsembleModel):
            yield f"{where}: {member.name} is an ensemble itself: name its members"
        if member.name in names[:number]:
            yield f"{where}: {member.name} is there twice: name it once"
        for key in ("source", "classes", "transposed"):
            if getattr(member.data, key) != getattr(config.data, key):
                yield f"{where}.data.{key}: is another than data.{key}: members answer for the same images and classes"
