"""The file of refused rows: as they came, with the reason, safe to open in a spreadsheet."""

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from portal.domain import N_, DomainError
from portal.domain.spreadsheets import guarded
from portal.services.placements.rows import Refusal

ADDED = ("refused_line", "refused_column", "refused_value", "refused_reason")


class RejectsUnwritable(DomainError):
    message = N_("The file of refused rows, %(path)s, cannot be written (%(why)s).")


class RejectsFile:
    """Writes refused rows under the header of the file they came from; no row, no file.

    Readable to its owner alone, since it holds what the client sent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, refusal: Refusal, header: list[str]) -> None:
        """Add a refused row. Raises RejectsUnwritable."""
        try:
            self._write(refusal, header)
        except OSError as error:
            raise RejectsUnwritable(path=self.path, why=error.strerror) from None

    def _write(self, refusal: Refusal, header: list[str]) -> None:
        if self._file is None:
            self._open(header)
        cells = [*refusal.cells, *[""] * (len(header) - len(refusal.cells))][: len(header)]
        added = (str(refusal.line), refusal.column, refusal.value, refusal.reason)
        self._writer.writerow([guarded(cell) for cell in (*cells, *added)])
        self.rows += 1

    def _open(self, header: list[str]) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, quoting=csv.QUOTE_ALL)
        self._writer.writerow([guarded(name) for name in (*header, *ADDED)])
