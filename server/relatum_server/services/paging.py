"""Opaque signed tokens: pages of pinned lists, places in the catalogue, attribution of events."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relatum_server.domain import Facet
from relatum_server.errors import InvalidArgumentError
from relatum_server.ranking.explanation import Ranking

_MAC_BYTES = 16
_HASH_BYTES = 16
_PAGE = struct.Struct("<16s16sI")
_FRESH = "take the first page again, without a token"


class Digest(Protocol):
    """Keyed digest of bytes; `ShopperKey.digest` is one."""

    def __call__(self, data: bytes, purpose: str) -> bytes:
        """HMAC-SHA-256, 32 bytes."""
        ...


def request_hash(*parts: object) -> bytes:
    """16 bytes over the parts of a request that must stay equal from page to page."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:_HASH_BYTES]


@dataclass(frozen=True, slots=True)
class PinnedList:
    """A ranked list that later pages are cut from.

    Attributes:
        ranking: the whole list, best first.
        revision: that the first page saw.
        attribution_token: of all its pages.
        facets: as on the first page.
        corrected_query: what was searched for instead of the query, or "".
    """

    ranking: Ranking
    revision: int
    attribution_token: str
    facets: Sequence[Facet] = ()
    corrected_query: str = ""


class TokenSigner:
    """Makes and opens tokens; a changed byte is found."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest

    def seal(self, payload: bytes, audience: str) -> str:
        """A token of these bytes for this audience (a kind of list)."""
        mac = self._mac(payload, audience)
        return _encode(mac + payload)

    def open(self, token: str, audience: str) -> bytes:
        """The bytes of a token.

        Raises:
            InvalidArgumentError: INVALID_PAGE_TOKEN, not a token of this server and audience.
        """
        try:
            raw = base64.b64decode(
                token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except (ValueError, binascii.Error):
            raw = b""
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        # The last character has bits to spare: only the one spelling that was given counts.
        if _encode(raw) != token or not hmac.compare_digest(mac, self._mac(payload, audience)):
            raise invalid_token("not a token that this server gave for this call")
        return payload

    def attribution(self, source: str, revision: int) -> str:
        """A token for the events that a reply leads to. It names the call and no shopper."""
        payload = struct.pack("<8sqq", secrets.token_bytes(8), revision, time.time_ns() // 1000)
        return self.seal(payload + source.encode("ascii"), "attribution")

    def _mac(self, payload: bytes, audience: str) -> bytes:
        data = audience.encode("ascii") + b"\0" + payload
        return self._digest(data, "page-token")[:_MAC_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def invalid_token(cause: str) -> InvalidArgumentError:
    """The refusal of a page token, with the remedy."""
    return InvalidArgumentError("page_token", f"{cause}; {_FRESH}", reason="INVALID_PAGE_TOKEN")


class PinnedLists:
    """The lists that page tokens refer to: the newest `capacity`, for `lifetime_s` each."""

    def __init__(
        self,
        signer: TokenSigner,
        *,
        capacity: int = 2048,
        lifetime_s: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer = signer
        self._capacity = capacity
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lists: OrderedDict[bytes, tuple[float, PinnedList]] = OrderedDict()
        self._lock = threading.Lock()

    def first_token(self, audience: str, request: bytes, pinned: PinnedList, offset: int) -> str:
        """Pin a list and give the token of the page at `offset`; "" when nothing is left."""
        if offset >= len(pinned.ranking):
            return ""
        number = secrets.token_bytes(16)
        with self._lock:
            self._lists[number] = (self._clock() + self._lifetime_s, pinned)
            while len(self._lists) > self._capacity:
                self._lists.popitem(last=False)
        return self._signer.seal(_PAGE.pack(number, request, offset), audience)

    def next_token(self, audience: str, token: str, pinned: PinnedList, offset: int) -> str:
        """The token of the page at `offset` of the list that `token` was for."""
        if offset >= len(pinned.ranking):
            return ""
        number, request, _ = _PAGE.unpack(self._signer.open(token, audience))
        return self._signer.seal(_PAGE.pack(number, request, offset), audience)

    def find(self, audience: str, token: str, request: bytes) -> tuple[PinnedList, int]:
        """The list and offset of a token.

        Raises:
            InvalidArgumentError: INVALID_PAGE_TOKEN, tampered with or of another request;
                PAGE_TOKEN_EXPIRED, the list is no longer kept.
        """
        payload = self._signer.open(token, audience)
        if len(payload) != _PAGE.size:
            raise invalid_token("not a token of a ranked list")
        number, expected, offset = _PAGE.unpack(payload)
        if expected != request:
            raise invalid_token("the request differs from the one that the token came from")
        with self._lock:
            until, pinned = self._lists.get(number, (0.0, None))
            if pinned is None or until < self._clock():
                self._lists.pop(number, None)
                raise InvalidArgumentError(
                    "page_token",
                    f"the list of this token is no longer kept; {_FRESH}",
                    reason="PAGE_TOKEN_EXPIRED",
                )
            self._lists.move_to_end(number)
        return pinned, offset
