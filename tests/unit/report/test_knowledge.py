"""`repl explain` and `repl providers`."""

import re
from collections.abc import Callable

from rich.cells import cell_len

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule
from reconciler.report.effect import effect_list, effect_text
from reconciler.report.providers import ProviderRow, providers_text
from reconciler.report.style import Style

PLAIN = Style(color=False, width=80)
RULE = EffectRule(
    id="QUMULO-REPLACE",
    provider="qumulo",
    severity=Severity.WARNING,
    blocks=True,
    when="any field changes",
    happens="the relationship is deleted and created anew:\n what was copied is forgotten",
    instead="create a second relationship beside the first",
    source="Qumulo REST guide, v3 object-relationships",
    loses_protection=True,
    recopies=True,
)
NOTE = RULE.model_copy(
    update={"id": "S3-NO-RETRO", "provider": "s3", "severity": Severity.INFO, "blocks": False, "recopies": False}
)
NAMES = ("pause", "storage_class", "store")


def rows(*types: str) -> list[ProviderRow]:
    return [
        ProviderRow(type=name, title=f"{name} storage", capabilities=frozenset(NAMES[:2]), docs=f"docs/{name}.md")
        for name in types
    ]


def test_an_effect_is_told_in_full(golden: Callable[[str, str], None]) -> None:
    golden("effect-80", effect_text(RULE, PLAIN))


def test_approval_is_explained_only_where_it_is_needed() -> None:
    assert "--allow QUMULO-REPLACE@REPLICATION" in effect_text(RULE, PLAIN)
    assert "--allow" not in effect_text(NOTE, PLAIN)


def test_all_effects_are_listed_by_provider() -> None:
    found = effect_list([NOTE, RULE], PLAIN)
    assert found.index("QUMULO-REPLACE") < found.index("S3-NO-RETRO")
    assert "repl explain ID" in found
    assert effect_list([], PLAIN) == "No effects are known.\n"


def test_capabilities_are_told_in_words() -> None:
    found = providers_text(rows("s3", "qumulo"), NAMES, PLAIN)
    assert re.search(r"storage class +yes +yes\n", found)
    assert re.search(r"store +no +no\n", found)
    assert "s3 storage  docs/s3.md" in found
    assert providers_text([], NAMES, PLAIN) == "No provider types are installed.\n"


def test_many_types_go_on_in_further_tables() -> None:
    types = [f"type-number-{n}" for n in range(9)]
    found = providers_text(rows(*types), NAMES, PLAIN)
    assert all(cell_len(line) <= 80 for line in found.splitlines())
    assert all(found.count(name) >= 2 for name in types)
    assert len(re.findall(r"^pause ", found, re.MULTILINE)) == 3


def test_colour_only_adds_colour() -> None:
    painted = providers_text(rows("s3", "qumulo"), NAMES, Style(color=True, width=80))
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == providers_text(rows("s3", "qumulo"), NAMES, PLAIN)
