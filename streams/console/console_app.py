"""The web shell: addresses to views, with headers that keep pages and their scripts to this host."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from streams.console.console_state import ConsoleState
from streams.console.console_topics import HISTORY, HISTORY_RECORDS, READ, TAIL_RECORDS
from streams.console.experiment_pages import PATH as EDITOR
from streams.console.experiment_pages import ExperimentPages
from streams.console.experimenting import Experimenting
from streams.console.guarding import GuardedHeaders
from streams.console.own_forms import RefusedError
from streams.console.page_maker import PageMaker, body_of, version_of
from streams.console.page_templates import environment
from streams.console.renaming import FORM_BYTES_MAX, Renaming
from streams.console.views.cell_view import cell_page
from streams.console.views.co_cluster_view import co_clusters_page
from streams.console.views.dead_letters_view import dead_letters_page
from streams.console.views.definitions_view import definitions
from streams.console.views.drift_view import drift_page
from streams.console.views.evidence_view import calibration_part, evidence_page
from streams.console.views.experiments_view import experiments, open_alarms
from streams.console.views.flow_view import flow_page
from streams.console.views.listener_view import listener_page
from streams.console.views.rewards_view import SECONDS_MAX, rewards_page
from streams.pictures.heat_map_picture import MEASURES, Shown

ASSETS = Path(__file__).parent / "assets"
CHANGES_EVERY_S = 1.0
SECONDS = 180.0
_GROUPS = ("co-clusters", "card-groups", "catalogue")
_LETTERS = tuple(name for name in READ if name.endswith(".dlq"))


class Console(Struct, frozen=True, kw_only=True):
    """What pages are made of: the state, and a clock for ages."""

    pages: PageMaker
    state: ConsoleState
    seed: int
    now_ms: Callable[[], int]
    is_closing: Callable[[], bool]
    renaming: Renaming | None = None
    """Where editors may rename card groups; None: nothing is written."""
    experimenting: Experimenting | None = None
    """Where editors may change experiments."""

    async def home(self, _: Request) -> Response:
        """The flow, and what is wrong."""
        page = flow_page(self.state, self.now_ms())
        return self.pages.page("home.html", "/", ("*",), ("shelf-rankings", "engagement-metrics"), page=page)

    async def co_clusters(self, request: Request) -> Response:
        """The heat map."""
        asked = request.query_params
        shown: Shown = next((name for name in MEASURES if name == asked.get("show")), "time")
        page = co_clusters_page(self.state, shown=shown, reward=asked.get("reward", "mean"), seed=self.seed)
        topics = (*_GROUPS, "drift-incidents")
        return self.pages.page(
            "co_clusters.html", "/co-clusters", topics, _GROUPS[:2], page=page, measures=MEASURES.items(),
            token=self.renaming.token if self.renaming is not None else "", renamed=asked.get("renamed", ""),
        )  # fmt: skip

    async def rename(self, request: Request) -> Response:
        """Give a card group another name."""
        assert self.renaming is not None
        try:
            said = await self.renaming.rename(
                request.headers, await body_of(request, FORM_BYTES_MAX), self.state.co_clusters
            )
        except RefusedError as error:
            return self.pages.refused(error)
        return RedirectResponse(f"/co-clusters?renamed={said.group}#card-group-{said.group}", 303)

    async def cell(self, request: Request) -> Response:
        """One co-cluster."""
        user_group, card_group = (int(request.path_params[name]) for name in ("user_group", "card_group"))
        page = cell_page(self.state, user_group, card_group, seed=self.seed)
        if page is None:
            return self.pages.not_found(
                f"The model has no co-cluster {user_group}.{card_group}: groups may have changed."
            )
        return self.pages.page("cell.html", "/co-clusters", _GROUPS, _GROUPS[:2], page=page)

    async def listener(self, request: Request) -> Response:
        """The page of a listener."""
        asked = request.query_params
        page = listener_page(self.state, user_id=asked.get("user", "").strip(), surface=asked.get("surface", "home"))
        topics = ("shelf-rankings", "catalogue", *(HISTORY if self.state.listener_history else ()))
        return self.pages.page(
            "listener.html", "/listener", topics, topics[:3], page=page, history_records=HISTORY_RECORDS
        )

    async def rewards(self, request: Request) -> Response:
        """One streamed time in."""
        asked = request.query_params
        seconds = _number(asked, "seconds", SECONDS, SECONDS_MAX)
        page = rewards_page(self.state, seconds=seconds, reward=asked.get("reward", "mean"), seed=self.seed)
        return self.pages.page(
            "rewards.html", "/rewards", _GROUPS[:1], _GROUPS[:1],
            page=page, asked_seconds=f"{seconds:g}", seconds_max=f"{SECONDS_MAX:.0f}",
        )  # fmt: skip

    async def drift(self, _: Request) -> Response:
        """The incidents."""
        topics = ("drift-incidents", "co-clusters")
        return self.pages.page("drift.html", "/drift", topics, topics, page=drift_page(self.state))

    async def evidence(self, request: Request) -> Response:
        """The leaderboard."""
        page = evidence_page(self.state, yardstick=request.query_params.get("yardstick", "stream-rate"))
        topics = ("policy-values", "experiment-decisions", "engagement-metrics", "metric-alarms", "experiments")
        return self.pages.page(
            "evidence.html", "/evidence", topics, topics[:3],
            page=page, calibration=calibration_part(self.state),
            experiments=experiments(self.state), alarms=open_alarms(self.state),
            definitions=definitions(self.state, self.now_ms()), editor=EDITOR if self.experimenting else "",
            applied=request.query_params.get("applied", ""),
        )  # fmt: skip

    async def dead_letters(self, _: Request) -> Response:
        """The dead letters."""
        page = dead_letters_page(self.state, broker=self.pages.broker)
        dated = [name for name in _LETTERS if name in self.state.newest_ms]
        return self.pages.page("dead_letters.html", "/dead-letters", _LETTERS, dated, page=page, tail=TAIL_RECORDS)

    async def missing(self, request: Request, _: Exception) -> Response:
        """Any other address."""
        return self.pages.not_found(f"There is no page {request.url.path}.")

    async def changes(self, request: Request) -> Response:
        """Server-sent events: `changed` when these topics have records that the page lacks (`*`: all the time)."""
        asked = request.query_params
        topics, since = asked.get("topics", "").split(","), asked.get("since", "")
        return EventSourceResponse(_changed(self.state, topics, since, self.is_closing))


async def _changed(
    state: ConsoleState, topics: Sequence[str], told: str, is_closing: Callable[[], bool]
) -> AsyncIterator[dict[str, str]]:
    while not is_closing():
        now = version_of(state, topics)
        if now != told or "*" in topics:
            told = now
            yield {"event": "changed", "data": now}
        await asyncio.sleep(CHANGES_EVERY_S)


def _number(asked: Mapping[str, str], name: str, default: float, most: float) -> float:
    """A number from the address, or the default; within its bounds."""
    try:
        value = float(asked.get(name, default))
    except ValueError:
        return default
    return min(max(value, 0.0), most) if value == value else default  # noqa: PLR0124  not a number


def console_app(
    state: ConsoleState,
    *,
    broker: str,
    hosts: Sequence[str],
    now_ms: Callable[[], int],
    seed: int = 0,
    is_closing: Callable[[], bool] = lambda: False,
    renaming: Renaming | None = None,
    experimenting: Experimenting | None = None,
) -> Starlette:
    """The application; requests for other host names than `hosts` are refused, since they come by DNS rebinding."""
    writes = renaming is not None or experimenting is not None
    pages = PageMaker(state=state, broker=broker, templates=environment(now_ms), writes=writes)
    console = Console(
        pages=pages, state=state, seed=seed, now_ms=now_ms, is_closing=is_closing, renaming=renaming,
        experimenting=experimenting,
    )  # fmt: skip
    writing = [Route("/co-clusters/names", console.rename, methods=["POST"])] if renaming is not None else []
    if experimenting is not None:
        writing += ExperimentPages(pages, experimenting).routes()
    return Starlette(
        routes=[
            *writing,
            Route("/", console.home),
            Route("/co-clusters", console.co_clusters),
            Route("/co-clusters/{user_group:int}/{card_group:int}", console.cell),
            Route("/listener", console.listener),
            Route("/rewards", console.rewards),
            Route("/drift", console.drift),
            Route("/evidence", console.evidence),
            Route("/dead-letters", console.dead_letters),
            Route("/changes", console.changes),
            Mount("/assets", StaticFiles(directory=ASSETS)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(GuardedHeaders),
            Middleware(GZipMiddleware, minimum_size=1_000),
        ],
        exception_handlers={404: console.missing},
    )
