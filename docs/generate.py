"""Write the pages that are made from the code: `python docs/generate.py`. With --check only say whether they fit."""

# ruff: noqa: INP001

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import typer

import reconciler
from reconciler.cli.app import build
from reconciler.cli.catalog import capability_table
from reconciler.manifest.codes import SUMMARIES
from reconciler.model.step import EffectRule
from reconciler.providers.registry import Registry
from reconciler.report.providers import providers_markdown

HERE = Path(__file__).resolve().parent
PACKAGE = Path(reconciler.__file__).resolve().parent
_NOTE = "<!-- Made from the code by docs/generate.py. Edit the code, then run it. -->\n\n"


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "effects.md": effects_page(),
        "findings.md": findings_page(),
        "commands.md": commands_page(),
        "providers/README.md": providers_page(),
    }


# Providers ---------------------------------------------------------------------------------------------------------


def providers_page() -> str:
    """Write what every provider type that is shipped can do, as `repl providers` tells it."""
    return _NOTE + providers_markdown(capability_table(Registry.installed(_shipped())))


def _shipped() -> list[EntryPoint]:
    return [point for point in Registry.installed().points.values() if point.value.startswith("reconciler.")]


# Effects -----------------------------------------------------------------------------------------------------------


def effects_page() -> str:
    """Describe every effect of every provider type that is shipped."""
    infos = Registry.installed(_shipped()).infos()
    lines = [
        "# Effects\n",
        "What a system does beyond the call that was sent. A plan names each effect with its id; `repl explain ID`",
        "prints what stands here. An effect that blocks is refused (exit code 4) until it is approved: on the command",
        "line with `--allow ID@REPLICATION`, or in the manifest with an [`allow` entry](manifests.md#allow) that has a",
        "reason and an end.\n",
        "| Effect | Severity | Blocks | When |",
        "|---|---|---|---|",
    ]
    rules = [(info.title, rule) for info in infos for rule in sorted(info.effects, key=lambda rule: rule.id)]
    for _, rule in rules:
        blocks = "yes" if rule.blocks else "no"
        lines.append(f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity.value} | {blocks} | {_sentence(rule.when)} |")
    for title, rule in rules:
        lines += ["", *_effect(title, rule)]
    return _NOTE + "\n".join(lines) + "\n"


def _effect(title: str, rule: EffectRule) -> Iterator[str]:
    counts = [
        *(["as a replication that loses protection (`guards.maxLost`)"] if rule.loses_protection else []),
        *(["as data that is sent again (`guards.maxRecopy`)"] if rule.recopies else []),
    ]
    yield f"## {rule.id}\n"
    yield f"{title}. Severity: {rule.severity.value}{', blocks until allowed' if rule.blocks else ''}.\n"
    yield f"- **When:** {_sentence(rule.when)}"
    yield f"- **Happens:** {_sentence(rule.happens)}"
    yield f"- **Instead:** {_sentence(rule.instead)}"
    if counts:
        yield f"- **Counts** {' and '.join(counts)}."
    yield f"- **Source:** {_sentence(rule.source)}"


def _sentence(text: str) -> str:
    if text.startswith("aws "):
        return f"`{text}`"
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?")) else f"{text}."


# Findings ----------------------------------------------------------------------------------------------------------

