"""Files that are there whole or not at all, whatever happens to the process or the machine that writes them."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ecosim.runs import OutputError

# Ends the name of a file that is being written, or that a process left behind when it was killed.
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write; at the close it takes its name, whole and on the disk, or after an error leaves nothing.

    Raises
    ------
    OutputError : the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}{UNFINISHED}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _keep_names(path.parent)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OutputError(
            f"{path}: cannot be written: {reason.lower()}; what was finished before is kept, "
            "put that right and give the same command"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _keep_names(directory: Path) -> None:
    """Have the disk keep the names of a directory; Windows does so by itself."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
