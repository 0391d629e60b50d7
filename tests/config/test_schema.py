"""The schema explains itself: every setting has a meaning, which editors and docs/configs.md show."""

from mnist_pipeline.config.schema import Config


def test_every_setting_has_a_meaning() -> None:
    schema = Config.model_json_schema()
    settings = [item for block in (schema, *schema["$defs"].values()) for item in block["properties"].items()]
    assert len(settings) > 60
    assert [name for name, facts in settings if "description" not in facts] == []
