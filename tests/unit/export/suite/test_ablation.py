"""Ablation of the encoder's recipe: the variants, the plan and the table."""

import json
import tomllib
from pathlib import Path

import pytest

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import mean_outcome, rows_of
from relatum_export.evaluation.values import values_file, write_values
from relatum_export.settings_file import read_settings
from relatum_export.suite import ablation
from relatum_export.suite.ablation_settings import Ablations, variants
from relatum_export.suite.plan import Folders
from relatum_export.suite.stamps import stamp_of

CONFIGS = Path(__file__).parents[4] / "examples" / "configs"
UNITS = [str(i) for i in range(40)]
RECIPE = "max_pairs = 900\n[kind_weights]\nbundle = 4.0\nco_bought = 0.2\n"


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "encoder-en.toml"
    file.write_text(RECIPE, encoding="utf-8")
    return file


def asked(*changes, **of):
    found = [{"name": name, "settings": settings} for name, settings in changes]
    return Ablations.model_validate({"ablation": found, **of})


def corpus(name):
    info = {"splits": {}, "pairs": [{"kind": "bundle", "split": "train", "pairs": 9}]}
    sums = {"items.parquet": "0", "bundles.parquet": "0"}
    return Corpus(Path(f"corpora/{name}"), name, {"en": 1.0}, {}, sums, info)


def judged(home, variant, name, **systems):
    """What a variant's training and judgement leave."""
    run = home / variant / "encoder"
    run.mkdir(parents=True, exist_ok=True)
    (run / "metrics.json").write_text('{"fine_tuned_share": 0.5}', encoding="utf-8")
    stamp_of(run).write_text('{"key": "", "seconds": 12.3}', encoding="utf-8")
    outcomes = [
        mean_outcome("valid", system.replace("_", "-"), "R@10", UNITS, [value] * 40)
        for system, value in systems.items()
    ]
    file = home / variant / f"{name}.json"
    file.write_text(json.dumps([r.as_json() for r in rows_of(name, outcomes)]), encoding="utf-8")
    write_values(values_file(file), outcomes)


def test_a_variant_is_the_recipe_with_its_budget_and_one_change(recipe):
    change = ("no-bundle", {"kind_weights": {"bundle": 0.0}})

    full, other = variants(asked(change, max_pairs=50), recipe)

    assert full.name == "full"
    assert tomllib.loads(full.toml)["max_pairs"] == 50
    assert tomllib.loads(other.toml) == {
        "max_pairs": 50,
        "kind_weights": {"bundle": 0.0, "co_bought": 0.2},
    }


def test_what_train_encoder_refuses_is_refused_before_any_training(recipe):
    with pytest.raises(InputError, match="ablation odd: unknown key guides; known are"):
        variants(asked(("odd", {"guides": 1})), recipe)
    with pytest.raises(InputError, match="ablation both: frozen_layers contradicts adapter lora"):
        variants(asked(("both", {"adapter": "lora", "frozen_layers": 1})), recipe)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[ablation]]\nname = "a/b"\nsettings = { seed = 1 }', "is no name"),
        ('[[ablation]]\nname = "full"\nsettings = { seed = 1 }', "is no name"),
        ('[[ablation]]\nname = "a"\nsettings = {}', "at least 1"),
        ('[[ablation]]\nname = "a"\nsettings = { seed = 1 }\n' * 2, "a is there twice"),
        ("max_pair = 5", "unknown key max_pair"),
        ("ablation = []", "at least one"),
    ],
)
def test_a_file_of_ablations_that_is_not_right_is_refused(tmp_path, text, said):
    file = tmp_path / "ablations.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=said):
        read_settings(Ablations, file)


def test_the_ablations_that_are_shipped_suit_the_shipped_recipe():
    found = read_settings(Ablations, CONFIGS / "ablations.toml")

    recipes = [one.toml for one in variants(found, CONFIGS / "encoder-en.toml")]

    assert len(set(recipes)) == len(recipes)  # each changes something


def test_each_variant_is_trained_by_its_own_config_and_judged_on_valid_alone(tmp_path, recipe):
    full, other = variants(asked(("calm", {"typo_probability": 0.0})), recipe)
    sets = [corpus("a"), corpus("b")]

    train, *judgements = ablation.steps(other, sets, sets[:1], "minilm", Folders(tmp_path))

    config = tmp_path / "ablation" / "calm" / "config.toml"
    assert config.read_text(encoding="utf-8") == other.toml != full.toml
    assert config in train.inputs
    assert [one.out.name for one in judgements] == ["a.json"]
    assert judgements[0].arguments[judgements[0].arguments.index("--split") + 1] == "valid"


def test_the_table_sets_each_variant_and_zero_shot_against_the_full_recipe(tmp_path, recipe):
    home = tmp_path / "ablation"
    done = variants(asked(("calm", {"seed": 1})), recipe)
    for name, full, calm in (("a", 0.5, 0.4), ("b", 0.3, 0.4)):
        judged(home, "full", name, zero_shot=0.1, relatum_torch=full)
        judged(home, "calm", name, zero_shot=0.1, relatum_torch=calm)

    lines = ablation.write_table(home, done, [corpus("a"), corpus("b")])

    by_name = {one.name: one for one in lines}
    assert list(by_name) == ["full", "zero-shot", "calm"]
    assert by_name["full"].difference is None
    assert by_name["zero-shot"].difference is not None
    assert by_name["calm"].difference is not None
    of_a = by_name["calm"].by_set["a"][2]
    assert of_a is not None
    assert by_name["zero-shot"].difference.value == pytest.approx(-0.3)
    assert by_name["calm"].difference.value == pytest.approx(0.0)
    assert of_a.value == pytest.approx(-0.1)
    assert ablation.section(Folders(tmp_path)) == ablation.shown(lines)
