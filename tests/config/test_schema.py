"""The schema explains itself: every setting has a meaning, which docs/configs.md shows."""

from docs.generate import settings


def test_every_setting_has_a_meaning() -> None:
    rows = [line.strip("| ").split(" | ") for line in settings().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row[0] for row in rows if len(row) < 4] == []
