"""What a process of a pool does before all else; light to import, so that it does so at once."""

from __future__ import annotations

import multiprocessing.connection
import os
import signal
import threading


def begin_worker(leash: multiprocessing.connection.Connection) -> None:
    """Prepare a process: it leaves Ctrl-C to the one that made it, and ends when that one ends or lets go.

    Parameters
    ----------
    leash : a pipe to which nobody writes; its other end closes with the process that holds it, however that ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_owner() -> None:
        multiprocessing.connection.wait([leash])
        os._exit(1)

    threading.Thread(target=end_with_owner, daemon=True).start()
