"""Other wordings of queries: translated into another language and back by models that a user names.

**Source**: Sennrich et al. 2016, "Improving Neural Machine Translation Models with Monolingual
Data" (back-translation); Xie et al. 2020, "Unsupervised Data Augmentation", section 2.2, for
augmentation by the way there and back.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from relatum_export.atomic_file import write_text
from relatum_export.errors import InputError
from relatum_export.training.pairs import Pair
from relatum_export.training.settings import TrainSettings

FILE = "back_translations.json"
BEAMS = 4
MAX_TOKENS = 96  # of what is read and of what is written
BATCH = 32
KEPT_EVERY = 1024  # texts, after which what was made is kept for a resumed run
# transformers raises the last two of a folder without a tokenizer's files.
UNLOADABLE = (
    OSError,
    ValueError,
    ImportError,
    RuntimeError,
    SafetensorError,
    AttributeError,
    TypeError,
)

Wordings = Mapping[str, str]
Reword = Callable[[Sequence[str]], Wordings]


class Translator:
    """A sequence-to-sequence model with its tokenizer; beam search, so the same text every time.

    Args:
        name: a hub id or a folder.

    Raises:
        InputError: it cannot be loaded, or is no model that translates.
    """

    def __init__(self, name: str) -> None:
        try:
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(name)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)  # type: ignore[no-untyped-call,unused-ignore]
        except UNLOADABLE as error:
            cause = str(error).strip().partition("\n")[0]
            raise InputError(
                f"cannot load the model {name} of back_translation: {cause}; give two hub ids or "
                "folders of sequence-to-sequence models, there and back"
            ) from error
        if self._tokenizer.pad_token_id is None:
            raise InputError(
                f"the tokenizer of {name}, of back_translation, has no padding; give another model"
            )
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Each text in the other language, in their order."""
        order = sorted(range(len(texts)), key=lambda at: (len(texts[at]), at))
        found = [""] * len(texts)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            given = self._tokenizer(
                [texts[at] for at in rows],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                written = self._model.generate(
                    input_ids=given["input_ids"].to(self._model.device),
                    attention_mask=given["attention_mask"].to(self._model.device),
                    num_beams=BEAMS,
                    do_sample=False,
                    max_length=MAX_TOKENS,
                )
            for at, text in zip(
                rows, self._tokenizer.batch_decode(written, skip_special_tokens=True), strict=True
            ):
                found[at] = text.strip()
        return found


class BackTranslation:
    """Wordings of a run's queries, made once and kept in the run folder.

    Args:
        there: hub id or folder of the model into the other language.
        back: of the model back.
        resumed: folder of a run to go on with, or None; where it holds wordings already, the models
            are loaded only if some are missing.

    Raises:
        InputError: a model cannot be loaded.
    """

    def __init__(self, there: str, back: str, resumed: Path | None) -> None:
        self._names = there, back
        self._models: tuple[Translator, Translator] | None = None
        if resumed is None or not (resumed / FILE).is_file():
            self._load()

    @classmethod
    def of(cls, settings: TrainSettings, resumed: Path | None) -> Self | None:
        """As the settings want it; None without."""
        if settings.back_translation is None:
            return None
        return cls(*settings.back_translation, resumed)

    def wordings(self, texts: Sequence[str], *, folder: Path) -> Wordings:
        """What came back for each text; the text itself where nothing did.

        Args:
            texts: all that a run needs.
            folder: the run's, where they are kept.
        """
        file = folder / FILE
        known: dict[str, str] = {}
        if file.is_file():
            known = json.loads(file.read_text(encoding="utf-8"))
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), KEPT_EVERY):
            there, back = self._load()
            part = new[start : start + KEPT_EVERY]
            returned = back.translate(there.translate(part))
            known |= {text: other or text for text, other in zip(part, returned, strict=True)}
            write_text(file, json.dumps(known, ensure_ascii=False, indent=0) + "\n")
        self._models = None  # training needs the memory
        return {text: known[text] for text in texts}

    def _load(self) -> tuple[Translator, Translator]:
        if self._models is None:
            there, back = self._names
            self._models = Translator(there), Translator(back)
        return self._models


@dataclass(frozen=True, slots=True)
class Rewording:
    """Which first sides stand in another wording: those that are texts, so somebody may type them.

    The draw is its own, so that other noise is the same with it and without.

    Attributes:
        probability: of a text.
        seed: of the draw.
    """

    probability: float
    seed: int

    def chosen(self, name: str, drawn: Sequence[Pair]) -> list[str | None]:
        """The text to reword of each pair of a set, None where its first side stays."""
        draw = random.Random(f"{self.seed}/{name}/rewording")  # noqa: S311 - a sample, not a secret
        hit = [draw.random() < self.probability for _ in drawn]
        return [
            pair.a if chosen and isinstance(pair.a, str) else None
            for pair, chosen in zip(drawn, hit, strict=True)
        ]

    def typed(self, name: str, drawn: Sequence[Pair], wordings: Wordings) -> list[int | str]:
        """First sides of the pairs of a set, the chosen ones in their other wording."""
        return [
            pair.a if text is None else wordings[text]
            for pair, text in zip(drawn, self.chosen(name, drawn), strict=True)
        ]
