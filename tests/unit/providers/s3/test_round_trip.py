"""Whatever is wanted and whatever is live: what is written reads back as wanted, and the rest is left alone."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.engine.diff import differences, managed_part
from reconciler.model.relationship import Flow
from reconciler.providers.s3.check import check
from reconciler.providers.s3.document import Document, canonical
from tests.unit.providers.s3.shapes import CEPH, configuration, desired, dialect, diff, flow, observed, planned

GENERIC = {"flavour": "generic", "endpoint": "https://127.0.0.1:1"}
SWITCH = st.sampled_from([None, "enabled", "disabled"])
KEY_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), max_size=12)
TAG_TEXT = st.text("abcé +-=._:/@09", max_size=5)
TAGS = st.dictionaries(TAG_TEXT.filter(bool), TAG_TEXT, max_size=3)
STATUS = st.sampled_from(["Enabled", "Disabled"])
KMS = [(None, None), (None, "disabled"), ("", "disabled"), ("arn:k", "enabled"), ("arn:k", "disabled")]
TIMES = [(None, None), ("enabled", None), ("enabled", "enabled"), ("disabled", None), ("disabled", "disabled")]
OWNERS = [(None, None), ("source", ""), ("source", None), (None, "444455556666"), ("destination", "444455556666")]
UNKNOWN = st.sampled_from(["", "<New/>", "<New a='1'>é<Deep>&lt;</Deep></New>", "<!-- note -->"])


def present(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    key, selection = draw(st.sampled_from(KMS))
    time, metrics = draw(st.sampled_from(TIMES))
    owner, account = draw(st.sampled_from(OWNERS))
    return {
        "owner": owner, "account": account, "kmsKey": key, "sseKms": selection, "replicaModifications": draw(SWITCH),
        "replicationTime": time, "metrics": metrics,
    }  # fmt: skip


@st.composite
def flows(draw: st.DrawFn, name: str = "n", *, own: dict[str, Any] | None = None, identity: str | None = None) -> Flow:
    ceph = own is CEPH
    tags = draw(st.none() | TAGS)
    given_options = {} if ceph else draw(options())
    deletes = [None] + ([] if ceph else ["keep"]) + ([] if tags else ["replicate"])
    spec = present(
        state=draw(st.sampled_from([None, "active", "paused"])),
        deletes=draw(st.sampled_from(deletes)),
        storage_class=draw(st.sampled_from([None, "GLACIER", "STANDARD_IA"])),
        filter=None if tags is None else {"tags": tags},
    )
    made = flow(
        name,
        own=own,
        source={"prefix": draw(KEY_TEXT)},
        destination={"bucket": draw(st.sampled_from(["dst", "other"]))},
        s3=present(id=identity, priority=draw(st.none() | st.integers(0, 50)), **given_options),
        **spec,
    )
    assert list(check(made)) == []
    return made


@st.composite
def live_rules(draw: st.DrawFn, name: str, priority: int) -> str:
    prefix = draw(KEY_TEXT).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    tags = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in draw(TAGS).items())
    inner = f"<Prefix>{prefix}</Prefix>"
    filter_ = f"<Filter><And>{inner}{tags}</And></Filter>" if tags else f"<Filter>{inner}</Filter>"
    markers = "Disabled" if tags else draw(STATUS)
    more = draw(
        st.sampled_from(["", "<StorageClass>GLACIER</StorageClass>", "<Metrics><Status>Enabled</Status></Metrics>"])
    )
    kms = draw(st.booleans())
    chosen = f"<SseKmsEncryptedObjects><Status>{draw(STATUS)}</Status></SseKmsEncryptedObjects>"
    selection = f"<SourceSelectionCriteria>{chosen}</SourceSelectionCriteria>" if kms else ""
    key = "<EncryptionConfiguration><ReplicaKmsKeyID>arn:k</ReplicaKmsKeyID></EncryptionConfiguration>" if kms else ""
    blank = draw(st.sampled_from(["", "\n  ", " "]))
    return (
        f"{blank}<Rule>{blank}<ID>{name}</ID><Priority>{priority}</Priority>{filter_}<Status>{draw(STATUS)}</Status>"
        f"{selection}<Destination><Bucket>arn:aws:s3:::dst</Bucket>{key}{more}</Destination>"
        f"<DeleteMarkerReplication><Status>{markers}</Status></DeleteMarkerReplication>{draw(UNKNOWN)}</Rule>"
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Flow, str, list[str]]:
    """A wanted flow, a live configuration that may hold its rule, and the foreign rules in it."""
    own = draw(st.sampled_from([None, CEPH, GENERIC]))
    identity = draw(st.sampled_from([None, "adopted"]))
    wanted = draw(flows(own=own, identity=identity))
    foreign = [draw(live_rules(f"theirs-{n}", 100 + n)) for n in range(draw(st.integers(0, 3)))]
    rules = list(foreign)
    if draw(st.booleans()):
        mine = draw(live_rules(desired(wanted).identity, 7))
        rules.insert(draw(st.integers(0, len(rules))), mine)
    return wanted, configuration(*rules) if rules else "", foreign


@given(worlds())
def test_what_is_written_reads_back_as_wanted(world: tuple[Flow, str, list[str]]) -> None:
    wanted, live, foreign = world
    answer = planned(wanted, live=live or None)
    assume(not answer.findings)
    text = answer.steps[-1].body["xml"]
    want = desired(wanted)
    back = observed(text, want.identity, wanted)
    assert differences(back.settings, want.settings) == ()
    assert managed_part(back.settings, want.settings) == want.settings
    for rule in foreign:
        assert rule in text


@given(worlds())
def test_writing_twice_is_writing_once(world: tuple[Flow, str, list[str]]) -> None:
    wanted, live, _ = world
    first = planned(wanted, live=live or None)
    assume(not first.findings)
    text = first.steps[-1].body["xml"]
    again = planned(wanted, live=text)
    assert again.findings == ()
    assert again.steps[-1].body["xml"] == text


@given(worlds())
def test_what_is_not_managed_stays(world: tuple[Flow, str, list[str]]) -> None:
    wanted, live, _ = world
    want = desired(wanted)
    assume(f"<ID>{want.identity}</ID>" in live)
    answer = planned(wanted, live=live)
    assume(not answer.findings)
    before = observed(live, want.identity, wanted).settings
    after = observed(answer.steps[-1].body["xml"], want.identity, wanted).settings
    for key in ("state", "storageClass", "filter"):
        if key not in want.settings:
            assert before.get(key) == after.get(key)
    old = next(r for r in Document.parse(live).elements("Rule") if r.findtext("ID") == want.identity)
    new = next(
        r for r in Document.parse(answer.steps[-1].body["xml"]).elements("Rule") if r.findtext("ID") == want.identity
    )
    assert [canonical(e) for e in old.findall("New")] == [canonical(e) for e in new.findall("New")]


@given(worlds())
def test_removing_it_leaves_the_others_bytes(world: tuple[Flow, str, list[str]]) -> None:
    wanted, live, foreign = world
    identity = desired(wanted).identity
    assume(f"<ID>{identity}</ID>" in live)
    answer = planned(live=live, gone=[identity])
    assert answer.findings == ()
    (call,) = answer.steps
    if not foreign:
        assert call.operation == "DeleteBucketReplication"
        return
    assert call.body["xml"] == configuration(*foreign) or [r.strip() for r in foreign] == [
        piece.raw for piece in Document.parse(call.body["xml"]).pieces if piece.named("Rule")
    ]


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1), st.data())
def test_however_many_rules_change_it_is_one_write_with_unique_priorities(
    names: list[str], data: st.DataObject
) -> None:
    wanted = [data.draw(flows(name)) for name in names]
    live = configuration(data.draw(live_rules("theirs", 3)))
    answer = planned(*wanted, live=live)
    assume(not answer.findings)
    (call,) = answer.steps
    found = [rule.findtext("Priority") for rule in Document.parse(call.body["xml"]).elements("Rule")]
    assert len(found) == len(set(found)) == len(names) + 1
    assert dialect(wanted[0]) == dialect(wanted[-1])
    assert len(diff(*wanted, live=live).changes) == len(names)
