import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.model.observation import HealthState
from reconciler.model.secret import SecretRef, secret_refs
from reconciler.providers.qumulo import convert
from reconciler.providers.qumulo.certificate import authority, certificates, read
from reconciler.providers.qumulo.convert import STATUSES, Status
from tests.unit.providers.qumulo.flows import AMAZON, CERTIFICATE, OTHER_CERTIFICATE, SECRET, flow, wire

names = st.text(st.characters(exclude_characters="/", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
paths = st.lists(names, max_size=3).map("/".join)


def status(**changes: Any) -> Status:
    return STATUSES.validate_json(json.dumps([wire(**changes)]))[0]


def answered(body: dict[str, Any], **changes: Any) -> Status:
    """What a cluster that was sent a create request shows afterwards."""
    kept = {name: value for name, value in body.items() if name != "secret_access_key"}
    defaults = {"port": 443, "ca_certificate": None, "bucket_style": "BUCKET_STYLE_VIRTUAL_HOSTED"}
    shown = {**defaults, **kept, "object_folder": kept["object_folder"].lstrip("/"), **changes}
    extra = {"id": "1", "local_directory_id": "3", "state": "REPLICATION_NOT_RUNNING", "novelty": {"a": [1]}}
    return STATUSES.validate_json(json.dumps([{**shown, **extra}]))[0]


@given(
    path=paths,
    folder=paths,
    slash=st.booleans(),
    side=st.sampled_from(["source", "destination"]),
    style=st.sampled_from(["path", "virtual-hosted", None]),
    port=st.sampled_from(["", ":443", ":9000"]),
    pem=st.sampled_from([None, CERTIFICATE, CERTIFICATE + OTHER_CERTIFICATE]),
    form=st.sampled_from(["keep", "strip", "slash"]),
)
def test_what_is_created_is_read_back_as_what_was_wanted(
    *, path: str, folder: str, slash: bool, side: Any, style: Any, port: str, pem: Any, form: str
) -> None:
    """The promise of an empty second plan, over every form that a cluster may answer in."""
    peer = AMAZON.model_copy(update={"url": f"https://S3.Example{port}", "path_style": slash})
    wanted = flow(
        owner_side=side, path=f"/{path}{'/' * slash}", prefix=folder and f"{folder}{'/' * slash}", peer=peer,
        options={"bucketStyle": style} if style else None,
    )  # fmt: skip
    body = convert.create_body(wanted, pem)
    bare = body["object_folder"].rstrip("/")
    shown = {"keep": body["object_folder"], "strip": bare, "slash": f"{bare}/" if bare else "/"}[form]
    live = convert.observed(answered(body, object_folder=shown.lstrip("/")))
    relationship = convert.relationship(convert.desired(wanted, pem))
    assert convert.identity(live) == relationship.identity
    assert convert.settings(live) == relationship.settings


@given(path=st.tuples(paths, paths), folder=st.tuples(paths, paths), bucket=st.tuples(names, names))
def test_different_relationships_never_look_the_same(path: Any, folder: Any, bucket: Any) -> None:
    first, second = (
        convert.identity(convert.desired(flow(path=f"/{p}", prefix=f, bucket=b), None))
        for p, f, b in zip(path, folder, (bucket[0], bucket[0]), strict=True)
    )
    assert (first == second) == ((path[0], folder[0]) == (path[1], folder[1]))


def test_the_request_is_what_the_vendors_client_sends() -> None:
    assert convert.create_body(flow(), None) == {
        "direction": "COPY_TO_OBJECT",
        "local_directory_path": "/projects/",
        "object_store_address": "s3.eu-west-1.amazonaws.com",
        "port": 443,
        "bucket": "proj",
        "bucket_style": "BUCKET_STYLE_VIRTUAL_HOSTED",
        "object_folder": "v1/",
        "region": "eu-west-1",
        "access_key_id": "AKIAPEER",
        "secret_access_key": {"$secret": {"env": "S3_SECRET"}},
    }


def test_the_other_direction() -> None:
    wanted = flow(owner_side="destination", path="/", prefix=None, peer=AMAZON.model_copy(update={"path_style": True}))
    body = convert.create_body(wanted, CERTIFICATE)
    assert (body["direction"], body["local_directory_path"], body["object_folder"]) == ("COPY_FROM_OBJECT", "/", "")
    assert (body["bucket_style"], body["ca_certificate"]) == ("BUCKET_STYLE_PATH", CERTIFICATE)
    assert convert.relationship(convert.desired(wanted, None)).settings == {
        "source": {"bucket": "proj", "prefix": ""},
        "destination": {"path": "/"},
        "qumulo": {
            "address": "s3.eu-west-1.amazonaws.com", "port": 443, "region": "eu-west-1", "bucketStyle": "path",
            "caCertificate": None, "accessKeyId": "AKIAPEER",
        },
    }  # fmt: skip


class TestCredentials:
    def test_the_peers_own(self) -> None:
        made = convert.relationship(convert.desired(flow(), None))
        assert made.write_only == {"qumulo.credentials.secretAccessKey": SECRET}

    def test_those_of_the_options_come_first(self) -> None:
        own = {"accessKeyId": "AKIAOWN", "secretAccessKey": {"file": "key"}}
        wanted = flow(options={"credentials": own, "region": "eu-central-1"})
        made = convert.relationship(convert.desired(wanted, None))
        assert made.settings["qumulo"]["accessKeyId"] == "AKIAOWN"  # type: ignore[index, call-overload]
        assert made.settings["qumulo"]["region"] == "eu-central-1"  # type: ignore[index, call-overload]
        assert made.write_only == {"qumulo.credentials.secretAccessKey": SecretRef(file="key")}
        assert secret_refs(convert.create_body(wanted, None)) == (SecretRef(file="key"),)

    def test_a_key_id_by_reference_is_written_but_not_compared(self) -> None:
        key_id = SecretRef(env="KEY_ID")
        wanted = flow(peer=AMAZON.model_copy(update={"access_key_id": key_id}))
        made = convert.relationship(convert.desired(wanted, None))
        assert "accessKeyId" not in made.settings["qumulo"]  # type: ignore[operator]
        assert made.write_only["qumulo.credentials.accessKeyId"] == key_id
        assert convert.create_body(wanted, None)["access_key_id"] == key_id.marked()

    def test_none_at_all(self) -> None:
        bare = AMAZON.model_copy(update={"access_key_id": None, "secret_access_key": None})
        for peer in (bare, None):
            wanted = flow(peer=peer)
            assert convert.relationship(convert.desired(wanted, None)).write_only == {}
            assert "secret_access_key" not in convert.create_body(wanted, None)


class TestNormalForm:
    @pytest.mark.parametrize("folder", ["v1", "v1/", "/v1", "/v1/", "v1//"])
    def test_slashes_of_a_folder(self, folder: str) -> None:
        live = convert.observed(status(object_folder=folder))
        assert convert.identity(live) == convert.identity(convert.desired(flow(), None))

    @pytest.mark.parametrize("folder", ["", "/", None])
    def test_the_root_of_a_bucket(self, folder: str | None) -> None:
        live = convert.settings(convert.observed(status(object_folder=folder)))
        assert live == convert.settings(convert.desired(flow(prefix=None), None))

    @pytest.mark.parametrize("path", ["/projects", "/projects/", "/projects//"])
    def test_slashes_of_a_path(self, path: str) -> None:
        assert convert.desired(flow(path=path), None).path == "/projects"
        assert convert.desired(flow(path="/"), None).path == "/"

    @pytest.mark.parametrize("given", [{"ca_certificate": None}, {"ca_certificate": ""}, {}])
    def test_no_certificate(self, given: dict[str, Any]) -> None:
        bare = {name: value for name, value in wire().items() if name != "ca_certificate"}
        live = convert.observed(STATUSES.validate_python([{**bare, **given}])[0])
        assert convert.settings(live) == convert.settings(convert.desired(flow(), None))

    @pytest.mark.parametrize("left_out", ["port", "bucket_style"])
    def test_the_servers_defaults(self, left_out: str) -> None:
        bare = {name: value for name, value in wire().items() if name != left_out}
        live = convert.observed(STATUSES.validate_python([bare])[0])
        assert convert.settings(live) == convert.settings(convert.desired(flow(), None))
        assert convert.observed(status(port=None)).port == 443

    def test_a_style_that_nobody_knows_is_a_difference(self) -> None:
        live = convert.settings(convert.observed(status(bucket_style="BUCKET_STYLE_NEW")))
        assert live["qumulo"]["bucketStyle"] == "BUCKET_STYLE_NEW"  # type: ignore[index, call-overload]

    def test_a_url_that_is_none_does_no_harm(self) -> None:
        odd = flow(peer=AMAZON.model_copy(update={"url": "https://host:nan"}))
        assert convert.desired(odd, None).address == ""

    def test_ipv6(self) -> None:
        made = convert.desired(flow(peer=AMAZON.model_copy(update={"url": "https://[::1]:9000"})), None)
        assert convert.identity(made) == "COPY_TO_OBJECT /projects -> [::1]:9000/proj/v1"

    def test_identities_are_readable(self) -> None:
        made = convert.identity(convert.desired(flow(path="/pro jekte/ä#1%"), None))
        assert made == "COPY_TO_OBJECT /pro%20jekte/ä%231%25 -> s3.eu-west-1.amazonaws.com:443/proj/v1"


class TestCertificates:
    def test_layout_and_order_mean_nothing(self) -> None:
        text = "".join(CERTIFICATE.splitlines()[1:-1])
        folded = f"-----BEGIN CERTIFICATE-----\r\n{text[:10]}\r\n{text[10:]}\r\n-----END CERTIFICATE-----"
        assert authority(folded) == authority(f"# comment\n{CERTIFICATE}{CERTIFICATE}")
        assert authority(CERTIFICATE + OTHER_CERTIFICATE) == authority(OTHER_CERTIFICATE + CERTIFICATE)
        assert authority(CERTIFICATE) != authority(OTHER_CERTIFICATE)

    def test_a_private_key_beside_it_goes_nowhere(self) -> None:
        key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
        assert certificates(key + CERTIFICATE + key) == (CERTIFICATE,)
        assert "PRIVATE" not in json.dumps(convert.create_body(flow(), key + CERTIFICATE))

    def test_what_is_no_certificate(self) -> None:
        assert certificates("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----") == ()
        assert certificates("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----") == ()
        assert authority("something else") not in (None, authority(CERTIFICATE))
        assert authority(" \n") is None

    def test_long_ones_are_folded(self) -> None:
        long = f"-----BEGIN CERTIFICATE-----\n{'A' * 200}\n-----END CERTIFICATE-----"
        assert max(map(len, certificates(long)[0].splitlines())) == 64

    def test_reading_a_file(self, tmp_path: Any) -> None:
        assert read(None).pem is None
        assert "cannot be read" in read(tmp_path / "no").problem
        assert "cannot be read" in read(tmp_path).problem
        (tmp_path / "ca.pem").write_bytes(b"\xff\xfe" + CERTIFICATE.encode())
        assert read(tmp_path / "ca.pem").pem == CERTIFICATE
        (tmp_path / "no.pem").write_text("hunter2")
        assert read(tmp_path / "no.pem").problem.endswith("holds no PEM certificate")
        (tmp_path / "long.pem").write_bytes(b"x" * (1024 * 1024 + 1))
        assert "longer" in read(tmp_path / "long.pem").problem


class TestObservation:
    def test_one_container_each(self) -> None:
        seen = convert.observation("nas-1", [status(id="b", bucket="two"), status(id="a", bucket="one")])
        assert [state.ref.key for state in seen.containers] == [
            "COPY_TO_OBJECT /projects -> s3.eu-west-1.amazonaws.com:443/one/v1",
            "COPY_TO_OBJECT /projects -> s3.eu-west-1.amazonaws.com:443/two/v1",
        ]
        (live,) = seen.containers[0].relationships
        assert (live.provider_id, live.owned, live.identity) == ("a", False, seen.containers[0].ref.key)

    def test_an_empty_cluster(self) -> None:
        assert convert.observation("nas-1", []).containers == ()

    def test_duplicates_are_told_apart(self) -> None:
        seen = convert.observation("nas-1", [status(id=name) for name in ("c", "a", "b")])
        key = convert.identity(convert.desired(flow(), None))
        assert [state.ref.key for state in seen.containers] == [key, f"{key}#b", f"{key}#c"]
        assert [state.relationships[0].provider_id for state in seen.containers] == ["a", "b", "c"]
        assert [bool(state.document["note"]) for state in seen.containers] == [False, True, True]  # type: ignore[index, call-overload]

    def test_progress_does_not_change_the_fingerprint_but_configuration_does(self) -> None:
        def fingerprint(**changes: Any) -> str:
            return convert.observation("nas-1", [status(**changes)]).containers[0].fingerprint

        still = fingerprint()
        job = {"start_time": "2026-01-01T00:00:00Z", "job_progress": {"bytes_total": "7"}}
        last = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z", "error": "no"}
        assert fingerprint(state="REPLICATION_RUNNING", current_job=job, last_job=last) == still
        assert fingerprint(object_folder="v1") == still
        changes = ({"id": "x"}, {"local_directory_id": "4"}, {"region": "x"}, {"access_key_id": "x"}, {"port": 9})
        assert len({fingerprint(**change) for change in changes} | {still}) == 6

    def test_a_directory_that_is_gone(self) -> None:
        (state,) = convert.observation("nas-1", [status(local_directory_path="")]).containers
        assert state.ref.key == "COPY_TO_OBJECT <gone:3> -> s3.eu-west-1.amazonaws.com:443/proj/v1"
        assert state.document["note"] == "its directory is gone"  # type: ignore[index, call-overload]

    @pytest.mark.parametrize("missing", ["id", "direction", "object_store_address", "bucket", "region", "state"])
    def test_what_must_be_there(self, missing: str) -> None:
        bare = {name: value for name, value in wire().items() if name != missing}
        with pytest.raises(ValidationError, match=missing):
            STATUSES.validate_python([bare])

    def test_odd_progress_does_not_keep_a_cluster_from_being_read(self) -> None:
        odd = {"bytes_total": "None", "bytes_remaining": "", "files_total": None, "files_remaining": 1.5}
        running = status(state="REPLICATION_RUNNING", current_job={"start_time": "x", "job_progress": odd})
        assert convert.percent(running) is None
        assert convert.health(running).detail == "a job runs"


def job(**counts: Any) -> dict[str, Any]:
    return {"start_time": "2026-01-01T00:00:00.123456789Z", "estimated_end_time": "", "job_progress": counts}


LAST = {"start_time": "2020-04-06T17:56:29.659309904Z", "end_time": "2020-04-06T18:00:00.999999999Z"}


@pytest.mark.parametrize(
    ("given", "state", "words", "succeeded"),
    [
        ({}, HealthState.UNKNOWN, "no job has ended yet", False),
        ({"last_job": {**LAST, "error": ""}}, HealthState.OK, "succeeded", True),
        ({"last_job": {**LAST, "error": None}}, HealthState.OK, "succeeded", True),
        ({"last_job": {**LAST, "error": "no route"}}, HealthState.FAILED, "no route", False),
        ({"state": "REPLICATION_RUNNING"}, HealthState.RUNNING, "a job runs", False),
        ({"state": "REPLICATION_RUNNING", "current_job": {"new": 1}}, HealthState.RUNNING, "a job runs", False),
        (
            {"state": "REPLICATION_RUNNING", "current_job": job(bytes_total="200", bytes_remaining="50")},
            HealthState.RUNNING, "a job runs: 75% of 200 B", False,
        ),
        (
            {"state": "REPLICATION_RUNNING", "current_job": job(), "last_job": {**LAST, "error": "no route"}},
            HealthState.RUNNING, "the one before failed: no route", False,
        ),
        (
            {"state": "REPLICATION_RUNNING", "current_job": job(), "last_job": {**LAST, "error": ""}},
            HealthState.RUNNING, "a job runs", True,
        ),
        ({"state": "REPLICATION_DREAMING"}, HealthState.UNKNOWN, "no job", False),
    ],
)  # fmt: skip
def test_health(given: dict[str, Any], state: HealthState, words: str, succeeded: bool) -> None:
    found = convert.health(status(**given))
    assert (found.state, found.last_success_at is not None) == (state, succeeded)
    assert words in found.detail


def test_what_waits_is_counted_in_files() -> None:
    running = status(state="REPLICATION_RUNNING", current_job=job(files_remaining="4", files_total="21"))
    assert convert.health(running).backlog == 4


def test_times_have_nine_digits() -> None:
    found = convert.health(status(last_job={**LAST, "error": ""}))
    assert found.last_success_at is not None
    assert found.last_success_at.isoformat() == "2020-04-06T18:00:00.999999+00:00"
