"""Cutting a configuration into pieces, and putting it together again."""

from xml.etree.ElementTree import Element, canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.s3.document import MAX_BYTES, Document, DocumentError, canonical
from tests.unit.providers.s3.shapes import NAMESPACE, configuration, v1, v2

ODD = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- before -->
<ReplicationConfiguration xmlns="{NAMESPACE}" note="a > b">
  <Role>r</Role>
  <!-- between -->
  <Rule a=">"/>
  <Rule><ID>x</ID><![CDATA[ <Rule> ]]><New deep="1"><Deeper>é&amp;😀</Deeper></New><?pi here?></Rule>
\t<Unknown/>
  <Rule ><ID>y</ID></Rule >
</ReplicationConfiguration >
<!-- after -->
"""


def test_every_byte_is_kept() -> None:
    assert str(Document.parse(ODD)) == ODD


def test_rules_are_cut_out_exactly() -> None:
    raws = [piece.raw for piece in Document.parse(ODD).pieces if piece.named("Rule")]
    assert raws[0] == '<Rule a=">"/>'
    assert raws[1].startswith("<Rule><ID>x</ID><![CDATA[")
    assert raws[1].endswith("<?pi here?></Rule>")
    assert raws[2] == "<Rule ><ID>y</ID></Rule >"


def test_untouched_pieces_keep_their_text_when_others_change() -> None:
    document = Document.parse(ODD)
    number = next(n for n, piece in enumerate(document.pieces) if "<ID>x" in piece.raw)
    new = Element("Rule")
    edited = str(document.edited({number: None}, [new]))
    assert "<ID>x" not in edited
    assert edited.endswith("<Rule ><ID>y</ID></Rule ><Rule />\n</ReplicationConfiguration >\n<!-- after -->\n")
    assert edited.startswith(ODD[: ODD.index("  <Rule><ID>x")].rstrip("\n "))


def test_prefixed_documents_are_read_and_written_with_their_prefix() -> None:
    root = "s3:ReplicationConfiguration"
    text = f'<{root} xmlns:s3="{NAMESPACE}"><s3:Rule><s3:ID>a</s3:ID><ID>b</ID></s3:Rule></{root}>'
    document = Document.parse(text)
    (rule,) = document.elements("Rule")
    assert rule.findtext("ID") == "a"
    assert str(document.edited({0: rule})) == text
    added = str(document.edited({}, [rule]))
    assert added.count("<s3:Rule><s3:ID>a</s3:ID><ID>b</ID></s3:Rule>") == 2
    canonicalize(added)


def test_a_carriage_return_in_a_key_survives() -> None:
    rule = Element("Rule")
    rule.text = "a\r\nb"
    text = str(Document.empty().edited({}, [rule]))
    assert Document.parse(text).elements("Rule")[0].text == "a\r\nb"


@pytest.mark.parametrize(
    "text", ["<ReplicationConfiguration/>", "<ReplicationConfiguration></ReplicationConfiguration>"]
)
def test_an_empty_configuration_has_no_pieces(text: str) -> None:
    document = Document.parse(text)
    assert document.pieces == ()
    assert str(document) == text


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<ReplicationConfiguration><Role>&b;</Role></ReplicationConfiguration>"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "DOCTYPE"),
        ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><ReplicationConfiguration/>", "DOCTYPE"),
        ("<html><body>proxy</body></html>", "not a ReplicationConfiguration"),
        ("<ReplicationConfiguration><Rule></ReplicationConfiguration>", "well-formed"),
        ("<ReplicationConfiguration>&unknown;</ReplicationConfiguration>", "well-formed"),
        ("", "well-formed"),
        ("<ReplicationConfiguration>" + "<a>" * 100 + "</a>" * 100 + "</ReplicationConfiguration>", "deeper"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><ReplicationConfiguration/>', "encoding"),
        (f"<ReplicationConfiguration>{' ' * MAX_BYTES}</ReplicationConfiguration>", "longer"),
    ],
)
def test_what_is_no_configuration_is_refused_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        Document.parse(text)
    assert "passwd" not in str(caught.value)
    assert "proxy" not in str(caught.value)


def test_ten_thousand_rules_are_cut_in_little_time() -> None:
    text = configuration(*(v2(f"r{n}", priority=n) for n in range(10_000)))
    assert len(Document.parse(text).elements("Rule")) == 10_000


class TestFingerprint:
    def same(self, one: str, other: str) -> bool:
        return Document.parse(one).fingerprint("Role") == Document.parse(other).fingerprint("Role")

    def test_order_blanks_and_comments_do_not_count(self) -> None:
        one, other = v2("a", filter_="<Filter><Prefix>p</Prefix></Filter>"), v2("b")
        spaced = configuration(other, "\n<!-- x -->", one.replace("><", ">\n  <"))
        assert self.same(configuration(one, other), spaced)

    def test_the_order_of_elements_in_a_rule_does_not_count(self) -> None:
        one = "<Rule><ID>a</ID><Status>Enabled</Status></Rule>"
        assert self.same(configuration(one), configuration("<Rule><Status>Enabled</Status><ID>a</ID></Rule>"))

    def test_an_absent_and_an_empty_role_are_the_same(self) -> None:
        bare = configuration(v2("a"), role="")
        assert self.same(bare, bare.replace("<Role></Role>", ""))

    @pytest.mark.parametrize(
        "other",
        [
            configuration(v2("a", more="<New>1</New>")),
            configuration(v2("a", more="<New/>")),
            configuration(v2("a", priority=2)),
            configuration(v2("a"), role="arn:other"),
            configuration(v2("a"), "<New/>"),
            configuration(v2("a"), v2("a")),
            configuration(v1("a")),
            configuration(v2("a", filter_="<Filter><Prefix> </Prefix></Filter>")),
            configuration(v2("a").replace("<Status>", '<Status x="1">', 1)),
        ],
    )
    def test_any_change_of_meaning_counts(self, other: str) -> None:
        assert not self.same(configuration(v2("a")), other)


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), max_size=8)
NAMES = st.sampled_from(["Rule", "Role", "Unknown", "ID", "x-y.z"])


@st.composite
def _elements(draw: st.DrawFn, depth: int = 3) -> Element:
    element = Element(draw(NAMES))
    element.text = draw(TEXT)
    if depth:
        for child in draw(st.lists(_elements(depth - 1), max_size=3)):
            child.tail = draw(TEXT)
            element.append(child)
    return element


@given(
    st.lists(_elements(), max_size=5),
    st.lists(TEXT.map(lambda t: t.replace("<", "").replace("&", "").replace("]]>", "")), min_size=5, max_size=5),
)
def test_any_document_is_kept_byte_for_byte_and_element_for_element(children: list[Element], blanks: list[str]) -> None:
    document = Document.empty().edited({}, children)
    text = document.head + "".join(b + p.raw for b, p in zip(blanks, document.pieces, strict=False)) + document.tail
    read = Document.parse(text)
    assert str(read) == text
    assert [canonical(p.element) for p in read.pieces if p.element is not None] == [canonical(c) for c in children]
