"""mnist config: the shipped recipes, the schema of a config, and the differences between two."""

from typing import Annotated

import typer

from mnist_pipeline.cli.console import Group, SetOption, Verbs, say, say_json, table

app = Verbs(cls=Group, name="config", no_args_is_help=True, help="Show, list and compare configs.")
ConfigArgument = Annotated[str, typer.Argument(help="A config file, or the name of a shipped recipe.")]
# Leads an editor with a YAML language server to the schema, where it lies beside the config.
_FOR_EDITORS = "# yaml-language-server: $schema=mnist-config.schema.json"


@app.command("list", epilog="Example: mnist config list")
def list_() -> None:
    """List the recipes that come with the package."""
    from mnist_pipeline.config import load_config, shipped_configs

    configs = [load_config(path) for path in shipped_configs().values()]
    table(["name", "what it is"], [[config.name, config.description] for config in configs])


@app.command(epilog="Example: mnist config show dense > mine.yaml")
def show(config: ConfigArgument, settings: SetOption = None) -> None:
    """Print a config as YAML, to save, change and train; with --set complete, but without its comments."""
    from mnist_pipeline.config import find_config, load_config, parse_settings
    from mnist_pipeline.config.yaml_text import write

    checked = load_config(config, parse_settings(settings or []))
    text = write(checked.tree()) if settings else find_config(config).read_text(encoding="utf-8")
    say(text.rstrip() if _FOR_EDITORS in text else f"{_FOR_EDITORS}\n{text.rstrip()}")


@app.command(epilog="Example: mnist config schema > mnist-config.schema.json")
def schema() -> None:
    """Print the JSON Schema of a config, with which an editor completes and checks the YAML."""
    from mnist_pipeline.config import Config

    say_json(Config.model_json_schema())


@app.command(epilog="Example: mnist config diff dense dense-10")
def diff(ours: ConfigArgument, theirs: ConfigArgument) -> None:
    """Print the settings in which two configs differ. The exit code is 1 when any do."""
    from mnist_pipeline.config import load_config
    from mnist_pipeline.runs.opening import differences

    lines = differences(load_config(ours).tree(), load_config(theirs).tree())
    say("\n".join(lines or ["no difference"]))
    if lines:
        raise typer.Exit(1)
