"""The four ways in which S3 replication has never stopped differing, each named after its public issue.

A world that answers as AWS was reported to answer; a manifest; an apply; and then no difference, ever.
"""

from typing import Any

import pytest

from tests.lab.command import LabClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def lab(forked_lab: LabClient) -> LabClient:
    """What commands leave on the systems counts here, not how they start."""
    return forked_lab


RULES = "replications.yaml"

ONE = """\
apiVersion: repl/v1
kind: Replication
metadata: {name: one}
spec:
  source: {provider: aws-eu, bucket: media%s}
  destination: {provider: aws-us, bucket: media-dr}
  state: active
  deletes: keep
"""

TWO = ONE % ", prefix: a/" + "---\n" + (ONE % ", prefix: b/").replace("name: one", "name: two")


def settle(lab: LabClient) -> None:
    """Apply, and see that nothing is left to do, twice, and that nothing more is sent."""
    applied = lab.run("apply", "--yes", "--no-verify")
    assert applied.code == 0, applied.text
    mark = lab.mark()
    for _ in range(2):
        planned = lab.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned.text
        assert lab.run("apply", "--yes", "--no-verify").code == 0
    assert not lab.writes(mark)


def foreign(**more: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::media-dr"}} | more


def test_generated_id_terraform_provider_aws_665(lab: LabClient) -> None:
    """A rule without an ID gets one from the server. Ours have one from the name; a foreign one stays as it is."""
    lab.put_rules(
        "media",
        [foreign(Priority=9, Filter={"Prefix": "theirs/"}, DeleteMarkerReplication={"Status": "Disabled"})],
    )
    generated = lab.rules("media")[0]["ID"]
    (lab.folder / RULES).write_text(ONE % ", prefix: ours/")
    settle(lab)
    rules = {rule["ID"]: rule for rule in lab.rules("media")}
    assert set(rules) == {generated, "repl.lab.one"}


def test_v1_and_v2_terraform_provider_aws_5940(lab: LabClient) -> None:
    """A V1 rule that is taken over becomes V2 once, with a word about delete markers; a console rewrite is no drift."""
    lab.put_rules("media", [foreign(ID="legacy", Prefix="raw/")])
    (lab.folder / RULES).write_text(ONE % ", prefix: raw/" + "  s3: {id: legacy}\n")
    planned = lab.run("plan")
    assert "S3-DELETE-MARKERS" in planned.text
    settle(lab)
    assert lab.rules("media")[0]["Filter"] == {"Prefix": "raw/"}
    lab.switch("s3", echo_v1=True)
    assert lab.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("prefix", ["", ", prefix: ''"])
@pytest.mark.parametrize("form", ["as_put", "absent"])
def test_empty_filter_terraform_provider_aws_23487(lab: LabClient, prefix: str, form: str) -> None:
    """No prefix and an empty one are the same wish, however the server shows an empty filter."""
    lab.switch("s3", empty_filter=form)
    (lab.folder / RULES).write_text(ONE % prefix)
    settle(lab)


def test_rule_order_terraform_provider_aws_26976(lab: LabClient) -> None:
    """The server's order of rules means nothing."""
    (lab.folder / RULES).write_text(TWO)
    settle(lab)
    lab.switch("s3", rule_order="reversed")
    mark = lab.mark()
    planned = lab.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.text
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    assert not lab.writes(mark)


def test_a_field_of_the_future_is_carried_and_is_no_difference(lab: LabClient) -> None:
    """A new element that the server adds one day must neither loop nor be lost (crossplane upjet-aws#2063)."""
    lab.switch("s3", add_unknown_field=True)
    (lab.folder / RULES).write_text(TWO)
    settle(lab)
    lab.edit(RULES, "prefix: a/}\n  destination: {provider: aws-us, bucket: media-dr}\n  state: active",
             "prefix: a/}\n  destination: {provider: aws-us, bucket: media-dr}\n  state: paused")  # fmt: skip
    assert lab.run("apply", "--yes", "--no-verify").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0
