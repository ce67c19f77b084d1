"""Makes whole pages from templates: what every page has, around what one of them says."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from streams.console.console_state import ConsoleState
from streams.console.own_forms import RefusedError
from streams.pictures.theme import DARK_PALETTE, PALETTE

NAVIGATION = (
    ("/", "Home"),
    ("/co-clusters", "Co-clusters"),
    ("/listener", "Listener"),
    ("/rewards", "Rewards"),
    ("/drift", "Drift"),
    ("/evidence", "Evidence"),
    ("/dead-letters", "Dead letters"),
)


class PageMaker(Struct, frozen=True, kw_only=True):
    """What all pages are made of."""

    state: ConsoleState
    broker: str
    templates: Environment
    writes: bool

    def page(
        self, template: str, path: str, topics: Sequence[str], dated: Sequence[str], status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page; `topics` are those that change it, `dated` those whose newest record it names."""
        html = self.templates.get_template(template).render(
            name=dict(NAVIGATION).get(path, "Not found"),
            navigation=NAVIGATION,
            here=path,
            topics=topics,
            dated=dated,
            newest_ms=self.state.newest_ms,
            unread_count=self.state.unread_count,
            version=version_of(self.state, topics),
            broker=self.broker,
            palette=PALETTE,
            dark_palette=DARK_PALETTE,
            writes=self.writes,
            **values,
        )
        return HTMLResponse(html, status, {"Cache-Control": "no-store"})

    def not_found(self, said: str) -> HTMLResponse:
        """A page that says what is not there."""
        return self.page("not_found.html", "", (), (), 404, said=said)

    def refused(self, error: RefusedError) -> HTMLResponse:
        """A page that says why a form was not obeyed."""
        return self.page("not_found.html", "", (), (), error.status, said=str(error))


def version_of(state: ConsoleState, topics: Sequence[str]) -> str:
    """Changes with every record of these topics."""
    return str(sum(state.version.get(name, 0) for name in topics))


async def body_of(request: Request, bytes_max: int) -> bytes:
    """The body up to a little more than a form may have."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            break
    return body
