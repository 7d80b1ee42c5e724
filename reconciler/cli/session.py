"""A workspace opened for one command: documents read, providers at hand, secrets behind references."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import stamina

from reconciler.cli.catalog import RegistryCatalog
from reconciler.cli.console import Console
from reconciler.cli.patience import watched
from reconciler.clock import Clock, SystemClock
from reconciler.engine.changes import Inputs
from reconciler.engine.check import Checked, check
from reconciler.engine.connect import Connections
from reconciler.engine.guard import check_allow_terms
from reconciler.engine.journal import owed_copies
from reconciler.engine.observe import World, observe
from reconciler.engine.plan import make_plan
from reconciler.engine.selection import Selection
from reconciler.engine.state import StateFolder
from reconciler.engine.unfinished import cut_off, failed_midway
from reconciler.errors import ManifestError, Refused, UsageError
from reconciler.manifest.load import load
from reconciler.manifest.secrets import Secrets
from reconciler.manifest.trust import load_trust
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.observation import ScopeRef
from reconciler.model.plan import Plan, PlanOptions
from reconciler.model.relationship import Flow
from reconciler.providers.base import Access, Capability
from reconciler.providers.registry import Registry
from reconciler.report.findings import findings_text

__all__ = ["Request", "Session"]

# A retry is told as an event; by default the library logs it a second time.
stamina.instrumentation.set_on_retry_hooks(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every command that reads a workspace is asked for."""

    files: Sequence[Path] = ()
    variables: Sequence[str] = ()
    variable_files: Sequence[Path] = ()
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    allow: Sequence[str] = ()
    prune: bool = False
    parallelism: int = 8
    allow_exec: bool = False
    trust: Path | None = None
    state: Path | None = None
    no_color: bool = False
    verbose: bool = False
    resync: frozenset[str] = frozenset()

    def again(self, *, saved: bool) -> tuple[str, ...]:
        """Return the arguments with which `repl apply` finds the same workspace, and makes a plan not saved again."""
        pairs = [
            *(("-f", str(path)) for path in self.files),
            *(("--var", term) for term in self.variables),
            *(("--var-file", str(path)) for path in self.variable_files),
            *((("--trust", str(self.trust)),) if self.trust else ()),
            *((("--state", str(self.state)),) if self.state else ()),
        ]
        if not saved:
            pairs += [("--select", term) for term in self.select]
            pairs += [("--exclude", term) for term in self.exclude]
            pairs += [("--allow", term) for term in self.allow]
        switches = [*(["--allow-exec"] if self.allow_exec else []), *(["--prune"] if self.prune and not saved else [])]
        return (*(word for pair in pairs for word in pair), *switches)


