"""Settings that are each right and contradict each other."""

from collections.abc import Iterator

from mnist_pipeline.config.schema import CnnModel, Config
from mnist_pipeline.config.wording import Complaint


def contradictions(config: Config) -> list[Complaint]:
    """Every contradiction in a config whose single values are all right."""
    checks = (
        _pools, _monitors_without_validation, _patience, _loss, _soft_targets, _learning_rate, _calibration,
        _refusal, _numerics, _precision,
    )  # fmt: skip
    return [complaint for check in checks for complaint in check(config)]


def _about(setting: str, text: str, *because_of: str) -> Complaint:
    """A complaint about one setting, with the others that make it wrong, all dotted."""
    return Complaint(tuple(setting.split(".")), text, tuple(tuple(other.split(".")) for other in because_of))


def _pools(config: Config) -> Iterator[Complaint]:
    side = 28
    for block in config.model.convolutions if isinstance(config.model, CnnModel) else ():
        side //= block.pool
    if not side:
        yield _about("model.convolutions", "the pools leave nothing of the 28 pixels: pool less")


def _monitors_without_validation(config: Config) -> Iterator[Complaint]:
    stopping, plateau = config.training.early_stopping, config.training.plateau
    monitors = {
        "training.early_stopping.monitor": stopping.monitor if stopping else None,
        "training.plateau.monitor": plateau.monitor if plateau else None,
        "training.keep_best": config.training.keep_best,
    }
    for setting, monitor in monitors.items():
        if monitor and monitor.startswith("val_") and config.data.validation == 0:
            yield _about(
                setting,
                f"{monitor} needs validation images, and data.validation is 0: set data.validation=0.1, or watch "
                f"{monitor.removeprefix('val_')}",
                "data.validation",
            )


def _patience(config: Config) -> Iterator[Complaint]:
    stopping, plateau = config.training.early_stopping, config.training.plateau
    if stopping and plateau and plateau.patience >= stopping.patience:
        yield _about(
            "training.plateau.patience",
            f"{plateau.patience} is not below training.early_stopping.patience ({stopping.patience}), so the "
            f"rate would never be lowered before training stops: use less, or let stopping wait longer",
            "training.early_stopping.patience",
        )


def _loss(config: Config) -> Iterator[Complaint]:
    if config.training.loss == "binary" and config.model.output != "sigmoid":
        yield _about(
            "training.loss",
            f"binary judges each class by itself and needs model.output: sigmoid, not {config.model.output}: "
            f"set that, or use sparse or onehot",
            "model.output",
        )


def _soft_targets(config: Config) -> Iterator[Complaint]:
    """Settings that give a training image a share of several classes."""
    rendering = config.data.rendering
    if config.training.loss == "onehot" and config.model.output == "softmax":
        return
    wanted = "which one-hot targets and a softmax can: set training.loss=onehot and model.output=softmax, or this to 0"
    because = ("training.loss", "model.output")
    if config.training.label_smoothing:
        yield _about("training.label_smoothing", f"spreads targets over classes, {wanted}", *because)
    if rendering and rendering.negatives:
        yield _about("data.rendering.negatives", f"have every class as their target, {wanted}", *because)


def _learning_rate(config: Config) -> Iterator[Complaint]:
    training = config.training
    if training.schedule and training.plateau:
        text = "and training.plateau both set the learning rate: choose one, and set the other to null"
        yield _about("training.schedule", text, "training.plateau")
    if training.averaging and config.model.family != "cnn":
        yield _about("training.averaging", "is for cnn models: set it to null", "model.family")


_WITHOUT_VALIDATION = "needs validation images, and data.validation is 0: set data.validation=0.1, or"


def _calibration(config: Config) -> Iterator[Complaint]:
    if config.training.calibrate and config.model.output != "softmax":
        yield _about("training.calibrate", "is for softmax outputs: use false", "model.output")
    if config.training.calibrate and config.data.validation == 0:
        yield _about("training.calibrate", f"{_WITHOUT_VALIDATION} use false", "data.validation")


def _refusal(config: Config) -> Iterator[Complaint]:
    rendering = config.data.rendering
    if rendering and rendering.negatives and config.data.validation == 0:
        text = f"{_WITHOUT_VALIDATION} use 0: when to refuse is chosen on them"
        yield _about("data.rendering.negatives", text, "data.validation")


def _numerics(config: Config) -> Iterator[Complaint]:
    training = config.training
    if training.numerics != "portable":
        return
    if config.model.family != "dense":
        reason = "the library's convolutions choose their order of summing by processor: use fast"
        yield _about("training.numerics", f"portable holds for dense models only; {reason}", "model.family")
    if training.optimizer.name == "adamw":
        reason = "its bias correction has no portable form here: use adam, rmsprop or sgd"
        yield _about("training.optimizer.name", f"adamw is not for portable numerics; {reason}")
    if training.augmentation:
        reason = "its sines come from the system's library: use fast, or augmentation: null"
        yield _about("training.augmentation", f"is not for portable numerics; {reason}")
    if training.schedule:
        yield _about("training.schedule", "is not for portable numerics: use fast, or schedule: null")


def _precision(config: Config) -> Iterator[Complaint]:
    if config.training.precision == "bfloat16" and config.model.family != "cnn":
        reason = "a dense model here would only get slower: use float32"
        yield _about("training.precision", f"bfloat16 is for cnn models; {reason}", "model.family")
