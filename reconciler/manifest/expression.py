"""Templates that are more than a variable's name: a small part of jinja2, in its sandbox.

Pull requests are untrusted: of the language only what is listed here is accepted, before anything runs,
so the work is bounded by the length of the template times the length of the longest variable.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError, nodes
from jinja2.environment import TemplateExpression
from jinja2.sandbox import SandboxedEnvironment

from reconciler.manifest.codes import Code
from reconciler.manifest.template import DECLARE, Refusal, Variable, as_text
from reconciler.manifest.wording import listed, printable

__all__ = ["FILTERS", "TESTS", "Expressions"]

FILTERS = ("default", "lower", "upper", "trim", "capitalize", "title", "int", "length")
TESTS = ("defined", "undefined")
"""What `|` and `is` may be followed by."""

_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.Concat,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)


class Expressions:
    """Evaluates templates over one set of variables."""

    def __init__(self, variables: Mapping[str, Variable], variable: Callable[[str], Variable]) -> None:
        # A namespace, since attributes of a dict would hide variables called `items` or `keys`.
        self._names = SimpleNamespace(**variables)
        self._variable = variable
        self._environment = _sandbox()

    def render(self, text: str) -> Variable:
        """Return a template's value. Raises Refusal with what is wrong."""
        if "{%" in text:
            raise Refusal(Code.TEMPLATE_REFUSED, "{% %} statements", "only {{ vars.x }} expressions are allowed")
        try:
            result = self._evaluated(text)
        except UndefinedError as error:
            raise Refusal(Code.UNKNOWN_VARIABLE, printable(error.message or ""), DECLARE) from error
        except TemplateError as error:
            hint = "a literal {{ is written {{ '{{' }}"
            raise Refusal(Code.TEMPLATE_SYNTAX, printable(error.message or ""), hint) from error
        except (RecursionError, MemoryError, SyntaxError, ValueError, TypeError, ArithmeticError) as error:
            raise Refusal(Code.TEMPLATE_SYNTAX, "too deeply nested, or of values that do not fit") from error
        if not isinstance(result, str | int | float | bool):
            raise Refusal(Code.TEMPLATE_REFUSED, "yields no text, number, true or false", "use one variable")
        return result

    def _evaluated(self, text: str) -> Any:
        tree = self._environment.parse(text)
        self._accept(tree)
        match tree.body:
            case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
                target = nodes.Name("result", "store", lineno=1)
                alone = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
                alone.set_environment(self._environment)
                template = self._environment.from_string(alone)
                return TemplateExpression(template, undefined_to_none=False)(vars=self._names)
            case _:
                return self._environment.from_string(tree).render(vars=self._names)

    def _accept(self, tree: nodes.Template) -> None:
        """Walk the syntax tree. Raises Refusal at the first thing that is not on the lists."""
        optional: set[str] = set()
        waiting: list[nodes.Node] = [tree]
        while waiting:
            node = waiting.pop()
            if (name := _variable_of(node)) is not None:
                if name not in optional:
                    self._variable(name)
                continue
            if isinstance(node, nodes.Filter | nodes.Test):
                _check_name(node)
                if node.name in ("default", *TESTS) and (name := _variable_of(node.node)) is not None:
                    optional.add(name)
            elif not isinstance(node, _NODES):
                what = f"the name {printable(node.name)}" if isinstance(node, nodes.Name) else _kind(node)
                raise Refusal(Code.TEMPLATE_REFUSED, what, "templates use variables only: {{ vars.x }}")
            waiting.extend(node.iter_child_nodes())


def _variable_of(node: nodes.Node | None) -> str | None:
    """Return x where a node is `vars.x`."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "vars":
        return node.attr
    return None


def _check_name(node: nodes.Filter | nodes.Test) -> None:
    word, allowed = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", TESTS)
    if node.name not in allowed:
        raise Refusal(Code.TEMPLATE_REFUSED, f"the {word} {printable(node.name)}", f"{word}s: {listed(allowed, 'and')}")


def _kind(node: nodes.Node) -> str:
    return {"Call": "a call", "Getattr": "an attribute", "Getitem": "an index"}.get(
        type(node).__name__, f"an expression of kind {type(node).__name__}"
    )


def _sandbox() -> SandboxedEnvironment:
    # Autoescape is for HTML; what comes out here are values of YAML.
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, finalize=as_text, keep_trailing_newline=True, autoescape=False
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment
