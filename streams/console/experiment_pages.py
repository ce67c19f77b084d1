"""The pages of the console that edit experiments."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from streams.console.experimenting import FORM_BYTES_MAX, Draft, Experimenting
from streams.console.own_forms import RefusedError
from streams.console.page_maker import PageMaker, body_of
from streams.console.views.definitions_view import shown_plan
from streams.experiment_plans import LEAD_MAX_S

PATH = "/evidence/experiment"


class ExperimentPages:
    """An editor for one definition; what is written is seen on the page of evidence."""

    def __init__(self, pages: PageMaker, experimenting: Experimenting) -> None:
        self._pages = pages
        self._experimenting = experimenting

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [Route(PATH, self.editor, methods=["GET"]), Route(PATH, self.submit, methods=["POST"])]

    async def editor(self, request: Request) -> Response:
        """The text of an experiment, or of a new one."""
        try:
            return self._page(await self._experimenting.opened(request.query_params.get("name", "")))
        except RefusedError as error:
            return self._pages.refused(error)

    async def submit(self, request: Request) -> Response:
        """Check, apply or stop."""
        try:
            draft = await self._experimenting.submit(request.headers, await body_of(request, FORM_BYTES_MAX))
        except RefusedError as error:
            return self._pages.refused(error)
        if draft.is_written and draft.plan is not None:
            name = draft.plan.made.name
            return RedirectResponse(f"/evidence?applied={name}#definitions", 303)
        return self._page(draft, 400 if draft.error else 200)

    def _page(self, draft: Draft, status: int = 200) -> Response:
        return self._pages.page(
            "experiment.html", "/evidence", (), (), status,
            draft=draft, plan=shown_plan(draft), token=self._experimenting.token, action=PATH, lead_max=LEAD_MAX_S,
        )  # fmt: skip
