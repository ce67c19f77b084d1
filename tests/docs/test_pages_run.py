"""Every block of every page is run: as it stands, by another test that it names, or by hand, of which there are few.

The pages are typed in one session, on the cluster that `docs/start.md` starts. That is an embedded broker, whatever a
page calls it.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.documentation.metric_pages import own_metrics
from tests.docs.documents import DOCUMENTS, ROOT, parse, recipe
from tests.docs.page_blocks import RUN, SHELL, Block, blocks
from tests.docs.page_session import Session
from tests.policies import test_policies as owed_by_policies
from tests.rewards import test_rewards as owed_by_rewards

START = "docs/start.md"
NOT_RUN = {"text", "json", "{toctree}"}
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
BY_HAND = {
    "make test",
    "docker compose -f docker/compose.yaml up --build --scale worker=2",
    "docker compose -f docker/compose.yaml --env-file docker/cluster.env up --build",
}
"""Commands that no test runs: one of them is this suite, the others need images that are pulled."""
PAGES = sorted({block.document for block in BLOCKS if not block.how} - {START, "README.md"})


def commands_of(kind: str) -> list[tuple[Block, list[str]]]:
    return [
        (block, command.words)
        for block in BLOCKS
        if block.language in SHELL and block.how == kind
        for command in block.commands()
    ]


def test_every_block_has_a_language_that_is_run_or_is_none() -> None:
    for document in DOCUMENTS:
        opened = re.findall(r"^```(\S+)", (ROOT / document).read_text(), re.MULTILINE)
        assert set(opened) <= {*RUN, *NOT_RUN}, document
        assert len(blocks(document)) == sum(language in RUN for language in opened), f"{document}: a block is not found"


def test_every_shell_block_has_something_to_type() -> None:
    for block in BLOCKS:
        assert block.language not in SHELL or list(block.commands()), f"{block.document}:{block.line} has no `$`"


def test_what_is_run_by_hand_is_listed() -> None:
    assert {" ".join(words) for _, words in commands_of("by hand")} == BY_HAND


def test_what_is_run_elsewhere_is_in_that_file() -> None:
    for block, words in commands_of("elsewhere"):
        asked = next(iter(recipe(words[1]))) if words[0] == "make" else words
        wanted = parse(asked).split()[1:]
        source = (ROOT / block.where).read_text()
        assert all(re.search(rf"\b{word}\b", source) for word in wanted), (
            f"{block.where} does not run {' '.join(wanted)}"
        )


def test_most_commands_are_run_as_they_stand() -> None:
    counts = Counter({kind: len(commands_of(kind)) for kind in ("", "elsewhere", "by hand")})
    assert counts[""] >= 0.75 * counts.total(), counts


def give_files(folder: Path) -> None:
    """A file of plays, a listening history, and the genres in our examples."""
    games = [row.split(",")[0] for row in (ROOT / "examples/steam-genres.csv").read_text().splitlines()[1:25]]
    hours = [(f"u{n % 40}", games[(7 * n) % 24], 1 + (n % 40 < 20) * (n % 24) + n % 3) for n in range(900)]
    table = "user_id,game,hours\n" + "".join(f"{user},{game},{played}\n" for user, game, played in hours)
    (folder / "play.csv.gz").write_bytes(gzip.compress(table.encode()))
    (folder / "examples").symlink_to(ROOT / "examples")
    plays = (
        {"ts": f"2024-03-{1 + n // 24 % 28:02}T{n % 24:02}:00:00Z", "username": user, "track": game,
         "ms_played": 60_000 * played, "reason_end": "trackdone"}
        for n, (user, game, played) in enumerate(hours)
    )  # fmt: skip
    (folder / "history.jsonl").write_text("".join(json.dumps(play) + "\n" for play in plays))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A person who has followed `docs/start.md`, and has some files."""
    with Session(tmp_path_factory.mktemp("pages")) as begun:
        give_files(begun.folder)
        for block in blocks(START):
            if not block.how:
                begun.do(block)
        yield begun
        begun.leave()


def test_a_newcomer_gets_through_the_first_page(session: Session) -> None:
    assert len(session.running) == 3, "broker, worker and console go on"


@pytest.mark.parametrize("document", PAGES)
def test_a_page_does_what_it_says(session: Session, document: str) -> None:
    for block in blocks(document):
        if not block.how:
            session.do(block)


def names_of(session: Session, document: str) -> dict[str, object]:
    if document not in session.names:
        for block in blocks(document):
            session.do(block)
    return session.names[document]


def test_the_reward_of_the_page_owes_what_every_reward_owes(session: Session) -> None:
    reward = names_of(session, "docs/extend.md")["example_reward"]
    for owed in (
        owed_by_rewards.test_a_reward_is_a_share,
        owed_by_rewards.test_longer_is_never_worse,
        owed_by_rewards.test_no_stream_is_no_success,
        owed_by_rewards.test_at_the_threshold_a_stream_earns_at_least_half,
        owed_by_rewards.test_all_that_a_grouping_takes_together_are_judged_alike,
        owed_by_rewards.test_a_reward_does_not_depend_on_how_the_streams_were_split,
    ):
        owed(reward)


def test_the_policy_of_the_page_owes_what_every_policy_owes(session: Session) -> None:
    policy = names_of(session, "docs/extend.md")["TwoMindsPolicy"](0.3)
    beliefs = owed_by_policies.beliefs.__wrapped__()
    for owed in (
        owed_by_policies.test_marginals_are_a_distribution_in_every_slot,
        owed_by_policies.test_a_drawn_order_repeats_no_item,
        owed_by_policies.test_logged_propensities_are_those_of_the_distribution,
        owed_by_policies.test_frequencies_over_many_pages_are_the_propensities,
    ):
        owed(policy, beliefs)


def said_in(path: Path) -> str:
    """A module with each text in one piece, `…` where it puts a value, without backticks."""
    joined = re.sub(r"\"\s*\n\s*f?\"", "", path.read_text())
    return re.sub(r"\{[^{}]*\}", "…", joined).replace("`", "")


def test_the_table_of_failures_quotes_the_program() -> None:
    said = "\n".join(said_in(path) for path in (ROOT / "streams").rglob("*.py"))
    rows = re.findall(r"^\| (.*?) \|", (ROOT / "docs" / "failures.md").read_text(), re.MULTILINE)
    quoted = [text for row in rows for text in re.findall(r"`([^`]+)`", row) if " " in text or "…" in text]
    assert len(quoted) >= 12
    for text in quoted:
        pattern = '[^\n"]*'.join(re.escape(part) for part in text.split("…"))
        assert re.search(pattern, said), f"the program never says {text!r}"


def test_alerts_and_metrics_that_the_pages_name_exist() -> None:
    rules = (ROOT / "docker" / "alerts.yaml").read_text()
    metrics = {name for name, *_ in own_metrics()}
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        assert all(f"alert: {alert}\n" in rules for alert in re.findall(r"`(Shelfwise[A-Z]\w+)`", text)), document
        named = set(re.findall(r"`(shelfwise_\w+)`", text))
        assert all(name in metrics or f"{name}_total" in metrics for name in named), f"{document}: {named - metrics}"
