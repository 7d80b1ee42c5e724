"""Every problem that can be told without a network, with its code and its place."""

from typing import Any

import pytest

from reconciler.model.finding import Severity
from reconciler.model.manifest import Config, ProviderDoc, ProviderSpec
from reconciler.providers.s3.check import check
from tests.unit.providers.s3.shapes import CEPH, OTHER_ROLE, flow

GENERIC = {"flavour": "generic", "endpoint": "https://127.0.0.1:1"}
KEY = "arn:aws:kms:eu-west-1:1:key/k"


def found(one: Any) -> list[tuple[str, str]]:
    return [(finding.code, ".".join(map(str, finding.path))) for finding in check(one)]


@pytest.mark.parametrize(
    ("wanted", "code", "path"),
    [
        ({"source": {"bucket": "Up"}}, "REPL-C101", "spec.source.bucket"),
        ({"source": {"bucket": "a..b"}}, "REPL-C101", "spec.source.bucket"),
        ({"source": {"bucket": "192.168.0.1"}}, "REPL-C101", "spec.source.bucket"),
        ({"destination": {"bucket": "arn:aws:s3:::b"}}, "REPL-C101", "spec.destination.bucket"),
        ({"destination": {"bucket": "x" * 64}}, "REPL-C101", "spec.destination.bucket"),
        ({"destination": {"bucket": "-ab"}}, "REPL-C101", "spec.destination.bucket"),
        ({"destination": {"bucket": "a b c"}, "own": GENERIC}, "REPL-C101", "spec.destination.bucket"),
        ({"source": {"prefix": "é" * 513}}, "REPL-C102", "spec.source.prefix"),
        ({"source": {"prefix": "a\x01"}}, "REPL-C102", "spec.source.prefix"),
        ({"source": {"prefix": "a/"}, "destination": {"prefix": "b/"}}, "REPL-C103", "spec.destination.prefix"),
        ({"source": {"prefix": "a/"}, "destination": {"prefix": ""}}, "REPL-C103", "spec.destination.prefix"),
        ({"filter": {"exclude": ["*.tmp"]}}, "REPL-C104", "spec.filter.exclude"),
        ({"filter": {"exclude": []}}, "REPL-C104", "spec.filter.exclude"),
        ({"schedule": {"every": "5m"}}, "REPL-C105", "spec.schedule"),
        ({"existing": "copy"}, "REPL-C106", "spec.existing"),
        ({"storage_class": "STANDARD-IA"}, "REPL-C107", "spec.storageClass"),
        ({"storage_class": "nonsense"}, "REPL-C107", "spec.storageClass"),
        ({"filter": {"tags": {f"k{n}": "v" for n in range(11)}}}, "REPL-C108", "spec.filter.tags"),
        ({"filter": {"tags": {"": "v"}}}, "REPL-C108", "spec.filter.tags."),
        ({"filter": {"tags": {"k" * 129: "v"}}}, "REPL-C108", f"spec.filter.tags.{'k' * 129}"),
        ({"filter": {"tags": {"k": "v" * 257}}}, "REPL-C108", "spec.filter.tags.k"),
        ({"filter": {"tags": {"k": "a&b"}}}, "REPL-C108", "spec.filter.tags.k"),
        ({"filter": {"tags": {"k": "\x02"}}, "own": GENERIC}, "REPL-C108", "spec.filter.tags.k"),
        ({"filter": {"tags": {"k": "v"}}, "deletes": "replicate"}, "REPL-C109", "spec.deletes"),
        ({"s3": {"owner": "destination"}}, "REPL-C110", "spec.s3.owner"),
        ({"s3": {"owner": "destination", "account": ""}}, "REPL-C110", "spec.s3.owner"),
        ({"s3": {"sseKms": "enabled"}}, "REPL-C111", "spec.s3.sseKms"),
        ({"s3": {"sseKms": "enabled", "kmsKey": ""}}, "REPL-C111", "spec.s3.sseKms"),
        ({"s3": {"kmsKey": KEY}}, "REPL-C111", "spec.s3.kmsKey"),
        ({"destination": {"bucket": "src"}}, "REPL-C112", "spec.destination.bucket"),
        ({"own": CEPH, "s3": {"role": OTHER_ROLE}}, "REPL-C113", "spec.s3.role"),
        ({"own": CEPH, "s3": {"kmsKey": ""}}, "REPL-C113", "spec.s3.kmsKey"),
        ({"own": CEPH, "s3": {"replicationTime": "enabled"}}, "REPL-C113", "spec.s3.replicationTime"),
        ({"own": CEPH, "s3": {"owner": "source"}}, "REPL-C113", "spec.s3.owner"),
        ({"own": CEPH, "deletes": "keep"}, "REPL-C113", "spec.deletes"),
        ({"s3": {"priority": -1}}, "REPL-C114", "spec.s3.priority"),
        ({"s3": {"priority": 2**31}}, "REPL-C114", "spec.s3.priority"),
        ({"s3": {"role": "repl"}}, "REPL-C115", "spec.s3.role"),
        ({"s3": {"role": "arn:aws:iam::1:user/x"}}, "REPL-C115", "spec.s3.role"),
        ({"s3": {"id": "a\x00b"}}, "REPL-C116", "spec.s3.id"),
        ({"s3": {"account": "123"}}, "REPL-C117", "spec.s3.account"),
        ({"s3": {"replicationTime": "enabled", "metrics": "disabled"}}, "REPL-C118", "spec.s3.metrics"),
        ({"peer": GENERIC}, "REPL-C119", "spec.destination.provider"),
        ({"own": CEPH, "peer": {}}, "REPL-C119", "spec.destination.provider"),
        ({"peer": {"region": "cn-north-1"}}, "REPL-C119", "spec.destination.provider"),
    ],
)
def test_each_problem_is_found_where_it_is(wanted: dict[str, Any], code: str, path: str) -> None:
    assert found(flow(**wanted)) == [(code, path)]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"source": {"prefix": "a/"}, "destination": {"prefix": "a/"}},
        {"source": {"prefix": ""}, "destination": {"prefix": ""}},
        {"source": {"prefix": "é" * 511 + "\t\n"}},
        {"source": {"bucket": "abc"}, "destination": {"bucket": "a.b-c0"}},
        {"existing": "ignore", "state": "paused", "deletes": "replicate", "storage_class": "DEEP_ARCHIVE"},
        {"filter": {"tags": {"klasse": "größe / a+b=c.d_e:f@g"}}, "deletes": "keep"},
        {"s3": {"owner": "destination", "account": "444455556666"}},
        {"s3": {"owner": "destination"}, "peer": {"account": "444455556666"}},
        {"s3": {"owner": "source", "account": ""}},
        {"s3": {"sseKms": "enabled", "kmsKey": KEY}},
        {"s3": {"sseKms": "disabled"}},
        {"s3": {"replicationTime": "enabled"}},
        {"s3": {"replicationTime": "disabled", "metrics": "disabled", "priority": 0}},
        {"s3": {"id": "anything at all", "priority": 2**31 - 1}},
        {"own": CEPH, "destination": {"bucket": "src"}, "deletes": "replicate", "storage_class": "fast"},
        {"own": CEPH, "source": {"bucket": "Big_One"}, "filter": {"tags": {"k": "&"}}},
        {"own": GENERIC, "destination": {"bucket": "src"}, "peer": {}, "s3": {"role": "arn:minio:replication::x:b"}},
        {"own": {"region": "us-gov-west-1"}, "peer": {"region": "us-gov-east-1"}},
    ],
)
def test_what_is_right_is_not_complained_about(wanted: dict[str, Any]) -> None:
    assert found(flow(**wanted)) == []


def test_all_problems_come_at_once_and_say_what_to_do() -> None:
    one = flow(existing="copy", schedule={"every": "1h"}, filter={"exclude": ["x"]}, destination={"prefix": "y"})
    findings = list(check(one))
    assert {finding.code for finding in findings} == {"REPL-C103", "REPL-C104", "REPL-C105", "REPL-C106"}
    for finding in findings:
        assert finding.severity is Severity.ERROR
        assert finding.replication == "n"
        assert finding.summary
        assert finding.detail
        assert finding.hint


def test_a_peer_of_another_type_is_another_system() -> None:
    one = flow()
    other = ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata={"name": "q"},  # type: ignore[arg-type]  # pydantic makes it one
        spec=ProviderSpec(type="alarik", config=Config()),
    )
    from dataclasses import replace

    (finding,) = check(replace(one, destination=other))
    assert finding.code == "REPL-C119"
    assert "alarik" in finding.detail


def test_a_storage_class_is_guessed() -> None:
    (finding,) = check(flow(storage_class="glacier-ir"))
    assert finding.hint == "did you mean GLACIER_IR?"
