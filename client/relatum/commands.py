"""What each command of `relatum` does: one call, then a table or JSON."""

import dataclasses
import json
import sys
from argparse import Namespace
from typing import Any

from google.protobuf import json_format

from relatum.client import Client
from relatum.errors import RelatumError
from relatum.importing import BadLineError, LineReader, opened
from relatum.output import facts, more, plain, ranked, scored, show
from relatum.pairs import Text
from relatum.requests import MAX_ITEMS
from relatum.tables import table
from relatum.types import ImportResult
from relatum.v1 import event_pb2, product_pb2

RANKED_MASK = ("title", "brand", "categories", "price")


class UsageError(Exception):
    """Bad input: one line that names the cause and the remedy; exit status 2."""


def search(client: Client, args: Namespace) -> None:
    """Search."""
    found = client.search(
        args.query,
        filter=args.filter,
        page_size=args.page_size,
        page_token=args.page_token,
        facets=args.facet,
        disable_lexical=args.no_lexical,
        disable_semantic=args.no_semantic,
        user_id=args.user,
        read_mask=RANKED_MASK,
        all_variants=args.all_variants,
        disable_spelling_correction=args.as_typed,
    )
    show(args, found, ranked)


def complete(client: Client, args: Namespace) -> None:
    """Queries and products for a prefix."""
    found = client.complete(args.prefix, page_size=args.page_size)
    queries = [(line.query, line.count) for line in found.queries]
    products = [(line.product_id, line.title) for line in found.products]
    show(
        args,
        found,
        lambda _: f"{table(['query', 'count'], queries)}\n\n{table(['id', 'title'], products)}",
    )


def related(client: Client, args: Namespace) -> None:
    """Products that belong with one, several, or a text."""
    ids: list[str] = args.product_ids
    anchors: dict[str, Any] = {}
    if args.text:
        anchors["text"] = args.text
    if args.batch:
        anchors["batch"] = ids
    elif len(ids) == 1 and not args.negative:
        anchors["product_id"] = ids[0]
    elif ids or args.negative:
        anchors.update(positive=ids, negative=args.negative)
    found = client.related(
        **anchors,
        relation=args.relation,
        filter=args.filter,
        page_size=args.page_size,
        page_token=args.page_token,
        read_mask=RANKED_MASK,
        all_variants=args.all_variants,
    )
    show(args, found, ranked)


def score(client: Client, args: Namespace) -> None:
    """What products are to another."""
    side = Text if args.text else str
    found = client.score([(side(args.first), side(other)) for other in args.others])
    show(args, found, lambda _: scored(args.others, found))


def recommend(client: Client, args: Namespace) -> None:
    """Products for a shopper, or what is popular."""
    found = client.recommend(
        args.user,
        kind=args.kind,
        filter=args.filter,
        page_size=args.page_size,
        page_token=args.page_token,
        exclude_purchased=args.exclude_purchased,
        read_mask=RANKED_MASK,
        all_variants=args.all_variants,
    )
    show(args, found, ranked)


def profile(client: Client, args: Namespace) -> None:
    """What is known of a shopper."""
    known = client.profile(args.user)

    def text(_: object) -> str:
        if known is None:
            return "nothing is known of this shopper"
        rows = [(line.product_id, line.weight, line.purchases) for line in known.interests]
        newest = known.last_event_time.isoformat() if known.last_event_time else "never"
        head = f"{known.event_count:,} events, newest {newest}"
        return f"{head}\n\n{table(['product', 'weight', 'purchases'], rows)}"

    show(args, known, text)


def products_get(client: Client, args: Namespace) -> None:
    """One product."""
    found = client.get_product(args.product_id)
    rows = [
        (item.name, plain(getattr(found, item.name)))
        for item in dataclasses.fields(found)
        if getattr(found, item.name)
    ]
    show(args, found, lambda _: table(["field", "value"], rows))


def products_list(client: Client, args: Namespace) -> None:
    """Products by id."""
    page = client.list_products(
        filter=args.filter, page_size=args.page_size, page_token=args.page_token
    )

    def text(_: object) -> str:
        rows = [(line.id, *facts(line)) for line in page.products]
        body = table(["id", "title", "brand", "category", "price"], rows)
        return f"{body}\n{page.total_size:,} products match{more(page.next_page_token)}"

    show(args, page, text)


def products_delete(client: Client, args: Namespace) -> None:
    """Delete products."""
    done = client.delete_products(args.product_ids)
    missing = f"; unknown: {', '.join(done.missing_product_ids)}"
    show(
        args,
        done,
        lambda _: f"{done.deleted} deleted{missing if done.missing_product_ids else ''}",
    )


