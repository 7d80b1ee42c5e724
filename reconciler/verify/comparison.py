"""Whether what has arrived is what was written."""

import hashlib

from reconciler.model.units import format_bytes
from reconciler.model.verification import Check, ObjectFacts, Verdict
from reconciler.providers.base import Store
from reconciler.verify.job import Job
from reconciler.verify.specimen import Specimen

__all__ = ["compare_attributes", "compare_content"]

_CHUNK = 1024 * 1024
_DEFAULT_CLASS = "STANDARD"
"""What S3 means by giving no storage class. Source: Amazon S3 API reference, HeadObject."""


def compare_content(specimen: Specimen, store: Store, facts: ObjectFacts) -> tuple[Check, Check]:
    """Compare size and bytes; the bytes are read back, no checksum of the store's is believed. Raises ProviderError."""
    digest, count = hashlib.sha256(), 0
    with store.read(specimen.key) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            count += len(chunk)
    sizes = {facts.size, count}
    size = Check(name="size", verdict=Verdict.MATCH, detail=format_bytes(specimen.size))
    if sizes != {specimen.size}:
        seen = " and ".join(f"{found:,}" for found in sorted(sizes))
        size = Check(name="size", verdict=Verdict.DIFFERS, detail=f"{specimen.size:,} bytes written, {seen} arrived")
    if digest.hexdigest() == specimen.sha256:
        return size, Check(name="sha256", verdict=Verdict.MATCH, detail="of the bytes read back")
    detail = f"{specimen.sha256[:12]} written, {digest.hexdigest()[:12]} arrived"
    return size, Check(name="sha256", verdict=Verdict.DIFFERS, detail=detail)


def compare_attributes(
    job: Job, specimen: Specimen, written: ObjectFacts | None, arrived: ObjectFacts
) -> tuple[list[Check], list[str]]:
    """Compare metadata and storage class. Returns the checks, and in words what could not be compared."""
    checks, not_checked = [], []
    kept = {key: value for key, value in specimen.metadata.items() if written and written.metadata.get(key) == value}
    alike = job.source.info.type == job.destination.info.type
    if not kept or not (alike or arrived.metadata):
        not_checked.append("user metadata, which one end does not hold")
    else:
        lost = sorted(key for key, value in kept.items() if arrived.metadata.get(key) != value)
        verdict = Verdict.DIFFERS if lost else Verdict.MATCH
        checks.append(
            Check(name="metadata", verdict=verdict, detail=f"not as written: {', '.join(lost)}" if lost else "")
        )
    wanted = job.flow.spec.storage_class
    if wanted is not None:
        found = arrived.storage_class or _DEFAULT_CLASS
        verdict = Verdict.MATCH if found == wanted else Verdict.DIFFERS
        detail = found if found == wanted else f"{wanted} in the manifest, {found} at the destination"
        checks.append(Check(name="storage class", verdict=verdict, detail=detail))
    return checks, not_checked
