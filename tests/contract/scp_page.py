"""What the page *CreateVolumeReplication* prints. Source: Samsung Cloud Platform, File Storage API 1.1 and 1.0.

All of the page's JSON, headers and status codes, as they stand there, for both versions; the two differ in nothing but
the version and its end.
"""

from dataclasses import dataclass
from typing import Final

_REQUEST: Final = """
{
    "name": "my_volume",
    "cifs_password": "cifspwd0!!",
    "replication_frequency": "5min",
    "region": "kr-west1",
    "volume_id": "bfdbabf2-04d9-4e8b-a205-020f8e6da438",
    "backup_retention_count": 2,
    "replication_type": "replication"
}
"""
_ANSWER: Final = """
{
    "replication_id": "bfdbabf2-04d9-4e8b-a205-020f8e6da438",
    "replication_status": "creating",
    "source_volume_id": "bfdbabf2-04d9-4e8b-a205-020f8e6da438",
    "source_volume_region": "kr-west1",
    "protocol": "NFS",
    "replication_volume_id": "bfdbabf2-04d9-4e8b-a205-020f8e6da438",
    "replication_volume_region": "kr-west1"
}
"""
_HEADERS: Final = """
"Scp-Accesskey = 2sd2gg=2agbdSD26svcD",
"Scp-Signature = fsfsdf235f9U35sdgf35Xsf/qgsdgsdg326=sfsdr23rsef=",
"Scp-Timestamp = 1605290625682",
"Scp-ClientType = Openapi",
"Accept-Language = en-US",
"Scp-Api-Version = filestorage {}"
"""


@dataclass(frozen=True, slots=True)
class Printed:
    """One version of the call. ``headers`` as printed, but for their quotes; ``until`` empty where it has no end."""

    version: str
    state: str
    until: str
    statuses: tuple[int, ...] = (202, 401, 400, 403, 404, 409)
    success: int = 202
    method: str = "POST"
    path: str = "/v1/replications"
    request: str = _REQUEST
    answer: str = _ANSWER

    @property
    def headers(self) -> dict[str, str]:
        lines = [line.rstrip(",").strip('"') for line in _HEADERS.format(self.version).split("\n") if line]
        return dict(line.split(" = ", 1) for line in lines)  # type: ignore[misc]


CURRENT: Final = Printed("1.1", "ACTIVE (CURRENT)", "")
ENDED: Final = Printed("1.0", "ACTIVE (DEPRECATED)", "20251231")
PAGE: Final = (CURRENT, ENDED)
#: How many there are on the page, counted by hand: a slip of the pen above is noticed.
COUNTED: Final = {"versions": 2, "json": 4, "headers": 12, "statuses": 12}
