"""What an ensemble is in a config: the recipes of its members, and what of their trainings holds for all of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mnist_pipeline.config.data_schema import Settings


class EnsembleModel(Settings):
    """Several networks, each trained by itself: an answer is the mean of their probabilities."""

    family: Literal["ensemble"]
    """The kind of network."""
    members: Annotated[tuple[dict[str, Any], ...], Field(min_length=2, max_length=50)]
    """The name of each member's run and its whole recipe: data, model and training."""
    output: Literal["softmax"] = "softmax"
    """What the mean is of: probabilities, also of members that were trained with sigmoids."""


def together(members: Any) -> dict[str, Any]:
    """What holds for the training of all members of an ensemble; where something is wrong there, it is left out."""
    given = members if isinstance(members, list | tuple) else []
    found = [each["training"] for each in given if isinstance(each, dict) and isinstance(each.get("training"), dict)]
    counts = {key: [each[key] for each in found if type(each.get(key)) is int] for key in ("epochs", "threads")}
    return {
        "epochs": min(max(sum(counts["epochs"]), 1), 10_000),
        "threads": min(max([*counts["threads"], 1]), 256),
        "numerics": "portable" if found and all(each.get("numerics") == "portable" for each in found) else "fast",
        "loss": "onehot",
    }
