"""The catalogue of what can be wrong with manifests, and one mistake as a value."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.finding import FieldPath

__all__ = ["SUMMARIES", "Code", "Mistake"]


class Code(StrEnum):
    """Codes of findings about documents. A number is never used again for something else."""

    NO_SUCH_PATH = "REPL-M001"
    UNREADABLE = "REPL-M002"
    LINK_OUTSIDE = "REPL-M003"
    TOO_LARGE = "REPL-M004"
    NOT_UTF8 = "REPL-M005"
    CONTROL_CHARACTER = "REPL-M006"
    TOO_MANY_FINDINGS = "REPL-M007"

    SYNTAX = "REPL-M010"
    TAB = "REPL-M011"
    DUPLICATE_KEY = "REPL-M012"
    KEY_NOT_TEXT = "REPL-M013"
    TAG = "REPL-M014"
    UNKNOWN_ANCHOR = "REPL-M015"
    ALIAS_BOMB = "REPL-M016"
    TOO_DEEP = "REPL-M017"
    TOO_MANY_VALUES = "REPL-M018"
    BAD_MERGE = "REPL-M019"

    NOT_A_MAPPING = "REPL-M020"
    API_VERSION = "REPL-M021"
    KIND = "REPL-M022"

    UNKNOWN_FIELD = "REPL-M030"
    MISSING_FIELD = "REPL-M031"
    WRONG_TYPE = "REPL-M032"
    BAD_VALUE = "REPL-M033"
    LITERAL_SECRET = "REPL-M034"  # noqa: S105 the finding's code

    TEMPLATE_SYNTAX = "REPL-M040"
    UNKNOWN_VARIABLE = "REPL-M041"
    TEMPLATE_REFUSED = "REPL-M042"
    TEMPLATE_TOO_LARGE = "REPL-M043"
    TEMPLATE_NOT_QUOTED = "REPL-M044"
    BAD_VARIABLE = "REPL-M045"

    DUPLICATE_NAME = "REPL-M050"
    SECOND_WORKSPACE = "REPL-M051"
    UNKNOWN_PROVIDER = "REPL-M052"
    NO_PROVIDER_TYPE = "REPL-M053"
    TWO_PROVIDER_TYPES = "REPL-M054"
    FOREIGN_OPTIONS = "REPL-M055"


SUMMARIES: dict[Code, str] = {
    Code.NO_SUCH_PATH: "there is no such file or folder",
    Code.UNREADABLE: "a file or folder cannot be read",
    Code.LINK_OUTSIDE: "a symbolic link leads out of the folder",
    Code.TOO_LARGE: "a file is too large",
    Code.NOT_UTF8: "a file is not UTF-8",
    Code.CONTROL_CHARACTER: "a control character stands in a file",
    Code.TOO_MANY_FINDINGS: "a file has more findings than are shown",
    Code.SYNTAX: "the YAML cannot be read",
    Code.TAB: "a tab is used for indentation",
    Code.DUPLICATE_KEY: "a key is written twice",
    Code.KEY_NOT_TEXT: "a key is not text",
    Code.TAG: "YAML tags are not supported",
    Code.UNKNOWN_ANCHOR: "an alias has no anchor",
    Code.ALIAS_BOMB: "aliases expand to too much",
    Code.TOO_DEEP: "values are nested too deeply",
    Code.TOO_MANY_VALUES: "a file holds too many values",
    Code.BAD_MERGE: "a merge key takes only mappings",
    Code.NOT_A_MAPPING: "a document is not a mapping",
    Code.API_VERSION: "the apiVersion is missing or unknown",
    Code.KIND: "the kind is missing or unknown",
    Code.UNKNOWN_FIELD: "a field is unknown",
    Code.MISSING_FIELD: "a field is missing",
    Code.WRONG_TYPE: "a value has the wrong type",
    Code.BAD_VALUE: "a value is not allowed",
    Code.LITERAL_SECRET: "a secret is written as a value",
    Code.TEMPLATE_SYNTAX: "a template cannot be read",
    Code.UNKNOWN_VARIABLE: "a variable is unknown",
    Code.TEMPLATE_REFUSED: "a template does more than templates may",
    Code.TEMPLATE_TOO_LARGE: "a template is too large",
    Code.TEMPLATE_NOT_QUOTED: "a template is not quoted",
    Code.BAD_VARIABLE: "a variable cannot be used",
    Code.DUPLICATE_NAME: "two documents have the same kind and name",
    Code.SECOND_WORKSPACE: "there is more than one Workspace",
    Code.UNKNOWN_PROVIDER: "a provider is not declared",
    Code.NO_PROVIDER_TYPE: "a Provider names no provider type",
    Code.TWO_PROVIDER_TYPES: "more than one provider type is named",
    Code.FOREIGN_OPTIONS: "options are for a type of neither end",
}
"""One line for each code, without names of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong, before its place has become a line and a column."""

    code: Code
    at: int | None
    """Place as counted by `Sources`; None where there is none, as for the command line."""
    detail: str
    hint: str | None = None
    kind: str | None = None
    """Kind of the document concerned, with its `name`."""
    name: str | None = None
    path: FieldPath = ()
