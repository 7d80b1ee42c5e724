"""Buckets over the accessor's public API, and what the internal one shows of them."""

import httpx
import pytest

from tests.lab.clonecloudstore import PREFIX, Lab, Site

ROOT = "/cloudclonestore"
OTHER = {f"{PREFIX}client-id": "client2"}


def error(answer: httpx.Response) -> tuple[int, str | None]:
    assert answer.content == b""
    return answer.status_code, answer.headers.get(f"{PREFIX}error")


def test_a_bucket_is_made_shown_and_listed(a: Site) -> None:
    made = a.public.post(f"{ROOT}/bucket")
    assert made.status_code == 200
    bucket = made.json()
    assert (bucket["id"], bucket["clientId"], bucket["site"], bucket["status"]) == (
        "bucket", "client1", "site-a", "READY",
    )  # fmt: skip
    assert bucket["expires"] is None
    assert bucket["creation"].endswith("Z")
    assert a.public.get(f"{ROOT}/bucket").json() == bucket
    assert a.public.get(ROOT).json() == [bucket]
    assert a.internal.get("/ccs/internal/bucket").json() == bucket
    assert a.internal.get("/ccs/internal").json() == [bucket]
    assert a.public.get(ROOT, headers=OTHER).json() == []


def test_head_says_what_there_is(a: Site) -> None:
    missing = a.public.head(f"{ROOT}/bucket")
    assert (missing.status_code, missing.headers[f"{PREFIX}type"]) == (404, "NONE")
    a.bucket()
    found = a.public.head(f"{ROOT}/bucket")
    assert (found.status_code, found.headers[f"{PREFIX}type"]) == (200, "BUCKET")


def test_names_are_one_space_for_all_clients(a: Site) -> None:
    a.bucket()
    assert error(a.public.post(f"{ROOT}/bucket", headers=OTHER)) == (409, "Bucket bucket already exist")
    assert error(a.public.post(f"{ROOT}/bucket")) == (409, "Bucket bucket already exist")
    assert a.public.get(f"{ROOT}/bucket", headers=OTHER).status_code == 200


def test_a_deleted_bucket_stays_and_can_be_made_again_by_anybody(lab: Lab, a: Site) -> None:
    a.bucket()
    assert a.public.delete(f"{ROOT}/bucket").status_code == 204
    assert [(one["id"], one["status"]) for one in a.public.get(ROOT).json()] == [("bucket", "DELETED")]
    assert error(a.public.get(f"{ROOT}/bucket")) == (410, "Bucket bucketis deleted")
    assert a.public.head(f"{ROOT}/bucket").status_code == 404
    assert error(a.public.delete(f"{ROOT}/bucket"))[0] == 410
    assert a.state["ownerships"] == []
    assert a.public.post(f"{ROOT}/bucket", headers=OTHER).json()["clientId"] == "client2"


def test_deleting_what_is_missing_foreign_or_full(a: Site) -> None:
    assert error(a.public.delete(f"{ROOT}/bucket")) == (404, "Bucket bucket doesn't exist")
    assert error(a.public.get(f"{ROOT}/bucket"))[0] == 404
    a.bucket()
    a.put("bucket", "o")
    assert error(a.public.delete(f"{ROOT}/bucket", headers=OTHER))[0] == 403
    assert error(a.public.delete(f"{ROOT}/bucket")) == (406, "Bucket is not empty")
    assert a.public.delete(f"{ROOT}/bucket/o").status_code == 204
    assert a.public.delete(f"{ROOT}/bucket").status_code == 204


@pytest.mark.parametrize("status", ["UPLOAD", "ERR_UPL", "ERR_DEL", "DELETING", "UNKNOWN"])
def test_nothing_leads_out_of_an_error(lab: Lab, a: Site, status: str) -> None:
    a.bucket()
    lab.emulator.act("set-status", {"site": "site-a", "bucket": "bucket", "status": status})
    assert error(a.public.get(f"{ROOT}/bucket")) == (500, f"Bucket bucket status {status}")
    assert a.public.head(f"{ROOT}/bucket").status_code == 404
    assert error(a.public.post(f"{ROOT}/bucket"))[0] == 409
    assert error(a.public.delete(f"{ROOT}/bucket"))[0] == 500
    assert a.status("bucket") == status


def test_a_storage_that_fails_makes_dead_ends(lab: Lab, a: Site) -> None:
    lab.switch(fail_next_writes=1)
    assert error(a.public.post(f"{ROOT}/broken"))[0] == 500
    a.bucket()
    lab.switch(fail_next_deletes=1)
    assert error(a.public.delete(f"{ROOT}/bucket"))[0] == 500
    assert (a.status("broken"), a.status("bucket")) == ("ERR_UPL", "ERR_DEL")
    assert lab.emulator.switches()["fail_next_deletes"] == 0


def test_what_a_failed_object_left_in_storage_is_in_the_way(lab: Lab, a: Site) -> None:
    a.bucket()
    a.put("bucket", "o")
    lab.switch(fail_next_deletes=1)
    assert a.public.delete(f"{ROOT}/bucket/o").status_code == 500
    assert a.status("bucket", "o") == "ERR_DEL"
    assert a.public.delete(f"{ROOT}/bucket").status_code == 500
    assert a.status("bucket") == "ERR_DEL"


def test_a_client_id_that_is_no_bucket_name_leaves_the_row_half_made(a: Site) -> None:
    assert error(a.public.post(f"{ROOT}/bucket", headers={f"{PREFIX}client-id": "Not_A_Name"})) == (
        500, "Invalid input",
    )  # fmt: skip
    assert a.status("bucket") == "UPLOAD"


def test_full_check_asks_the_storage_on_the_internal_api_alone(lab: Lab, a: Site) -> None:
    a.bucket()
    lab.emulator.sites["site-a"].storage.drop_bucket("bucket")
    assert a.internal.head("/ccs/internal/bucket").status_code == 200
    assert a.internal.head("/ccs/internal/bucket?fullCheck=true").status_code == 404
    assert a.internal.head("/ccs/internal/bucket?fullCheck=false").status_code == 200


def test_the_internal_api_only_reads(a: Site) -> None:
    for method in ("POST", "DELETE"):
        assert a.internal.request(method, "/ccs/internal/bucket").status_code == 405
    assert a.internal.get("/nothing").status_code == 404


def test_operation_and_module_come_with_every_answer(a: Site) -> None:
    answer = a.public.get(f"{ROOT}/bucket", headers={f"{PREFIX}op-id": "op-7"})
    assert (answer.headers[f"{PREFIX}op-id"], answer.headers[f"{PREFIX}module"]) == ("op-7", "ACCESSOR")
    first, second = (a.public.get(ROOT).headers[f"{PREFIX}op-id"] for _ in range(2))
    assert first != second


def test_without_a_client_id(lab: Lab, a: Site) -> None:
    nobody = lab.client(a.urls()["accessor"])
    assert nobody.get(ROOT).json() == []
    assert nobody.post(f"{ROOT}/bucket").status_code == 500
    lab.switch(documented=True)
    assert error(nobody.post(f"{ROOT}/bucket")) == (401, "Unauthorized")


def test_statuses_as_documented(lab: Lab, a: Site) -> None:
    lab.switch(documented=True)
    assert a.public.post(f"{ROOT}/bucket").status_code == 201
    assert a.public.head(f"{ROOT}/bucket").status_code == 204
    assert a.public.put(f"{ROOT}/missing").status_code == 404
