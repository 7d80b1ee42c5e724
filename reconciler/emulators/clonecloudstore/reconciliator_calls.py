"""The reconciliator's routes, behind which there is nothing: they take what is sent, and do nothing with it.

Source: CloneCloudStore's ReconciliatorResource.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulators.clonecloudstore.call import Call, Route
from reconciler.emulators.message import Reply

ROOT: Final = "/reconciliator"


def accept(_call: Call) -> Reply:
    return Reply(202)


def nothing(_call: Call) -> Reply:
    return Reply(200)


_TAKES: Final = {
    "/central/requests": "createCentralRequest",
    "/local/requests": "createLocalRequest",
    "/purge": "launchPurge",
    "/import/{bucket}": "launchImport",
    "/sync/{bucket}": "launchSync",
}

_SHOWS: Final = {
    "/central/requests/{idRequest}": "getCentralRequest",
    "/central/requests/{idRequest}/listing/{remoteId}": "getActionsListing",
    "/local/requests/{idRequest}": "getLocalRequest",
    "/local/requests/{idRequest}/listing": "getSitesListing",
    "/purge/{idPurge}": "getPurge",
    "/import/{bucket}/{idImport}": "getImport",
}

ROUTES: Final = (
    *(Route("POST", ROOT + path, name, accept, client=False) for path, name in _TAKES.items()),
    *(Route("GET", ROOT + path, name, nothing, client=False) for path, name in _SHOWS.items()),
)