def import_products(client: Client, args: Namespace) -> None:
    """Stream products from JSON Lines."""
    with opened(args.file) as (stream, size):
        # A line that cannot be read would be deleted by a full import: refuse it whole.
        lines = LineReader(stream, size, product_pb2.Product, strict=args.full, report=sys.stderr)
        try:
            done = client.import_products(
                lines, full=args.full, force_delete=args.force_delete, timeout_s=args.import_timeout
            )
        except BadLineError as error:
            raise UsageError(
                f"{args.file}: {error}; --full needs every line: mend it, or leave --full out"
            ) from error
    _imported(args, lines, done, f"{done.deleted:,} deleted")


def import_events(client: Client, args: Namespace) -> None:
    """Stream events from JSON Lines."""
    with opened(args.file) as (stream, size):
        lines = LineReader(stream, size, event_pb2.Event, strict=False, report=sys.stderr)
        done = client.import_events(lines, timeout_s=args.import_timeout)
    _imported(
        args,
        lines,
        done,
        f"{done.duplicates:,} known already, {done.missing_products:,} of unknown products",
    )


def events(client: Client, args: Namespace) -> None:
    """Write events from JSON: an object, a list, or one a line."""
    with opened(args.file) as (stream, _):
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        found = [
            json_format.ParseDict(one, event_pb2.Event())
            for one in (value if isinstance(value, list) else [value])
        ]
    except (ValueError, json_format.ParseError) as error:
        cause = " ".join(str(error).split())
        raise UsageError(f"{args.file}: no events in JSON: {cause}") from error
    if len(found) > MAX_ITEMS:
        raise UsageError(
            f"{args.file}: {len(found)} events, {MAX_ITEMS} at most; use `relatum import events`"
        )
    done = client.write_events(found)
    for line in done.errors:
        sys.stderr.write(f"event {line.index}: {line.code}: {line.message}\n")
    show(args, done, lambda _: f"{done.written} written, {done.duplicates} known already")
    if done.errors and not done.written:
        raise UsageError("no event was written; see the lines above")


def embed(client: Client, args: Namespace) -> None:
    """Vectors of texts."""
    found = client.embed(args.texts, kind=args.kind, dimension=args.dimension)

    def text(_: object) -> str:
        rows = [
            (source, len(vector), count, " ".join(f"{x:+.3f}" for x in vector[:6]) + " …")
            for source, vector, count in zip(
                args.texts, found.vectors, found.token_counts, strict=True
            )
        ]
        return table(["text", "dimension", "tokens", "vector"], rows)

    show(args, found, text)


def info(client: Client, args: Namespace) -> None:
    """What server this is."""
    found = client.info()

    def text(_: object) -> str:
        model = found.model
        rows: list[tuple[str, object]] = [
            ("version", found.version),
            ("products", f"{found.product_count:,}"),
            ("revision", f"{found.revision:,}"),
            ("model", f"{model.name} ({model.model_id})"),
            ("encoder", f"{model.base_model}, {model.dimension} dimensions"),
            ("runs on", f"{model.provider}, {model.precision}"),
            ("languages", ", ".join(model.languages)),
            ("parts", ", ".join(model.parts)),
            *((f"vectors {space}", f"{n:,}") for space, n in found.vector_counts.items()),
            *((f"limit {name}", f"{limit:,g}") for name, limit in found.limits.items()),
            *((f"library {name}", version) for name, version in found.library_versions.items()),
        ]
        return table(["what", "value"], rows)

    show(args, found, text)


def _imported(args: Namespace, lines: LineReader[Any], done: ImportResult, outcome: str) -> None:
    for refused in done.errors:
        inside = refused.index < len(lines.numbers)
        number = lines.numbers[refused.index] if inside else refused.index
        sys.stderr.write(f"line {number}: {refused.id}: {refused.code}: {refused.message}\n")
    failed = done.failed + lines.bad
    show(args, done, lambda _: f"{done.written:,} written, {failed:,} refused, {outcome}")
    if not done.written and not done.duplicates:
        raise UsageError(
            f"{args.file}: nothing could be imported; give one product or event a line"
        )


def describe(error: RelatumError, target: str) -> tuple[str, int]:
    """One line for a failed call, and the exit status."""
    if error.code == "UNAVAILABLE" and "onnection refused" in error.message:
        return f"{target}: connection refused; is the server running there? see --target", 1
    if error.code == "UNAVAILABLE":
        return f"{target}: {error}; check --target and the server's log", 1
    if error.code == "DEADLINE_EXCEEDED":
        return f"{target}: no answer in time; raise --timeout or check the server", 1
    fields = "; ".join(f"{v.field}: {v.description}" for v in error.violations)
    text = f"{error}{f' [{fields}]' if fields and fields not in error.message else ''}"
    bad_input = error.code in {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
    }
    return " ".join(text.split()), 2 if bad_input else 1
