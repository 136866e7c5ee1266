"""Which int8 graph an artifact ships: ranges fixed by calibration, or searched in each batch.

Both are written and measured on the corpus's own texts. Fixed ranges win unless they cost
something: with them a text has one vector whatever it is encoded with, and none is searched for at
run time. Ranges by the batch follow a text that is unlike all others, and so may agree better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from relatum_export.artifact import conversion
from relatum_export.artifact.batch_dependence import batch_dependence
from relatum_export.artifact.calibration import calibration_batches
from relatum_export.artifact.latency import throughputs
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.shop_texts import ShopTexts
from relatum_export.artifact.static_int8 import fix_ranges
from relatum_export.artifact.verification import Reference, Verification, Verifier
from relatum_export.errors import QualityError
from relatum_export.training.batching import TextInput

Ranges = Literal["fixed", "by_batch"]
CALIBRATION_TEXTS = 192
TIMED_TITLES = 160
PROBES = 3  # few: the two forms differ by orders of magnitude
MAX_SLOWER = 0.05  # what two timings of one graph differ by on a busy machine
MAX_FARTHER = 0.002  # of the mean cosine: below what any ranking here could show
SEED = 0  # of the batch-mates


@dataclass(frozen=True, slots=True)
class Int8Form:
    """One int8 graph as measured.

    Attributes:
        verification: beside PyTorch; None where it was refused.
        refusal: why; "" where it passed.
        titles_per_s: texts of the corpus in batches of near length, one thread.
        batch_change: largest 1 - cosine of a text alone and among 31 others; None where the corpus
            has a single text.
    """

    verification: Verification | None
    refusal: str
    titles_per_s: float
    batch_change: float | None


@dataclass(frozen=True, slots=True)
class Int8Choice:
    """What ships, why, and both measurements."""

    ranges: Ranges
    reason: str
    forms: Mapping[Ranges, Int8Form]
    encoder: OnnxEncoder
    verification: Verification

    def metrics(self) -> dict[str, Any]:
        """As they stand in the artifact's `metrics.json`."""
        return {
            "ranges": self.ranges,
            "reason": self.reason,
            **{name: _figures(form) for name, form in self.forms.items()},
        }


def write_int8(
    fused: Path,
    out: Path,
    shop: ShopTexts,
    *,
    text_input: TextInput,
    verifier: Verifier,
    reference: Reference,
) -> Int8Choice:
    """Write the int8 graph that suits the corpus.

    Args:
        fused: the float32 graph.
        out: the file to write.
        shop: its texts, to fix the ranges on and to take the speed by.
        text_input: how text becomes tokens.
        verifier: compares with PyTorch.
        reference: PyTorch's answers.

    Raises:
        QualityError: the graph with ranges by the batch differs too much, and the other as well.
    """
    files: dict[Ranges, Path] = {
        "fixed": out.with_suffix(".fixed.onnx"),
        "by_batch": out.with_suffix(".by_batch.onnx"),
    }
    try:
        conversion.quantise_int8(fused, files["by_batch"])
        batches = calibration_batches(text_input, shop.documents, CALIBRATION_TEXTS, shop.queries)
        fix_ranges(files["by_batch"], fused, batches, files["fixed"])
        encoders = {name: OnnxEncoder(file, text_input, None) for name, file in files.items()}
        speeds = throughputs(encoders, shop.titles, count=TIMED_TITLES)
        forms = {
            name: _measured(encoder, speeds[name], verifier, reference)
            for name, encoder in encoders.items()
        }
        ranges, reason = choose_int8(forms)
        verification = forms[ranges].verification
        if verification is None:
            raise QualityError(forms[ranges].refusal)
        files[ranges].replace(out)
    finally:
        for file in files.values():
            file.unlink(missing_ok=True)
    return Int8Choice(ranges, reason, forms, encoders[ranges], verification)


def choose_int8(forms: Mapping[Ranges, Int8Form]) -> tuple[Ranges, str]:
    """Fixed ranges where they agree with PyTorch as well as ranges by the batch, as fast.

    As well: no ranking that agrees by the project's rule with ranges by the batch fails to with
    fixed ones, and the mean cosine is not below by more than .002. As fast: not slower by more
    than 5 %.
    """
    fixed, by_batch = forms["fixed"], forms["by_batch"]
    if fixed.verification is None:
        return "by_batch", f"with fixed ranges, {fixed.refusal}"
    if by_batch.verification is None:
        return "fixed", f"with ranges by the batch, {by_batch.refusal}"
    failing = [
        ours.measure
        for ours, theirs in zip(
            fixed.verification.agreements, by_batch.verification.agreements, strict=True
        )
        if theirs.agrees and not ours.agrees
    ]
    if failing:
        return "by_batch", f"with fixed ranges {', '.join(failing)} does not agree with PyTorch"
    ours, theirs = fixed.verification.mean_cosine, by_batch.verification.mean_cosine
    if ours < theirs - MAX_FARTHER:
        return "by_batch", f"fixed ranges are farther from PyTorch: {ours:.4f} and {theirs:.4f}"
    if fixed.titles_per_s < (1 - MAX_SLOWER) * by_batch.titles_per_s:
        return "by_batch", (
            f"fixed ranges are slower: {fixed.titles_per_s:.0f} and {by_batch.titles_per_s:.0f} "
            "titles a second"
        )
    return "fixed", "they agree with PyTorch as well as ranges by the batch do, as fast"


def _measured(
    encoder: OnnxEncoder, titles_per_s: float, verifier: Verifier, reference: Reference
) -> Int8Form:
    verification, refusal = None, ""
    try:
        verification = verifier.verify("int8", encoder, reference)
    except QualityError as error:
        refusal = str(error)
    several = len(reference.texts) > 1
    change = _batch_change(encoder, reference.texts) if several else None
    return Int8Form(verification, refusal, titles_per_s, change)


def _batch_change(encoder: OnnxEncoder, texts: Sequence[str]) -> float:
    return batch_dependence(encoder, texts, SEED, probes=PROBES).largest


def _figures(form: Int8Form) -> dict[str, Any]:
    found = form.verification
    return {
        "titles_per_s": round(form.titles_per_s, 1),
        "batch_change": form.batch_change,
        "min_cosine": found.min_cosine if found is not None else None,
        "mean_cosine": found.mean_cosine if found is not None else None,
        "agreements": {
            a.measure: {"value": a.value, "reference": a.reference, "agrees": a.agrees}
            for a in (found.agreements if found is not None else ())
        },
        "refusal": form.refusal,
    }
