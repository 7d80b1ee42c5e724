"""Flows that a cluster owns, for tests of the pure parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.model.manifest import Config, Limits, Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow, S3Endpoint, Side
from reconciler.model.secret import SecretRef
from reconciler.providers.base import Access, Connection
from reconciler.providers.qumulo.config import QumuloConfig, QumuloOptions

SECRET = SecretRef(env="S3_SECRET")
AMAZON = S3Endpoint(
    url="https://s3.eu-west-1.amazonaws.com",
    region="eu-west-1",
    path_style=False,
    access_key_id="AKIAPEER",
    secret_access_key=SECRET,
)

# Only the frame and the alphabet matter here: no X.509 parser is asked.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBPDCB76ADAgECAhQ3yC5y0hJvZ0b1cHh0bGFiIGF1dGhvcml0eTAFBgMrZXAw
DjEM
-----END CERTIFICATE-----
"""
OTHER_CERTIFICATE = CERTIFICATE.replace("MIIB", "MIIC")


class S3Config(Config):
    """Stands for the other end's settings, which a cluster's provider never looks at."""


def cluster(**changes: Any) -> ProviderDoc:
    """A Provider document of a cluster called nas-1."""
    config = QumuloConfig.model_validate({"host": "nas.example", "token": {"env": "TOKEN"}, **changes})
    return _provider("nas-1", "qumulo", config)


def flow(
    *,
    owner_side: Side = "source",
    path: str = "/projects",
    bucket: str = "proj",
    prefix: str | None = "v1/",
    peer: S3Endpoint | None = AMAZON,
    options: Mapping[str, Any] | None = None,
    name: str = "nas-archive",
    **spec: Any,
) -> Flow:
    """A flow from a directory to a bucket; with `owner_side="destination"` the other way round."""
    own, other = Location(provider="nas-1", path=path), Location(provider="aws-eu", bucket=bucket, prefix=prefix)
    docs = (cluster(), _provider("aws-eu", "s3", S3Config()))
    source, destination = (own, other) if owner_side == "source" else (other, own)
    return Flow(
        name=name,
        workspace="test",
        spec=ReplicationSpec.model_validate(
            {
                "source": source,
                "destination": destination,
                "options": None if options is None else QumuloOptions.model_validate(options),
                **spec,
            }
        ),
        labels={},
        source=docs[0] if owner_side == "source" else docs[1],
        destination=docs[1] if owner_side == "source" else docs[0],
        owner_side=owner_side,
        peer_s3=peer,
    )


def connection(base: Path, secrets: Any = None, access: Access = Access.READ, **config: Any) -> Connection:
    """What a provider of that cluster is opened with."""
    return Connection(doc=cluster(**config), secrets=secrets, access=access, base=base)


def wire(**changes: Any) -> dict[str, Any]:
    """A status as a cluster gives it."""
    return {
        "id": "1c23b4ed-5c67-8f90-1e23-a4f5f6ceff78",
        "direction": "COPY_TO_OBJECT",
        "local_directory_id": "3",
        "local_directory_path": "/projects/",
        "object_store_address": "s3.eu-west-1.amazonaws.com",
        "port": 443,
        "ca_certificate": None,
        "bucket": "proj",
        "bucket_style": "BUCKET_STYLE_VIRTUAL_HOSTED",
        "object_folder": "v1/",
        "region": "eu-west-1",
        "access_key_id": "AKIAPEER",
        "state": "REPLICATION_NOT_RUNNING",
        "current_job": None,
        "last_job": None,
        **changes,
    }


def _provider(name: str, kind: str, config: Config) -> ProviderDoc:
    return ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata=Metadata(name=name),
        spec=ProviderSpec(type=kind, config=config, limits=Limits()),
    )
