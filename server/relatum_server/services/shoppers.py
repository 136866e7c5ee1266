"""Shoppers' histories and profiles, read from the store and kept while nothing changes them."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from relatum_server.domain import Event
from relatum_server.ranking.profile import ShopperProfile, build_profile
from relatum_server.store.base import Store

MAX_EVENTS = 5000
_CAPACITY = 4096


class Shoppers:
    """Profiles by hashed shopper; the newest 5,000 events of each count."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._profiles: OrderedDict[str, ShopperProfile] = OrderedDict()
        self._version = 0
        self._lock = threading.Lock()

    def profile(self, user: str, session_events: Sequence[Event] = ()) -> ShopperProfile:
        """What is known of a hashed shopper ("" for nobody), with newer events put before.

        Args:
            user: keyed hash of the shopper's id.
            session_events: newest first, with times.
        """
        if session_events:
            stored = self._store.user_events(user, MAX_EVENTS) if user else ()
            return build_profile([*session_events, *stored])
        if not user:
            return ShopperProfile()
        with self._lock:
            kept = self._profiles.get(user)
            version = self._version
            if kept is not None:
                self._profiles.move_to_end(user)
                return kept
        profile = build_profile(self._store.user_events(user, MAX_EVENTS))
        with self._lock:
            if version == self._version:  # else events came while it was read: it may be old
                self._profiles[user] = profile
                if len(self._profiles) > _CAPACITY:
                    self._profiles.popitem(last=False)
        return profile

    def forget(self, users: Iterable[str]) -> None:
        """Drop the profiles of shoppers with new events."""
        with self._lock:
            self._version += 1
            for user in users:
                self._profiles.pop(user, None)
