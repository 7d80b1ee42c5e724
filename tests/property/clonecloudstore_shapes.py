"""Worlds of CloneCloudStore in which what comes up too seldom by chance does come up."""

from hypothesis import strategies as st

from tests.lab.clonecloudstore import CLIENT
from tests.property.clonecloudstore_worlds import ACTS, RIGHTS, SOURCE_OBJECTS, A, B, C, Row, Spec, Story, Wish, stories

SHAPES = ("goes on", "resumed by another", "would live again", "pruned")


@st.composite
def worlds(draw: st.DrawFn) -> Story:
    """Mostly any world, and each shape now and then."""
    shape = draw(st.sampled_from((*(None,) * 12, *SHAPES)))
    return draw(stories()) if shape is None else _shaped(draw, shape)


def _shaped(draw: st.DrawFn, shape: str) -> Story:
    """What else comes up too seldom: one of two sources goes, a pair is resumed for another one's sake, and what was
    removed is cut off by hand."""
    one, two = draw(st.sampled_from(((A, B), (B, A), (A, C), (C, B))))
    third = next(site for site in (A, B, C) if site not in (one, two))
    spec: Spec = {"state": "active", "deletes": "replicate"}
    first = Wish(one, two, "one", spec)
    other = Wish(third, two, "one", spec) if shape == "goes on" else Wish(one, two, "two", spec)
    wanted, later, by_hand = (first, other), (first,), draw(st.lists(ACTS, max_size=1))
    if shape == "resumed by another":
        silent = first._replace(spec={"existing": "copy", "deletes": "replicate"})
        wanted = silent, other._replace(spec=spec | {"state": "paused"})
        later = silent, other
    elif shape == "would live again":
        by_hand = [("unlist", draw(st.integers(0, 1)))]
    elif shape == "pruned":
        copied = first._replace(spec=spec | {"existing": "copy", "prune": True})
        wanted, later = (copied, other), (copied,)
    sources = {(wish.source, wish.bucket) for wish in wanted}
    lists = {(one, two): ("right", "right", "DOWN")} if draw(st.booleans()) else {}
    rows = {place: Row("READY", CLIENT, "OWNER", draw(SOURCE_OBJECTS)) for place in sources}
    if shape == "pruned":
        rows[one, "one"] = Row("READY", CLIENT, "OWNER", (("o/0", "READY", 1),))
        rows[two, "one"] = Row("READY", CLIENT, draw(RIGHTS), (("o/1", "READY", 1), ("o/2", "READY", 0)))
    return Story(
        wanted=wanted,
        later=later,
        lists=lists,
        rows=rows,
        by_hand=tuple(by_hand),
        forgotten=False,
        believed_s=draw(st.sampled_from((0, 600))),
    )
