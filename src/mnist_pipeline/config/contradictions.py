"""Settings that are each right and together are not."""

from mnist_pipeline.config.complaint import Complaint, Place
from mnist_pipeline.config.schema import CnnModel, Config

_VALIDATION: Place = ("data", "validation")


def contradictions(config: Config) -> list[Complaint]:
    """Every contradiction in a config whose single values all stand."""
    return [
        *_pools(config),
        *_monitors_without_validation(config),
        *_patience(config),
        *_loss(config),
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
    if training.precision == "bfloat16" and family != "cnn":
        reason = "a dense model here would only get slower: use float32"
        found.append(Complaint(("training", "precision"), f"bfloat16 is for cnn models; {reason}"))
    return found
