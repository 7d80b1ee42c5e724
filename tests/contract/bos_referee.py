"""Holds exchanges with BOS against its document, where a call's part stands after a `#`: /{bucket}/#replication."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.contract.referee import Exchange, Referee

DOCUMENT = Path(__file__).parents[2] / "specs" / "bos" / "openapi.yaml"
_CLOUD = ".bcebos.com"
_COPY = "x-bce-copy-source"


class BosReferee(Referee):
    """Takes buckets in the path and in front of the host's name alike."""

    def __init__(self, document: Path = DOCUMENT) -> None:
        super().__init__(document)
        parts = {path.partition("#")[2] for path in self.paths if "#" in path}
        self._parts = sorted(parts, key=lambda part: -part.count("&"))

    def path(self, exchange: Exchange) -> str:
        bucket, key = place(exchange)
        given = {name for name, _ in parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)}
        if any(name.lower() == _COPY for name in exchange.request_headers):
            given.add("copy")
        whole = "".join(f"/{quote(part, safe='')}" for part in (bucket, key) if part) or "/"
        level = f"/{{bucket}}{'/{key}' if key else ''}/#"
        chosen = (part for part in self._parts if given.issuperset(part.split("&")) and level + part in self.paths)
        part = next(chosen, None)
        return f"{whole}/#{part}" if part and bucket else whole


def place(exchange: Exchange) -> tuple[str, str]:
    """Bucket and key; empty where there is none."""
    parts = urlsplit(exchange.url)
    host, path = parts.hostname or "", unquote(parts.path).removeprefix("/")
    if host.endswith(_CLOUD) and host.count(".") > _CLOUD.count(".") + 1:
        return host.partition(".")[0], path
    bucket, _, key = path.partition("/")
    return bucket, key
