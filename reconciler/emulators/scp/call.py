"""One call as its handler sees it, and how handlers are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulators.message import Reply, Request

if TYPE_CHECKING:
    from reconciler.emulators.scp.cloud import Cloud
    from reconciler.emulators.scp.switches import ScpSwitches


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request to the host of ``region``, with what the route found in its path, percent-decoded."""

    cloud: Cloud
    region: str
    request: Request
    parts: Mapping[str, str]

    @property
    def settings(self) -> ScpSwitches:
        return self.cloud.settings


Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the API. ``path`` has ``{name}`` for one segment, taken before it is percent-decoded.

    ``name`` is the operation id in ``specs/scp/openapi.yaml``; ``action`` is what IAM calls it, and ``access`` the
    level that it needs. Source: vendor API description, x-action-id and x-api-access-level.
    """

    method: str
    path: str
    name: str
    action: str
    access: str
    answer: Answer

    @property
    def write(self) -> bool:
        return self.access not in {"List", "Read"}

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))
