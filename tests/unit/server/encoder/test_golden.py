import json

import pytest

from relatum_server.encoder.golden import read_golden
from relatum_server.errors import ArtifactError

TEXT = {"kind": "QUERY", "text": "milk", "vectors": {"int8": [1, 0], "fp32": [0.5, 0.5]}}
PRODUCT = {
    "product": {
        "title": "Milk",
        "brand": "Alp",
        "categories": ["Dairy"],
        "attributes": {"fat": ["whole"]},
        "description": "",
    },
    "text": "Milk | Alp",
}


def test_texts_and_products_are_told_apart(tmp_path):
    path = tmp_path / "golden.jsonl"
    path.write_text(f"{json.dumps(TEXT)}\n{json.dumps(PRODUCT)}\n")

    (text,), (product,) = read_golden(path, 2)

    assert (text.kind, text.text, text.vectors["fp32"].tolist()) == ("QUERY", "milk", [0.5, 0.5])
    assert (product.product.brand, product.text) == ("Alp", "Milk | Alp")
    assert product.product.attributes["fat"].text == ("whole",)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "no json",
        "[1]",
        json.dumps(PRODUCT),
        json.dumps(TEXT | {"kind": "OTHER"}),
        json.dumps(TEXT | {"vectors": {"int8": [1, 0, 0]}}),
        json.dumps(TEXT | {"vectors": {}}),
        json.dumps({"product": {}, "text": ""}),
    ],
)
def test_golden_inputs_that_cannot_be_used_are_refused_by_file(tmp_path, content):
    path = tmp_path / "golden.jsonl"
    path.write_text(content)

    with pytest.raises(ArtifactError, match=r"golden\.jsonl"):
        read_golden(path, 2)
