"""A bucket's rules as a whole: which is which, and what they are in normal form. Pure."""

from xml.etree.ElementTree import Element

from reconciler.model.observation import ContainerRef, ContainerState, ScopeRef
from reconciler.model.relationship import Relationship
from reconciler.model.value import canonical_json, digest
from reconciler.providers.s3.convert import (
    ROLE_ELEMENT,
    RULE_ELEMENT,
    Dialect,
    parse_rule_id,
    read_rule,
    rule_id_of,
)
from reconciler.providers.s3.document import Document, canonical

__all__ = ["bucket_scope", "identities", "observed_container"]


def bucket_scope(provider: str, bucket: str) -> ScopeRef:
    """Return the scope of a bucket: `bucket/<name>`."""
    return ScopeRef(provider=provider, key=f"bucket/{bucket}")


def identities(document: Document) -> dict[int, str]:
    """Return the identity of each rule by its number among the pieces.

    That is its id. A rule without one, or with one that an earlier rule has (AWS allows neither), gets a digest of its
    content, so that it is told apart in whatever order a server returns it.
    """
    found: dict[int, str] = {}
    for number, piece in enumerate(document.pieces):
        if piece.element is None or piece.element.tag != RULE_ELEMENT:
            continue
        identity = rule_id_of(piece.element) or _unnamed(piece.element)
        if identity in found.values():
            identity = f"{identity}#{_short(piece.element)}"
        while identity in found.values():
            identity += "'"
        found[number] = identity
    return found


def observed_container(scope: ScopeRef, text: str, workspace: str, dialect: Dialect) -> ContainerState | None:
    """Read a bucket's configuration; None if it has no rule. Raises DocumentError."""
    document = Document.parse(text)
    named = identities(document)
    if not named:
        return None
    bucket, role = scope.key.removeprefix("bucket/"), document.text(ROLE_ELEMENT)
    relationships = []
    for number, identity in named.items():
        element = document.pieces[number].element
        if element is not None:
            settings = read_rule(element, bucket=bucket, role=role, dialect=dialect)
            ours = parse_rule_id(identity)
            owned = ours is not None and ours[0] == workspace
            relationships.append(Relationship(identity=identity, settings=settings, owned=owned))
    return ContainerState(
        ref=ContainerRef(provider=scope.provider, scope=scope.key, key=scope.key),
        fingerprint=document.fingerprint(ROLE_ELEMENT),
        relationships=tuple(sorted(relationships, key=lambda known: known.identity)),
        document={"xml": text},
    )


def _unnamed(rule: Element) -> str:
    return f"unnamed:{_short(rule)}"


def _short(rule: Element) -> str:
    return digest(canonical_json(canonical(rule))).removeprefix("sha256:")[:12]
