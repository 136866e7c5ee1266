"""Every error that a `relatum-export` command reports to a person.

ExportError
├── InputError      what the caller gave is wrong: exit status 2
└── QualityError    a produced model fails its own acceptance gate: exit status 1
"""


class ExportError(Exception):
    """A failure that a person can read: one line, the cause and the remedy."""

    exit_status = 1


class InputError(ExportError):
    """The input (a file, a flag, a corpus) is wrong; the message names it and the remedy."""

    exit_status = 2


class QualityError(ExportError):
    """A produced model differs from what it was made from by more than is allowed."""