CODE = re.compile(r"REPL-[A-Z]\d{3}")
_GROUPS = {
    ("engine", "C"): "Flows: who can own them",
    ("engine", "G"): "Graph: all flows together",
    ("engine", "P"): "Policies, guards and approvals",
    ("engine", "W"): "World: what was read",
    ("s3", "C"): "S3: what cannot be held",
    ("s3", "W"): "S3: what the buckets say",
    ("bos", "C"): "BOS: what cannot be held",
    ("bos", "W"): "BOS: what the buckets say",
    ("alarik", "C"): "Alarik: what cannot be held",
    ("alarik", "W"): "Alarik: what server and buckets say",
    ("qumulo", "C"): "Qumulo: what cannot be held",
    ("qumulo", "W"): "Qumulo: what cluster and bucket say",
    ("scp", "C"): "SCP: what cannot be held",
    ("scp", "W"): "SCP: what the volumes say",
    ("clonecloudstore", "C"): "CloneCloudStore: what cannot be held",
    ("clonecloudstore", "W"): "CloneCloudStore: what the sites say",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code says, as far as the code that makes it tells."""

    code: str
    summary: str = ""
    severity: str = ""
    hint: str = ""


def findings_page() -> str:
    """List every finding with its meaning."""
    lines = [
        "# Findings\n",
        "A finding is about your documents or about the world. It is printed with its place (`file:line:col`), the",
        "source line, what was found and what to do. `error` ends the command; `warning` needs a reader; `info` is",
        "worth knowing. The letter says where it comes from: M documents, C what a system cannot hold, G graph, P",
        "policy, W world.\n",
        "## Documents\n",
        "All of these are errors.\n",
        "| Code | Meaning |",
        "|---|---|",
        *(f"| {code.value} | {_sentence(summary)} |" for code, summary in sorted(SUMMARIES.items())),
    ]
    found = meanings()
    for group, title in _GROUPS.items():
        lines += ["", f"## {title}\n", "| Code | Severity | Meaning | What to do |", "|---|---|---|---|"]
        for one in found.get(group, ()):
            hint = _sentence(one.hint) if one.hint else "The finding says it."
            lines.append(f"| {one.code} | {one.severity} | {_cell(_sentence(one.summary))} | {_cell(hint)} |")
    return _NOTE + "\n".join(lines) + "\n"


def meanings() -> dict[tuple[str, str], list[Meaning]]:
    """Return what the codes in the engine and in each provider mean, by (room or provider, letter), ordered by code."""
    by_group: dict[tuple[str, str], list[Meaning]] = {}
    rooms = ("engine", *(f"providers/{name}" for name in ("s3", "bos", "alarik", "qumulo", "scp", "clonecloudstore")))
    for room in rooms:
        modules = [_Module(ast.parse(path.read_text("utf-8"))) for path in sorted((PACKAGE / room).glob("*.py"))]
        shared = {name: fields for module in (*modules, _common()) for name, fields in module.classes.items()}
        for one in _merged([one for module in modules for one in module.meanings(shared)]):
            by_group.setdefault((room.rpartition("/")[2], one.code[5]), []).append(one)
    return by_group


def _common() -> "_Module":
    """Return the module with the class that the tables of all providers are made of."""
    return _Module(ast.parse((PACKAGE / "providers" / "findings.py").read_text("utf-8")))


def _merged(found: Iterable[Meaning]) -> list[Meaning]:
    """Join what tables and calls say of one code. A code with several summaries keeps a row for each."""
    rows: dict[tuple[str, str], Meaning] = {}
    entries = list(found)
    summaries = {one.code: one.summary for one in entries if one.summary}
    for one in entries:
        key = (one.code, one.summary or summaries.get(one.code, ""))
        old = rows.get(key, Meaning(one.code, key[1]))
        rows[key] = replace(old, severity=old.severity or one.severity, hint=old.hint or one.hint)
    return [replace(rows[key], severity=rows[key].severity or "error") for key in sorted(rows)]


class _Module:
    """One module's syntax tree, and what its calls and tables say about codes."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        nodes = list(ast.walk(tree))
        self._functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        self.classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}

    def meanings(self, classes: dict[str, ast.ClassDef]) -> Iterator[Meaning]:
        """Yield what stands here. `classes` are those of the whole room."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Dict):
                yield from self._of_table(node, classes)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from self._of_call(node, node.func.id, classes)

    def _of_table(self, table: ast.Dict, classes: dict[str, ast.ClassDef]) -> Iterator[Meaning]:
        for key, value in zip(table.keys, table.values, strict=True):
            code = _text(key) if key is not None else ""
            if not CODE.fullmatch(code):
                continue
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                given = _arguments(value, _fields(classes.get(value.func.id)))
            elif isinstance(value, ast.Tuple):
                given = dict(zip(("severity", "summary", "hint"), value.elts, strict=False))
            else:
                given = {"summary": value}
            yield self._meaning(code, given)

    def _of_call(self, call: ast.Call, name: str, classes: dict[str, ast.ClassDef]) -> Iterator[Meaning]:
        function = self._functions.get(name)
        names = [one.arg for one in function.args.args] if function else _fields(classes.get(name))
        given = _arguments(call, names)
        inside = next((node for node in ast.walk(function) if _is_finding(node)), None) if function else None
        given = (_arguments(inside, ()) if isinstance(inside, ast.Call) else {}) | given
        codes, summaries = _branches(given.get("code")), _branches(given.get("summary"))
        for number, code in enumerate(map(_text, codes)):
            if CODE.fullmatch(code):
                own = {"summary": summaries[number]} if len(summaries) == len(codes) > 1 else {}
                yield self._meaning(code, given | own)

    def _meaning(self, code: str, given: dict[str, ast.expr]) -> Meaning:
        severity = " or ".join(sorted(self._severities(given.get("severity"))))
        return Meaning(code, _text(given.get("summary")), severity, _text(given.get("hint")))

    def _severities(self, node: ast.expr | None) -> set[str]:
        if isinstance(node, ast.Name) and node.id.startswith("_"):
            return {node.id.strip("_").lower()}
        values: list[ast.AST] = [node] if node else []
        if isinstance(node, ast.Name):
            values = [
                one.value for one in ast.walk(self._tree) if _assigns(one, node.id) and isinstance(one, ast.Assign)
            ]
        attributes = [one for value in values for one in ast.walk(value) if isinstance(one, ast.Attribute)]
        return {
            one.attr.lower() for one in attributes if isinstance(one.value, ast.Name) and one.value.id == "Severity"
        }


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets)


def _is_finding(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"


def _fields(model: ast.ClassDef | None) -> list[str]:
    body = model.body if model else []
    return [node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]


def _arguments(call: ast.Call, names: Iterable[str]) -> dict[str, ast.expr]:
    return dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}


def _branches(node: ast.expr | None) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return [node] if node is not None else []


def _text(node: ast.AST | None) -> str:
    """Return the text that an expression yields, with NAME where a value is put in; empty where it cannot be told."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_text, parts))
        case ast.FormattedValue(value=value):
            return value.attr.upper() if isinstance(value, ast.Attribute) else ast.unparse(value).strip("_").upper()
        case ast.IfExp(orelse=other):
            return _text(other)
        case ast.BoolOp(values=[*_, last]):
            return _text(last)
        case _:
            return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# Commands ----------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Write what `--help` says of every command."""
    root: Any = typer.main.get_command(build())
    lines = ["# Commands\n", f"{root.help}\n", "What is asked for goes to stdout; everything else goes to stderr.\n"]
    lines += ["| Command | What it does |", "|---|---|"]
    lines += [f"| [`{name}`](#repl-{name}) | {one.short_help} |" for name, one in root.commands.items()]
    lines += ["", f"{root.epilog}.\n", "[What to do about each of them](troubleshooting.md#exit-codes)."]
    for name, one in root.commands.items():
        lines += _command(f"repl {name}", one)
    return _NOTE + "\n".join(lines) + "\n"


