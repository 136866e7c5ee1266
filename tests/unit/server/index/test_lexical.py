import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum_server.errors import UnavailableError
from relatum_server.index.base import LexicalDocument
from relatum_server.index.lexical import Fts5Index
from relatum_server.index.segmentation import words

DOCUMENTS = (
    LexicalDocument(1, "Wireless Mouse", other="peripherals black"),
    LexicalDocument(2, "Keyboard", other="goes well with a mouse"),
    LexicalDocument(3, "无线鼠标 静音", other="电脑 外设"),
    LexicalDocument(4, "Chocolate Sandwich Cookies 14.5OZ", other="snacks"),
    LexicalDocument(5, "Café crème", other="coffee"),
    LexicalDocument(70_000, "Mouse pad", other="peripherals"),
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Fts5Index]:
    opened, revision = Fts5Index.open(tmp_path / "words.db")
    assert revision == 0
    opened.upsert(DOCUMENTS)
    yield opened
    opened.close()


def found(index: Fts5Index, query: str, k: int = 10) -> list[int]:
    keys: list[int] = index.search(query, k).keys.tolist()
    return keys


def test_any_word_of_a_query_finds(index: Fts5Index) -> None:
    assert set(found(index, "cookies keyboard nothing")) == {2, 4}


def test_words_are_found_in_any_case_number_and_accent(index: Fts5Index) -> None:
    assert found(index, "COOKIE") == [4]
    assert found(index, "cafe") == found(index, "CAFÉ") == [5]


def test_the_title_counts_more_than_other_text(index: Fts5Index) -> None:
    hits = index.search("mouse", 10)

    assert set(hits.keys.tolist()) == {1, 2, 70_000}
    assert hits.keys[-1] == 2
    assert (hits.scores > 0).all()
    assert (np.diff(hits.scores) <= 0).all()


def test_equal_scores_are_ordered_by_key(index: Fts5Index) -> None:
    index.upsert([LexicalDocument(key, "zebra") for key in (33, 31, 32)])

    assert found(index, "zebra") == [31, 32, 33]


def test_only_k_come(index: Fts5Index) -> None:
    assert len(found(index, "mouse", 2)) == 2


def test_part_of_a_chinese_compound_finds_it(index: Fts5Index) -> None:
    assert found(index, "鼠标") == [3]
    assert found(index, "静音无线") == [3]


def test_an_amount_is_apart_from_its_unit() -> None:
    assert words("14.5OZ, 2x") == ["14.5", "oz", "2", "x"]


def test_full_width_letters_are_the_same_words() -> None:
    assert words("\uff21\uff22\uff23\uff11\uff12") == ["abc", "12"]


def test_an_amount_is_found_with_and_without_its_unit(index: Fts5Index) -> None:
    assert found(index, "14.5 oz") == found(index, "14.5oz") == found(index, "14.5") == [4]


def test_a_mask_is_applied_before_k(index: Fts5Index) -> None:
    allowed = np.zeros(10, np.bool_)
    allowed[2] = True

    assert index.search("mouse", 1, allowed=allowed).keys.tolist() == [2]


@pytest.mark.parametrize(
    "query",
    [
        *('"', "'", "(", "*", "", " ", "NEAR(x y)", "{title other}: x", "; DROP TABLE words"),
        *("mouse\0", "NOT mouse", "mouse AND", "title:mouse", "^mouse", "-mouse", "mouse*"),
        "\ud800",
    ],
)
def test_what_looks_like_syntax_is_harmless(index: Fts5Index, query: str) -> None:
    keys = found(index, query)

    assert set(keys) == ({1, 2, 70_000} if "mouse" in query else set())
    index.complete(query, 5)
    assert len(index.score(query, [1, 2])) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_can_be_written_searched_and_completed(index: Fts5Index, text: str) -> None:
    index.upsert([LexicalDocument(8, text, other=text)])

    keys = found(index, text)
    index.complete(text, 5)

    scores = index.score(text, [8, 1])
    assert (scores[0] > 0) == (8 in keys)


def test_scores_of_given_keys_equal_those_of_a_search(index: Fts5Index) -> None:
    query = "wireless mouse pad"
    hits = index.search(query, 10)
    keys = [4, *hits.keys.tolist(), 12345]

    scores = index.score(query, keys)

    np.testing.assert_array_equal(scores[1:-1], hits.scores)
    assert scores[0] == scores[-1] == 0
    assert len(index.score(query, [])) == 0


def test_more_keys_than_one_statement_takes_are_scored(index: Fts5Index) -> None:
    scores = index.score("mouse", range(70_001))

    assert np.flatnonzero(scores).tolist() == [1, 2, 70_000]


