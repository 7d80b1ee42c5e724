"""S3 as the suite sees it, whatever serves it: flows, rules made by other hands, and objects."""

import base64
import hashlib
import itertools
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import boto3
import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from reconciler.emulators.message import Reply
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Access, Capability, Connection, Provider
from reconciler.providers.s3 import TYPE
from reconciler.providers.s3.config import S3Config, S3Options
from reconciler.testing.harness import WORKSPACE, Fault, Mangling, Target, Variant
from tests.contract.harnesses.s3_objects import left_below, write_in_parts
from tests.contract.harnesses.wire import COMMON_MANGLERS, EnvSecrets, Wire

ROLE, OTHER_ROLE = (f"arn:aws:iam::111122223333:role/{name}" for name in ("replication", "other"))
KMS = "arn:aws:kms:eu-west-1:111122223333:key/"
_READS = {"observe": "GetBucketReplication", "list": "ListObjectsV2", "health": "GetBucketReplication"}
_RULE = re.compile(r"<Rule>.*?</Rule>", re.DOTALL)
_ROOT = '<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'

Spec = dict[str, Any]
Differences = tuple[tuple[str, Spec, Spec], ...]

PORTABLE: Differences = (
    ("state", {"state": "active"}, {"state": "paused"}),
    ("storageClass", {"storageClass": "STANDARD"}, {"storageClass": "STANDARD_IA"}),
    ("filter.tags.class", {"filter": {"tags": {"class": "hot"}}}, {"filter": {"tags": {"class": "co ld+-=._:/@é"}}}),
    ("s3.priority", {"s3": {"priority": 7}}, {"s3": {"priority": 9}}),
)
_KEY_A, _KEY_B = ({"sseKms": "enabled", "kmsKey": f"{KMS}{name}"} for name in "ab")
_OWNED = {"account": "111122223333"}
AWS: Differences = (
    *PORTABLE,
    ("deletes", {"deletes": "keep"}, {"deletes": "replicate"}),
    ("s3.role", {"s3": {"role": ROLE}}, {"s3": {"role": OTHER_ROLE}}),
    ("s3.owner", {"s3": _OWNED | {"owner": "source"}}, {"s3": _OWNED | {"owner": "destination"}}),
    ("s3.account", {"s3": {"account": ""}}, {"s3": _OWNED}),
    ("s3.kmsKey", {"s3": _KEY_A}, {"s3": _KEY_B}),
    ("s3.sseKms", {"s3": _KEY_A | {"sseKms": "disabled"}}, {"s3": _KEY_A}),
    (
        "s3.replicaModifications",
        {"s3": {"replicaModifications": "disabled"}},
        {"s3": {"replicaModifications": "enabled"}},
    ),
    ("s3.metrics", {"s3": {"metrics": "disabled"}}, {"s3": {"metrics": "enabled"}}),
    (
        "s3.replicationTime",
        {"s3": {"metrics": "enabled", "replicationTime": "disabled"}},
        {"s3": {"metrics": "enabled", "replicationTime": "enabled"}},
    ),
)
_ASKING: dict[Capability, Spec] = {
    Capability.PAUSE: {"state": "paused"},
    Capability.DELETES: {"deletes": "replicate"},
    Capability.STORAGE_CLASS: {"storageClass": "STANDARD_IA"},
    Capability.TAG_FILTER: {"filter": {"tags": {"class": "hot"}}},
    Capability.EXCLUDE_FILTER: {"filter": {"exclude": ["*.tmp"]}},
    Capability.SCHEDULE: {"schedule": {"every": "5m"}},
}


