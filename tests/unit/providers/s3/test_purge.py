"""A purge takes what is there, and nothing of keys that begin alike; what hides an object is no error."""

from urllib.parse import parse_qs, urlsplit

from reconciler.model.manifest import Location
from tests.unit.providers.s3.connections import opened
from tests.unit.providers.scripted import Act, ScriptedServer, answer, serve

HERE = Location(provider="p", bucket="b", prefix="p/")


def versions(*keys: str) -> Act:
    """A listing of one version for each key, whose id is the key."""
    items = "".join(f"<Version><Key>{key}</Key><VersionId>of-{key}</VersionId></Version>" for key in keys)
    body = f"<IsTruncated>false</IsTruncated>{items}"
    return answer(
        200, f'<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{body}</ListVersionsResult>'.encode()
    )


def deleted(server: ScriptedServer) -> list[tuple[str, list[str]]]:
    """Path and version of each deletion."""
    places = [urlsplit(one.target) for one in server.requests if one.method == "DELETE"]
    return [(place.path, parse_qs(place.query).get("versionId", [])) for place in places]


def test_versions_of_keys_that_begin_alike_stay() -> None:
    with serve(versions("p/k", "p/k2"), answer(204)) as server, opened(endpoint=server.url) as provider:
        provider.store(HERE).purge("k")
        assert deleted(server) == [("/b/p/k", ["of-p/k"])]


def test_nothing_is_deleted_where_nothing_is() -> None:
    """A versioned bucket would keep a delete marker of it."""
    with serve(versions(), answer(404)) as server, opened(endpoint=server.url) as provider:
        provider.store(HERE).purge("k")
        assert deleted(server) == []


def test_a_key_that_a_delete_marker_hides_is_not_there() -> None:
    """Some servers say so with 405."""
    with serve(answer(405, x_amz_delete_marker="true")) as server, opened(endpoint=server.url) as provider:
        assert provider.store(HERE).head("k") is None
