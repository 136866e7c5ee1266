"""Is the database the one whose writes were acknowledged? If not, it is not opened."""

from pathlib import Path
from typing import Final

from relatum_server.errors import StoreError
from relatum_server.store import chain
from relatum_server.store.acknowledged import Acknowledged, acknowledged_file

_TAIL: Final = 1_000  # records whose chain every start follows; `doctor` follows all


class Guard:
    """The file of what was acknowledged, beside a database."""

    def __init__(self, database: Path, where: str = "") -> None:
        """Take the database's path; `where` names one that lies elsewhere."""
        self._database = database
        self._where = where or str(database)
        self._remedy = remedy(database) if not where else "restore it from its own backups"
        self._file = Acknowledged(acknowledged_file(database))
        self._noted = -1

    def check_before_open(self) -> None:
        """Refuse to make a fresh database where one was acknowledged.

        Raises:
            StoreError: the database is gone, or the file beside it is damaged.
        """
        noted = self._file.read()
        gone = not self._database.exists() or self._database.stat().st_size == 0
        if noted is not None and noted.revision and gone:
            raise StoreError(
                f"database {self._where} is gone, and writes up to revision {noted.revision}"
                f" were acknowledged; {self._remedy}"
            )

    def check(self, log: chain.Log) -> None:
        """Compare a migrated database with what was acknowledged; note it where nothing was yet.

        Raises:
            StoreError: older than what was acknowledged, of another history, or damaged.
        """
        last = log.head()
        noted = self._file.read()
        if noted is None:
            if log.is_guarded():
                raise StoreError(
                    f"{self._file.path} is gone: nothing says whether database {self._where} is"
                    f" the newest; {self._remedy}"
                )
            self.note(last)
            log.set_guarded()
            return
        if last.revision < noted.revision:
            raise StoreError(
                f"database {self._where} ends at revision {last.revision}, and writes up to"
                f" revision {noted.revision} were acknowledged: it is an older copy or lost its"
                f" end; {self._remedy}"
            )
        if log.link_at(noted.revision) != noted.link:
            raise StoreError(
                f"database {self._where} has another history than was acknowledged at revision"
                f" {noted.revision}; {self._remedy}"
            )
        chain.verify(log, max(0, last.revision - _TAIL))
        self._noted = noted.revision

    def note(self, head: chain.Head) -> None:
        """Note the end of a log, which must be durable by now, as acknowledged.

        Raises:
            StoreError: the disk failed, or is full.
        """
        if head.revision == self._noted:
            return
        try:
            self._file.write(head)
        except OSError as error:
            raise StoreError(
                f"{self._file.path}: {error.strerror}; check the disk, then restart the server"
            ) from error
        self._noted = head.revision

    def close(self) -> None:
        """Safe twice."""
        self._file.close()


def check_key(kept: bytes | None, given: bytes, where: str) -> bool:
    """Whether a store has no shopper key's digest yet and shall keep the given one.

    Raises:
        StoreError: it is of another key.
    """
    if kept is not None and kept != given:
        raise StoreError(
            f"the store at {where} is of another shopper key: its profiles would be lost; put the"
            " key file of this shop back, or name it with --user-key-file"
        )
    return kept is None


def remedy(database: Path) -> str:
    """What brings the newest sound state back."""
    return f"run: relatum-server restore --data-dir {database.parent} --from BACKUP"
