"""The semantic rules of requests; every refusal names the field and the remedy."""

import math
from collections.abc import Iterable, Sequence

from relatum_server.domain import Attribute, Event, EventType, Money, Product, Rating
from relatum_server.errors import FieldViolation, InvalidArgumentError
from relatum_server.services.limits import Limits

MAX_VIOLATIONS = 20  # more overflow the trailers of the reply
MAX_TITLE_BYTES = 4096
MAX_WORD_BYTES = 1024
MAX_URI_BYTES = 2048
MAX_LABEL_BYTES = 64
MAX_CATEGORIES = 16
MAX_ATTRIBUTES = 64
MAX_VALUES = 64
MAX_EVENT_ITEMS = 256
MAX_QUANTITY = 1_000_000
MAX_RATING = 5.0
_CURRENCY_CHARS = 3
_MAX_NANOS = 999_999_999
_MAX_INT64 = 2**63 - 1


class Violations:
    """Collects what is wrong with one request."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, field: str, description: str) -> None:
        """Note one; beyond 20 they are dropped."""
        if len(self._found) < MAX_VIOLATIONS:
            self._found.append(FieldViolation(field, description))

    def first(self) -> FieldViolation:
        """The first one noted."""
        return self._found[0]

    def check(self) -> None:
        """Raise InvalidArgumentError with all of them, if there are any."""
        if self._found:
            first = self._found[0]
            raise InvalidArgumentError(
                first.field, first.description, violations=tuple(self._found)
            )

    def text(self, field: str, value: str, max_bytes: int) -> None:
        """A text without NUL, at most `max_bytes` of UTF-8."""
        size = _size(value)
        if size > max_bytes:
            self.add(field, f"{size} bytes; at most {max_bytes}: shorten it")
        elif "\x00" in value:
            self.add(field, "holds a NUL character; take it out")

    def identifier(self, field: str, value: str, max_bytes: int) -> None:
        """An id: 1..max_bytes bytes without control characters."""
        if not value:
            self.add(field, "is empty; give an id")
            return
        self.optional_identifier(field, value, max_bytes)

    def optional_identifier(self, field: str, value: str, max_bytes: int) -> None:
        """An id that may be empty."""
        size = _size(value)
        if size > max_bytes:
            self.add(field, f"{size} bytes; an id has at most {max_bytes}")
        elif not value.isprintable() and any(_is_control(character) for character in value):
            self.add(field, "holds a control character; take it out")

    def count(self, field: str, number: int, low: int, high: int) -> bool:
        """A number of entries in low..high; False if it is not."""
        if low <= number <= high:
            return True
        self.add(field, f"{number} entries; give {low} to {high}")
        return False

    def identifiers(
        self, field: str, ids: Sequence[str], low: int, high: int, limits: Limits
    ) -> None:
        """A list of distinct product ids."""
        if not self.count(field, len(ids), low, high):
            return
        seen: set[str] = set()
        for i, product_id in enumerate(ids):
            self.identifier(f"{field}[{i}]", product_id, limits.max_product_id_bytes)
            if product_id in seen:
                self.add(f"{field}[{i}]", f"{product_id[:128]!r} occurs twice; name each id once")
            seen.add(product_id)


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def check_product(found: Violations, product: Product, field: str, limits: Limits) -> None:
    """What a product may hold; `field` is its path, such as `products[3]`."""
    found.identifier(f"{field}.id", product.id, limits.max_product_id_bytes)
    found.text(f"{field}.title", product.title, MAX_TITLE_BYTES)
    found.text(f"{field}.description", product.description, limits.max_text_bytes)
    found.text(f"{field}.brand", product.brand, MAX_WORD_BYTES)
    found.optional_identifier(f"{field}.group_id", product.group_id, limits.max_product_id_bytes)
    found.text(f"{field}.platform", product.platform, MAX_LABEL_BYTES)
    found.text(f"{field}.language_code", product.language_code, MAX_LABEL_BYTES)
    _check_texts(found, f"{field}.categories", product.categories, MAX_CATEGORIES, MAX_WORD_BYTES)
    _check_texts(found, f"{field}.image_uris", product.image_uris, MAX_CATEGORIES, MAX_URI_BYTES)
    if found.count(f"{field}.attributes", len(product.attributes), 0, MAX_ATTRIBUTES):
        for name, attribute in product.attributes.items():
            _check_attribute(found, f"{field}.attributes[{name[:64]!r}]", name, attribute, limits)
    if product.price is not None:
        check_price(found, f"{field}.price", product.price)
    if product.rating is not None:
        check_rating(found, f"{field}.rating", product.rating)
    if not (
        product.title.strip() or any(c.strip() for c in product.categories) or product.attributes
    ):
        found.add(f"{field}.title", "the product has no text; give a title, category or attribute")


def _check_texts(
    found: Violations, field: str, texts: Sequence[str], most: int, max_bytes: int
) -> None:
    if found.count(field, len(texts), 0, most):
        for i, text in enumerate(texts):
            found.text(f"{field}[{i}]", text, max_bytes)


def _check_attribute(
    found: Violations, field: str, name: str, attribute: Attribute, limits: Limits
) -> None:
    found.identifier(field, name, limits.max_product_id_bytes)
    _check_texts(found, f"{field}.text", attribute.text, MAX_VALUES, MAX_WORD_BYTES)
    if found.count(f"{field}.numbers", len(attribute.numbers), 0, MAX_VALUES):
        for i, number in enumerate(attribute.numbers):
            if not math.isfinite(number):
                found.add(f"{field}.numbers[{i}]", f"{number} is not a finite number")


def check_rating(found: Violations, field: str, rating: Rating) -> None:
    """A rating: a mean of 0..5 of a number that is not negative."""
    if not (math.isfinite(rating.average) and 0 <= rating.average <= MAX_RATING):
        found.add(f"{field}.average", f"{rating.average} is not within 0..5")
    if rating.count < 0:
        found.add(f"{field}.count", f"{rating.count} is negative; give 0 or more")


def check_price(found: Violations, field: str, price: Money) -> None:
    """A price: a currency by its code, and an amount that is not negative."""
    code = price.currency_code
    if not (len(code) == _CURRENCY_CHARS and code.isascii() and code.isalpha() and code.isupper()):
        found.add(f"{field}.currency_code", f"{code[:16]!r} is not an ISO 4217 code such as USD")
    if price.units < 0 or price.nanos < 0:
        found.add(f"{field}.units", "a price is not negative; give 0 or more")
    elif price.nanos > _MAX_NANOS:
        found.add(f"{field}.nanos", f"{price.nanos} is above {_MAX_NANOS}")


def event_violation(event: Event, field: str, limits: Limits) -> FieldViolation | None:
    """The first thing wrong with an event with raw ids, but for its time; None if it is right."""
    found = Violations()
    found.optional_identifier(f"{field}.id", event.id, limits.max_product_id_bytes)
    found.text(f"{field}.user_id", event.user, limits.max_user_id_bytes)
    found.text(f"{field}.session_id", event.session, limits.max_user_id_bytes)
    found.text(f"{field}.query", event.query, MAX_WORD_BYTES)
    found.text(f"{field}.attribution_token", event.attribution_token, MAX_WORD_BYTES)
    found.text(f"{field}.platform", event.platform, MAX_LABEL_BYTES)
    if not -_MAX_INT64 <= event.sequence <= _MAX_INT64:
        found.add(f"{field}.sequence", f"{event.sequence} is not a 64-bit number")
    if found.count(f"{field}.items", len(event.items), 0, MAX_EVENT_ITEMS):
        for i, item in enumerate(event.items):
            place = f"{field}.items[{i}]"
            found.identifier(f"{place}.product_id", item.product_id, limits.max_product_id_bytes)
            if not 0 <= item.quantity <= MAX_QUANTITY:
                found.add(f"{place}.quantity", f"{item.quantity} is not within 0..{MAX_QUANTITY}")
    if event.value is not None and not math.isfinite(event.value):
        found.add(f"{field}.value", f"{event.value} is not a finite number")
    if event.type is EventType.RATING and (
        event.value is None or not 0 <= event.value <= MAX_RATING
    ):
        found.add(f"{field}.value", "a RATING needs a value within 0..5")
    if event.type is EventType.SEARCH and not event.query.strip():
        found.add(f"{field}.query", "a SEARCH needs the words searched for")
    return found.first() if found else None


def page_size(size: int, default: int, most: int) -> int:
    """The effective page size: 0 is the default, above the most is the most.

    Raises:
        InvalidArgumentError: it is negative.
    """
    if size < 0:
        raise InvalidArgumentError("page_size", f"{size} is negative; give 0 or more")
    return min(size or default, most)


def check_min_revision(min_revision: int) -> None:
    """Raise InvalidArgumentError for a negative one."""
    if min_revision < 0:
        raise InvalidArgumentError("min_revision", f"{min_revision} is negative; give 0 or more")


def check_request_id(request_id: str, limits: Limits) -> None:
    """Raise InvalidArgumentError for an idempotency key too long or with control characters."""
    found = Violations()
    found.optional_identifier("request_id", request_id, limits.max_request_id_bytes)
    found.check()


def missing(ids: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of `ids` that are not known, each once, in order."""
    there = set(known)
    return tuple(i for i in dict.fromkeys(ids) if i not in there)
