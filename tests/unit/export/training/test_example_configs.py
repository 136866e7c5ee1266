"""The configurations that are shipped are what they say."""

from pathlib import Path

import pytest

from relatum_export.settings_file import read_settings
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.settings import TrainSettings

CONFIGS = Path(__file__).parents[4] / "examples" / "configs"
SIZES = {
    "epochs",
    "batch_size",
    "max_pairs",
    "learning_rate",
    "max_tokens",
    "frozen_layers",
    "hard_negatives",
    "evaluations",
    "validation_documents",
    "validation_tokens",
}


@pytest.mark.parametrize("name", ["en", "multilingual"])
def test_the_recipe_for_a_gpu_is_the_same_but_for_its_sizes(name):
    small, large = (
        read_settings(TrainSettings, CONFIGS / f"encoder-{name}{of}.toml").model_dump()
        for of in ("", "-gpu")
    )

    differing = {key for key, value in small.items() if large[key] != value}

    assert differing <= SIZES
    assert large["batch_size"] > small["batch_size"]


def test_the_demos_head_is_smaller_than_the_default():
    demo = read_settings(PairSettings, CONFIGS / "pairs-demo.toml")

    assert demo.max_weak_pairs < PairSettings().max_weak_pairs
