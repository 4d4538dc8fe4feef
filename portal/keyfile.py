"""Files with keys: for their owner alone, and there with all of their content or not at all."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def read(path: Path) -> str:
    """Return what the file holds; what is no text comes as something that is no key."""
    return path.read_text(encoding="latin-1").strip()


def split(text: str) -> tuple[str, ...]:
    """Return the keys in a text, between which stand spaces, lines or commas."""
    return tuple(text.replace(",", " ").split())


def make(path: Path, content: str) -> None:
    """Make the file; of two processes that do so at once, the second keeps the key of the first."""
    with NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as file:
        _write(file.fileno(), content)
        with suppress(FileExistsError):
            os.link(file.name, path)
    _keep_names(path.parent)


def replace(path: Path, content: str) -> None:
    """Give the file another content; owner and mode stay, also if root does this."""
    before, unfinished = path.stat(), path.with_name(f".{path.name}.new")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchown(file, before.st_uid, before.st_gid)
        os.fchmod(file, stat.S_IMODE(before.st_mode))
        _write(file, content)
    finally:
        os.close(file)
    unfinished.replace(path)
    _keep_names(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let only one process at a time change the keys; the lock ends with the process."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(file: int, content: str) -> None:
    os.write(file, f"{content}\n".encode("ascii"))
    os.fsync(file)


def _keep_names(folder: Path) -> None:
    """Let the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
