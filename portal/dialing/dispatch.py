"""The way of calls to their phone systems: few at once, and fewer for each target.

Whoever finds no place waits without a thread. So a target that hangs holds its own few
threads and no others, and whoever waits for it longer than a moment is told so.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread, current_thread
from time import monotonic

import structlog

from portal.errors import N_, BusyError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much happens at once."""

    workers: int
    """Jobs that run."""
    per_target: int
    """Jobs that run for one target."""
    room: int
    """Jobs that wait."""
    patience: float
    """Seconds that a job waits before it is refused."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do for a target, or to refuse if its turn does not come."""

    run: Callable[[], None]
    refuse: Callable[[], None]
    target: str = ""
    """Host and port; empty for what contacts nobody, and shares only the workers."""


class Dispatcher:
    """Runs jobs as far as there is room, those who wait in the order in which they came.

    No thread is started before the first job, so that the process can fork until then.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._changed = Condition()
        self._running: Counter[str] = Counter()
        """How many jobs run for each target."""
        self._waiting: deque[tuple[float, Job]] = deque()
        """The jobs that wait, each with the moment at which its patience ends."""
        self._threads: set[Thread] = set()
        self._is_watched = False

    def submit(self, job: Job) -> None:
        """Run a job as soon as it has a place. Raises BusyError when too many wait already."""
        with self._changed:
            if self._has_place(job.target):
                self._start(self._work, job)
                self._running[job.target] += 1
                return
            if len(self._waiting) >= self._capacity.room:
                raise BusyError(
                    "busy", N_("The portal is busy with other calls. Nothing was sent.")
                )
            self._waiting.append((monotonic() + self._capacity.patience, job))
            if not self._is_watched:
                self._start(self._watch)
                self._is_watched = True

    def close(self) -> None:
        """Refuse the jobs that wait and let those that run come to their end."""
        with self._changed:
            waiting = [job for _until, job in self._waiting]
            threads = list(self._threads)
            self._waiting.clear()
            self._changed.notify_all()
        for job in waiting:
            _attempt(job.refuse)
        for thread in threads:
            thread.join()

    def _has_place(self, target: str) -> bool:
        if self._running.total() >= self._capacity.workers:
            return False
        return not target or self._running[target] < self._capacity.per_target

    def _start(self, work: Callable[..., None], *args: Job) -> None:
        thread = Thread(target=work, args=args, name="dial")
        thread.start()
        self._threads.add(thread)

    def _work(self, job: Job | None) -> None:
        """Run a job, then those who could not run because of it."""
        while job:
            _attempt(job.run)
            job = self._follower(job)

    def _follower(self, done: Job) -> Job | None:
        """Give the place of a job to the first who can use it: that is one at most."""
        with self._changed:
            self._running[done.target] -= 1
            self._running += Counter()  # forgets the targets for which nothing runs
            for place in self._waiting:
                _until, job = place
                if self._has_place(job.target):
                    self._waiting.remove(place)
                    self._running[job.target] += 1
                    return job
            self._threads.discard(current_thread())
            return None

    def _watch(self) -> None:
        """Refuse those whose patience is over, as long as anybody waits."""
        while job := self._next_late():
            _attempt(job.refuse)

    def _next_late(self) -> Job | None:
        with self._changed:
            while self._waiting:
                until, job = self._waiting[0]
                if (left := until - monotonic()) <= 0:
                    self._waiting.popleft()
                    return job
                self._changed.wait(left)
            self._is_watched = False
            self._threads.discard(current_thread())
            return None


def _attempt(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        # Only the kind: the messages of foreign errors may hold a URL with secrets.
        log.error("dial job failed", error=type(error).__name__)  # noqa: TRY400
