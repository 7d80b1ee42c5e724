"""Level `status`: what the provider says about its own data plane. Reads only."""

from reconciler.model.observation import Health, HealthState
from reconciler.model.relationship import Relationship
from reconciler.model.verification import Outcome, Verdict
from reconciler.verify.job import Job, NotJudged, NotProved, Record

__all__ = ["check_status", "describe", "require_live"]

_WORDS = {
    HealthState.OK: "all is well",
    HealthState.RUNNING: "it is copying",
    HealthState.PAUSED: "paused",
    HealthState.FAILED: "it has failed",
    HealthState.UNKNOWN: "nothing about its state",
}


def check_status(job: Job, record: Record) -> None:
    """Ask the provider once. Only its own `ok` proves anything; silence does not.

    Raises:
        NotProved: nothing live, or failed by the provider's own word.
        NotJudged: paused, copying at this moment, or the provider does not say.
        ProviderError: it could not be asked.
    """
    record.not_checked.append("whether bytes arrive")
    health = job.provider.health(require_live(job))
    told = describe(health)
    if health.state is HealthState.OK:
        record.note("health", Verdict.MATCH, told)
        record.conclude(Outcome.PROVED)
        return
    if health.state is HealthState.FAILED:
        record.note("health", Verdict.ERROR, told)
        raise NotProved(f"{job.flow.owner.name} says {told}")
    if health.state is HealthState.RUNNING:
        record.note("health", Verdict.PENDING, told)
    raise NotJudged("paused" if health.state is HealthState.PAUSED else f"{job.flow.owner.name} says {told}")


def require_live(job: Job) -> Relationship:
    """Return the observed relationship. Raises NotJudged if the flow shall stand still, NotProved if there is none."""
    if job.paused:
        raise NotJudged("paused")
    if job.relationship is None:
        owner = job.flow.owner.name
        raise NotProved(f"nothing live was found for it on {owner}: it was not applied, is gone, or could not be read")
    return job.relationship


def describe(health: Health) -> str:
    """Put a provider's answer in words: `it has failed: disk full (3 failed, 12 waiting)`."""
    facts = [f"{health.failed:,} failed"] if health.failed else []
    facts += [f"{health.backlog:,} waiting"] if health.backlog else []
    if health.last_success_at is not None:
        facts.append(f"last success {health.last_success_at:%Y-%m-%d %H:%M:%S} UTC")
    detail = f": {health.detail}" if health.detail else ""
    return f"{_WORDS[health.state]}{detail}" + (f" ({', '.join(facts)})" if facts else "")
