"""From what is live to manifests: new documents for what nobody has written down, new values for what has moved."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.connect import Connections
from reconciler.engine.match import Desired, Recorded
from reconciler.engine.moved import MovedValue, Mover, as_literal
from reconciler.engine.peers import PeerFinder
from reconciler.errors import ErrorCode, ProviderError
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.manifest import API_VERSION
from reconciler.model.receipt import Receipt, ReceiptEntry
from reconciler.model.value import Json
from reconciler.providers.base import Imported, Provider
from reconciler.providers.names import unique
from reconciler.providers.registry import Registry

__all__ = ["Import", "MovedValue", "import_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What an import found."""

    documents: tuple[dict[str, Json], ...]
    """Replication documents for what is live and not written down, ordered by name."""
    moved: tuple[MovedValue, ...]
    known: int
    """Live relationships that a manifest describes already."""
    notes: tuple[str, ...] = ()
    """What the documents cannot say and somebody has to write or know: `NAME: ...`."""
    unread: ProviderError | None = None
    """That access to some of it was refused, while the rest was read."""


def import_from(
    provider_name: str,
    workspace: LoadedWorkspace,
    registry: Registry,
    connections: Connections,
    *,
    desired: tuple[Desired, ...],
    receipt: Receipt | None,
) -> Import:
    """Read every scope of one provider. Never writes. Raises ProviderError if it cannot be read.

    Where access to some scopes only is refused, the others are imported: see `Import.unread`.
    """
    provider = connections.provider(provider_name)
    entries = receipt.replications if receipt else {}
    recorded = Recorded(entries)
    by_name = {want.flow.name: want for want in desired}
    written = {(want.container.scope_ref, want.relationship.identity): want for want in desired}
    finder = PeerFinder(workspace, registry, connections)
    mover = Mover(workspace, registry, connections, finder)
    moved: list[MovedValue] = []
    notes: list[str] = []
    unwritten: dict[str, _Found] = {}
    known: set[str] = set()
    found, unread = _discovered(provider)
    names = [recorded.name(item.container.scope_ref, item.relationship) for item in found]
    live_names = frozenset(names)
    for item, before in zip(found, names, strict=True):
        scope, live = item.container.scope_ref, item.relationship
        fitting = (written.get((scope, name)) for name in (live.identity, *live.also))
        want = next((one for one in fitting if one and not _is_another(item, before, one, entries, live_names)), None)
        if want is not None:
            values, unsaid = mover.moved(want, item)
            moved += values
            notes += unsaid
        if want is not None or before in by_name:
            known.add(_thing(item))  # or written down with another identity: a replacement is pending
        else:
            # One thing may be seen through two scopes: a volume by its name and by its id. The first tells how it is
            # written.
            unwritten.setdefault(_thing(item), _Found(item, before))
    fresh = [one for thing, one in unwritten.items() if thing not in known]
    documents = []
    for name, item in _named(fresh, workspace, entries):
        document, unsaid = _document(item, provider_name, name, finder)
        documents.append(document)
        notes += [f"{name}: {text}" for text in unsaid]
    return Import(documents=tuple(documents), moved=tuple(moved), known=len(known), notes=tuple(notes), unread=unread)


def _discovered(provider: Provider) -> tuple[list[Imported], ProviderError | None]:
    """Return what is live, and that access to the rest was refused. Raises ProviderError where nothing was read."""
    found: list[Imported] = []
    read = False
    try:
        for observation in provider.discover():
            found += provider.imported(observation)
            read = True
    except ProviderError as error:
        if error.code is not ErrorCode.PERMISSION_DENIED or not read:
            raise
        return found, error
    return found, None


@dataclass(frozen=True, slots=True)
class _Found:
    """A live relationship that no document describes."""

    item: Imported
    before: str | None
    """Its name when it was written down."""


def _is_another(
    item: Imported,
    before: str | None,
    want: Desired,
    entries: Mapping[str, ReceiptEntry],
    live_names: Collection[str | None],
) -> bool:
    """Say whether what answers to a replication's name is known to be something else, by the server's id."""
    number, name = item.relationship.provider_id, want.flow.name
    if number is None or before == name:
        return False
    return name in live_names or (name in entries and number in entries[name].strangers)


def _thing(item: Imported) -> str:
    """Name a live relationship, by the server's id where it has one."""
    return item.relationship.provider_id or f"{item.container} {item.relationship.identity}"


def _named(
    found: Iterable[_Found], workspace: LoadedWorkspace, recorded: Mapping[str, object]
) -> list[tuple[str, Imported]]:
    """Give every relationship a name that nothing has, the same whenever the same is there. Ordered by name.

    What has had a name of ours gets it again; numbers go by what identifies a relationship, not by the order in which
    a system lists it.
    """
    named: dict[str, Imported] = {}
    rest: list[Imported] = []
    for one in found:
        if one.before is not None and one.before not in named:
            named[one.before] = one.item
        else:
            rest.append(one.item)
    # A name in the receipt is another replication's: it would seem to have moved.
    taken = {*workspace.replications, *recorded, *named}
    for item in sorted(rest, key=lambda one: (one.suggested_name, str(one.container), one.relationship.identity)):
        named[unique(item.suggested_name, taken)] = item
    return sorted(named.items())


def _document(
    item: Imported, provider_name: str, name: str, finder: PeerFinder
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return a document, and what it cannot say."""
    unsaid = list(item.by_hand)
    ends: dict[str, Json] = {}
    for side, end in (("source", item.source), ("destination", item.destination)):
        ends[side], problem = _end(end, provider_name, item, finder)
        unsaid += [f"`{side}.provider` {problem}"] if problem else []
    own = item.spec if name == item.suggested_name else _over(item.spec, item.renamed)
    document: dict[str, Json] = {
        "apiVersion": API_VERSION,
        "kind": "Replication",
        "metadata": {"name": name},
        "spec": as_literal({**ends, **own}),
    }
    return document, tuple(unsaid)


def _end(end: Json, provider_name: str, item: Imported, finder: PeerFinder) -> tuple[Json, str]:
    """Return an end with its provider, and what is wrong with that; empty if nothing is."""
    if not isinstance(end, dict) or "provider" in end:
        return end, ""
    found = finder.find(end, provider_name, item)
    if found is None:
        name, place = finder.placeholder(provider_name, item)
        return {"provider": name, **end}, f"is not known: no Provider document reaches {place}; write one, as {name}"
    key = finder.other_key(found, item)
    problem = f"is {found}, but access key {key} is in use: to keep it, write a Provider document with it"
    return {"provider": found, **end}, problem if key else ""


def _over(below: dict[str, Json], above: dict[str, Json]) -> dict[str, Json]:
    """Lay one mapping over another, one level deep."""
    laid = dict(below)
    for key, value in above.items():
        held = laid.get(key)
        laid[key] = {**value, **held} if isinstance(held, dict) and isinstance(value, dict) else value
    return laid