def _command(path: str, command: Any) -> Iterator[str]:
    parameters = [one for one in command.params if not one.hidden]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    yield f"\n## `{path}`\n"
    usage = [path, "[OPTIONS]", *(one.metavar for one in arguments)]
    yield f"    {' '.join([*usage, 'COMMAND'] if hasattr(command, 'commands') else usage)}\n"
    yield re.sub(r"\n\s+(# .*)", r"\n    \1", command.help).strip()
    rows = [*(_argument(one) for one in arguments), *(_option(one) for one in parameters if one not in arguments)]
    if rows:
        yield "\n| Argument or option | Meaning |\n|---|---|\n" + "\n".join(rows)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(f"{path} {name}", inner)


def _argument(one: Any) -> str:
    return f"| `{one.metavar}` | {_cell(one.help)} |"


def _option(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
    value = "" if one.is_flag else f" `{_cell(one.metavar or 'NUMBER')}`"
    told = one.is_flag or one.default is None or "[default:" in one.help or callable(one.default)
    return f"| {names}{value} | {_cell(one.help)}{'' if told else f' Default: `{one.default}`.'} |"


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check return 1 if one does not fit."""
    different = [n for n, text in pages().items() if not (HERE / n).exists() or (HERE / n).read_text("utf-8") != text]
    if "--check" not in arguments:
        for name in different:
            (HERE / name).write_text(pages()[name], encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in different))
    return int(bool(different) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
