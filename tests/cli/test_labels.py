"""`shelfwise labels` on a broker: what groups are called, and an editor's say."""

import asyncio
import json
from math import expm1

import pytest

from schemas.codec import decode, encode
from schemas.learning import CardGroupName
from streams.auditing.reading import read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.publishing import Publisher
from tests.tasks.test_cores import co_clusters


def test_groups_are_listed_named_and_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    async def publish(bootstrap: str) -> None:
        async with Publisher(bootstrap) as publisher:
            await publisher.publish("co-clusters", "model", encode(co_clusters(generation=3)))

    with EmbeddedBroker() as broker:
        where = ["--broker", broker.bootstrap]
        assert run(["topics", "apply", *where]) == 0
        assert run(["labels", "list", *where]) == 1, "nothing is known yet"
        assert "no co-clusters yet" in capsys.readouterr().err
        asyncio.run(publish(broker.bootstrap))
        assert run(["labels", "list", *where, "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert (listed["generation"], [row["group"] for row in listed["card_groups"]]) == (3, [0])
        assert listed["card_groups"][0]["typical_s"] == round(expm1(5.0), 1)
        assert run(["labels", "list", *where]) == 0
        assert "typically 147 s" in capsys.readouterr().out
        assert run(["labels", "name", "1", "Sleep", *where]) == 2, "there is no such group"
        assert run(["labels", "clear", "0", *where]) == 1, "none has been given"
        capsys.readouterr()
        assert run(["labels", "name", "0", "Sleep", *where]) == 0
        said = capsys.readouterr().out
        assert said.startswith("card group 0 is named 'Sleep'; it shows with the next co-clusters")
        assert run(["labels", "clear", "0", "--json", *where]) == 0
        done = json.loads(capsys.readouterr().out)
        assert (done["group"], done["name"], done["generation"]) == (0, None, 3)
        names = asyncio.run(read_committed(broker.bootstrap, "card-group-names"))
    assert [key for key, _ in names] == [b"0", b"0"]
    assert decode("card-group-names", names[0][1]) == CardGroupName(group=0, generation=3, name="Sleep")
    assert names[1][1] is None
