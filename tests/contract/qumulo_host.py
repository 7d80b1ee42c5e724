"""A small host for the Qumulo provider: it plans one flow at a time and executes the plan step by step."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from reconciler.model.change import Action, Change, ContainerDiff, FieldChange, Reason
from reconciler.model.manifest import Limits, Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import ContainerState, LocationFacts, Observation
from reconciler.model.relationship import Flow, Relationship, S3Endpoint, Side
from reconciler.model.secret import SecretRef
from reconciler.model.step import Await, Call, StepPlan
from reconciler.providers.base import Access, CallResult, Connection
from reconciler.providers.qumulo.config import QumuloConfig, QumuloOptions
from reconciler.providers.qumulo.provider import QumuloProvider
from tests.lab.qumulo import Lab
from tests.lab.rclone import ObjectServer
from tests.unit.providers.qumulo.flows import S3Config


@dataclass
class NotingSecrets:
    """Secrets by variable, and who each was for."""

    values: Mapping[str, str]
    sent: list[tuple[str, str | None]] = field(default_factory=list)

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        self.sent.append((str(ref), send_to))
        return self.resolve_here(ref)

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        return SecretStr(self.values[str(ref.env)])


@dataclass
class Host:
    """One provider on one cluster, with buckets of one S3 server."""

    lab: Lab
    objects: ObjectServer
    bucket: str
    opened: list[QumuloProvider] = field(default_factory=list)

    def __post_init__(self) -> None:
        facts = self.lab.facts
        reader = facts["reader"]
        values = {
            "TOKEN": facts["token"], "PASSWORD": facts["password"], "READER": reader["token"], "WRONG": "hunter2",
            "S3_SECRET": self.objects.secret_key,
        }  # fmt: skip
        self.secrets = NotingSecrets(values)
        self.provider = self.connect()

    def connect(self, access: Access = Access.WRITE, timeout_s: float = 10, **config: Any) -> QumuloProvider:
        """Open another provider; by default with the service user's token."""
        identity = {} if "username" in config else {"token": {"env": "TOKEN"}}
        settings = {"host": "127.0.0.1", "port": self.lab.facts["port"], "caFile": str(self.lab.certificate.ca)}
        made = QumuloConfig.model_validate({**settings, **identity, **config})
        base = self.lab.certificate.ca.parent
        doc = _provider("nas-1", "qumulo", made)
        self.opened.append(
            QumuloProvider(Connection(doc=doc, secrets=self.secrets, access=access, base=base, timeout_s=timeout_s))
        )
        return self.opened[-1]

    def close(self) -> None:
        for provider in self.opened:
            provider.close()

    def flow(
        self, path: str = "/my-dir", prefix: str = "v1/", side: Side = "source", name: str = "archive", **options: Any
    ) -> Flow:
        """A flow between a directory of the cluster and the bucket."""
        own = Location(provider="nas-1", path=path)
        other = Location(provider="objects", bucket=options.pop("bucket", self.bucket), prefix=prefix)
        docs = (_provider("nas-1", "qumulo", QumuloConfig(host="x", token=SecretRef(env="T"))),)
        docs += (_provider("objects", "s3", S3Config()),)
        ends = (own, other) if side == "source" else (other, own)
        return Flow(
            name=name,
            workspace="test",
            spec=ReplicationSpec(
                source=ends[0], destination=ends[1], options=QumuloOptions.model_validate(options) if options else None
            ),
            labels={},
            source=docs[0] if side == "source" else docs[1],
            destination=docs[1] if side == "source" else docs[0],
            owner_side=side,
            peer_s3=S3Endpoint(
                url=f"https://127.0.0.1:{self.objects.port}",
                region="us-east-1",
                path_style=True,
                ca_file=str(self.objects.ca),
                access_key_id=self.objects.access_key,
                secret_access_key=SecretRef(env="S3_SECRET"),
            ),
        )

    def observe(self) -> Observation:
        return next(iter(self.provider.discover()))

    def live(self, flow: Flow) -> ContainerState | None:
        return self.observe().container(self.provider.container(flow))

    def plan(self, action: Action, flow: Flow, observed: ContainerState | None = None) -> StepPlan:
        """Plan one action; `observed` is the relationship that it is about, if it lies in another container."""
        container, state = self.provider.container(flow), self.live(flow)
        found = observed or state
        change = Change(
            id="c1",
            replication=flow.name,
            provider="nas-1",
            type="qumulo",
            title="a -> b",
            action=action,
            reason=Reason.SETTINGS_DIFFER,
            container=container,
            fields=(FieldChange(path=("qumulo", "region")),),
            observed=found.relationships[0] if found else None,
            observed_in=found.ref if found else None,
        )
        facts = {flow.name: (LocationFacts(exists=True), LocationFacts(exists=True))}
        return self.provider.steps(
            ContainerDiff(container=container, state=state, changes=(change,), flows={flow.name: flow}, facts=facts)
        )

    def run(self, plan: StepPlan) -> dict[str, CallResult]:
        """Execute every step; what each call came to, by its id."""
        assert plan.findings == ()
        results = {}
        for step in plan.steps:
            if isinstance(step, Call):
                results[step.id] = self.provider.execute(step, self.secrets)
            else:
                self.wait(step)
        return results

    def wait(self, step: Await, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not (progress := self.provider.poll(step)).done:
            assert not progress.failed, progress.failed
            assert time.monotonic() < deadline, progress.detail
            time.sleep(0.01)

    def create(self, flow: Flow) -> Relationship:
        """Create a relationship and wait for its first job."""
        made = self.run(self.plan(Action.CREATE, flow))["create"]
        number = str(made.returned["id"])
        self.finished(number)
        state = self.live(flow)
        assert state is not None
        return state.relationships[0]

    def finished(self, number: str, after: str | None = None) -> None:
        self.wait(
            Await(id="end", condition="job-finished", target=number, summary="", deadline_s=20, params={"after": after})
        )

    def writes(self) -> list[str]:
        """Method and path of the writes to relationships so far, ids left out."""
        return [
            f"{row['method']} .../{row['path'].rpartition('/')[2] if row['method'] == 'POST' else 'id'}"
            for row in self._rows()
            if row["method"] != "GET" and row["path"].startswith("/v3/")
        ]

    def _rows(self) -> Iterator[dict[str, Any]]:
        yield from self.lab.log.since()["requests"]  # type: ignore[misc]


def _provider(name: str, kind: str, config: Any) -> ProviderDoc:
    return ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata=Metadata(name=name),
        spec=ProviderSpec(type=kind, config=config, limits=Limits()),
    )