class S3Rules:
    """The part of a harness that knows S3. A system adds `docs`, `sources`, `endpoints` and `close`."""

    differences: Differences = AWS
    name = "s3"
    """Of the system in the log."""

    def __init__(self, wire: Wire, secrets: EnvSecrets, base: Path) -> None:
        self.wire = wire
        self.secrets = secrets
        self.base = base
        self.docs: dict[str, ProviderDoc] = {}
        """By name; the first is under test, the last is the destination."""
        self.sources: tuple[str, str] = ("", "")
        """One bucket for each group of flows."""
        self.destinations: tuple[str, str] = ("", "")
        """Where each group's flows lead."""
        self.objects = ""
        """A bucket for objects."""
        self._clients: dict[str, Any] = {}
        self._places = itertools.count(1)

    def document(self, name: str, config: Mapping[str, Any]) -> ProviderDoc:
        spec = ProviderSpec(type="s3", config=S3Config.model_validate(config))
        doc = ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)
        self.docs[name] = doc
        return doc

    @property
    def secret_values(self) -> Sequence[str]:
        return self.secrets.values

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        doc = self.docs[provider] if provider else self._doc
        return TYPE.connect(
            Connection(doc=doc, secrets=self.secrets, access=access, base=self.base, workspace=WORKSPACE)
        )

    # What is desired

    def flow(self, name: str, *, group: int = 0, **spec: Any) -> Flow:
        return self._flow(name, {"bucket": self.sources[group], "prefix": f"{name}/"}, self.destinations[group], spec)

    def variants(self) -> Sequence[Variant]:
        found = [
            Variant(field=field, before=self.flow("varied", **before), after=self.flow("varied", **after))
            for field, before, after in self.differences
        ]
        source = {"bucket": self.sources[0], "prefix": "varied/deeper/"}
        moved = self._flow("varied", source, self.destinations[0], {})
        elsewhere = self._flow("varied", source, self.destinations[1], {})
        return [
            *found,
            Variant(field="source.prefix", before=self.flow("varied"), after=moved),
            Variant(field="destination.bucket", before=moved, after=elsewhere),
        ]

    def asking(self, capability: Capability) -> Flow | None:
        return self.flow("asking", **_ASKING[capability]) if capability in _ASKING else None

    def placed(self, name: str, text: str) -> Flow:
        return self._flow(name, {"bucket": self.sources[0], "prefix": f"{text}/"}, self.destinations[0], {})

    def nowhere(self) -> Location:
        return Location(provider=self._doc.name, bucket="no-such-bucket-anywhere")

    def _flow(self, name: str, source: Spec, bucket: str, spec: Spec) -> Flow:
        given = {"state": "active"} | spec
        options = given.pop("s3", None)
        here, there = self._doc, list(self.docs.values())[-1]
        given |= {"source": {"provider": here.name} | source, "destination": {"provider": there.name, "bucket": bucket}}
        made = ReplicationSpec.model_validate(given)
        if options is not None:
            made = made.model_copy(update={"options": S3Options.model_validate(options)})
        return Flow(
            name=name,
            workspace=WORKSPACE,
            spec=made,
            labels={},
            source=here,
            destination=there,
            owner_side="source",
            peer_s3=TYPE.s3_endpoint(there.spec.config, self.base),
        )

    @property
    def _doc(self) -> ProviderDoc:
        return next(iter(self.docs.values()))

    # What others do

    def foreign(self, flow: Flow) -> str:
        bucket, identity = str(flow.spec.source.bucket), "Team B's rule & <more>"
        rule = self.foreign_rule(identity, str(flow.spec.destination.bucket))
        text = self.configuration(bucket)
        rules = [rule, *_RULE.findall(text)]
        self.put_configuration(bucket, _written(rules, _role_of(text) or ROLE))
        return identity

    def foreign_rule(self, identity: str, destination: str) -> str:
        """A rule in a layout of its own, with a comment, elements in another order, and settings we do not manage."""
        return (
            f"<Rule>\n\t<Status>Disabled</Status><!-- ask team B -->\n  <ID>{escape(identity)}</ID>"
            "<Destination><Bucket>arn:aws:s3:::"
            f"{destination}</Bucket><StorageClass>GLACIER</StorageClass></Destination>"
            "<Priority>4711</Priority><Filter><And><Prefix>theirs/ü&#xe9;&amp;/</Prefix>"
            "<Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>"
            "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>\n</Rule>"
        )

    def tamper(self, flow: Flow) -> str:
        def changed(rule: str) -> str:
            to = "Disabled" if "<Status>Enabled</Status>" in _own_status(rule) else "Enabled"
            return _with_status(rule, to)

        self._edit(flow, changed)
        return "state"

    def remove(self, flow: Flow) -> None:
        self._edit(flow, lambda _rule: "")

    def raw(self, flow: Flow, identity: str) -> bytes | None:
        rules = _RULE.findall(self.configuration(str(flow.spec.source.bucket)))
        return next((rule.encode() for rule in rules if _is(rule, identity)), None)

    def _edit(self, flow: Flow, change: Any) -> None:
        bucket, identity = str(flow.spec.source.bucket), self.connect().normalise(flow).identity
        text = self.configuration(bucket)
        rules = [change(rule) if _is(rule, identity) else rule for rule in _RULE.findall(text)]
        left = [rule for rule in rules if rule]
        if left:
            self.put_configuration(bucket, _written(left, _role_of(text) or ROLE))
        else:
            self.client().delete_bucket_replication(Bucket=bucket)

    def configuration(self, bucket: str) -> str:
        """The bucket's configuration as the server gives it; empty if there is none."""
        answer = self.send("GET", f"/{bucket}?replication")
        if answer.status_code == 404:
            return ""
        assert answer.status_code == 200, answer.text
        return answer.text

    def rules(self, bucket: str) -> list[str]:
        """The text of each rule of a bucket, in the server's order."""
        return _RULE.findall(self.configuration(bucket))

    def put_configuration(self, bucket: str, text: str) -> None:
        answer = self.send("PUT", f"/{bucket}?replication", text.encode())
        assert answer.status_code == 200, answer.text

    # What the wire does

    def mark(self) -> None:
        self.wire.mark()

    def requests(self) -> Sequence[Any]:
        return self.wire.requests(self.name)

    def fault(self, fault: Fault, on: Target) -> None:
        self.wire.fault(fault, self.name, on.operation if isinstance(on, Call) else _READS[on])

    def mangle(self, mangling: Mangling) -> None:
        manglers = {Mangling.UNKNOWN_FIELDS: _with_unknown, Mangling.MISSING_FIELDS: _with_less, **COMMON_MANGLERS}
        self.wire.mangle("GetBucketReplication", manglers[mangling])

    def mend(self) -> None:
        self.wire.mend()

    # Objects

    def location(self) -> Location:
        return Location(provider=self._doc.name, bucket=self.objects, prefix=f"objects & {'x' * next(self._places)}/")

    def write_in_parts(self, location: Location, key: str, parts: Sequence[bytes]) -> None:
        write_in_parts(self.client(), str(location.bucket), (location.prefix or "") + key, parts)

    def leftovers(self, location: Location) -> Sequence[str]:
        return left_below(self.client(), str(location.bucket), location.prefix or "")

    # Another client's way in

    def client(self, provider: str | None = None) -> Any:
        """A boto3 client of the harness' own. Typed Any for short tests."""
        name = provider or self._doc.name
        if name not in self._clients:
            config = self._config(name)
            key, secret = self._keys(config)
            self._clients[name] = boto3.client(
                "s3",
                endpoint_url=config.url,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                region_name=config.region,
                verify=config.ca_file,
                config=Config(
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        return self._clients[name]

    def send(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        """A request as it is, signed by botocore, for documents that boto3's model would change."""
        config = self._config(self._doc.name)
        request = AWSRequest(method=method, url=config.url + path, data=body)
        S3SigV4Auth(Credentials(*self._keys(config)), "s3", config.region).add_auth(request)
        headers = dict(request.headers.items())
        if body:
            headers["Content-MD5"] = _md5(body)
        trusted = ssl.create_default_context(cafile=config.ca_file)
        with httpx.Client(verify=trusted, trust_env=False, timeout=30) as client:
            return client.request(method, config.url + path, content=body, headers=headers)

    def _config(self, provider: str) -> S3Config:
        config = self.docs[provider].spec.config
        assert isinstance(config, S3Config)
        return config

    def _keys(self, config: S3Config) -> tuple[str, str]:
        assert config.credentials is not None
        assert isinstance(config.credentials.access_key_id, str)
        secret = self.secrets.resolve(config.credentials.secret_access_key)
        return config.credentials.access_key_id, secret.get_secret_value()

    def close_clients(self) -> None:
        for client in self._clients.values():
            client.close()


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _written(rules: Sequence[str], role: str) -> str:
    return f"{_ROOT}<Role>{role}</Role>{''.join(rules)}</ReplicationConfiguration>"


def _role_of(text: str) -> str:
    found = re.search(r"<Role>(.*?)</Role>", text)
    return found[1] if found else ""


def _is(rule: str, identity: str) -> bool:
    found = re.search(r"<ID>(.*?)</ID>", rule, re.DOTALL)
    return found is not None and found[1] in (escape(identity), escape(identity, {"'": "&apos;", '"': "&quot;"}))


_INNER = re.compile(r"<(DeleteMarkerReplication|SourceSelectionCriteria|ReplicationTime|Metrics)>.*?</\1>", re.DOTALL)


def _own_status(rule: str) -> str:
    return _INNER.sub("", rule)


def _with_status(rule: str, status: str) -> str:
    kept: list[str] = []

    def hidden(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    bare = re.sub(r"<Status>\w+</Status>", f"<Status>{status}</Status>", _INNER.sub(hidden, rule))
    return re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], bare)


def _with_unknown(reply: Reply) -> Reply:
    text = reply.body.decode()
    text = text.replace("</Rule>", '<FutureField since="2030"><Deep>1</Deep></FutureField></Rule>')
    text = text.replace("</Destination>", "<FutureDestination>x</FutureDestination></Destination>")
    text = text.replace("</ReplicationConfiguration>", "<FutureRoot/></ReplicationConfiguration>")
    return Reply(reply.status, reply.headers, text.encode())


def _with_less(reply: Reply) -> Reply:
    text = reply.body.decode()
    for name in ("ID", "Priority", "DeleteMarkerReplication"):
        text = re.sub(rf"<{name}>.*?</{name}>|<{name}/>", "", text, flags=re.DOTALL)
    return Reply(reply.status, reply.headers, text.encode())
