"""Secrets that AWS keeps, for `{awsSecretsManager: ID}` references."""

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from reconciler.errors import ErrorCode, ProviderError

__all__ = ["secret_string"]


def secret_string(name: str) -> str:
    """Return the text of a secret by id or ARN, with the usual AWS credential chain and region.

    Raises:
        ProviderError: SECRET; the message holds the AWS error code and never a value.
    """
    region = name.split(":")[3] if name.startswith("arn:") and name.count(":") >= 6 else None
    config = BotoConfig(connect_timeout=10, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
    try:
        client = boto3.client("secretsmanager", region_name=region, config=config)
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        raise _refused(name, error.response.get("Error", {}).get("Code", "unknown error")) from None
    except BotoCoreError as error:
        raise _refused(name, type(error).__name__) from None
    if "SecretString" not in answer:
        raise _refused(name, "it is binary, and text is needed")
    return str(answer["SecretString"])


def _refused(name: str, why: str) -> ProviderError:
    return ProviderError(
        f"AWS Secrets Manager: {name}: {why}",
        code=ErrorCode.SECRET,
        provider="secrets",
        operation="GetSecretValue",
        hint="the usual AWS credential chain needs secretsmanager:GetSecretValue for it, and a region",
    )
