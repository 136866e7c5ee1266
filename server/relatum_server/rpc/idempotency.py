"""Request ids on the wire: what identifies a repeat of a write."""

from google.protobuf.message import Message

from relatum_server.services.limits import Limits
from relatum_server.services.paging import Digest
from relatum_server.services.validation import check_request_id
from relatum_server.store.base import Request

PURPOSE = "request-body"


class Idempotency:
    """Turns a request id into the store's key: the body is kept as a keyed digest alone."""

    def __init__(self, digest: Digest, limits: Limits) -> None:
        self._digest, self._limits = digest, limits

    def key(self, rpc: str, request_id: str, body: Message | None) -> Request | None:
        """None without a request id.

        Raises:
            InvalidArgumentError: the id is too long or has control characters.
        """
        if not request_id:
            return None
        check_request_id(request_id, self._limits)
        raw = b"" if body is None else body.SerializeToString(deterministic=True)
        return Request(rpc, request_id, self._digest(raw, PURPOSE))
