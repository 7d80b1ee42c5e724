"""Made-up plans of every shape."""

from datetime import UTC, datetime, timedelta

from reconciler.model.change import Action, Change, FieldChange, Reason
from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.model.observation import ContainerRef, ScopeRef
from reconciler.model.plan import ContainerPlan, Plan, Read, SourceFile, Summary, Unmanaged
from reconciler.model.plan import PlanOptions as Options
from reconciler.model.step import Await, Call, Effect, Estimate
from reconciler.model.value import Json

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ASSETS = ContainerRef(provider="aws-eu", scope="bucket/prod-assets", key="bucket/prod-assets")
NAS = ContainerRef(provider="nas-1", scope="cluster", key="relationship/8c1f2e")
LOGS = ContainerRef(provider="aws-eu", scope="bucket/logs", key="bucket/logs")


def at(line: int, file: str = "manifests/assets.yaml") -> SourceRange:
    return SourceRange(file=file, line=line, column=3)


def field(path: str, before: Json, after: Json, where: SourceRange, **more: bool) -> FieldChange:
    return FieldChange(path=tuple(path.split(".")), before=before, after=after, where=where, **more)


def create() -> Change:
    return Change(
        proof="canary at both ends, within 15m",
        id="c1",
        replication="logs-to-dr",
        provider="aws-eu",
        type="s3",
        title="logs/app/ -> logs-dr",
        action=Action.CREATE,
        reason=Reason.NEW_IN_MANIFEST,
        container=LOGS,
        fields=(
            field("deletes", None, "keep", at(9, "manifests/logs.yaml")),
            field("destination.bucket", None, "logs-dr", at(7, "manifests/logs.yaml")),
            field("filter.tags.class", None, "hot", at(12, "manifests/logs.yaml")),
            field("s3.priority", None, 10, at(13, "manifests/logs.yaml")),
            field("source.bucket", None, "logs", at(6, "manifests/logs.yaml")),
            field("source.prefix", None, "app/", at(6, "manifests/logs.yaml")),
            field("state", None, "active", at(8, "manifests/logs.yaml")),
            field("storageClass", None, "STANDARD_IA", at(10, "manifests/logs.yaml")),
        ),
        where=at(4, "manifests/logs.yaml"),
    )


def create_writes() -> ContainerPlan:
    return ContainerPlan(
        container=LOGS,
        changes=("c1",),
        reads=(Read(container=LOGS, fingerprint="absent"),),
        steps=(
            Call(
                id="c1/put",
                operation="PutBucketReplication",
                target="logs",
                summary="write 1 rule",
                idempotent=True,
                body={"role": "arn:aws:iam::1:role/repl", "rules": [{"id": "repl-logs-to-dr"}]},
            ),
        ),
    )


def update() -> Change:
    return Change(
        id="c2",
        replication="assets-to-dr",
        provider="aws-eu",
        type="s3",
        title="prod-assets/img/ -> dr-assets",
        action=Action.UPDATE,
        reason=Reason.SETTINGS_DIFFER,
        container=ASSETS,
        observed_in=ASSETS,
        fields=(
            field("deletes", "replicate", "keep", at(21)),
            field("destination.bucket", "dr-assets-old", "dr-assets", at(18)),
        ),
        where=at(12),
    )


def update_writes() -> ContainerPlan:
    return ContainerPlan(
        container=ASSETS,
        changes=("c2",),
        reads=(Read(container=ASSETS, fingerprint="sha256:1"),),
        steps=(
            Call(
                id="c2/put",
                operation="PutBucketReplication",
                target="prod-assets",
                summary="write 3 rules (1 foreign kept)",
                idempotent=True,
                preserves=("legacy-2019",),
                body={"rules": [{"id": "a"}, {"id": "legacy-2019"}]},
            ),
        ),
    )


def update_effect() -> Effect:
    return Effect(
        rule="S3-DEST-CHANGE",
        severity=Severity.WARNING,
        blocks=False,
        replication="assets-to-dr",
        text="what dr-assets-old already holds is not sent to dr-assets",
        estimate=Estimate(objects=1_204_331, bytes=8_906_400_000_000, basis="inventory 2026-11-19"),
    )


def replace() -> Change:
    return Change(
        id="c3",
        replication="nas-archive",
        provider="nas-1",
        type="qumulo",
        title="/projects -> proj/v2/",
        action=Action.REPLACE,
        reason=Reason.CANNOT_CHANGE_IN_PLACE,
        container=NAS,
        observed_in=NAS,
        fields=(
            field("destination.prefix", "v1/", "v2/", at(9, "manifests/proj.yaml"), forces_replace=True),
            FieldChange(path=("destination", "secretKey"), sensitive=True, forces_replace=True),
        ),
        where=at(4, "manifests/proj.yaml"),
    )


def replace_writes() -> ContainerPlan:
    path = "/v3/replication/object-relationships/"
    return ContainerPlan(
        container=NAS,
        changes=("c3",),
        reads=(Read(container=NAS, fingerprint="sha256:2"),),
        steps=(
            Call(
                id="c3/abort",
                operation=f"POST {path}{{id}}/abort-replication",
                target="8c1f2e",
                summary="stop the running job",
                idempotent=True,
            ),
            Await(
                id="c3/idle",
                condition="job-not-running",
                target="8c1f2e",
                summary="wait until no job runs",
                deadline_s=600,
            ),
            Call(
                id="c3/delete",
                operation=f"DELETE {path}{{id}}",
                target="8c1f2e",
                summary="delete the relationship",
                idempotent=True,
                leaves_absent=True,
            ),
            Call(
                id="c3/create",
                operation=f"POST {path}",
                target="nas-1",
                summary="create it anew: COPY_TO_OBJECT /projects/ -> proj/v2/",
                idempotent=False,
                body={
                    "bucket": "proj",
                    "secret_access_key": {"$secret": {"env": "NAS_S3_SECRET"}},
                    "local_directory_id": {"$ref": {"step": "c3/lookup", "field": "id"}},
                },
            ),
        ),
    )


