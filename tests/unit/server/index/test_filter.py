import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_server.errors import InvalidArgumentError
from relatum_server.index.filter import (
    COLUMNS,
    MAX_DEPTH,
    MAX_TERMS,
    Comparison,
    Junction,
    Not,
    parse,
)

A, B, C = (Comparison("brand", "=", letter) for letter in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("brand = a", A),
        ("brand=a", A),
        ("  brand  =  a  ", A),
        ("(brand = a)", A),
        ("((brand = a))", A),
        ("brand = a AND brand = b", Junction("AND", (A, B))),
        ("brand = a brand = b", Junction("AND", (A, B))),
        ("brand = a AND brand = b OR brand = c", Junction("AND", (A, Junction("OR", (B, C))))),
        ("brand = a brand = b OR brand = c", Junction("AND", (A, Junction("OR", (B, C))))),
        ("(brand = a OR brand = b) brand = c", Junction("AND", (Junction("OR", (A, B)), C))),
        ("NOT brand = a", Not(A)),
        ("-brand = a", Not(A)),
        ("NOT NOT brand = a", Not(Not(A))),
        ("NOT brand = a AND brand = b", Junction("AND", (Not(A), B))),
        ("-(brand = a OR brand = b)", Not(Junction("OR", (A, B)))),
        ('brand = "a"', A),
        ("brand = 'a'", A),
        ('brand = "two words"', Comparison("brand", "=", "two words")),
        (r'brand = "a \"b\" \\"', Comparison("brand", "=", 'a "b" \\')),
        ('brand = ""', Comparison("brand", "=", "")),
        ('brand = "AND"', Comparison("brand", "=", "AND")),
        ("brand = 无线", Comparison("brand", "=", "无线")),
        ("price <= -5.25", Comparison("price", "<=", "-5.25")),
        ('price > "3"', Comparison("price", ">", "3")),
        ('categories:"Dairy"', Comparison("categories", ":", "Dairy")),
        ("attributes.colour != red", Comparison("attributes.colour", "!=", "red")),
        ("attributes.size >= 4", Comparison("attributes.size", ">=", "4")),
    ],
)
def test_a_filter_is_read_as_aip_160_says(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "a column at character 0, found the end"),
        ("brand", "a comparison after brand"),
        ("brand =", "a value"),
        ("brand = a OR", "found the end"),
        ("brand = a AND", "found the end"),
        ("AND brand = a", "AND"),
        ("NOT", "found the end"),
        ("(brand = a", "closing parenthesis"),
        ("brand = a)", "AND, OR or the end"),
        ("()", "a column"),
        ('brand = "a', 'quote text with ""'),
        ('"brand" = a', "a column"),
        ("brand == a", "a value"),
        ("colour = red", "'colour'"),
        ("attributes. = red", "'attributes.'"),
        ("attributes.NAMES", "attributes.NAMES"),
        ("Brand = a", "'Brand'"),
        ("price : 5", "price is a number"),
        ("price = cheap", "price is compared with a number, not 'cheap'"),
        ("price < nan", "price"),
        ("rating > inf", "rating"),
        ("brand < a", "brand is text"),
        ("categories >= a", "categories is text"),
        ("attributes.size < big", "attributes.size < needs a number"),
    ],
)
def test_a_wrong_filter_is_refused_and_says_where(text: str, names: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse(text)

    assert caught.value.reason == "INVALID_FILTER"
    assert names in caught.value.message
    assert "\n" not in caught.value.message


def test_an_unknown_column_is_answered_with_those_there_are() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse("x = 1")

    assert all(column in caught.value.message for column in COLUMNS)


@pytest.mark.parametrize(("before", "after"), [("(", ")"), ("NOT ", "")])
def test_the_deepest_filter_is_read_and_a_deeper_one_refused(before: str, after: str) -> None:
    parse(before * MAX_DEPTH + "brand = a" + after * MAX_DEPTH)

    for depth in (MAX_DEPTH + 1, 5000):
        with pytest.raises(InvalidArgumentError, match="levels deep"):
            parse(before * depth + "brand = a" + after * depth)


@pytest.mark.parametrize("joint", [" ", " AND ", " OR "])
def test_the_longest_filter_is_read_and_a_longer_one_refused(joint: str) -> None:
    parse(joint.join(["brand = a"] * MAX_TERMS))

    with pytest.raises(InvalidArgumentError, match=f"more than {MAX_TERMS} comparisons"):
        parse(joint.join(["brand = a"] * (MAX_TERMS + 1)))


PIECES = ["(", ")", "NOT", "AND", "OR", "-", "=", "!=", "<", ":", '"', "'", "\\", " ", "brand"]
PIECES += ["price", "attributes.x", "5", "a", "\0", "\n", "无", "--", "<=>"]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_any_text_is_a_tree_or_an_invalid_filter(text: str) -> None:
    reason = None
    try:
        tree = parse(text)
    except InvalidArgumentError as error:
        reason = error.reason
    else:
        assert isinstance(tree, Comparison | Not | Junction)

    assert reason in {None, "INVALID_FILTER"}
