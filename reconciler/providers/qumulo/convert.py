"""Between Qumulo's wire format and normal form. Pure; the only place that knows the names on the wire.

Source, unless said otherwise: Qumulo REST API guide, v3 object-relationships, and Qumulo administrator guide,
*Using Qumulo Shift-From*, *Using Qumulo Shift-To*, *Viewing the status*.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter

from reconciler.model.observation import ContainerRef, ContainerState, Health, HealthState, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, Settings
from reconciler.model.secret import SecretRef
from reconciler.model.units import format_bytes
from reconciler.model.value import Json, digest
from reconciler.providers.qumulo.certificate import authority, certificates
from reconciler.providers.qumulo.config import BucketStyle, QumuloOptions

__all__ = [
    "ABORT",
    "COPY_FROM",
    "COPY_TO",
    "CREATE",
    "CREATED",
    "DELETE",
    "RELATIONSHIPS",
    "REPLICATE",
    "SCOPE",
    "STATUS",
    "STATUSES",
    "Created",
    "Status",
    "Target",
    "clean_folder",
    "clean_path",
    "create_body",
    "desired",
    "document",
    "health",
    "identity",
    "observation",
    "observed",
    "options_of",
    "percent",
    "progress_text",
    "relationship",
    "settings",
]

COPY_TO = "COPY_TO_OBJECT"
COPY_FROM = "COPY_FROM_OBJECT"
RUNNING = "REPLICATION_RUNNING"
RELATIONSHIPS = "/v3/replication/object-relationships/"
"""The list; a relationship is this and its id. The list of statuses ends in a slash, a status of one does not."""
CREATE = f"POST {RELATIONSHIPS}"
DELETE = f"DELETE {RELATIONSHIPS}{{id}}"
ABORT = f"POST {RELATIONSHIPS}{{id}}/abort-replication"
REPLICATE = f"POST {RELATIONSHIPS}{{id}}/replicate"
SCOPE = "cluster"
"""The key of the one scope: a single read returns all relationships with their state."""

_DEFAULT_PORT = 443
_STYLES = {
    BucketStyle.PATH: "BUCKET_STYLE_PATH",
    BucketStyle.VIRTUAL_HOSTED: "BUCKET_STYLE_VIRTUAL_HOSTED",
}
_UNREADABLE = re.compile(r"[\s%#\x00-\x1f\x7f]")


class _Wire(BaseModel):
    # A newer release may add members: what is not needed is not read.
    model_config = ConfigDict(frozen=True, extra="ignore")


def _none_is_default(default: object) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None else value)


def _count(value: object) -> int | None:
    # Progress is for people: a count in a form that nobody has seen must not keep the cluster from being read.
    return int(value) if isinstance(value, str | int) and str(value).isdecimal() else None


Text = Annotated[str, _none_is_default("")]
Count = Annotated[int | None, BeforeValidator(_count)]


class JobProgress(_Wire):
    """Counts are decimal strings. `percent_complete` changed its scale between releases, so it is not read."""

    bytes_total: Count = None
    bytes_remaining: Count = None
    files_total: Count = None
    files_remaining: Count = None


class CurrentJob(_Wire):
    """The job that runs."""

    start_time: str | None = None
    job_progress: JobProgress | None = None


class LastJob(_Wire):
    """The last job that ended, however it ended. A failure overwrites what was known of an earlier success."""

    end_time: datetime
    error: Text = ""


class Status(_Wire):
    """One relationship with its configuration, its directory's path and its jobs."""

    id: str
    direction: str
    local_directory_id: str
    local_directory_path: Text = ""
    """Empty once the directory is gone."""
    object_store_address: str
    port: Annotated[int, _none_is_default(_DEFAULT_PORT)] = _DEFAULT_PORT
    ca_certificate: Text = ""
    bucket: str
    bucket_style: str = _STYLES[BucketStyle.VIRTUAL_HOSTED]
    object_folder: Text = ""
    region: str
    access_key_id: str
    state: str
    current_job: CurrentJob | None = None
    last_job: LastJob | None = None

    @property
    def running(self) -> bool:
        """Whether a job runs now."""
        return self.state == RUNNING


class Created(_Wire):
    """What is needed of the answer to a create."""

    id: str
    local_directory_id: str


