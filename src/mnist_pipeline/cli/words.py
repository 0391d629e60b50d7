"""Words of a command line taken as they are: Typer's way loads pydantic, which takes half as long as a picture does."""

from typing import Any, Literal, get_args, get_origin

from typer.core import TyperCommand, TyperGroup


class WordsCommand(TyperCommand):
    """A verb for which milliseconds count."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As ever, but for the words."""
        return [_as_it_is(parameter) for parameter in super().get_params(ctx)]


class WordsGroup(TyperGroup):
    """The group that such a verb belongs to."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As ever, but for the words."""
        return [_as_it_is(parameter) for parameter in super().get_params(ctx)]


def _as_it_is(parameter: Any) -> Any:
    """Put our way before Typer's, where this Typer has one of that name."""
    if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
        way = _Words(parameter.type_descriptor.annotation, parameter.get_runtime_param)
        parameter.get_runtime_param = lambda: way
    return parameter


class _Words:
    """For what is not given, text, lists of text, and choices among words; all else is Typer's to check."""

    def __init__(self, annotation: Any, typers: Any) -> None:
        self._annotation, self._typers = annotation, typers

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the function wants it."""
        if value is None and not param.multiple and param.nargs == 1:
            return None
        if isinstance(value, str) and (self._annotation is str or self._is_choice(value)):
            return value
        if isinstance(value, tuple) and self._annotation == list[str]:
            return list(value)
        return self._typers().coerce(value, param=param, ctx=ctx)

    def _is_choice(self, value: str) -> bool:
        return get_origin(self._annotation) is Literal and value in get_args(self._annotation)