def test_a_common_word_is_dropped_where_a_rarer_one_is_there(index: Fts5Index) -> None:
    index.upsert([LexicalDocument(key, "organic cookies") for key in range(1000, 3500)])
    index.upsert([LexicalDocument(5000, "organic saffron")])

    assert found(index, "organic saffron") == [5000]
    assert found(index, "cookies saffron") == [5000]  # counted by its stem
    assert len(found(index, "organic")) == 10


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("mou", {1, 70_000}),
        ("wireless m", {1}),
        ("chocola", {4}),
        ("sandwich chocolat", {4}),
        ("COOKIES", {4}),
        ("caf", {5}),
        ("无线", {3}),
        ("keyboard mouse", set()),
        ("snack", set()),
        ("", set()),
    ],
)
def test_a_prefix_completes_to_titles_with_all_its_words(
    index: Fts5Index, prefix: str, keys: set[int]
) -> None:
    assert set(index.complete(prefix, 10)) == keys


def test_completion_gives_at_most_k(index: Fts5Index) -> None:
    assert len(index.complete("mou", 1)) == 1


def test_a_replaced_product_is_found_by_its_new_words_alone(index: Fts5Index) -> None:
    index.upsert([LexicalDocument(1, "Trackball")])

    assert 1 not in found(index, "wireless mouse")
    assert found(index, "trackball") == [1]
    assert list(index.complete("wirel", 5)) == []


def test_a_removed_product_is_found_no_more(index: Fts5Index) -> None:
    index.remove([1, 999_999])

    assert 1 not in found(index, "wireless mouse")
    assert list(index.complete("wirel", 5)) == []


def test_words_and_revision_survive_closing(tmp_path: Path) -> None:
    path = tmp_path / "words.db"
    first, _ = Fts5Index.open(path)
    first.upsert(DOCUMENTS)
    first.set_revision(17)
    first.set_revision(18)
    first.close()
    first.close()

    second, revision = Fts5Index.open(path)

    assert revision == 18
    assert found(second, "keyboard") == [2]
    second.close()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "foreign"])
def test_a_damaged_file_opens_empty_with_revision_0(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "words.db"
    first, _ = Fts5Index.open(path)
    first.upsert(DOCUMENTS)
    first.set_revision(9)
    first.close()
    content = path.read_bytes()
    path.write_bytes(
        {
            "garbage": b"not a database, " * 1000,
            "truncated": content[: len(content) // 2],
            "empty": b"",
            "foreign": content.replace(b"version", b"verzion"),
        }[damage]
    )

    second, revision = Fts5Index.open(path)

    assert revision == 0
    assert found(second, "keyboard") == []
    second.upsert(DOCUMENTS)
    assert found(second, "keyboard") == [2]
    second.close()


def damage_pages(path: Path) -> None:
    """Spoil all but the first page of a file that is open."""
    content = path.read_bytes()
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\x07" * (len(content) - 4096))


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Fts5Index]:
    """An index whose file was sound when it was opened."""
    path = tmp_path / "words.db"
    first, _ = Fts5Index.open(path)
    first.upsert(DOCUMENTS)
    first.set_revision(9)
    first.close()
    index, _ = Fts5Index.open(path)
    shutil.copy(path, tmp_path / "sound.db")
    damage_pages(path)
    yield index
    index.close()


@pytest.mark.parametrize(
    "read",
    [
        lambda index: index.search("keyboard", 5),
        lambda index: index.score("keyboard", [2]),
        lambda index: index.complete("key", 5),
    ],
)
def test_damage_found_by_a_read_is_unavailable_then_and_later(damaged, read) -> None:
    for _ in range(2):
        with pytest.raises(UnavailableError, match="restart this one, or search with disable_lex"):
            read(damaged)


def test_damage_found_by_a_read_is_built_again_at_the_next_start(
    damaged: Fts5Index, tmp_path: Path
) -> None:
    path = tmp_path / "words.db"
    with pytest.raises(UnavailableError):
        damaged.search("keyboard", 5)
    damaged.upsert(DOCUMENTS)
    damaged.set_revision(10)
    damaged.close()
    shutil.copy(tmp_path / "sound.db", path)  # so that the mark alone says it

    again, revision = Fts5Index.open(path)

    assert revision == 0
    again.upsert(DOCUMENTS)
    again.set_revision(11)
    again.close()
    third, revision = Fts5Index.open(path)
    third.close()
    assert revision == 11


def test_a_write_that_meets_damage_leaves_the_index_to_the_next_start(
    damaged: Fts5Index, tmp_path: Path
) -> None:
    damaged.upsert([LexicalDocument(50, "new words")])

    with pytest.raises(UnavailableError):
        damaged.search("new", 5)
    damaged.close()
    again, revision = Fts5Index.open(tmp_path / "words.db")
    again.close()
    assert revision == 0
