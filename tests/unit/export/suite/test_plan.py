"""Which steps a set takes."""

from pathlib import Path

import pytest

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.suite.corpus_facts import language
from relatum_export.suite.plan import Folders, longest_first, models, of_set, sets_in


def corpus(name, *, languages=None, labels=(), bundles=0, trained=False, questions=None):
    """A corpus of labelled pairs, bundles, or pairs of texts, without its tables."""
    info = {
        "splits": ({"pairs": dict.fromkeys(labels, 10)} if labels else {})
        | ({"bundles": {"train": bundles, "valid": 0, "test": 0}})
        | ({"faq": questions} if questions else {}),
        "pairs": [{"kind": "query_product", "split": "train", "pairs": 9}] if trained else [],
    }
    tables = ["pairs", "items"] if labels else ["faq"] if questions else ["items"]
    sums = {f"{table}.parquet": "0" for table in tables}
    return Corpus(Path(f"corpora/{name}"), name, languages or {"en": 1.0}, {}, sums, info)


def names(steps):
    return [step.name for step in steps]


def test_above_five_percent_of_han_or_kana_take_the_multilingual_encoder():
    assert language(corpus("a", languages={"en": 0.95, "zh": 0.03, "ja": 0.02})) == "en"
    assert language(corpus("a", languages={"en": 0.94, "zh": 0.03, "ja": 0.03})) == "multilingual"


def test_labels_of_a_set_without_training_pairs_reach_the_general_head():
    sets = {
        "search": corpus("search", trained=True),
        "askul": corpus("askul", languages={"ja": 1.0}, labels=("train", "valid", "test")),
    }

    steps = models(sets, Folders(Path("build")), Path("configs"))

    assert names(steps) == ["models/en", "models/multilingual", "models/multilingual-pairs"]
    assert str(sets["askul"].path) in steps[2].arguments
    assert str(sets["askul"].path) not in steps[1].arguments


def test_further_seeds_train_no_general_head():
    sets = {"search": corpus("search", trained=True), "askul": corpus("askul", labels=("train",))}

    steps = models(sets, Folders(Path("build"), seed=1), Path("configs"))

    assert names(steps) == ["models/en", "models/multilingual"]


def test_what_is_bought_together_teaches_the_general_head_what_nobody_judged():
    sets = {
        "search": corpus("search", trained=True),
        "food": corpus("food", bundles=9),
        "held out": corpus("held out", bundles=0),
    }

    head = models(sets, Folders(Path("build")), Path("configs"))[1]

    assert head.name == "models/en-pairs"
    assert str(sets["food"].path) in head.arguments
    assert str(sets["held out"].path) not in head.arguments


def test_a_set_without_a_train_part_is_judged_as_it_stands(tmp_path):
    steps = of_set(corpus("faq"), Path("models/en"), None, Folders(tmp_path))

    assert names(steps) == ["faq/export", "faq/evaluate"]


def test_own_labels_are_preferred_to_the_general_head(tmp_path):
    own = corpus("askul", labels=("train", "valid"))

    mine = of_set(own, Path("models/en"), Path("models/en-pairs"), Folders(tmp_path))
    theirs = of_set(corpus("faq"), Path("models/en"), Path("models/en-pairs"), Folders(tmp_path))

    assert names(mine) == ["askul/pairs", "askul/export", "askul/evaluate"]
    assert str(tmp_path / "suite" / "askul" / "pairs") in mine[1].arguments
    assert "models/en-pairs" in theirs[0].arguments


def test_questions_with_replies_get_a_head_and_no_head_of_products(tmp_path):
    asked = corpus("service", questions={"train": 500, "valid": 50})
    few = corpus("service", questions={"train": 50, "valid": 5})
    models = (Path("models/en"), Path("models/en-pairs"))

    steps, short = (of_set(one, *models, Folders(tmp_path)) for one in (asked, few))

    assert names(steps) == ["service/answers", "service/export", "service/evaluate"]
    assert names(short) == ["service/export", "service/evaluate"]
    assert "--answers" in steps[1].arguments
    assert "--pairs" not in steps[1].arguments


@pytest.mark.parametrize(
    ("table", "languages", "split", "read"),
    [
        ("judgments", {"en": 1.0}, "train", True),
        ("candidates", {"en": 1.0}, "valid", True),
        ("judgments", {"zh": 1.0}, "train", False),
        ("candidates", {"en": 1.0}, "test", False),
        ("events", {"en": 1.0}, "train", False),
    ],
)
def test_what_is_judged_in_english_is_read_together(tmp_path, table, languages, split, read):
    sums = dict.fromkeys(("queries.parquet", f"{table}.parquet"), "0")
    info = {"splits": {table: {"train": 0, "valid": 0, "test": 0} | {split: 9}}, "pairs": []}
    asked = Corpus(Path("corpora/shop"), "shop", languages, {}, sums, info)

    (export,) = (
        step
        for step in of_set(asked, Path("models/en"), None, Folders(tmp_path))
        if step.name == "shop/export"
    )

    assert ("--reranker" in export.arguments) == read
    assert not any(path.name == "ms-marco" for path in export.inputs)


def test_what_is_read_together_starts_before_sets_of_many_events_and_those_before_few():
    def of(name, sums, splits):
        return Corpus(Path(name), name, {"en": 1.0}, {}, sums, {"splits": splits, "pairs": []})

    judged = dict.fromkeys(("queries.parquet", "judgments.parquet"), "0")
    found = {
        "few": of("few", {}, {"events": {"train": 5}}),
        "many": of("many", {}, {"events": {"train": 500}}),
        "read": of("read", judged, {"judgments": {"train": 9, "valid": 0}}),
    }

    assert longest_first(found) == ["read", "many", "few"]


def test_a_folder_is_a_set_or_holds_sets_and_those_of_no_known_table_are_left_out(tmp_path):
    for name, file in (("a", "items"), ("b", "interactions"), ("c", "review_answers")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{file}.parquet").write_bytes(b"")

    assert list(sets_in(tmp_path, demo=False)) == ["a", "b"]
    assert list(sets_in(tmp_path, demo=True)) == ["a", "b", "completejourney"]
    assert sets_in(tmp_path / "a", demo=True) == {"a": ("--data", str(tmp_path / "a"))}


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_a_set_is_refused(tmp_path, made):
    folder = tmp_path / "sets"
    if made:
        folder.mkdir()

    with pytest.raises(InputError, match="neither a set"):
        sets_in(folder, demo=False)


def test_further_seeds_judge_what_is_served_alone(tmp_path):
    first, second = (
        of_set(corpus("shop"), Path("models/en"), None, Folders(tmp_path, seed))[-1]
        for seed in (0, 1)
    )

    flags = {"--model", "--variant", "--served-alone"}
    assert flags & set(first.arguments) == {"--model", "--variant"}
    assert flags & set(second.arguments) == {"--served-alone"}


def test_each_seed_has_folders_of_its_own_but_shares_the_corpora():
    first, second = Folders(Path("build")), Folders(Path("build"), seed=1)

    assert first.models != second.models
    assert first.suite != second.suite
    assert first.corpora == second.corpora
