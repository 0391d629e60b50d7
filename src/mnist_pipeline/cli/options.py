"""The options that several verbs share, described once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

ConfigOption = Annotated[
    str,
    typer.Option("--config", "-c", help="A config file, or the name of a shipped one (mnist config list)."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: --set training.epochs=3. May be repeated.", metavar="KEY=VALUE"),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Train with this seed; the run is then called <name>-seed<N>.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="Call the run so, instead of what the config says.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a run of the same name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(help="A run's name or folder; without it the run trained last.", show_default=False),
]
ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="An exported file, .onnx or .tflite, instead of a run.", show_default=False),
]
RuntimeOption = Annotated[
    Literal["opencv", "onnxruntime", "litert"] | None,
    typer.Option("--runtime", help="What computes a model file; by default OpenCV for .onnx, LiteRT for .tflite."),
]
