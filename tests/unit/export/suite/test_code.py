"""Which edits of the code make a step run again."""

import pytest

from relatum_export.suite.code import COMMANDS, code_key, meaning

COMMAND = '''"""What the command does."""

from pathlib import Path


def run(out: Path) -> int:
    """Run it."""
    from {package}.fit import fit  # lazily

    return fit(2)
'''
FIT = '"""Fit."""\n\n\ndef fit(x):\n    return x + 1\n'


@pytest.fixture
def package(tmp_path, monkeypatch):
    name = "shop_of_code"
    home = tmp_path / name
    home.mkdir()
    files = {"__init__": "", "command": COMMAND.format(package=name), "fit": FIT, "page": "A = 1\n"}
    for module, text in files.items():
        (home / f"{module}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return home


def key(home):
    return code_key(f"{home.name}.command")


def test_an_edit_of_a_module_that_is_not_imported_keeps_the_key(package):
    before = key(package)

    (package / "page.py").write_text("A = 22\n", encoding="utf-8")

    assert key(package) == before


def test_an_edit_of_a_module_imported_within_a_function_changes_the_key(package):
    before = key(package)

    (package / "fit.py").write_text(FIT.replace("x + 1", "x + 22"), encoding="utf-8")

    assert key(package) != before


def test_an_import_that_joins_changes_the_key(package):
    before = key(package)

    (package / "fit.py").write_text(f"import {package.name}.page\n{FIT}", encoding="utf-8")

    assert key(package) != before


def test_a_comment_a_docstring_and_a_blank_line_keep_the_key(package):
    before = key(package)

    text = FIT.replace('"""Fit."""', '"""Fit by one."""\n# Because.').replace(
        "return", "\n    return"
    )
    (package / "fit.py").write_text(text, encoding="utf-8")

    assert key(package) == before


def test_a_template_beside_an_imported_module_changes_the_key(package):
    before = key(package)

    (package / "templates").mkdir()
    (package / "templates" / "page.j2").write_text("<p>", encoding="utf-8")

    assert key(package) != before


def test_the_help_of_a_flag_says_nothing_of_what_a_command_does_but_its_name_does():
    short = meaning('typer.Option("--out", help="Folder.")')

    assert meaning('typer.Option("--out", help="The folder to write.")') == short
    assert meaning('typer.Option("--to", help="Folder.")') != short


@pytest.mark.parametrize("module", sorted(set(COMMANDS.values())))
def test_each_command_has_a_module_that_is_there(module):
    assert len(code_key(module)) == 64


def test_the_page_of_evaluate_is_no_part_of_a_training(monkeypatch):
    read = []
    monkeypatch.setattr("relatum_export.suite.code._meaning", lambda path, *_: read.append(path))

    code_key("relatum_export.training.users.command")

    names = {"/".join(path.parts[-2:]) for path in read}
    assert "users/training.py" in names
    assert not any(name.startswith("page/") for name in names)


def test_the_templates_and_the_style_of_the_page_are_part_of_evaluate(monkeypatch):
    read: list[str] = []

    def remember(path, *_):
        read.append(path.name)
        return ""

    monkeypatch.setattr("relatum_export.suite.code._bytes", remember)

    code_key("relatum_export.evaluation.command")

    assert {"style.css", "set.html.j2", "parts.html.j2"} <= set(read)
