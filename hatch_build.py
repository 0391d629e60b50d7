"""What the package index shows of README.md: there a relative link leads nowhere, so only its words are kept."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def without_relative_links(markdown: str) -> str:
    """The same text, its relative pictures left out and its relative links as plain words."""
    return _LINK.sub(r"\1", _PICTURE.sub("", markdown))


class ReadmeForTheIndex(MetadataHookInterface):
    """Called by hatchling for every build, as pyproject.toml names it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the text into the package's metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": without_relative_links(text)}
