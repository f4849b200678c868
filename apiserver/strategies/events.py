"""The strategies of Event, by way of the core group and of events.k8s.io."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.defaults.events import default_event
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import events as validation


class EventStrategy(RuledStrategy):
    """An event, which the store forgets after an hour."""

    allow_create_on_update: ClassVar[bool] = True
    ttl_seconds: ClassVar[int | None] = 3600
    rules: ClassVar[Rules] = Rules(validation.event, validation.event_update, default=default_event)


class StrictEventStrategy(EventStrategy):
    """The same by way of events.k8s.io, which asks for more."""

    rules: ClassVar[Rules] = Rules(validation.strict_event, validation.strict_event_update, default=default_event)
