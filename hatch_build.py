"""What hatchling asks about the two packages: the README as the index shows it, and what the light one depends on."""

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
_SHARED = ("description", "authors", "license", "keywords", "classifiers")


def without_relative_links(markdown: str) -> str:
    """The text as the package index shows it, where a relative link leads nowhere and only its words are kept."""
    return _LINK.sub(r"\1", _PICTURE.sub("", markdown))


def light(complete: dict[str, Any], name: str, kept: list[str], plots: list[str]) -> dict[str, Any]:
    """The light package's metadata: of the complete one's dependencies those kept, and the others as extras."""
    needed = {re.split(r"[<>=!~\[; ]", line)[0]: line for line in complete["dependencies"]}
    extras = {
        extra: [line.replace(f"{complete['name']}[", f"{name}[") for line in lines]
        for extra, lines in complete["optional-dependencies"].items()
    }
    extras["plots"] = [needed[package] for package in plots]
    extras["train"] = [line for package, line in needed.items() if package not in kept]
    extras["all"].append(f"{name}[train]")
    shared = {field: complete[field] for field in _SHARED}
    return {**shared, "dependencies": [needed[package] for package in kept], "optional-dependencies": extras}


class MetadataOfBoth(MetadataHookInterface):
    """Called by hatchling for every build, as the two pyproject.toml files name it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what a pyproject.toml lists as dynamic."""
        top = Path(__file__).parent
        text = (top / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": without_relative_links(text)}
        if "dependencies" in self.config:
            complete = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            metadata.update(light(complete, metadata["name"], self.config["dependencies"], self.config["plots"]))
