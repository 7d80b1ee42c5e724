"""References to secrets. A manifest holds where a secret is, never the secret."""

from typing import Any, Self

from pydantic import Field, model_validator

from reconciler.model.value import Document, Json

__all__ = ["SecretRef", "secret_refs"]

_KINDS = ("env", "file", "exec", "awsSecretsManager")
_MARK = "$secret"


class SecretRef(Document):
    """Where a secret comes from. Exactly one key is given."""

    env: str | None = Field(default=None, min_length=1)
    """Name of an environment variable."""
    file: str | None = Field(default=None, min_length=1)
    """Path of a file below the workspace; one trailing newline is dropped."""
    exec: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Command whose standard output is the secret; runs only with --allow-exec."""
    aws_secrets_manager: str | None = Field(default=None, min_length=1)
    """Id or ARN of a secret in AWS Secrets Manager."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_literal(cls, value: Any) -> Any:
        if isinstance(value, dict | SecretRef):
            return value
        # The value itself must not be part of the message.
        raise ValueError("a secret is written as a reference, never as a value: {env: NAME} or {file: PATH}")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(part is not None for part in (self.env, self.file, self.exec, self.aws_secrets_manager)) != 1:
            raise ValueError(f"a secret reference has exactly one of {', '.join(_KINDS)}")
        return self

    def marked(self) -> dict[str, Json]:
        """Return the form in which a call's body carries the reference: `{"$secret": {"env": "NAME"}}`."""
        return {_MARK: self.model_dump(by_alias=True, exclude_none=True, mode="json")}

    @classmethod
    def unmarked(cls, value: Json) -> "SecretRef | None":
        """Read a reference back from a body, or None if `value` is not one."""
        if isinstance(value, dict) and value.keys() == {_MARK}:
            return cls.model_validate(value[_MARK])
        return None

    def __str__(self) -> str:
        """Name the source, which is not secret: `env:NAME`."""
        kind, value = next(iter(self.model_dump(by_alias=True, exclude_none=True, mode="json").items()))
        return f"{kind}:{' '.join(value) if isinstance(value, list) else value}"


def secret_refs(value: Json) -> tuple[SecretRef, ...]:
    """Return every reference in a body, depth first, in the order of its keys."""
    if (ref := SecretRef.unmarked(value)) is not None:
        return (ref,)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(ref for part in parts for ref in secret_refs(part))
