"""Every example that is published of SCP File Storage 1.1, request and answer, as it is printed.

Source: Samsung Cloud Platform, File Storage API reference 1.1: pages of the replication, volume and snapshot calls; the
bodies of errors were seen live and published by a third party. Nothing was run against the real service.
"""

import json
from typing import Any

from tests.contract.referee import Exchange

# As printed on the vendor's page.
ID = "bfdbabf2-04d9-4e8b-a205-020f8e6da438"
CREATE_REQUEST = {
    "name": "my_volume",
    "cifs_password": "cifspwd0!!",
    "replication_frequency": "5min",
    "region": "kr-west1",
    "volume_id": ID,
    "backup_retention_count": 2,
    "replication_type": "replication",
}
CREATE_RESPONSE = {
    "replication_id": ID,
    "replication_status": "creating",
    "source_volume_id": ID,
    "source_volume_region": "kr-west1",
    "protocol": "NFS",
    "replication_volume_id": ID,
    "replication_volume_region": "kr-west1",
}
ITEM = {
    "replication_id": ID,
    "replication_frequency": "5min",
    "source_volume_id": ID,
    "source_volume_region": "kr-west1",
    "source_volume_access_level": "ro",
    "replication_volume_id": ID,
    "replication_volume_region": "kr-west1",
    "replication_volume_access_level": "ro",
    "replication_type": "replication",
}
SHOW_RESPONSE = {
    **ITEM,
    "source_volume_name": "my_volume",
    "replication_policy": "use",
    "replication_status": "creating",
    "replication_volume_name": "my_volume",
    "backup_retention_count": 2,
}
UPDATE_REQUEST = {
    "replication_update_type": "policy",
    "replication_policy": "use",
    "replication_frequency": "5min",
    "backup_retention_count": 11,
}
VOLUME = {
    "protocol": "NFS", "type_name": "HDD", "account_id": "rwww523320dfvwbbefefsdvwdadsfa24c", "purpose": "REPLICATION",
    "type_id": "jef22f67-ee83-4gg2-2ab6-3lf774ekfjdu", "name": "my_volume", "created_at": "2024-07-30T04:54:33.219373",
    "id": ID, "state": "available",
}  # fmt: skip
SNAPSHOT = {
    "size": 100, "name": "my_volume.2024-10-01_14215", "created_at": "2024-07-30T04:54:33.219373",
    "id": "40htrre5b-eww25-ff2b-a426-6afefas65a3b", "state": "available",
}  # fmt: skip
RULE = {"object_type": "VM", "action": "add", "object_id": "43fq3347-02q4-4aa8-ccf9-affe4917bb6f"}


def envelope(status: int, code: str, detail: Any, response: Any = None) -> dict[str, Any]:
    return {
        "errors": [
            {
                "code": code, "detail": detail, "global_request_id": "req-c56bf27b-0000", "links": [],
                "related_resources": [], "request_id": "req-7e99bfcc-0000", "response": response, "status": status,
                "title": code,
            }
        ]
    }  # fmt: skip


#: Method, path, request, status, answer: everything of which an example is published.
EXAMPLES: list[tuple[str, str, Any, int, Any]] = [
    ("POST", "/v1/replications", CREATE_REQUEST, 202, CREATE_RESPONSE),
    ("GET", f"/v1/replications?volume_id={ID}", None, 200, {"count": 1, "replications": [ITEM, ITEM]}),
    ("GET", f"/v1/replications/{ID}?volume_id={ID}", None, 200, SHOW_RESPONSE),
    ("PUT", f"/v1/replications/{ID}?volume_id={ID}", UPDATE_REQUEST, 202, {**ITEM, "backup_retention_count": 2}),
    ("PUT", f"/v1/replications/{ID}?volume_id={ID}", UPDATE_REQUEST, 200, None),
    ("DELETE", f"/v1/replications/{ID}?volume_id={ID}", None, 202, None),
    ("DELETE", f"/v1/replications/{ID}?volume_id={ID}", None, 200, None),
    (
        "GET",
        "/v1/replications/regions?type_name=HDD&source_region_name=kr-west1&replication_type=replication",
        None,
        200,
        {"regions": ["kr-east1"]},
    ),
    ("GET", "/v1/volumes", None, 200, {"count": 1, "filestorages": [VOLUME, VOLUME]}),
    (
        "GET",
        f"/v1/volumes/{ID}",
        None,
        200,
        {**VOLUME, "usage": 0, "cifs_id": "id", "path": "path", "file_unit_recovery_enabled": True,
         "encryption_enabled": True, "endpoint_path": "path"},
    ),
    (
        "POST",
        "/v1/volumes",
        {"protocol": "NFS", "type_name": "HDD", "name": "my_volume", "tags": [{"key": "key", "value": "value"}]},
        202,
        {"protocol": "NFS", "type_name": "HDD", "volume_id": ID, "snapshot_id": "id", "volume_name": "my_volume"},
    ),
    ("PUT", f"/v1/volumes/{ID}", {"file_unit_recovery_enabled": True}, 202, None),
    ("DELETE", f"/v1/volumes/{ID}", None, 202, None),
    ("PUT", f"/v1/volumes/{ID}/access-rules", RULE, 202, {**RULE, "volume_id": ID}),
    (
        "GET",
        f"/v1/volumes/{ID}/access-rules",
        None,
        200,
        {"volume_id": ID, "count": 1, "access_rules": [
            {"object_type": "VM", "access_rule_state": "active", "object_id": RULE["object_id"]}]},
    ),
    (
        "GET",
        f"/v1/snapshots?volume_id={ID}",
        None,
        200,
        {"count": 1, "snapshots": [SNAPSHOT, SNAPSHOT], "snapshot_size_total_byte": 0},
    ),
    ("POST", "/v1/snapshots", {"volume_id": ID}, 202, {"snapshot": {**SNAPSHOT, "volume_id": ID}}),
    ("DELETE", f"/v1/snapshots/x?volume_id={ID}", None, 202, None),
    ("GET", "/v1/replications", None, 400, envelope(400, "ValidationError", ["Field required", "Field required"])),
    (
        "POST",
        "/v1/replications",
        CREATE_REQUEST,
        403,
        envelope(403, "Forbidden", "You do not have permission.", {"access_level": "Create", "action_name": "x"}),
    ),
    ("GET", "/v1/volumes", None, 500, envelope(500, "ContactAdminForAssistance", "x")),
]  # fmt: skip
#: Headers of the vendor's example, with a signature that cannot be right.
SEED_HEADERS = {
    "Scp-Accesskey": "2sd2gg=2agbdSD26svcD",
    "Scp-Signature": "fsfsdf235f9U35sdgf35Xsf/qgsdgsdg326=sfsdr23rsef=",
    "Scp-Timestamp": "1605290625682",
    "Scp-ClientType": "Openapi",
    "Accept-Language": "en-US",
    "Scp-Api-Version": "filestorage 1.1",
}


def exchange(method: str, path: str, body: Any, status: int, answer: Any, **headers: str) -> Exchange:
    encoded, told = (b"" if one is None else json.dumps(one).encode() for one in (body, answer))
    kind = {"Content-Type": "application/json"}
    return Exchange(
        method=method,
        url=f"https://filestorage.kr-west1.e.samsungsdscloud.com{path}",
        status=status,
        request_headers={**SEED_HEADERS, **(kind if encoded else {}), **headers},
        request_body=encoded,
        response_headers=kind if told else {},
        response_body=told,
    )
