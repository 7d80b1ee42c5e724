"""Asking other sites at /replicator/local, and this site at /replicator/remote; and what is remembered of it."""

from typing import Any

import pytest

from tests.lab.clonecloudstore import JSON, PREFIX, Lab, Site

LOCAL = "/replicator/local/buckets"
REMOTE = "/replicator/remote/buckets"
TYPE, TARGET = f"{PREFIX}type", f"{PREFIX}target-id"
OTHER = {f"{PREFIX}client-id": "client2"}

three = pytest.mark.parametrize("lab", [{"flavour": "3"}], indirect=True)


@pytest.fixture(autouse=True)
def content(lab: Lab, a: Site) -> None:
    """Site-a has a bucket and an object that nobody else has."""
    lab.switch(paused_senders=["site-a", "site-b", "site-c"])
    a.bucket()
    a.put("bucket", "dir/o", b"bytes", metadata='{"k":"v"}')


def head(site: Site, path: str, **headers: str) -> tuple[int, str | None, str | None]:
    answer = site.replicator.head(path, headers={PREFIX + name.replace("_", "-"): one for name, one in headers.items()})
    return answer.status_code, answer.headers.get(TYPE), answer.headers.get(TARGET)


def asked(lab: Lab, site: str) -> list[str]:
    rows: Any = lab.log.since()["requests"]
    return [f"{row['method']} {row['path']}" for row in rows if row["part"] == f"{site}-replicator"]


def test_this_site(a: Site, b: Site) -> None:
    assert head(a, f"{REMOTE}/bucket") == (200, "BUCKET", None)
    assert head(a, f"{REMOTE}/bucket/dir/o") == (200, "OBJECT", None)
    assert head(a, f"{REMOTE}/bucket/dir") == (200, "DIRECTORY", None)
    for path in (f"{REMOTE}/bucket", f"{REMOTE}/bucket/dir/o"):
        assert head(b, path) == (404, "NONE", None)
    answer = a.replicator.get(f"{REMOTE}/bucket/dir/o")
    assert answer.content == b"bytes"
    assert (answer.headers[f"{PREFIX}site"], answer.headers[f"{PREFIX}module"]) == ("site-a", "REPLICATOR")
    bare = a.replicator.get(f"{REMOTE}/bucket").json()
    assert (bare["id"], bare["status"]) == ("bucket", "READY")


def test_another_site(a: Site, b: Site) -> None:
    assert head(b, f"{LOCAL}/bucket") == (200, "BUCKET", "site-a")
    assert head(b, f"{LOCAL}/bucket/dir/o") == (200, "OBJECT", "site-a")
    assert head(b, f"{LOCAL}/bucket/dir") == (404, "NONE", None)
    wrapped = b.replicator.get(f"{LOCAL}/bucket").json()
    assert wrapped == {"response": a.public.get("/cloudclonestore/bucket").json(), "targetId": "site-a"}
    answer = b.replicator.get(f"{LOCAL}/bucket/dir/o")
    assert (answer.content, answer.headers[f"{PREFIX}site"]) == (b"bytes", "site-a")
    assert answer.headers[f"{PREFIX}metadata"] == '{"k":"v"}'


def test_a_site_never_asks_itself(lab: Lab, a: Site) -> None:
    assert head(a, f"{LOCAL}/bucket") == (404, "NONE", None)
    assert head(a, f"{LOCAL}/bucket", target_id="site-a") == (404, "NONE", None)
    assert head(a, f"{LOCAL}/bucket/dir/o") == (404, "NONE", None)
    missing = a.replicator.get(f"{LOCAL}/bucket")
    assert (missing.status_code, missing.headers[f"{PREFIX}error"]) == (404, "No bucket found on any remote replicator")
    stream = a.replicator.get(f"{LOCAL}/bucket/dir/o")
    assert (stream.status_code, stream.content, f"{PREFIX}error" in stream.headers) == (404, b"", False)
    assert stream.headers["connection"] == "close"


def test_the_documents_show_the_bucket_bare(lab: Lab, b: Site) -> None:
    lab.switch(local_bucket="bare")
    assert b.replicator.get(f"{LOCAL}/bucket").json()["id"] == "bucket"


def test_the_first_of_them_answers(lab: Lab, a: Site, b: Site) -> None:
    assert head(b, f"{LOCAL}/bucket", target_id="site-x") == (404, "NONE", None)
    b.bucket()
    assert head(b, f"{LOCAL}/bucket", target_id="site-a") == (200, "BUCKET", "site-a")


