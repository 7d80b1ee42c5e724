"""What a provider's tests offer to the conformance suite: a live system to drive, to look into and to disturb.

A binding is a `Harness` and four lines:

    class TestAcme(ProviderSuite):
        @pytest.fixture
        def harness(self) -> AcmeHarness:
            return AcmeHarness()

Each case gets a harness of its own and closes it; what it made live need not be cleared away if nobody else sees it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from reconciler.clock import Clock
from reconciler.model.manifest import Location
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Provider, SecretResolver

__all__ = [
    "WORKSPACE",
    "Ability",
    "Fault",
    "FaultKind",
    "Harness",
    "Judgement",
    "Mangling",
    "Sent",
    "Target",
    "Variant",
]

WORKSPACE = "conformance"
"""The workspace that flows belong to and that connections are opened for."""

Target = Call | Literal["observe", "health", "list"]
"""Which requests a fault is for: those of executing a call, of reading a scope, of asking for health, of listing."""


class Ability(StrEnum):
    """What a harness can do with its system. A case that needs one that is missing is skipped by that name."""

    FAULTS = "faults"
    """Loses requests and answers on demand."""
    WIRE = "wire"
    """Stands on a wire: answers with any status, and changes answers."""
    SPEC = "spec"
    """Has a document that describes the wire, and holds all traffic against it."""
    MULTIPART = "multipart"
    """Can write an object in parts."""
    BREAK_DATA = "break_data"
    """Can make copying fail."""


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """The answer is `status`, with `retry_after` if given; nothing was done."""
    LOST_REQUEST = "lost_request"
    """The connection closes; nothing was done."""
    LOST_ANSWER = "lost_answer"
    """The connection closes; it was done."""
    SHORT_PAGE = "short_page"
    """A listing has at most `page_size` entries a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault."""

    kind: FaultKind
    times: int | None = 1
    """How many requests meet it; None for all that come."""
    status: int | None = None
    retry_after: int | None = None
    page_size: int | None = None


class Mangling(StrEnum):
    """How answers to the read of a scope are changed on their way."""

    UNKNOWN_FIELDS = "unknown_fields"
    """Fields that nobody documents are added wherever there is room."""
    MISSING_FIELDS = "missing_fields"
    """What the service may leave out is left out."""
    GARBAGE = "garbage"
    """Status 200 with a page of HTML, as a proxy in front of the service may answer."""
    CUT_OFF = "cut_off"
    """The body ends in the middle, and Content-Length agrees with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One setting that the provider holds, and two flows of one name and place that differ in it alone."""

    field: str
    """Dotted, as a plan shows it: `state`, `s3.priority`."""
    before: Flow
    after: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request of the provider under test, as the system logged it."""

    operation: str
    """The system's own name for it."""
    write: bool
    at_s: float
    """Seconds since some fixed moment."""
    reached: bool = True
    """Whether the system looked at it at all: false for one that a fault caught before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the specification says of the traffic so far."""

    exchanges: int
    objections: tuple[str, ...] = ()
    """Names places and rules, never values."""


class Harness(Protocol):
    """One live system with one provider document, and a peer where flows need one.

    Whatever the harness does itself is not counted as the provider's request.
    """

    abilities: frozenset[Ability]

    @property
    def clock(self) -> Clock:
        """Time as the host sees it: waiting on it lets the system's own time pass."""
        ...

    @property
    def secrets(self) -> SecretResolver:
        """Resolves what the documents and flows refer to."""
        ...

    @property
    def secret_values(self) -> Sequence[str]:
        """Every secret in play: none of them may ever be shown."""
        ...

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        """Open the provider under test, or the peer of that name, for the workspace `WORKSPACE`."""
        ...

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        """Make a flow that can be applied as it stands; `spec` overrides keys of the spec, options under their type.

        Flows of one group share a container, where a container holds several; flows of two groups never do.
        Equal arguments make equal flows. The ends exist.
        """
        ...

    def variants(self) -> Sequence[Variant]:
        """Return one variant for each setting that the provider holds and that is no part of the identity."""
        ...

    def asking(self, capability: Capability) -> Flow | None:
        """Return a flow that needs this capability; None if nothing in a manifest asks for it."""
        ...

    def placed(self, name: str, text: str) -> Flow:
        """Return a flow whose source has `text` in its prefix or path; the place is made if it can be."""
        ...

    def nowhere(self) -> Location:
        """Return a location of the provider under test that does not exist."""
        ...

    # What others do to the system

    def foreign(self, flow: Flow) -> str:
        """Let somebody else make a relationship in the flow's scope, in its container if that holds several.

        It has settings that this provider does not know, if the system keeps such. Returns its identity.
        """
        ...

    def tamper(self, flow: Flow) -> str:
        """Change by hand a managed setting of what the flow made. Returns the setting's dotted path."""
        ...

    def remove(self, flow: Flow) -> None:
        """Remove by hand what the flow made, and nothing else."""
        ...

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        """Return one relationship of the flow's scope as the system holds it, byte for byte; None if it is not there.

        Progress and other things that change by themselves are left out.
        """
        ...

    # What the wire does

    def mark(self) -> None:
        """Forget the log of requests."""
        ...

    def requests(self) -> Sequence[Sent]:
        """Return the provider's requests since the mark, in order. Authentication does not count."""
        ...

    def fault(self, fault: Fault, on: Target) -> None:
        """Let the next requests of one kind meet a fault."""
        ...

    def mangle(self, mangling: Mangling) -> None:
        """Change all answers to the read of a scope from now on."""
        ...

    def mend(self) -> None:
        """Take back all faults and manglings."""
        ...

    def hurried(self) -> AbstractContextManager[None]:
        """Make the pauses that a client takes between its attempts as good as none."""
        ...

    def judged(self) -> Judgement | None:
        """Hold all traffic so far against the document that describes it; None where there is no such document."""
        ...

    def restart(self) -> None:
        """Restart the service: connections break, everything that it holds is kept."""
        ...

    def advance(self, seconds: float) -> None:
        """Let the system's time pass."""
        ...

    def break_data(self, flow: Flow) -> None:
        """Make copying fail for this flow, and let the system notice."""
        ...

    # Objects

    def location(self) -> Location:
        """Return an empty place of the provider under test for objects."""
        ...

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        """Write an object in parts, as a client with large files does. Key relative to the location."""
        ...

    def leftovers(self, location: Location) -> Sequence[str]:
        """Return what is left below a location, in the system's own words: objects, versions, marks, folders."""
        ...

    def close(self) -> None:
        """End the system and release everything."""
        ...
