"""Providers over real servers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Limits, Metadata, ProviderDoc, ProviderSpec
from reconciler.model.secret import SecretRef
from reconciler.providers.base import Access, Connection
from reconciler.providers.s3 import TYPE
from reconciler.providers.s3.config import S3Config
from reconciler.providers.s3.provider import S3Provider

SECRET = "s3cr3t-that-must-not-be-seen"


@dataclass
class Secrets:
    """Knows some secrets, and to whom they were given."""

    values: Mapping[str, str] = field(
        default_factory=lambda: {"SECRET": SECRET, "KEY": "AKIAFROMELSEWHERE"}, repr=False
    )
    given: list[tuple[str, str | None]] = field(default_factory=list)

    def resolve(self, ref: SecretRef, *, send_to: str | None = None) -> SecretStr:
        self.given.append((str(ref), send_to))
        return self.resolve_here(ref)

    def resolve_here(self, ref: SecretRef) -> SecretStr:
        if ref.env not in self.values:
            raise ProviderError("not set", code=ErrorCode.SECRET, provider="p", operation="secret")
        return SecretStr(self.values[ref.env])


def keys(key: str = "AKIAEXAMPLE", secret: str = "SECRET") -> dict[str, Any]:
    return {"accessKeyId": key, "secretAccessKey": {"env": secret}}


def document(name: str = "p", **config: Any) -> ProviderDoc:
    return ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata=Metadata(name=name),
        spec=ProviderSpec(type="s3", config=S3Config(**config)),
    )


@contextmanager
def opened(
    *,
    access: Access = Access.WRITE,
    secrets: Secrets | None = None,
    base: Path = Path("/"),
    limits: Limits | None = None,
    timeout_s: float = 5.0,
    workspace: str = "default",
    **config: Any,
) -> Iterator[S3Provider]:
    settings = {"credentials": keys()} | config
    made = TYPE.connect(
        Connection(
            doc=document(**{name: value for name, value in settings.items() if value is not None}),
            secrets=secrets or Secrets(),
            access=access,
            base=base,
            limits=limits or Limits(),
            timeout_s=timeout_s,
            workspace=workspace,
        )
    )
    assert isinstance(made, S3Provider)
    try:
        yield made
    finally:
        made.close()
        made.close()