@three
def test_three_sites(lab: Lab, a: Site, b: Site) -> None:
    assert head(lab.c, f"{LOCAL}/bucket") == (200, "BUCKET", "site-a")
    assert head(lab.c, f"{LOCAL}/bucket", target_id="site-b") == (404, "NONE", None)
    b.bucket("other")
    assert head(lab.c, f"{LOCAL}/other") == (200, "BUCKET", "site-b")
    assert head(a, f"{LOCAL}/other") == (200, "BUCKET", "site-b")


@three
def test_a_site_that_cannot_be_asked_hides_those_behind_it(lab: Lab, a: Site, b: Site) -> None:
    b.bucket("other")
    lab.emulator.act("crash", {"site": "site-a"})
    assert head(lab.c, f"{LOCAL}/other") == (500, "NONE", None)
    assert lab.c.replicator.get(f"{LOCAL}/other").status_code == 500
    assert lab.c.replicator.get(f"{LOCAL}/other/o").status_code == 500
    assert head(lab.c, f"{LOCAL}/other", target_id="site-b") == (200, "BUCKET", "site-b")
    lab.emulator.act("restart", {"site": "site-a"})
    assert head(lab.c, f"{LOCAL}/other") == (200, "BUCKET", "site-b")


@pytest.mark.parametrize(("path", "seconds"), [("bucket/dir/o", 300), ("bucket", 600)])
def test_what_was_there_is_remembered(lab: Lab, a: Site, b: Site, path: str, seconds: int) -> None:
    lab.clock.freeze()
    assert head(b, f"{LOCAL}/{path}")[0] == 200
    a.public.delete("/cloudclonestore/bucket/dir/o")
    a.public.delete("/cloudclonestore/bucket")
    for query in ("", "?fullCheck=true"):
        assert head(b, f"{LOCAL}/{path}{query}") == (200, (path.count("/") and "OBJECT") or "BUCKET", "site-a")
    assert head(b, f"{REMOTE}/{path}")[0] == 404
    lab.clock.advance(seconds - 1)
    assert head(b, f"{LOCAL}/{path}")[0] == 200
    lab.clock.advance(1)
    assert head(b, f"{LOCAL}/{path}")[0] == 404


def test_what_was_not_there_is_remembered_too_whoever_asks(lab: Lab, a: Site, b: Site) -> None:
    assert head(b, f"{LOCAL}/bucket/dir/o", client_id="client2") == (404, "NONE", None)
    assert head(b, f"{LOCAL}/bucket/dir/o") == (404, "NONE", None)
    assert b.replicator.get(f"{LOCAL}/bucket/dir/o").status_code == 404
    lab.emulator.act("expire-caches", {"site": "site-b"})
    assert head(b, f"{LOCAL}/bucket/dir/o") == (200, "OBJECT", "site-a")
    assert asked(lab, "site-a") == [f"HEAD {REMOTE}/bucket/dir/o"] * 2


def test_without_a_cache(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(bucket_check_cache_s=0, object_check_cache_s=0, topology_cache_s=0)
    assert head(b, f"{LOCAL}/later")[0] == 404
    a.bucket("later")
    assert head(b, f"{LOCAL}/later")[0] == 200


def test_full_check_reaches_the_other_sites_storage(lab: Lab, b: Site) -> None:
    lab.switch(object_check_cache_s=0)
    lab.emulator.act("lose-bytes", {"site": "site-a", "bucket": "bucket", "object": "dir/o"})
    assert head(b, f"{LOCAL}/bucket/dir/o")[0] == 200
    assert head(b, f"{LOCAL}/bucket/dir/o?fullCheck=true")[0] == 404
    assert b.replicator.get(f"{LOCAL}/bucket/dir/o").status_code == 404


def test_the_list_of_sites_is_remembered_for_five_minutes(lab: Lab, a: Site, b: Site) -> None:
    lab.clock.freeze()
    lab.switch(bucket_check_cache_s=0)
    assert head(b, f"{LOCAL}/bucket")[0] == 200
    entry = b.administration.get("/administration/topologies").json()[0]
    b.administration.put("/administration/topologies", json={**entry, "status": "DOWN"})
    lab.clock.advance(299)
    assert head(b, f"{LOCAL}/bucket")[0] == 200
    lab.clock.advance(1)
    assert head(b, f"{LOCAL}/bucket")[0] == 404
    assert head(b, f"{LOCAL}/bucket", target_id="site-a")[0] == 200


def test_a_site_is_looked_up_by_its_name_while_the_list_is_remembered(lab: Lab, a: Site, b: Site) -> None:
    entry = b.administration.get("/administration/topologies").json()[0]
    b.administration.put("/administration/topologies", json={**entry, "name": "alias"})
    assert head(b, f"{LOCAL}/bucket", target_id="alias")[0] == 404
    assert head(b, f"{LOCAL}/bucket", target_id="site-a")[0] == 200
    assert head(b, f"{LOCAL}/bucket")[0] == 200
    assert head(b, f"{LOCAL}/bucket", target_id="alias") == (200, "BUCKET", "site-a")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "nonsense", "http://127.0.0.1:99999"])
