"""Editing experiments from the console: one text with the definition, for editors, where that is switched on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import encode
from schemas.experiments import ExperimentDefinition
from streams.configuration_error import ConfigurationError
from streams.console.own_forms import RefusedError, own_fields
from streams.console.renaming import Publish
from streams.experiment_plans import LEAD_MAX_S, LEAD_S, TOPIC, Plan, definitions_in, plan_to_apply, plan_to_stop
from streams.files.experiment_file import definition_of
from streams.files.experiment_text import text_of_definition
from streams.settings import Settings

FORM_BYTES_MAX = 131_072
TEMPLATE = """\
name = "static-home"
layer = "ranking"            # experiments of one layer exclude each other
metric = "stream-rate"       # what it is meant to improve
hypothesis = ""
guardrails = [{ metric = "minutes-per-page", loss_max = 0.02 }]

[[variants]]                 # the first is the control
name = "control"
share = 0.1

[[variants]]
name = "static"
share = 0.1
overrides = { reward = "static" }
"""
Read = Callable[[str], Awaitable[dict[str, bytes]]]
"""The newest value of each key of a compacted topic."""


class Draft(Struct, frozen=True, kw_only=True):
    """A definition as it stands in the editor, and what applying it would do, or why it cannot be."""

    text: str
    of: str = ""
    """The experiment that the text was opened from; empty for a new one."""
    revision: int = 0
    """Its revision then."""
    lead_s: str = str(LEAD_S)
    error: str = ""
    error_is_of_lead: bool = False
    plan: Plan | None = None
    known: Mapping[str, ExperimentDefinition] = {}
    is_written: bool = False


class Experimenting:
    """Checks and writes what `shelfwise experiments` does, if the request comes from a page of this console.

    Each time the topic is read anew, because buckets are given by what all experiments of a layer have.
    """

    def __init__(
        self, token: str, settings: Settings, *, read: Read, publish: Publish, now_ms: Callable[[], int]
    ) -> None:
        self.token = token
        self._settings, self._read, self._publish, self._now_ms = settings, read, publish, now_ms
        self._one_at_a_time = asyncio.Lock()

    async def opened(self, name: str) -> Draft:
        """The text of an experiment, or of a new one; raises `RefusedError` for a name that is not known."""
        if not name:
            return Draft(text=TEMPLATE)
        known = (await self._known()).get(name)
        if known is None:
            raise RefusedError(404, f"There is no experiment {name}.")
        return Draft(text=text_of_definition(known), of=name, revision=known.revision)

    async def submit(self, headers: Mapping[str, str], body: bytes) -> Draft:
        """Check, apply or stop, as the form asks; raises `RefusedError`."""
        fields = own_fields(headers, body, token=self.token, bytes_max=FORM_BYTES_MAX)
        draft = Draft(
            text=fields.get("text", "").replace("\r\n", "\n"), of=fields.get("of", ""),
            revision=_whole(fields.get("revision", "")) or 0, lead_s=fields.get("lead_s", str(LEAD_S)),
        )  # fmt: skip
        wanted = fields.get("do", "")
        if wanted not in {"check", "apply", "stop"}:
            raise RefusedError(400, "The form asks for nothing that is known.")
        async with self._one_at_a_time:
            return await self._done(draft, wanted)

    async def _done(self, draft: Draft, wanted: str) -> Draft:
        lead_s = _whole(draft.lead_s)
        if lead_s is None or not 1 <= lead_s <= LEAD_MAX_S:
            return replace(draft, error=f"it takes effect after 1 to {LEAD_MAX_S:,} seconds", error_is_of_lead=True)
        known = await self._known()
        effective_ms = self._now_ms() + 1_000 * lead_s
        try:
            plan = self._plan(draft, wanted, known, effective_ms)
        except (ConfigurationError, ValueError) as error:
            return replace(draft, error=str(error))
        if wanted != "check" and plan.is_changed:
            await self._publish(TOPIC, plan.made.name, encode(plan.made))
        return replace(draft, plan=plan, known=known, is_written=wanted != "check")

    def _plan(self, draft: Draft, wanted: str, known: Mapping[str, ExperimentDefinition], effective_ms: int) -> Plan:
        if wanted == "stop":
            if draft.of not in known:
                raise ValueError(f"there is no experiment {draft.of}")
            _refuse_unless_current(draft, draft.of, known)
            return plan_to_stop(known[draft.of], effective_ms)
        definition = definition_of(draft.text, "the text")
        _refuse_unless_current(draft, definition.name, known)
        try:
            return plan_to_apply(definition, known, self._settings, effective_ms)
        except ValueError as error:
            raise ValueError(f"experiment {definition.name}: {error}") from error

    async def _known(self) -> dict[str, ExperimentDefinition]:
        try:
            return definitions_in(await self._read(TOPIC))
        except ValueError as error:
            raise RefusedError(409, f"{error} with `shelfwise experiments apply`.") from error


def _refuse_unless_current(draft: Draft, name: str, known: Mapping[str, ExperimentDefinition]) -> None:
    """Raise `ValueError` if the experiment is not what the editor saw: nobody's change is undone unseen."""
    newest = known[name].revision if name in known else 0
    if name != draft.of and newest:
        raise ValueError(f"there is an experiment {name}: open it to change it, or choose another name")
    if name == draft.of and newest != draft.revision:
        raise ValueError(f"experiment {name} has been changed meanwhile: open it again, to see how")


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
