"""Settings that are each right and together are not."""

from mnist_pipeline.config.schema import CnnModel, Config
from mnist_pipeline.config.wording import Complaint, Place

_VALIDATION: Place = ("data", "validation")


def contradictions(config: Config) -> list[Complaint]:
    """Every contradiction in a config whose single values all stand."""
    return [
        *_pools(config),
        *_monitors_without_validation(config),
        *_patience(config),
        *_loss(config),
        *_soft_targets(config),
        *_schedule(config),
        *_calibration(config),
        *_numerics(config),
    ]


def _pools(config: Config) -> list[Complaint]:
    side = 28
    for block in config.model.convolutions if isinstance(config.model, CnnModel) else ():
        side //= block.pool
    if side:
        return []
    return [Complaint(("model", "convolutions"), "the pools leave nothing of the 28 pixels: pool less")]


def _monitors_without_validation(config: Config) -> list[Complaint]:
    if config.data.validation > 0:
        return []
    training = config.training
    stopping, plateau = training.early_stopping, training.plateau
    monitors: dict[Place, str | None] = {
        ("training", "early_stopping", "monitor"): stopping.monitor if stopping else None,
        ("training", "plateau", "monitor"): plateau.monitor if plateau else None,
        ("training", "keep_best"): training.keep_best,
    }
    return [
        Complaint(
            place,
            f"{monitor} needs validation images, and data.validation is 0: set data.validation=0.1, or watch "
            f"{monitor.removeprefix('val_')}",
            (_VALIDATION,),
        )
        for place, monitor in monitors.items()
        if monitor and monitor.startswith("val_")
    ]


def _patience(config: Config) -> list[Complaint]:
    stopping, plateau = config.training.early_stopping, config.training.plateau
    if not stopping or not plateau or plateau.patience < stopping.patience:
        return []
    return [
        Complaint(
            ("training", "plateau", "patience"),
            f"{plateau.patience} is not below training.early_stopping.patience ({stopping.patience}), so the "
            f"rate would never be lowered before training stops: use less, or let stopping wait longer",
            (("training", "early_stopping", "patience"),),
        )
    ]


def _loss(config: Config) -> list[Complaint]:
    if config.training.loss != "binary" or config.model.output == "sigmoid":
        return []
    return [
        Complaint(
            ("training", "loss"),
            f"binary judges each class by itself and needs model.output: sigmoid, not {config.model.output}: "
            f"set that, or use sparse or onehot",
            (("model", "output"),),
        )
    ]


def _soft_targets(config: Config) -> list[Complaint]:
    """What gives a training image a share of several classes."""
    training, rendering = config.training, config.data.rendering
    asking: list[tuple[Place, str]] = []
    if training.label_smoothing:
        asking.append((("training", "label_smoothing"), "spreads targets over classes"))
    if rendering and rendering.negatives:
        asking.append((("data", "rendering", "negatives"), "have every class as their target"))
    if training.loss == "onehot" and config.model.output == "softmax":
        return []
    because: tuple[Place, ...] = (("training", "loss"), ("model", "output"))
    wanted = "set training.loss=onehot and model.output=softmax, or this to 0"
    return [
        Complaint(place, f"{what}, which one-hot targets and a softmax can: {wanted}", because)
        for place, what in asking
    ]


def _schedule(config: Config) -> list[Complaint]:
    training = config.training
    found = []
    if training.schedule and training.plateau:
        found.append(
            Complaint(
                ("training", "schedule"),
                "and training.plateau both set the learning rate: choose one, and set the other to null",
                (("training", "plateau"),),
            )
        )
    if training.averaging and config.model.family != "cnn":
        found.append(Complaint(("training", "averaging"), "is for cnn models: set it to null"))
    return found


def _calibration(config: Config) -> list[Complaint]:
    """What is found on validation images after training."""
    rendering = config.data.rendering
    found = []
    if config.training.calibrate and config.model.output != "softmax":
        found.append(Complaint(("training", "calibrate"), "is for softmax outputs: use false", (("model", "output"),)))
    if config.data.validation == 0:
        wanted = "needs validation images, and data.validation is 0: set data.validation=0.1, or"
        if config.training.calibrate:
            found.append(Complaint(("training", "calibrate"), f"{wanted} use false", (_VALIDATION,)))
        if rendering and rendering.negatives:
            place: Place = ("data", "rendering", "negatives")
            found.append(Complaint(place, f"{wanted} use 0: when to refuse is chosen on them", (_VALIDATION,)))
    return found


def _numerics(config: Config) -> list[Complaint]:
    training, family = config.training, config.model.family
    found = []
    if training.numerics == "portable" and family != "dense":
        reason = "the library's convolutions choose their order of summing by processor: use fast"
        found.append(Complaint(("training", "numerics"), f"portable holds for dense models only; {reason}"))
    if training.numerics == "portable" and training.optimizer.name == "adamw":
        reason = "its bias correction has no portable form here: use adam, rmsprop or sgd"
        found.append(Complaint(("training", "optimizer", "name"), f"adamw is not for portable numerics; {reason}"))
    if training.numerics == "portable" and training.augmentation:
        reason = "its sines come from the system's library: use fast, or augmentation: null"
        found.append(Complaint(("training", "augmentation"), f"is not for portable numerics; {reason}"))
    if training.numerics == "portable" and training.schedule:
        found.append(Complaint(("training", "schedule"), "is not for portable numerics: use fast, or schedule: null"))
    if training.precision == "bfloat16" and family != "cnn":
        reason = "a dense model here would only get slower: use float32"
        found.append(Complaint(("training", "precision"), f"bfloat16 is for cnn models; {reason}"))
    return found
