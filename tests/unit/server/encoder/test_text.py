import pytest

from relatum_server.artifact import TextField, TextForm
from relatum_server.domain import Attribute, Product
from relatum_server.encoder.text import clean, render

ALL = TextForm(
    tuple(TextField(n, 0) for n in ("title", "brand", "categories", "attributes", "description")),
    " | ",
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a<br/>b", "a b"),
        ("<p class='x'>Milk &amp; honey</p>", "Milk & honey"),
        ("x <!-- no <b> --> y", "x y"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a\u00a0\u3000b\n\n c", "a b c"),
        ("", ""),
    ],
)
def test_html_is_taken_out_and_white_space_made_single(raw, expected):
    assert clean(raw) == expected


def test_fields_stand_in_the_order_of_the_form():
    product = Product(
        id="1",
        title="Milk",
        brand="Alp",
        categories=("Food > Dairy", "New"),
        attributes={"size": Attribute(text=("1 l",)), "fat": Attribute(text=("whole", "3.8 %"))},
        description="Fresh",
    )

    text = render(ALL, product)

    assert text == "Milk | Alp | Food > Dairy; New | fat: whole, 3.8 %; size: 1 l | Fresh"


def test_empty_fields_and_their_separators_are_left_out():
    assert render(ALL, Product(id="1", title=" ", description="Fresh")) == "Fresh"


def test_a_product_without_text_renders_to_nothing():
    numbers_only = Product(id="1", attributes={"weight": Attribute(numbers=(1.5,))})

    assert render(ALL, numbers_only) == ""


def test_a_field_is_cut_after_cleaning_and_without_a_blank_at_the_end():
    form = TextForm((TextField("description", 5),), " | ")

    assert render(form, Product(id="1", description="<b>four</b> five")) == "four"
