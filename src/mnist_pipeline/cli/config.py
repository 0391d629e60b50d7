"""mnist config: the recipes, their schema, and what differs between two."""

import typer

from mnist_pipeline.cli.console import Group, SetOption, say, say_json, table

app = typer.Typer(cls=Group, no_args_is_help=True, help="Show, list and compare configs.")


@app.command("list", epilog="Example: mnist config list")
def list_() -> None:
    """The recipes that come with the package."""
    from mnist_pipeline.config import load_config, shipped_configs

    configs = [load_config(path) for path in shipped_configs().values()]
    table(["name", "what it is"], [[config.name, config.description] for config in configs])


@app.command(epilog="Example: mnist config show dense > mine.yaml")
def show(config: str, settings: SetOption = None) -> None:
    """A config as YAML to save and train: with its comments, or complete without them after --set."""
    from mnist_pipeline.config import find_config, load_config, parse_settings
    from mnist_pipeline.config.yaml_text import write

    checked = load_config(config, parse_settings(settings or []))
    text = write(checked.tree()) if settings else find_config(config).read_text(encoding="utf-8")
    say(text.rstrip())


@app.command(epilog="Example: mnist config schema > mnist-config.schema.json")
def schema() -> None:
    """The JSON Schema of a config, with which an editor completes and checks the YAML."""
    from mnist_pipeline.config import Config

    say_json(Config.model_json_schema())


@app.command(epilog="Example: mnist config diff dense dense-10")
def diff(ours: str, theirs: str) -> None:
    """The settings in which two configs differ; exit 1 when there are any."""
    from mnist_pipeline.config import load_config
    from mnist_pipeline.runs.opening import differences

    lines = differences(load_config(ours).tree(), load_config(theirs).tree())
    say("\n".join(lines) if lines else "no difference")
    if lines:
        raise typer.Exit(1)
