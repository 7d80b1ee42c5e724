"""What CloneCloudStore's documentation prints about the replicator. Source: page *Replicator*, Open API, 0.8.0.

All of the page's JSON and all of its status codes, as they stand there. Nothing is added and nothing put right: where
the product's source differs, `specs/clonecloudstore/SOURCE.md` says so.
"""

from collections.abc import Mapping
from typing import Final

BUCKET: Final = """
{ "id": "string", "clientId": "string", "site": "string", "creation": "2024-02-21T11:27:52.867506",
  "expires": "2024-02-21T11:27:52.867506", "status": "UNKNOWN" }
"""
ORDER: Final = """
{ "opId": "string", "fromSite": "string", "toSite": "string", "clientId": "string", "bucketName": "string",
  "objectName": "string", "size": 1, "hash": "string", "action": "CREATE" }
"""
ORDERS: Final = f"[ {ORDER} ]"

#: Bodies of answers, by operation.
ANSWERS: Final[Mapping[str, str]] = {"localGetBucket": BUCKET, "remoteGetBucket": BUCKET}
#: Bodies of requests, by operation.
BODIES: Final[Mapping[str, str]] = {"createOrder": ORDER, "createOrders": ORDERS}
#: Example requests, as far as the line that says what is asked.
REQUESTS: Final[Mapping[str, str]] = {
    "localGetBucket": "GET /replicator/local/buckets/{bucketName} HTTP/1.1",
    "localReadObject": "GET /replicator/local/buckets/{bucketName}/{objectName} HTTP/1.1",
    "remoteGetBucket": "GET /replicator/remote/buckets/{bucketName} HTTP/1.1",
    "remoteReadObject": "GET /replicator/remote/buckets/{bucketName}/{objectName} HTTP/1.1",
    "createOrder": "POST /replicator/remote/orders HTTP/1.1",
    "createOrders": "POST /replicator/remote/orders/multiple HTTP/1.1",
}
#: Status codes, by operation.
STATED: Final[Mapping[str, tuple[int, ...]]] = {
    "localGetBucket": (200, 400, 401, 404, 410, 500),
    "localCheckBucket": (204, 401, 404, 500),
    "localReadObject": (200, 401, 404, 500),
    "localCheckObject": (204, 401, 404, 500),
    "remoteGetBucket": (200, 400, 401, 404, 410, 500),
    "remoteCheckBucket": (204, 401, 404, 500),
    "remoteReadObject": (200, 401, 403, 404, 500),
    "remoteCheckObject": (204, 401, 403, 404, 500),
    "createOrder": (201, 400, 401, 409, 500),
    "createOrders": (201, 400, 401, 409, 500),
}
#: How many there are on the page, counted by hand: a slip of the pen above is noticed.
COUNTED: Final[Mapping[str, int]] = {"json": 4, "requests": 6, "operations": 10, "statuses": 48}