STATUS: TypeAdapter[Status] = TypeAdapter(Status)
STATUSES: TypeAdapter[list[Status]] = TypeAdapter(list[Status])
CREATED: TypeAdapter[Created] = TypeAdapter(Created)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One relationship in our words, desired or observed."""

    direction: str
    path: str
    """Without a trailing slash, `/` for the root; `<gone:3>` where the directory with that id is no more."""
    address: str
    port: int
    bucket: str
    folder: str
    """Without slashes at its ends; empty for the root of the bucket."""
    region: str
    bucket_style: BucketStyle | str
    authority: str | None
    """Digest of the certificates; None for the public authorities."""
    access_key_id: str | None
    """None where it is desired by reference, so that its value is not known."""
    secrets: dict[str, SecretRef] = field(default_factory=dict)


def options_of(flow: Flow) -> QumuloOptions:
    """Return the flow's own options, or those of a flow that says nothing."""
    return flow.spec.options if isinstance(flow.spec.options, QumuloOptions) else QumuloOptions()


def clean_path(path: str) -> str:
    """Return a directory's path without its trailing slash; the root stays `/`."""
    return path.rstrip("/") or "/"


def clean_folder(folder: str | None) -> str:
    """Return a folder without slashes at its ends. The cluster drops leading ones; trailing ones mean nothing to it."""
    return (folder or "").strip("/")


def desired(flow: Flow, pem: str | None) -> Target:
    """Return what a flow asks for. `pem` is the text of the object store's CA file; None for the public authorities."""
    options, peer = options_of(flow), flow.peer_s3
    address, port = _address(peer.url if peer else "")
    style = BucketStyle.PATH if peer and peer.path_style else BucketStyle.VIRTUAL_HOSTED
    key_id = options.credentials.access_key_id if options.credentials else peer.access_key_id if peer else None
    secret = options.credentials.secret_access_key if options.credentials else peer.secret_access_key if peer else None
    references = {"accessKeyId": key_id, "secretAccessKey": secret}
    return Target(
        direction=COPY_TO if flow.owner_side == "source" else COPY_FROM,
        path=clean_path(flow.owned_location.path or "/"),
        address=address,
        port=port,
        bucket=flow.peer_location.bucket or "",
        folder=clean_folder(flow.peer_location.prefix),
        region=options.region or (peer.region if peer else ""),
        bucket_style=options.bucket_style or style,
        authority=authority("".join(certificates(pem))),
        access_key_id=key_id if isinstance(key_id, str) else None,
        secrets={f"qumulo.credentials.{name}": ref for name, ref in references.items() if isinstance(ref, SecretRef)},
    )


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port or _DEFAULT_PORT
    except ValueError:  # a port that is no number: `check` says so
        return "", _DEFAULT_PORT


def create_body(flow: Flow, pem: str | None) -> dict[str, Json]:
    """Return the request that creates a relationship, with references where secrets go.

    Members without a value are left out, as the vendor's own client does.
    """
    target = desired(flow, pem)
    references = {name.rpartition(".")[2]: ref.marked() for name, ref in target.secrets.items()}
    body: dict[str, Json] = {
        "direction": target.direction,
        "local_directory_path": target.path if target.path == "/" else f"{target.path}/",
        "object_store_address": target.address,
        "port": target.port,
        "ca_certificate": "".join(certificates(pem)) or None,
        "bucket": target.bucket,
        "bucket_style": _STYLES[BucketStyle(target.bucket_style)],
        "object_folder": _prefix(target.folder),
        "region": target.region,
        "access_key_id": references.get("accessKeyId", target.access_key_id),
        "secret_access_key": references.get("secretAccessKey"),
    }
    return {name: value for name, value in body.items() if value is not None}


def observed(status: Status) -> Target:
    """Return what a relationship on the cluster is."""
    styles = {name: style for style, name in _STYLES.items()}
    gone = f"<gone:{status.local_directory_id}>"
    return Target(
        direction=status.direction,
        path=clean_path(status.local_directory_path) if status.local_directory_path else gone,
        address=status.object_store_address.lower(),
        port=status.port,
        bucket=status.bucket,
        folder=clean_folder(status.object_folder),
        region=status.region,
        bucket_style=styles.get(status.bucket_style, status.bucket_style),
        authority=authority(status.ca_certificate),
        access_key_id=status.access_key_id,
    )


def identity(target: Target) -> str:
    """Return what makes a relationship that one: `COPY_TO_OBJECT /projects -> s3.example:443/bucket/v1`.

    A cluster has no names or labels for relationships, so these members have to do. Blanks, `%`, `#` and control
    characters are percent-encoded, so that different members never give equal identities.
    """
    host = f"[{target.address}]" if ":" in target.address else target.address
    place = f"{host}:{target.port}/{target.bucket}/{target.folder}"
    return f"{target.direction} {_readable(target.path)} -> {_readable(place)}"


