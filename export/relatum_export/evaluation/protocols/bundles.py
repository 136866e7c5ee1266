"""Bundle mates: the rest of a bundle found from one of its products, whole catalogue."""

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.metrics import top_k
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.protocols.base import Protocol, Task, choose_form
from relatum_export.evaluation.rows import Outcome
from relatum_export.evaluation.slices import length_label
from relatum_export.evaluation.systems import TextSystem
from relatum_export.evaluation.words import ablated, with_words

DEPTH = 10


class _Bundles:
    """Bundles of one split as positions in the catalogue laid out by id."""

    def __init__(self, task: Task, split: str) -> None:
        catalogue = task.products()
        self.split = split
        self.by_id = np.argsort(np.array(catalogue.ids))
        self.ids = [catalogue.ids[row] for row in self.by_id]
        place = {item: i for i, item in enumerate(self.ids)}
        table = task.corpus.table("bundles", ["bundle_id", "items", "split"]).to_pylist()
        self.units, self.members = [], []
        for bundle in table:
            known = sorted({place[item] for item in bundle["items"] if item in place})
            if bundle["split"] == split and len(known) > 1:
                self.units.append(str(bundle["bundle_id"]))
                self.members.append(known)
        self.items = sorted({item for members in self.members for item in members})
        facts = ProductFacts.read(task.corpus)
        self.cases = Cases("bundle mates", self._cases(facts), facts.titles)

    def _cases(self, facts: ProductFacts) -> dict[str, Case]:
        """The gallery shows the first product of a bundle as asked, and its mates as right."""
        found = {}
        for unit, members in zip(self.units, self.members, strict=True):
            ids = [self.ids[i] for i in members]
            own = facts.slices(ids)
            own["size"] = length_label("size", len(ids))
            found[unit] = Case(facts.titles.get(ids[0], ids[0]), tuple(ids[1:]), own)
        return found

    def outcome(self, name: str, scores: NDArray[np.float32]) -> Outcome:
        """R@10 of the mates, mean over items; bundles are what the bootstrap resamples.

        Args:
            name: the system.
            scores: [len(items), catalogue]; -inf is never retrieved.
        """
        ranked = {}
        for item, row in zip(self.items, scores, strict=True):
            row[item] = -np.inf
            ranked[item] = top_k(row, DEPTH).tolist()
        found = [
            sum(len(set(ranked[i]) & (set(members) - {i})) / (len(members) - 1) for i in members)
            for members in self.members
        ]
        sizes = np.array([len(members) for members in self.members], np.float64)
        given = Given.of(self.ids, [ranked[members[0]] for members in self.members])
        return Outcome(
            self.split,
            name,
            "R@10",
            tuple(self.units),
            np.array(found),
            sizes,
            evidence=Evidence(self.cases, given),
        )


def _measure(task: Task) -> list[Outcome]:
    splits = {split: _Bundles(task, split) for split in {*task.splits, "valid"}}
    titled = task.products().products

    def text(system: TextSystem, form: TextForm, bundles: _Bundles) -> Outcome:
        texts = task.products().texts(form)
        ordered = [texts[row] for row in bundles.by_id]
        cosines = system.scores([ordered[i] for i in bundles.items], ordered, products=True)
        titles = [titled[row].title for row in bundles.by_id]
        asked = [titles[i] for i in bundles.items]
        return bundles.outcome(system.name, with_words(system, "similar", cosines, asked, titles))

    outcomes = []
    for system in ablated(task.text, "similar"):

        def on_valid(form: TextForm, system: TextSystem = system) -> float | None:
            valid = splits["valid"]
            return text(system, form, valid).value if valid.units else None

        form = choose_form(task, system, on_valid)
        outcomes += [text(system, form, splits[s]) for s in task.splits if splits[s].units]
    if task.behaviour is not None:
        row_of = {item: i for i, item in enumerate(task.behaviour.item_ids)}
        for split in task.splits:
            bundles = splits[split]
            rows = np.array([row_of.get(item, -1) for item in bundles.ids])
            vectors = task.behaviour.vectors[rows] * (rows >= 0)[:, None]
            scores = vectors[bundles.items] @ vectors.T
            scores[:, rows < 0] = -np.inf  # an item without events is not in the space
            if bundles.units:
                outcomes.append(bundles.outcome("behaviour", scores))
    return outcomes


def _applies(corpus: Corpus) -> bool:
    return corpus.has("bundles") and corpus.has("items")


BUNDLES = Protocol("bundle mates", ("bundles",), True, _applies, _measure)
