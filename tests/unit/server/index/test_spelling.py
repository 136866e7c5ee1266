from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum_server.index.base import LexicalDocument
from relatum_server.index.lexical import Fts5Index
from relatum_server.index.queries import QueryLog

DOCUMENTS = (
    LexicalDocument(1, "Wireless Mouse", names="Acme Peripherals"),
    LexicalDocument(2, "Wireless Keyboard", names="Acme Peripherals", other="for a house mause"),
    LexicalDocument(3, "Mouse pad", names="Peripherals", other="silent mat"),
    LexicalDocument(4, "无线鼠标", names="Logi"),
    LexicalDocument(5, "Moose plush toy W830"),
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Fts5Index]:
    opened, _ = Fts5Index.open(tmp_path / "words.db")
    opened.upsert(DOCUMENTS)
    yield opened
    opened.close()


def correct(index: Fts5Index, query: str, *asked: str) -> str:
    return index.correct(query, asked.__contains__)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("keybord", "keyboard"), ("keybboard", "keyboard"), ("keyboerd", "keyboard")),
        *(("ekyboard", "keyboard"), ("ACMR mouse!", "acme mouse!"), ("wierless-mouse", None)),
        *(("peripherls", "peripherals"), ("无线 keybord", "无线 keyboard")),
        (" ".join(["moxse"] * 32), " ".join(["mouse"] * 32)),
    ],
)
def test_a_slip_is_put_right(index: Fts5Index, typed: str, meant: str | None) -> None:
    assert correct(index, typed) == (meant or "wireless-mouse")


def test_of_near_words_the_commonest_is_meant(index: Fts5Index) -> None:
    assert correct(index, "mouze") == "mouse"
    assert correct(index, "moosd") == "moose"
    assert correct(index, "moxse") == "mouse"  # as near to moose, which one product has


@pytest.mark.parametrize(
    "query",
    [
        *("moose", "Moose", "mause", "house", "silent"),  # known, be it by a description alone
        *("pda", "moxse-2", "w831", "kxyboxrd", "无线鼠x", "", " ", "\ud800", "鼠标", "?! -- '"),
        " ".join(["moxse"] * 33),
    ],
)
def test_what_is_known_short_numbered_or_far_stays(index: Fts5Index, query: str) -> None:
    assert correct(index, query) == query


def test_a_word_that_shoppers_share_stays(index: Fts5Index) -> None:
    assert correct(index, "Acne", "acne") == "Acne"


def test_words_come_and_go_with_their_products(index: Fts5Index) -> None:
    index.upsert([LexicalDocument(6, "Trackball")])
    assert correct(index, "trackbal") == "trackball"

    index.upsert([LexicalDocument(6, "Trackpoint")])
    assert correct(index, "trackbal") == "trackbal"
    assert correct(index, "trackpont") == "trackpoint"

    index.remove([6, 5])
    assert correct(index, "trackpont") == "trackpont"
    assert correct(index, "moose") == "mouse"


def test_without_products_nothing_is_corrected(index: Fts5Index) -> None:
    index.remove([document.key for document in DOCUMENTS])

    assert correct(index, "keybord mouse moxse") == "keybord mouse moxse"


def test_a_word_is_known_at_every_moment_while_its_product_is_written_again(
    index: Fts5Index,
) -> None:
    seen = []

    class Read(list[LexicalDocument]):
        """Documents that are searched for while they are read."""

        def __iter__(self) -> Iterator[LexicalDocument]:
            seen.append(correct(index, "moose"))
            return super().__iter__()

    index.upsert(Read([LexicalDocument(5, "Moose plush toy, red")]))

    assert len(seen) > 1
    assert set(seen) == {"moose"}


def test_a_write_that_fails_changes_no_word(index: Fts5Index) -> None:
    twice = [LexicalDocument(5, "Trackball"), LexicalDocument(5, "Trackball")]

    with pytest.raises(apsw.ConstraintError):
        index.upsert(twice)

    assert correct(index, "moose trackbal") == "moose trackbal"


def test_the_words_are_there_after_a_restart(tmp_path: Path) -> None:
    first, _ = Fts5Index.open(tmp_path / "words.db")
    first.upsert(DOCUMENTS)
    first.upsert([LexicalDocument(6, "Trackball")])
    first.remove([2, 6])
    first.set_revision(9)
    first.close()

    again, revision = Fts5Index.open(tmp_path / "words.db")

    assert revision == 9
    assert correct(again, "mxuse") == "mouse"
    assert correct(again, "keybord trackbal") == "keybord trackbal"
    again.remove([1, 3])
    assert correct(again, "mxuse moxse") == "mxuse moose"
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_is_taken_and_a_correction_is_final(index: Fts5Index, text: str) -> None:
    once = correct(index, text)

    assert correct(index, once) == once


def test_words_of_a_query_are_shared_while_two_shoppers_queries_have_them() -> None:
    log = QueryLog()
    log.add("red acne", "a")
    assert not log.shares("acne")

    log.add("red  ACNE", "b")

    assert log.shares("acne")
    assert QueryLog(log.save()).shares("red")
