"""The figures that the artifacts must reach on the sets whose tests are known."""

from collections.abc import Iterable, Mapping
from typing import Any

REQUIRED: Mapping[str, float] = {
    "amazon_beauty/test/NDCG@10/relatum": 0.058,
    "amazon_beauty/test/HR@10/relatum": 0.100,
    "amazon_beauty/test/NDCG@10/relatum+valid": 0.066,
    "amazon_beauty/test/HR@10/relatum+valid": 0.104,
    "amazon_office/test/NDCG@10/relatum": 0.121,
    "online_retail/test/NDCG@10/relatum": 0.307,
    "online_retail/test/NDCG@10/new/relatum": 0.085,
    "completejourney/test/NDCG@10/relatum": 0.211,
    "completejourney/test/NDCG@10/new/relatum": 0.016,
    "search_crowdflower/test/NDCG@10/relatum": 0.885,
    "product_qa/test/P@1/relatum": 0.63,
    "bundles_electronics/test/R@10/relatum": 0.135,
    "bundles_food/test/R@10/relatum": 0.29,
    "askul_relations_2023/test/macro-F1/relatum": 0.78,
    "askul_relations_2023/test/ECE/relatum": 0.07,
    "product_matching/test/F1/Amazon-Google/relatum": 0.72,
    "product_matching/test/F1/Abt-Buy/relatum": 0.82,
}


def with_required(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with what is required of it."""
    return [{**row, "required": REQUIRED.get(row["name"], row["required"])} for row in rows]


def reached(row: Mapping[str, Any]) -> bool:
    """Whether a row with a requirement meets it."""
    if row["better"] == "lower":
        return bool(row["value"] <= row["required"])
    return bool(row["value"] >= row["required"])
