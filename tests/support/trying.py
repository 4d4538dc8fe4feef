"""Calls that try a phone system at the same time, from a process of their own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event, Semaphore

from portal import create_app, phone_systems
from portal.config import Config
from portal.extensions import db

THREADS = 4


def try_at_once(
    settings: Config, target: str, ready: Semaphore, go: Event, sent: Semaphore
) -> None:
    """Wait for the other processes, then ask in several threads, and note who may call."""
    app = create_app(settings)
    gate = threading.Barrier(THREADS)

    def ask(_number: int) -> None:
        with app.app_context():
            gate.wait()
            if phone_systems.admit(target):
                sent.release()

    ready.release()
    go.wait()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(ask, range(THREADS)))
    with app.app_context():
        db.engine.dispose()
