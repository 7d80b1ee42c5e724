"""``python -m reconciler.emulators.hand``: the colleague who changes a live rule by hand, behind everybody's back.

Reads the replication configuration of one bucket, gives one rule another status, and writes it back.
"""

from __future__ import annotations

import argparse
import os

import boto3


def main() -> int:
    """Exit code 0, or boto3's own error."""
    parser = argparse.ArgumentParser(prog="python -m reconciler.emulators.hand", description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--rule", required=True, help="id of the rule")
    parser.add_argument("--status", choices=("Enabled", "Disabled"), default="Disabled")
    options = parser.parse_args()
    client = boto3.client(
        "s3",
        endpoint_url=options.url,
        verify=options.ca,
        region_name="eu-west-1",
        aws_access_key_id=os.environ["HAND_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["HAND_SECRET_ACCESS_KEY"],
    )
    configuration = client.get_bucket_replication(Bucket=options.bucket)["ReplicationConfiguration"]
    for rule in configuration["Rules"]:
        if rule.get("ID") == options.rule:
            rule["Status"] = options.status
    client.put_bucket_replication(Bucket=options.bucket, ReplicationConfiguration=configuration)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
