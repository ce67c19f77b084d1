"""What readers make of a batch of records: numbers, and spans of the bytes in which the texts stand."""

from typing import NamedTuple

from processors.cocluster.arrays import IntArray


class ImpressionColumns(NamedTuple):
    """n impressions with e exposures: only the slots that were seen, in the order of rows and slots."""

    data: IntArray
    record: IntArray
    event_ms: IntArray
    event_id: IntArray
    user_id: IntArray
    logged: IntArray  # [n, 5, 2]
    offsets: IntArray
    row: IntArray
    slot: IntArray
    shelf_id: IntArray
    card_id: IntArray
    propensity: IntArray


class StreamEndColumns(NamedTuple):
    data: IntArray
    record: IntArray
    event_ms: IntArray
    started_ms: IntArray
    played_ms: IntArray
    event_id: IntArray
    user_id: IntArray
    card_id: IntArray
    impression_id: IntArray


def _spans(texts, parts, at):
    import msgspec
    import numpy as np

    spans = []
    for text in texts:
        if text is None:
            spans.append((-1, -1))
            continue
        content = msgspec.json.encode(text)[1:-1]
        parts.append(content)
        spans.append((at[0], at[0] + len(content)))
        at[0] += len(content)
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def impressions_of(messages):
    import numpy as np

    parts, at = [], [0]
    n = len(messages)
    exposures = [
        [(r, s, sh.shelf_id, sh.cards[s], repr(sh.propensities[s])) for r, sh in enumerate(m.shelves) for s in sh.seen]
        for m in messages
    ]
    flat = [x for e in exposures for x in e]

    i64 = lambda v: np.array(list(v), dtype=np.int64)
    event_id = _spans([m.event_id for m in messages], parts, at)
    user = _spans([m.user_id for m in messages], parts, at)
    logged = _spans(
        [t for m in messages for t in (m.surface, m.variant, m.policy_version, m.reward_version, m.model_version)],
        parts,
        at,
    ).reshape(n, 5, 2)
    shelf = _spans([x[2] for x in flat], parts, at)
    card = _spans([x[3] for x in flat], parts, at)
    prop = _spans([x[4] for x in flat], parts, at)
    offsets = np.concatenate([[0], np.cumsum(i64(len(e) for e in exposures))]).astype(np.int64)
    data = np.frombuffer(b"".join(parts), dtype=np.uint8)
    return ImpressionColumns(
        data,
        np.arange(n),
        i64(m.event_ms for m in messages),
        event_id,
        user,
        logged,
        offsets,
        i64(x[0] for x in flat),
        i64(x[1] for x in flat),
        shelf,
        card,
        prop,
    )


def stream_ends_of(messages):
    import numpy as np

    parts, at = [], [0]
    i64 = lambda v: np.array(list(v), dtype=np.int64)
    s = lambda f: _spans([getattr(m, f) for m in messages], parts, at)
    cols = dict(event_id=s("event_id"), user_id=s("user_id"), card_id=s("card_id"), impression_id=s("impression_id"))
    return StreamEndColumns(
        np.frombuffer(b"".join(parts), dtype=np.uint8),
        np.arange(len(messages)),
        i64(m.event_ms for m in messages),
        i64(m.started_ms for m in messages),
        i64(m.played_ms for m in messages),
        **cols,
    )
