"""mnist config: the shipped recipes, the schema of a config, and the differences between two."""

import re
from typing import Annotated

import typer

from mnist_pipeline.cli.console import Group, JsonOption, SetOption, answer, recipe_names, table

app = typer.Typer(cls=Group, name="config", no_args_is_help=True, help="Show, list and compare configs.")
ConfigArgument = Annotated[
    str, typer.Argument(help="A config file, or the name of a shipped recipe.", autocompletion=recipe_names)
]
# Leads an editor with a YAML language server to the schema, where it lies beside the config.
_FOR_EDITORS = "# yaml-language-server: $schema=mnist-config.schema.json"


@app.command("list", epilog="Example: mnist config list")
def list_(json: JsonOption = False) -> None:
    """List the recipes that come with the package."""
    from mnist_pipeline.config.recipes import load_config, shipped_configs

    configs = {name: load_config(path).description for name, path in shipped_configs().items()}
    listed = [{"name": name, "description": description} for name, description in configs.items()]
    answer({"configs": listed}, table(["name", "what it is"], map(list, configs.items())), json)


@app.command(epilog="Example: mnist config show dense > mine.yaml")
def show(config: ConfigArgument, settings: SetOption = None, json: JsonOption = False) -> None:
    """Print a config as YAML, to save, change and train; with --set complete, but without its comments.

    A shipped recipe is printed under a name of its own, my-dense for dense, and without the band it was measured to
    give: a run of the copy stands beside the recipe's, and nothing is claimed of it.
    """
    from mnist_pipeline.config.recipes import find_config, load_config, parse_settings, shipped_configs
    from mnist_pipeline.config.yaml_text import write

    path, changes = find_config(config), parse_settings(settings or [])
    if copied := path in shipped_configs().values():
        changes = {"name": f"my-{path.stem}", "expected": None} | changes
    checked = load_config(config, changes)
    text = write(checked.tree()) if settings else path.read_text(encoding="utf-8")
    if copied and not settings:
        text = re.sub(r"\A.*\n|^expected:(.|\n)*", "", text, flags=re.MULTILINE) + "expected: null"
        text = re.sub(r"^name: (.*)$", f"name: {checked.name} # begun as a copy of \\1", text, flags=re.MULTILINE)
    answer(checked.tree(), text.rstrip() if _FOR_EDITORS in text else f"{_FOR_EDITORS}\n{text.rstrip()}", json)


@app.command(epilog="Example: mnist config schema > mnist-config.schema.json")
def schema() -> None:
    """Print the JSON Schema of a config, with which an editor completes and checks the YAML."""
    from mnist_pipeline.config.schema import Config

    answer(Config.model_json_schema(), "", as_json=True)


@app.command(epilog="Example: mnist config diff dense dense-10")
def diff(ours: ConfigArgument, theirs: ConfigArgument, json: JsonOption = False) -> None:
    """Print the settings in which two configs differ. The exit code is 1 when any do."""
    from mnist_pipeline.config.recipes import load_config
    from mnist_pipeline.runs.opening import differences

    lines = differences(load_config(ours).tree(), load_config(theirs).tree())
    answer({"differences": lines}, "\n".join(lines or ["no difference"]), json)
    if lines:
        raise typer.Exit(1)
