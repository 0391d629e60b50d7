"""`make docs`: writes the parts of docs/ that follow from the code, so that no page says what the code does not.

Such a part stands between <!-- generated: NAME --> and <!-- end -->.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from mnist_pipeline.cli import app
from mnist_pipeline.config.recipes import configs_folder, load_config, shipped_configs
from mnist_pipeline.config.schema import Config
from mnist_pipeline.reproduction.tables import FIELD_COLUMNS, field_rows

DOCS = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Each page with generated parts, as it has to be."""
    parts = {
        "cli.md": {"commands": commands()},
        "configs.md": {"recipes": recipes(), "settings": settings()},
        "results.md": {"reproduced": reproduced(), "field": field()},
    }
    return {DOCS / name: fill((DOCS / name).read_text(encoding="utf-8"), new) for name, new in parts.items()}


def fill(page: str, parts: dict[str, str]) -> str:
    """The page with its generated parts renewed."""
    for name, text in parts.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"
    return page


def commands() -> str:
    """Every command with its arguments, its options and an example."""
    root = typer.main.get_command(app)
    page = get_docs_for_click(obj=root, ctx=typer.Context(root), indent=1, name="mnist")
    page = re.sub(r"^(Example|Begin with): (.*)$", r"\1: `\2`", page, flags=re.MULTILINE)
    return _plain(page.rstrip())


def recipes() -> str:
    """A table of the recipes that come with the package."""
    places = {name: path.relative_to(configs_folder()).as_posix() for name, path in shipped_configs().items()}
    rows = [[f"[{name}](../configs/{place})", load_config(name).description] for name, place in places.items()]
    return _table(["recipe", "what it is"], rows)


def settings() -> str:
    """A table for each block of a config, with every setting's default, values and meaning."""
    schema = Config.model_json_schema()
    return "\n\n".join(_blocks("", schema, schema["$defs"]))


def _blocks(path: str, block: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """The tables of a block and of the blocks inside it."""
    fields, required = block["properties"], block.get("required", [])
    rows = [_row(name, field, name in required) for name, field in fields.items()]
    family = f", family `{fields['family']['const']}`" if "family" in fields else ""
    title = f"`{path}`{family}" if path else "The whole file"
    yield f"### {title}\n\n{_plain(block['description'])}\n\n" + _table(
        ["setting", "default", "values", "meaning"], rows
    )
    for name, field in fields.items():
        for inside in _inside(field, known):
            yield from _blocks(f"{path}.{name}".strip("."), inside, known)


def _inside(field: dict[str, Any], known: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks that a setting may hold."""
    entry = field.get("items") or field.get("additionalProperties") or field
    choices = field.get("oneOf") or field.get("anyOf") or [entry]
    return [known[choice["$ref"].removeprefix("#/$defs/")] for choice in choices if "$ref" in choice]


def _row(name: str, field: dict[str, Any], required: bool) -> list[str]:
    default = "required" if required else f"`{json.dumps(field['default'])}`"
    if isinstance(field.get("default"), dict):
        default = "see below"
    return [f"`{name}`", default, _values(field), _plain(field["description"])]


def _values(field: dict[str, Any]) -> str:
    """What a setting may be, in words."""
    choices = field.get("anyOf") or field.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_values(choice) for choice in choices))
    if "$ref" in field:
        return "a block"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum") or [field["const"]])
    if "additionalProperties" in field:
        return "a block for each name"
    if field["type"] == "array" and not field["items"]:
        return "list"
    if field["type"] == "array":
        return f"list; each: {_values(field['items'])}"
    words = {"boolean": "`true`, `false`", "null": "`null`", "string": "text"}
    return ", ".join(filter(None, [words.get(field["type"], field["type"]), _bounds(field)]))


def _bounds(field: dict[str, Any]) -> str:
    if "minimum" in field and "maximum" in field:
        return f"{field['minimum']:,} to {field['maximum']:,}"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return " and ".join(f"{word} {field[key]:,}" for key, word in words.items() if key in field)


def _plain(text: str) -> str:
    """Words as Markdown shows them: outside of code, <name> would be taken for HTML."""
    return re.sub(r"`[^`]*`|<", lambda found: "&lt;" if found[0] == "<" else found[0], text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def reproduced() -> str:
    """What `mnist reproduce --markdown` wrote, but for its heading."""
    return (DOCS / "reproduce.md").read_text(encoding="utf-8").partition("\n\n")[2].strip()


def field() -> str:
    """A table of the field's claims, each beside the recipe that aims at it."""
    return _table(FIELD_COLUMNS, field_rows())


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
