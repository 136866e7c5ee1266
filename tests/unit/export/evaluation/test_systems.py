"""Under which form of text a run is compared."""

from dataclasses import replace

from relatum_export.corpus.text import FORMS, SHELF, TITLE
from relatum_export.evaluation.systems import run_forms
from tests.unit.export.evaluation.corpora import encoder_system


def test_a_run_is_measured_under_the_form_of_the_artifact_that_it_is_the_reference_of():
    variant = replace(encoder_system({"a": (1, 0)}), name="relatum", forms=(SHELF,))

    assert run_forms(None, [variant]) == (SHELF,)


def test_a_run_without_a_form_of_its_own_may_choose_on_valid_as_the_base_may():
    assert run_forms(None, []) == tuple(FORMS.values())


def test_a_run_with_a_form_of_its_own_keeps_it():
    assert run_forms(TITLE, []) == (TITLE,)