def replace_effect(allowed_by: str | None = None) -> Effect:
    return Effect(
        rule="QUMULO-REPLACE",
        severity=Severity.WARNING,
        blocks=True,
        allowed_by=allowed_by,
        replication="nas-archive",
        text="Qumulo forgets what was copied: everything may be copied again",
        estimate=Estimate(objects=3_100_000, bytes=46_949_156_000_000, basis="last job 2026-11-20"),
        recopies=True,
        loses_protection=True,
    )


def delete() -> Change:
    return Change(
        id="c4",
        replication="old-media",
        provider="aws-eu",
        type="s3",
        title="repl-old-media",
        action=Action.DELETE,
        reason=Reason.REMOVED_FROM_MANIFEST,
        container=LOGS,
        observed_in=LOGS,
    )


def delete_writes() -> ContainerPlan:
    call = Call(
        id="c4/delete",
        operation="DeleteBucketReplication",
        target="logs",
        summary="remove the last rule",
        idempotent=True,
        leaves_absent=True,
    )
    reads = (Read(container=LOGS, fingerprint="sha256:3"),)
    return ContainerPlan(container=LOGS, changes=("c4",), reads=reads, steps=(call,), gone=("repl-old-media",))


def same(name: str, number: int) -> Change:
    return update().model_copy(
        update={
            "id": f"c{number}",
            "replication": name,
            "action": Action.NONE,
            "reason": Reason.IN_SYNC,
            "fields": (),
        }
    )


def plan(
    *changes: Change,
    writes: tuple[ContainerPlan, ...] = (),
    effects: tuple[Effect, ...] = (),
    findings: tuple[Finding, ...] = (),
    unread: tuple[str, ...] = (),
    unmanaged: tuple[Unmanaged, ...] = (),
    options: Options | None = None,
    unchanged: int = 0,
) -> Plan:
    everything = (*changes, *(same(f"quiet-{n}", 100 + n) for n in range(unchanged)))
    actions = [change.action for change in everything]
    blocked = sum(effect.blocks and effect.allowed_by is None for effect in effects)
    errors = any(finding.severity is Severity.ERROR for finding in findings)
    something = any(action is not Action.NONE for action in actions)
    return Plan(
        tool_version="0.1.0",
        workspace="acme",
        created_at=NOON,
        expires_at=NOON + timedelta(days=1),
        files=tuple(SourceFile(path=f"manifests/{name}.yaml", sha256="0" * 64) for name in ("assets", "logs", "proj")),
        options=options or Options(),
        complete=not unread,
        applyable=something and not unread and not blocked and not errors,
        scopes=tuple(ScopeRef(provider="aws-eu", key=f"bucket/b{n}") for n in range(len(everything))),
        unread=tuple(ScopeRef(provider=key, key="cluster") for key in unread),
        changes=everything,
        containers=writes,
        effects=effects,
        findings=findings,
        unmanaged=unmanaged,
        summary=Summary(
            **{action.value: actions.count(action) for action in Action},
            calls=sum(len(container.calls) for container in writes),
            blocked=blocked,
            unmanaged=len(unmanaged),
        ),
    ).sealed()


FOREIGN = Unmanaged(container=ASSETS, identity="legacy-2019")
OURS = Unmanaged(container=NAS, identity="repl-old-nas", ours=True)
BROKEN = Finding(
    code="REPL-W003",
    severity=Severity.ERROR,
    summary="versioning is off",
    detail="bucket dr-assets has versioning suspended; S3 replicates between versioned buckets only",
    hint="turn versioning on for dr-assets",
    replication="assets-to-dr",
    where=SourceRange(
        file="manifests/assets.yaml",
        line=18,
        column=40,
        end_column=49,
        snippet="  destination: {provider: aws-us, bucket: dr-assets}",
    ),
)

PLANS: dict[str, Plan] = {
    "create": plan(create(), writes=(create_writes(),), unchanged=1),
    "update": plan(update(), writes=(update_writes(),), effects=(update_effect(),), unmanaged=(FOREIGN,)),
    "replace-blocked": plan(replace(), writes=(replace_writes(),), effects=(replace_effect(),)),
    "replace-allowed": plan(
        replace(), writes=(replace_writes(),), effects=(replace_effect("CHG-12: agreed with the archive team"),)
    ),
    "delete": plan(delete(), writes=(delete_writes(),), options=Options(prune=True), unchanged=2),
    "none": plan(unchanged=14, unmanaged=(FOREIGN, OURS)),
    "empty": plan(),
    "unread": plan(update(), writes=(update_writes(),), unread=("nas-2",), findings=(BROKEN,)),
    "unread-none": plan(unchanged=3, unread=("nas-2",)),
    "mixed": plan(
        create(),
        update(),
        replace(),
        writes=(create_writes(), update_writes(), replace_writes()),
        effects=(update_effect(), replace_effect()),
        unmanaged=(FOREIGN,),
        unchanged=11,
    ),
    "selected": plan(
        update(),
        writes=(update_writes(),),
        options=Options(select=("team=platform",), exclude=("name=x y",), allow=("BOS-RESTART@a",)),
    ),
}