def test_a_uri_behind_which_there_is_nobody(b: Site, uri: str) -> None:
    b.administration.put(
        "/administration/topologies", json={"id": "site-a", "name": "site-a", "uri": uri, "status": "UP"}
    )
    assert head(b, f"{LOCAL}/bucket") == (500, "NONE", None)
    assert b.replicator.get(f"{LOCAL}/bucket/dir/o").status_code == 500


def test_sites_can_be_known_by_https(a: Site, b: Site) -> None:
    uri = a.urls(https=True)["replicator"] + "/"
    b.administration.put(
        "/administration/topologies", json={"id": "site-a", "name": "site-a", "uri": uri, "status": "UP"}
    )
    assert b.replicator.get(f"{LOCAL}/bucket/dir/o").content == b"bytes"


@pytest.mark.parametrize(("status", "answer"), [("DELETED", 500), ("ERR_UPL", 500), ("UPLOAD", 500), ("READY", 200)])
def test_a_bucket_in_another_status(lab: Lab, a: Site, status: str, answer: int) -> None:
    lab.emulator.act("set-status", {"site": "site-a", "bucket": "bucket", "status": status})
    assert a.replicator.get(f"{REMOTE}/bucket").status_code == answer
    assert head(a, f"{REMOTE}/bucket")[0] == (200 if answer == 200 else 404)


def test_a_missing_bucket_is_not_found_or_an_exception_that_nobody_maps(lab: Lab, a: Site) -> None:
    assert a.replicator.get(f"{REMOTE}/missing").headers[f"{PREFIX}error"] == "Bucket missing doesn't exist"
    lab.switch(remote_missing_bucket=500)
    answer = a.replicator.get(f"{REMOTE}/missing")
    assert (answer.status_code, f"{PREFIX}error" in answer.headers) == (500, False)


def test_types_and_names(a: Site, b: Site) -> None:
    assert a.replicator.get(f"{REMOTE}/bucket/dir/o", headers=JSON).status_code == 406
    assert b.replicator.get(f"{LOCAL}/bucket/dir/o", headers=JSON).status_code == 406
    assert a.replicator.head(f"{REMOTE}/Bucket").status_code == 500
    assert a.replicator.head(f"{REMOTE}/bucket/@").status_code == 500
    assert head(a, f"{REMOTE}/bucket//dir//o")[0] == 200


def test_somebody_without_rights_sees_nothing(lab: Lab, a: Site) -> None:
    at = f"{REMOTE}/bucket/dir/o"
    assert [a.replicator.request(method, at, headers=OTHER).status_code for method in ("HEAD", "GET")] == [404, 404]
    lab.switch(documented=True)
    assert [a.replicator.request(method, at, headers=OTHER).status_code for method in ("HEAD", "GET")] == [403, 403]


def test_statuses_as_documented(lab: Lab, a: Site, b: Site) -> None:
    lab.switch(documented=True)
    assert head(a, f"{REMOTE}/bucket") == (204, "BUCKET", None)
    assert head(b, f"{LOCAL}/bucket") == (204, "BUCKET", "site-a")
    assert head(a, f"{REMOTE}/bucket/dir/o")[0] == 204
    assert head(b, f"{LOCAL}/bucket/dir/o")[0] == 204
    a.public.delete("/cloudclonestore/bucket/dir/o")
    a.public.delete("/cloudclonestore/bucket")
    assert a.replicator.get(f"{REMOTE}/bucket").status_code == 410
    nobody = lab.client(a.urls()["replicator"])
    assert nobody.head(f"{REMOTE}/bucket").status_code == 401
    assert a.replicator.get(f"{REMOTE}/BUCKET").status_code == 400
