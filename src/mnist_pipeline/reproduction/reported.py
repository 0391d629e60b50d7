"""Numbers that others report about a model like ours, from configs/reported.yaml.

The file is as typed and strict as a recipe, but is none: `mnist config list` does not show it.
"""

import json
import re
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.data_schema import Settings
from mnist_pipeline.config.recipes import configs_folder
from mnist_pipeline.config.schema import Name
from mnist_pipeline.errors import ConfigError, meant

Metric = Literal["test_accuracy", "test_loss", "worst_class", "train_accuracy", "train_loss", "train_seconds"]
Kind = Literal["exact", "about", "over"]  # given in full, rounded, or as a lower bound
_SHORT = {"accuracy": "test_accuracy", "loss": "test_loss"}
_SHARES = ("test_accuracy", "worst_class", "train_accuracy")  # which are reported in percent
_CLAIM = re.compile(r"\s*(\w+)\s*[:=]\s*([0-9.]+)\s*(%?)\s*")


class ReportedNumber(Settings):
    """One number that somebody reports."""

    source: Annotated[str, Field(min_length=1, max_length=40)]
    recipe: Name | None  # the config that reproduces it, or stands beside it; null where none does
    metric: Metric
    value: Annotated[float, Field(gt=0)]
    kind: Kind = "exact"
    sd: Annotated[float, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=2)] | None = None  # of runs, where the value is their mean
    claim: bool  # whether this project claims to reproduce it
    implausible: str = ""  # why the number cannot be right
    note: str = ""
    # Of the field's claims:
    chosen: Literal["honest", "on the test set", "not said"] | None = None  # how, as far as its own text or code says
    link: str = ""
    parameters: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None  # of one training

    @model_validator(mode="after")
    def _claimable(self) -> "ReportedNumber":
        if self.claim and (self.implausible or self.recipe is None):
            raise ValueError("a number that is implausible or that no recipe reproduces cannot be claimed")
        return self


class _File(Settings):
    reports: tuple[ReportedNumber, ...]


def load_reported() -> tuple[ReportedNumber, ...]:
    """Every reported number, in the order of the file."""
    return _File.model_validate_json(json.dumps(yaml_text.read(configs_folder() / "reported.yaml"))).reports


def parse_claim(text: str, kind: Kind, recipe: str) -> ReportedNumber:
    """A claim about a recipe, such as accuracy=99.2 or `worst_class: 98 %`; above 1 a share is in percent."""
    found = _CLAIM.fullmatch(text)
    metric = _SHORT.get(found[1], found[1]) if found else ""
    if found is None or metric not in get_args(Metric):
        known = [*_SHORT, *get_args(Metric)]
        hint = meant(found[1], known) if found else ""
        raise ConfigError(
            f"--claim {text}: {hint}write it as figure=number, like accuracy=99.2; figures are {', '.join(known)}"
        )
    try:
        value = float(found[2])
        percent = metric in _SHARES and (found[3] or value > 1)
        number = {"metric": metric, "value": value / 100 if percent else value, "kind": kind}
        claimed = ReportedNumber.model_validate({"source": "claim", "recipe": recipe, "claim": True} | number)
    except (ValidationError, ValueError):
        raise ConfigError(f"--claim {text}: {found[2]} is no number that can be reached") from None
    if metric in _SHARES and claimed.value > 1:
        raise ConfigError(f"--claim {text}: more than 100 % cannot be right")
    return claimed
