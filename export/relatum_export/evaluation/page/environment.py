"""The template engine of the pages."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from relatum_export.evaluation.page.plots import SIDE, WIDTH


@cache
def environment() -> Environment:
    """Templates of this package; a name that is not given is an error."""
    found = Environment(
        loader=PackageLoader("relatum_export.evaluation.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"SIDE": SIDE, "WIDTH": WIDTH}
    return found
