"""Qumulo: object relationships, which copy between a directory and a bucket of any system that speaks S3."""

from pathlib import Path

from reconciler.model.manifest import Config
from reconciler.model.relationship import S3Endpoint
from reconciler.providers.base import Capability, Connection, Provider, ProviderInfo, ProviderType
from reconciler.providers.qumulo.config import QumuloConfig, QumuloOptions
from reconciler.providers.qumulo.effects import RULES

__all__ = ["TYPE", "QumuloType"]


class QumuloType:
    """The type as the registry finds it. Importing it imports neither httpx nor stamina."""

    info = ProviderInfo(
        type="qumulo",
        title="Qumulo",
        config=QumuloConfig,
        options=QumuloOptions,
        capabilities=frozenset({Capability.RESYNC, Capability.STORE}),
        speaks=frozenset(),
        sends_to=frozenset({"s3"}),
        pulls_from=frozenset({"s3"}),
        reach="a cluster copies between its directories and buckets of anything that speaks S3",
        location_keys=frozenset({"path"}),
        required_location_keys=frozenset({"path"}),
        effects=RULES,
        spec="specs/qumulo/openapi.yaml",
        docs="docs/providers/qumulo.md",
    )

    def s3_endpoint(self, config: Config, base: Path) -> S3Endpoint | None:  # noqa: ARG002  (the contract's names)
        """Return None: a flow between a cluster's own S3 service and another system is not modelled."""
        return None

    def connect(self, connection: Connection) -> Provider:
        """Open a cluster. Reads no file and touches no network yet."""
        from reconciler.providers.qumulo.provider import QumuloProvider  # noqa: PLC0415  (httpx comes with it)

        return QumuloProvider(connection)


TYPE: ProviderType = QumuloType()
