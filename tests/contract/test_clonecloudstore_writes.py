"""Writes between sites look first: what others have done since the plan is neither done again nor undone."""

import pytest

from reconciler.emulators.message import Reply
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.plan import Plan
from reconciler.model.step import Call
from reconciler.providers.base import CallResult
from reconciler.testing.host import Host
from tests.contract.clonecloudstore_host import host, sites, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness
from tests.lab.clonecloudstore import CLIENT

__all__ = ["host", "sites", "way"]

KEPT = {"deletes": "keep", "verify": {"level": "status"}}


def calls(plan: Plan) -> list[Call]:
    assert not plan.errors
    return [call for item in plan.containers for call in item.calls]


def sent(host: Host, call: Call) -> CallResult:
    return host.provider.execute(call, host.harness.secrets)


def give(sites: CloneCloudStoreHarness, right: str) -> None:
    """Somebody gives the client these rights at the destination, and no others."""
    client, path = sites.client("site-b", "administration"), f"/administration/ownerships/{CLIENT}/stock"
    assert client.delete(path).status_code in (204, 404)
    assert client.post(f"{path}/{right}").is_success


def test_a_site_that_was_paused_since_stays_so_where_its_state_is_not_written(
    host: Host, sites: CloneCloudStoreHarness
) -> None:
    flow = sites.flow("stock")
    host.converge(flow)
    sites.put_topology("site-a", (sites.topology("site-a", "site-b") or {}) | {"name": "wrong"})
    (call,) = calls(host.plan(sites.flow("stock", state=None)))
    sites.put_topology("site-a", (sites.topology("site-a", "site-b") or {}) | {"status": "DOWN"})
    assert not sent(host, call).skipped
    held = sites.topology("site-a", "site-b") or {}
    assert (held["name"], held["status"]) == ("site-b", "DOWN")
    assert sent(host, call).skipped == "it is so already"


@pytest.mark.parametrize("status", ["UNKNOWN", "DOWN"])
def test_a_site_that_somebody_enters_meanwhile_is_made_as_planned(
    host: Host, sites: CloneCloudStoreHarness, status: str
) -> None:
    call = next(one for one in calls(host.plan(sites.flow("stock"))) if one.id.endswith("know-site-b-at-site-a"))
    left = [1]

    def not_yet(reply: Reply) -> Reply:
        """What was there before somebody entered it."""
        if not left:
            return reply
        left.clear()
        return Reply(404, tuple(one for one in reply.headers if one[0].lower() != "content-length"), b"")

    sites.know("site-a", "site-b", status)
    sites.wire.mangle("getTopology", not_yet)
    assert not sent(host, call).skipped
    assert not left
    assert (sites.topology("site-a", "site-b") or {})["status"] == "UP"


def test_rights_that_somebody_has_lowered_meanwhile_are_not_taken(host: Host, sites: CloneCloudStoreHarness) -> None:
    host.converge(sites.flow("stock"))
    take, back = calls(host.plan(sites.flow("stock", **KEPT)))
    give(sites, "READ_WRITE")
    with host.quiet() as requests:
        assert sent(host, take).skipped == "it has no more rights than it shall have"
        assert sent(host, back).skipped == "it has these rights already"
    assert not [one for one in requests if one.write]


def test_rights_that_somebody_gives_meanwhile_are_not_taken_for_what_was_planned(
    host: Host, sites: CloneCloudStoreHarness
) -> None:
    host.converge(sites.flow("stock"))
    take, back = calls(host.plan(sites.flow("stock", **KEPT)))
    assert not sent(host, take).skipped
    give(sites, "DELETE")
    with pytest.raises(ProviderError, match="client1 has DELETE on stock at site-b, which is not as planned") as raised:
        sent(host, back)
    assert raised.value.code is ErrorCode.CONFLICT
    assert sites.right("site-b", "stock") == "DELETE"
    give(sites, "READ")
    assert not sent(host, back).skipped
    assert sites.right("site-b", "stock") == "READ_WRITE"
