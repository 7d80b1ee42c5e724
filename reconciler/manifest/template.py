"""`{{ vars.x }}` inside scalar values, after parsing: never text-templating of YAML."""

import re
from collections.abc import Mapping
from typing import Protocol

from reconciler.manifest.codes import Code
from reconciler.manifest.wording import did_you_mean, printable

__all__ = [
    "DECLARE", "MAX_RESULT", "MAX_TEMPLATE", "MAX_VARIABLE", "Refusal", "Templates", "Variable", "as_text", "literal",
]  # fmt: skip

MAX_TEMPLATE = 1_000
MAX_VARIABLE = 4_096
MAX_RESULT = 65_536
"""Characters of a template, of a variable's value, of what a template yields."""

Variable = str | int | float | bool

DECLARE = "declare it in the Workspace under spec.vars, or give it with --var"
"""The hint where a variable is not there and none has a similar name."""

_SIMPLE = re.compile(r"\{\{\s*vars\.([A-Za-z][A-Za-z0-9_]*)\s*\}\}")
_SPECIAL = re.compile(r"\{[{%#]")
_OPENING = re.compile(r"\{(?=[{%#])")


class Refusal(Exception):
    """A template that yields no value."""

    def __init__(self, code: Code, detail: str, hint: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint


class _Expressions(Protocol):
    def render(self, text: str) -> Variable: ...


class Templates:
    """Turns texts into values. jinja2 is imported only for what is more than `{{ vars.name }}`."""

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        self._variables = variables
        self._expressions: _Expressions | None = None
        self._known: dict[str, Variable | Refusal] = {}

    def render(self, text: str) -> Variable:
        """Return a text's value; a text that is one expression and no more keeps the type of its value.

        Raises:
            Refusal: with what is wrong.
        """
        if len(text) > MAX_TEMPLATE:
            detail = f"{len(text):,} characters, {MAX_TEMPLATE:,} are allowed"
            raise Refusal(Code.TEMPLATE_TOO_LARGE, detail, "move the long part into a variable")
        if (whole := _SIMPLE.fullmatch(text)) is not None:
            return self.variable(whole[1])
        if _SPECIAL.search(_SIMPLE.sub("\0", text)) is None:
            result: Variable = _SIMPLE.sub(lambda match: str(as_text(self.variable(match[1]))), text)
        else:
            result = self._with_jinja(text)
        if isinstance(result, str) and len(result) > MAX_RESULT:
            raise Refusal(Code.TEMPLATE_TOO_LARGE, f"yields more than {MAX_RESULT:,} characters")
        return result

    def variable(self, name: str) -> Variable:
        """Return a variable's value. Raises Refusal if there is none of that name."""
        if name not in self._variables:
            hint = did_you_mean(name, sorted(self._variables), DECLARE)
            raise Refusal(Code.UNKNOWN_VARIABLE, f"vars.{printable(name)}", hint)
        return self._variables[name]

    def _with_jinja(self, text: str) -> Variable:
        if self._expressions is None:
            from reconciler.manifest.expression import Expressions  # noqa: PLC0415 jinja2 is slow to import

            self._expressions = Expressions(self._variables, self.variable)
        if text not in self._known:
            try:
                self._known[text] = self._expressions.render(text)
            except Refusal as refusal:
                self._known[text] = refusal
        known = self._known[text]
        if isinstance(known, Refusal):
            raise known
        return known


def as_text(value: object) -> object:
    """Write true and false as YAML does; leave other values as they are."""
    return ("true" if value else "false") if isinstance(value, bool) else value


def literal(text: str) -> str:
    """Return how a document says this text, where it could be taken for a template."""
    return _OPENING.sub("{{ '{' }}", text) if "{{" in text or "{%" in text else text
