"""Whatever has one answer, answered, whichever way the request came."""

from collections.abc import Iterable
from math import ceil
from typing import assert_never

import structlog
import trio

from fh.bus.errors import EventTooLarge
from fh.contracts.answers import Denied, Granted, KeyAnswer, KeyLookup
from fh.contracts.updates import FeatureUpdates
from fh.edge.encoded import EncodedViews
from fh.edge.flags import Flags
from fh.edge.gate import Reason
from fh.edge.ofrep import answer_evaluation
from fh.edge.orders import Orders
from fh.edge.poll import answer_poll
from fh.edge.recent_locks import RecentLocks
from fh.edge.request import EvaluateFlag, EvaluateFlags, Poll, Question, Write
from fh.edge.response import Answer, refusal
from fh.edge.settings import EdgeSettings
from fh.edge.subscriptions import load_in_time
from fh.edge.write import NOT_TAKEN, HandOn, decide_write
from fh.errors import Unavailable
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

_FAILED = refusal(503, "something went wrong here, try again shortly")


class Handlers:
    """Answers questions from what Dacha says, and from what was written here lately."""

    def __init__(
        self,
        lookup: KeyLookup,
        updates: FeatureUpdates,
        settings: EdgeSettings,
        views: EncodedViews,
        flags: Flags,
        newest: KeyLookup | None,
        orders: Orders,
    ) -> None:
        """Decide test writes by `newest`, which is the truth, for `lookup` may be behind it.

        Without it they are decided by `lookup`, and by what was written here lately.
        """
        self._lookup = lookup
        self._newest = newest
        self._updates = updates
        self._settings = settings
        self._views = views
        self._flags = flags
        self._orders = orders
        self._locks = RecentLocks()

    def answer_now(self, question: Question, body: bytes) -> Answer | None:
        """Return the answer if everything that it takes is in memory."""
        try:
            return self._answer_now(question, body)
        except Exception:
            # A request ends here: a bug behind one must not end everybody's streams.
            log.exception("request_failed", kind=type(question).__name__)
            return _FAILED

    async def answer(self, question: Question, body: bytes) -> Answer:
        """Return the answer, loading what is missing."""
        try:
            return await self._answer(question, body)
        except Exception:
            # A request ends here: a bug behind one must not end everybody's streams.
            log.exception("request_failed", kind=type(question).__name__)
            return _FAILED

    def _answer_now(self, question: Question, body: bytes) -> Answer | None:
        match question:
            case Poll(keys):
                answers: dict[SdkKey, KeyAnswer] = {}
                for key in keys:
                    answer = self._lookup.find_key(key)
                    if answer is None:
                        return None
                    answers[key] = answer
                return self._put_off(answers.items()) or answer_poll(
                    question, answers, self._views, self._settings
                )
            case Write():
                return None
            case EvaluateFlag(shown) | EvaluateFlags(shown):
                found = Denied() if shown is None else self._lookup.find_key(shown)
                if found is None:
                    return None
                return self._put_off([(shown, found)]) or answer_evaluation(
                    question, body, found, self._flags
                )
            case _:
                assert_never(question)

    async def _answer(self, question: Question, body: bytes) -> Answer:
        match question:
            case Poll(keys):
                answers = await self._load(self._lookup, keys)
                return self._put_off(answers.items()) or answer_poll(
                    question, answers, self._views, self._settings
                )
            case Write(key):
                answers = await self._load(self._newest or self._lookup, [key])
                if (paused := self._put_off(answers.items())) is not None:
                    return paused
                place = key.environment_id, question.feature_key
                lock = self._locks.find(place) if self._newest is None else None
                decided = decide_write(question, body, answers[key], lock=lock)
                return decided if isinstance(decided, Answer) else await self._submit(decided)
            case EvaluateFlag(shown) | EvaluateFlags(shown):
                found = (
                    Denied() if shown is None else (await self._load(self._lookup, [shown]))[shown]
                )
                return self._put_off([(shown, found)]) or answer_evaluation(
                    question, body, found, self._flags
                )
            case _:
                assert_never(question)

    def _put_off(self, answers: Iterable[tuple[SdkKey | None, KeyAnswer]]) -> Answer | None:
        """Return what clients are told while operators want one of their keys to pause."""
        if not self._orders.has_pauses:
            return None
        seconds = 0.0
        for key, answer in answers:
            if key is not None:
                account_id = answer.account_id if isinstance(answer, Granted) else None
                seconds = max(seconds, self._orders.paused_seconds(key, account_id))
        if not seconds:
            return None
        return refusal(503, Reason.PAUSED.value, retry_seconds=ceil(seconds))

    async def _submit(self, decided: HandOn) -> Answer:
        update = decided.update
        with trio.move_on_after(self._settings.load_seconds):
            try:
                await self._updates.submit(update)
            except EventTooLarge:
                return refusal(413, "the value is too large for the bus")
            except Unavailable:
                return NOT_TAKEN
            if update.lock is not None:
                place = update.environment_id, update.feature_key
                self._locks.note(place, lock=update.lock)
            return decided.answer
        return NOT_TAKEN

    async def _load(self, lookup: KeyLookup, keys: Iterable[SdkKey]) -> dict[SdkKey, KeyAnswer]:
        answers: dict[SdkKey, KeyAnswer] = {}

        async def load(key: SdkKey) -> None:
            answers[key] = await load_in_time(lookup, key, self._settings.load_seconds)

        async with trio.open_nursery() as nursery:
            for key in keys:
                nursery.start_soon(load, key)
        return answers
