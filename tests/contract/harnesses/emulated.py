"""What harnesses over emulators share, whatever the system: documents, flows, the wire, and time."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, ClassVar

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.emulator import Emulator
from reconciler.emulators.message import Reply
from reconciler.model.manifest import Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Connection, Provider, ProviderType
from reconciler.testing.harness import WORKSPACE, Fault, Judgement, Mangling, Sent, Target, Variant
from tests.contract.harnesses.wire import COMMON_MANGLERS, EmulatedClock, EnvSecrets, Mangler, Wire, WiredContext
from tests.contract.harnesses.wire import hurried as without_pauses
from tests.contract.referee import Exchange, Objection, Referee

Spec = dict[str, Any]
Differences = tuple[tuple[str, Spec, Spec], ...]

BASE = Path("/")
"""Paths of the documents are absolute."""
ASKING: dict[Capability, Spec] = {
    Capability.PAUSE: {"state": "paused"},
    Capability.DELETES: {"deletes": "replicate"},
    Capability.STORAGE_CLASS: {"storageClass": "STANDARD_IA"},
    Capability.TAG_FILTER: {"filter": {"tags": {"class": "hot"}}},
    Capability.EXCLUDE_FILTER: {"filter": {"exclude": ["*.tmp"]}},
}
"""What asks for a capability of systems of any type."""
_SETTLE_S = 10.0


class EmulatedHarness:
    """The part of a harness that is the same for every emulated system.

    A system's class says what it is; its constructor starts the emulators and writes the documents. It adds `flow`,
    `placed`, `nowhere`, what others do to the system, and objects.
    """

    kind: ClassVar[ProviderType]
    """The type under test."""
    peers: ClassVar[Mapping[str, ProviderType]] = {}
    """Other types that documents are of."""
    subject: ClassVar[str]
    """The name of the document under test."""
    asks: ClassVar[Mapping[Capability, Spec]] = ASKING
    differences: ClassVar[Differences] = ()
    """Settings, with what a flow says to have them one way and the other."""
    operations: ClassVar[Mapping[str, str]]
    """The wire's names for operations of calls, and for `observe`, `health` and `list`."""
    reads: ClassVar[Sequence[str]]
    """The wire's names for the reads of a scope."""
    unseen: ClassVar[frozenset[str]] = frozenset()
    """The wire's names for what is authentication."""
    emulator: Emulator
    """The one under test."""

    def __init__(self, certificate: Certificate, referee: Referee) -> None:
        self.wire = Wire()
        self.clock = EmulatedClock(self.wire.clock)
        self.secrets = EnvSecrets()
        self.certificate = certificate
        self.docs: dict[str, ProviderDoc] = {}
        self.clients = ExitStack()
        """Closes what the harness itself has opened to the system."""
        self._referee = referee
        self._running: list[Emulator] = []

    def start(
        self, emulator: Emulator, directory: Path, kind: type[WiredContext] = WiredContext, *, record: bool = True
    ) -> None:
        """Start an emulator on this harness' wire; it ends with the harness."""
        context = kind(
            clock=self.wire.clock, faults=self.wire.faults, log=self.wire.log, certificate=self.certificate,
            tls=self.certificate.server_context(), directory=directory, wire=self.wire, record=record,
        )  # fmt: skip
        self._running.append(emulator)
        emulator.start(context)

    def document(self, name: str, config: Spec, kind: ProviderType | None = None) -> None:
        """Write a provider's document, of the type under test if no other is named."""
        info = (kind or self.kind).info
        spec = ProviderSpec(type=info.type, config=info.config.model_validate(config))
        made = ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)
        self.docs[name] = made

    @property
    def secret_values(self) -> Sequence[str]:
        return self.secrets.values

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        doc = self.docs[provider or self.subject]
        return self._kind(doc).connect(
            Connection(
                doc=doc, secrets=self.secrets, access=access, base=BASE, workspace=WORKSPACE,
                siblings=tuple(one for one in self.docs.values() if one is not doc), clock=self.clock,
            )
        )  # fmt: skip

    def _kind(self, doc: ProviderDoc) -> ProviderType:
        return self.peers.get(doc.spec.type, self.kind)

    def switch(self, **values: Any) -> None:
        """Set what the documents of the system leave open."""
        self.emulator.switch(values)

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        raise NotImplementedError

    def described(self, name: str, spec: Spec) -> Flow:
        """The flow of a whole spec; options of the type under test stand under its key."""
        given = dict(spec)
        own = self.kind.info
        options = given.pop(own.type, None)
        made = ReplicationSpec.model_validate(given)
        if options is not None:
            made = made.model_copy(update={"options": own.options.model_validate(options)})
        source, destination = self.docs[made.source.provider], self.docs[made.destination.provider]
        pulled = source.spec.type != own.type
        peer = source if pulled else destination
        return Flow(
            name=name,
            workspace=WORKSPACE,
            spec=made,
            labels={},
            source=source,
            destination=destination,
            owner_side="destination" if pulled else "source",
            peer_s3=self._kind(peer).s3_endpoint(peer.spec.config, BASE),
        )

    def variants(self) -> Sequence[Variant]:
        return [
            Variant(field=field, before=self.flow("varied", **before), after=self.flow("varied", **after))
            for field, before, after in self.differences
        ]

    def asking(self, capability: Capability) -> Flow | None:
        return self.flow("asking", **self.asks[capability]) if capability in self.asks else None

    # What the wire does

    def mark(self) -> None:
        self.wire.mark()

    def requests(self) -> Sequence[Sent]:
        return self.wire.requests(self.emulator.name, self.unseen)

    def fault(self, fault: Fault, on: Target) -> None:
        self.wire.fault(fault, self.emulator.name, self.operation(on))

    def operation(self, on: Target) -> str:
        """The wire's name for what a fault is for."""
        return self.operations[on.operation if isinstance(on, Call) else on]

    def mangle(self, mangling: Mangling) -> None:
        edits = {Mangling.UNKNOWN_FIELDS: self.add_unknown, Mangling.MISSING_FIELDS: self.leave_out}
        mangler = _edited(edits[mangling]) if mangling in edits else COMMON_MANGLERS[mangling]
        for operation in self.reads:
            self.wire.mangle(operation, mangler)

    def add_unknown(self, content: Any) -> None:
        """Put fields that nobody documents wherever there is room in an answer to the read of a scope."""
        raise NotImplementedError

    def leave_out(self, content: Any) -> None:
        """Take out of an answer to the read of a scope what the service may leave out."""
        raise NotImplementedError

    def mend(self) -> None:
        self.wire.mend()

    def hurried(self) -> AbstractContextManager[None]:
        return without_pauses()

    def judged(self) -> Judgement | None:
        exchanges = self.exchanges()
        return Judgement(exchanges=len(exchanges), objections=tuple(dict.fromkeys(self.objections(exchanges))))

    def exchanges(self) -> Collection[Exchange]:
        """What was exchanged so far and can be judged."""
        return self.wire.recorder.exchanges

    def objections(self, exchanges: Collection[Exchange]) -> list[str]:
        """What the document has against these."""
        try:
            self._referee.judge_all(exchanges)
        except Objection as objection:
            return str(objection).splitlines()
        return []

    def restart(self) -> None:
        self.emulator.act("restart", {})

    # Time

    def advance(self, seconds: float) -> None:
        self.wire.clock.advance(seconds)
        time.sleep(0.01)

    def eventually(self, check: Callable[[], Any], step_s: float = 1) -> Any:
        """Let time pass until something is so."""
        deadline = time.monotonic() + _SETTLE_S
        while not (found := check()):
            assert time.monotonic() < deadline, "it does not come about"
            self.wire.clock.advance(step_s)
            time.sleep(0.002)
        return found

    def close(self) -> None:
        self.clients.close()
        self.wire.clock.stop()
        for emulator in reversed(self._running):
            emulator.stop()


def _edited(edit: Callable[[Any], None]) -> Mangler:
    """Change the JSON of an answer on its way."""

    def mangler(reply: Reply) -> Reply:
        content = json.loads(reply.body)
        edit(content)
        return Reply(reply.status, reply.headers, json.dumps(content).encode())

    return mangler