def settings(target: Target) -> Settings:
    """Return the settings as a Replication's spec has them. All are always there, so that none goes unseen."""
    directory: Json = {"path": target.path}
    bucket: Json = {"bucket": target.bucket, "prefix": _prefix(target.folder)}
    own: dict[str, Json] = {
        "address": target.address,
        "port": target.port,
        "region": target.region,
        "bucketStyle": str(target.bucket_style),
        "caCertificate": target.authority,
    }
    if target.access_key_id is not None:
        own["accessKeyId"] = target.access_key_id
    source, destination = (directory, bucket) if target.direction == COPY_TO else (bucket, directory)
    return {"source": source, "destination": destination, "qumulo": own}


def relationship(target: Target) -> Relationship:
    """Return the desired relationship."""
    return Relationship(identity=identity(target), settings=settings(target), write_only=target.secrets)


def observation(provider: str, statuses: Iterable[Status]) -> Observation:
    """Return the cluster's relationships, each a container of its own, ordered by key.

    Nothing keeps a cluster from holding the same relationship twice. Then the one with the lowest id stands for all,
    and the others get the key and identity `<identity>#<id>`, so that they show as what they are: surplus, unless a
    receipt knows one of them by its id.
    """
    named = sorted(((identity(observed(status)), status) for status in statuses), key=lambda one: (one[0], one[1].id))
    states = [
        _container(provider, name, status, surplus=number > 0)
        for name, group in groupby(named, key=lambda one: one[0])
        for number, (_, status) in enumerate(group)
    ]
    scope = ScopeRef(provider=provider, key=SCOPE)
    return Observation(scope=scope, containers=tuple(sorted(states, key=lambda state: state.ref.key)))


def _container(provider: str, name: str, status: Status, *, surplus: bool) -> ContainerState:
    held = settings(observed(status))
    key, also = (f"{name}#{status.id}", {name: held}) if surplus else (name, {})
    return ContainerState(
        ref=ContainerRef(provider=provider, scope=SCOPE, key=key),
        fingerprint=digest({"id": status.id, "directory": status.local_directory_id, "settings": held}),
        relationships=(Relationship(identity=key, settings=held, provider_id=status.id, also=also),),
        document=document(status, surplus=surplus),
        also=tuple(also),
    )


def document(status: Status, *, surplus: bool = False) -> dict[str, Json]:
    """Return what planning needs beyond the settings: id, directory, jobs, and a note where something is odd."""
    progress = status.current_job.job_progress if status.current_job else None
    note = "the same relationship exists more than once" if surplus else ""
    return {
        "id": status.id,
        "local_directory_id": status.local_directory_id,
        "running": status.running,
        "bytes_total": progress.bytes_total if progress else None,
        "files_total": progress.files_total if progress else None,
        "last_job_ended": status.last_job.end_time.isoformat() if status.last_job else None,
        "note": note if status.local_directory_path else "its directory is gone",
    }


def health(status: Status) -> Health:
    """Return what the cluster says of a relationship's jobs. There is no word for lag, and none for paused."""
    last = status.last_job
    succeeded = last.end_time if last and not last.error else None
    if status.running:
        progress = status.current_job.job_progress if status.current_job else None
        before = f"; the one before failed: {last.error}" if last and last.error else ""
        return Health(
            state=HealthState.RUNNING,
            detail=f"{progress_text(status)}{before}",
            last_success_at=succeeded,
            backlog=progress.files_remaining if progress else None,
        )
    if last is None:
        return Health(state=HealthState.UNKNOWN, detail="no job has ended yet")
    if last.error:
        return Health(state=HealthState.FAILED, detail=f"the last job failed: {last.error}")
    return Health(state=HealthState.OK, detail="the last job succeeded", last_success_at=succeeded)


def percent(status: Status) -> float | None:
    """Return how far the running job is, by bytes, from 0 to 100; None if none runs or its size is not known yet.

    The cluster's own `percent_complete` has another scale in other releases.
    """
    progress = status.current_job.job_progress if status.current_job else None
    if not progress or not progress.bytes_total or progress.bytes_remaining is None:
        return None
    return min(max(100 - 100 * progress.bytes_remaining / progress.bytes_total, 0.0), 100.0)


def progress_text(status: Status) -> str:
    """Return what the running job does, in words."""
    done, job = percent(status), status.current_job
    size = job.job_progress.bytes_total if job and job.job_progress else None
    return "a job runs" if done is None or size is None else f"a job runs: {done:.0f}% of {format_bytes(size)}"


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""


def _readable(text: str) -> str:
    return _UNREADABLE.sub(lambda found: quote(found.group(), safe=""), text)
