"""The two ends of a flow as stores: the system's own, or folders on which this machine has them mounted."""

from pathlib import Path

from reconciler.model.manifest import Location
from reconciler.providers.base import Capability, Provider, Store
from reconciler.providers.directory import DirectoryStore
from reconciler.verify.job import Job, NotJudged

__all__ = ["destination_store", "open_ends", "require_reachable"]


def require_reachable(job: Job) -> None:
    """Raise NotJudged if the objects of an end cannot be reached, or if what is seen there would prove nothing."""
    mounts = job.flow.spec.verify.mounts
    for provider, document in ((job.source, job.flow.source), (job.destination, job.flow.destination)):
        if Capability.STORE not in provider.info.capabilities and mounts is None:
            raise NotJudged(f"objects on {document.name} can neither be written nor read")
    if mounts is not None and _one_place(mounts.source, mounts.destination):
        raise NotJudged(f"{mounts.source} and {mounts.destination} are one place, which proves nothing")


def open_ends(job: Job) -> tuple[Store, Store]:
    """Return source and destination. Raises ProviderError."""
    mounts = job.flow.spec.verify.mounts
    source, destination = job.provider.ends(job.flow)
    return (
        _open(job.source, source, mounts.source if mounts else None),
        _open(job.destination, destination, mounts.destination if mounts else None),
    )


def destination_store(job: Job, location: Location) -> Store:
    """Return what a flow brings data to. Raises ProviderError."""
    mounts = job.flow.spec.verify.mounts
    return _open(job.destination, location, mounts.destination if mounts else None)


def _open(provider: Provider, location: Location, mount: str | None) -> Store:
    if mount is None or Capability.STORE in provider.info.capabilities:
        return provider.store(location)
    return DirectoryStore(Path(mount), location.provider)


def _one_place(one: str, other: str) -> bool:
    """Say whether one folder is the other or lies in it. Folders that are not there are not judged here."""
    try:
        first, second = Path(one).resolve(), Path(other).resolve()
        return first.samefile(second) or first.is_relative_to(second) or second.is_relative_to(first)
    except OSError:
        return False
