"""Names have the same numbers whether they come as strings or as spans of bytes, whoever was released before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.interner import Interner
from processors.wire.name_index import NAMES_MIN, json_of

NAMES = st.sampled_from(["a", "b", "ann", "12345678", "123456789", "é語😀", 'say "x"', "tab\t", "x" * 70, *"cdefgh"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["ids", "spans", "spans", "release", "again"]), st.lists(NAMES, max_size=8)), max_size=12
)


def ids_in(interner: Interner, names: list[str]) -> list[int]:
    texts = [json_of(name) for name in names]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    data = np.frombuffer(b"".join(texts) + bytes(8), dtype=np.uint8)
    numbers: list[int] = interner.ids_in(data, np.stack((ends[:-1], ends[1:]), axis=1)).tolist()
    return numbers


@given(STEPS)
def test_spans_and_strings_have_the_same_numbers(steps: list[tuple[str, list[str]]]) -> None:
    ours, reference = Interner(b"u/"), Interner(b"u/")
    rows: dict[bytes, bytes] = {}
    for what, names in steps:
        if what == "release":
            known = [number for number in reference.all_ids().tolist() if reference.name_of(number) in names]
            ours.release(known)
            reference.release(known)
        elif what == "again":
            for key, value in ours.changed_rows():
                rows.pop(key, None) if value is None else rows.__setitem__(key, value)
            ours = Interner(b"u/")
            assert all(ours.adopt(*row) for row in rows.items())
        else:
            found = ids_in(ours, names) if what == "spans" else ours.ids_of(names).tolist()
            assert found == reference.ids_of(names).tolist()


def test_names_come_and_go_for_ever() -> None:
    ours, reference = Interner(b"u/"), Interner(b"u/")
    for turn in range(12):
        names = [f"user-{turn * 500 + number}" for number in range(NAMES_MIN)]
        assert ids_in(ours, names) == reference.ids_of(names).tolist()
        gone = range(0, NAMES_MIN, 2)
        ours.release(gone)
        reference.release(gone)