@dataclass
class Session(AbstractContextManager["Session"]):
    """Opened lazily, closed at the end. `access` decides whether its connections can write at all."""

    request: Request
    access: Access = Access.READ
    clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def registry(self) -> Registry:
        """Installed provider types."""
        return Registry.installed()

    @cached_property
    def workspace(self) -> LoadedWorkspace:
        """The documents, with all findings about them."""
        return load(
            list(self.request.files) or [Path()],
            catalog=RegistryCatalog(self.registry),
            variables=_variables(self.request.variables),
            variable_files=list(self.request.variable_files),
        )

    @cached_property
    def secrets(self) -> Secrets:
        """What turns references into secrets, and takes secrets out of text again."""
        trust = load_trust(self.request.trust) if self.request.trust else None
        return Secrets(self.workspace.base, allow_exec=self.request.allow_exec, trust=trust, aws=_from_aws)

    @cached_property
    def console(self) -> Console:
        """Where text goes."""
        return Console(no_color=self.request.no_color, redact=self.secrets.redact)

    @cached_property
    def connections(self) -> Connections:
        """The providers that the documents name."""
        return Connections(self.workspace, self.registry, self.secrets, self.access)

    @cached_property
    def checked(self) -> Checked:
        """All that can be said without the network."""
        return check(self.workspace, self.registry, self.connections)

    @cached_property
    def state(self) -> StateFolder:
        """Receipt, journals and lock."""
        return StateFolder(self.request.state or self.workspace.base / ".repl", self.workspace.name)

    @cached_property
    def selection(self) -> Selection:
        """What `--select` and `--exclude` leave."""
        return Selection(select=tuple(self.request.select), exclude=tuple(self.request.exclude))

    @property
    def chosen(self) -> tuple[Flow, ...]:
        """The flows that take part."""
        return tuple(flow for flow in self.checked.flows if self.selection.takes(flow.name, flow.labels))

    @cached_property
    def inputs(self) -> Inputs:
        """What changes are made from, beside what is read."""
        return Inputs(
            workspace=self.workspace,
            connections=self.connections,
            secrets=self.secrets,
            receipt=self.state.receipt(),
            selection=self.selection,
            prune=self.request.prune and self.workspace.settings.prune,
            resync=self.request.resync,
            owed=owed_copies(self.state),
            cut_off=cut_off(self.state),
            failed=failed_midway(self.state),
        )

    def require_sound(self) -> Checked:
        """Return what was checked. Raises ManifestError after telling all findings, if one of them is an error,
        and Refused if all errors are a policy's."""
        checked = self.checked
        if checked.errors:
            self.console.note(findings_text(checked.findings, self.console.style()))
            if all(finding.code.startswith("REPL-P") for finding in checked.errors):
                raise Refused("a policy forbids it; nothing was read from any provider")
            many = "1 error" if len(checked.errors) == 1 else f"{len(checked.errors)} errors"
            raise ManifestError(f"{many} in the manifests; nothing was read from any provider")
        return checked

    def observe(self) -> World:
        """Read everything that this command is about: the chosen flows, and what receipts know."""
        scopes = self._recorded_scopes()
        with watched(self.console.note) as asked:
            return observe(self.chosen, scopes, self.connections, parallelism=self.request.parallelism, asked=asked)

    def _recorded_scopes(self) -> frozenset[ScopeRef]:
        """Return where receipts and journals know something that takes part, written down still or not."""
        return self.inputs.scopes({flow.name: flow.labels for flow in self.checked.flows})

    def plan(self) -> Plan:
        """Read the world and make a plan. Raises ManifestError, UsageError."""
        checked = self.require_sound()
        self.require_sensible()
        options = PlanOptions(
            select=tuple(self.request.select),
            exclude=tuple(self.request.exclude),
            prune=self.request.prune,
            allow=tuple(self.request.allow),
        )
        return make_plan(checked, self.observe(), self.inputs, options, self.clock.now())

    def require_files(self) -> None:
        """Raise UsageError where no manifest was found, and nothing is wrong with the names of files either."""
        if not self.workspace.files and not self.workspace.findings:
            raise UsageError(
                f"no manifests found in {', '.join(map(str, self.request.files)) or 'this folder'}",
                hint="name them with -f, or start with `repl lab up`",
            )

    def require_sensible(self) -> None:
        """Raise UsageError for a command line that makes no sense with these documents."""
        self.require_files()
        known = frozenset(rule.id for info in self.registry.infos() for rule in info.effects)
        if unknown := check_allow_terms(self.request.allow, known):
            raise UsageError(f"--allow {unknown[0]}: no effect has this id", hint="`repl explain` lists them")
        if self.request.prune and not self.workspace.settings.prune:
            self.console.note("note: --prune does nothing: no Workspace document says `prune: true`")
        self._require_resyncable()
        self._require_terms()
        if not self.selection.whole and not self.chosen and not self._recorded_scopes():
            raise UsageError(
                "--select and --exclude leave no replication", hint="`repl graph --format text` lists them"
            )

    def require_names(self, names: Iterable[str]) -> None:
        """Raise UsageError for a name that no replication has; with `*` or `?` it is a pattern."""
        known = [flow.name for flow in self.checked.flows]
        for name in names:
            if not any(fnmatchcase(other, name) for other in known):
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "`repl graph` lists them"
                raise UsageError(f"no replication is named {name}", hint=hint)

    def _require_terms(self) -> None:
        """Raise UsageError for a `--select` that takes nothing, as a misspelt one; warn of such an `--exclude`."""
        labels = {name: doc.metadata.labels for name, doc in self.workspace.replications.items()}
        recorded = self.inputs.receipt.replications if self.inputs.receipt else {}
        known = {name: dict[str, str]() for name in recorded} | labels
        for option, terms in (("--select", self.selection.select), ("--exclude", self.selection.exclude)):
            for term in terms:
                if any(Selection(select=(term,)).takes(name, known[name]) for name in known):
                    continue
                near = get_close_matches(term, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "`repl graph` lists the names"
                if option == "--select":
                    raise UsageError(f"{option} {term}: no replication is meant by it", hint=hint)
                self.console.note(f"note: {option} {term} leaves nothing out: {hint}")

    def _require_resyncable(self) -> None:
        owners = {flow.name: flow.owner for flow in self.checked.flows}
        self.require_names(sorted(self.request.resync))
        for name in sorted(self.request.resync):
            info = self.registry.load(owners[name].spec.type).info
            if Capability.RESYNC not in info.capabilities:
                raise UsageError(f"{name}: {info.title} cannot send everything again by itself")

    def close(self) -> None:
        """Close what was opened."""
        if "connections" in self.__dict__:
            self.connections.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened."""
        self.close()


def _from_aws(name: str) -> str:
    from reconciler.providers.aws_secrets import secret_string

    return secret_string(name)


def _variables(terms: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for term in terms:
        name, equals, value = term.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {term}: not NAME=VALUE")
        found[name] = value
    return found
