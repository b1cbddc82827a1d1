"""A map of texts on disk, so that what is known of each message costs no memory."""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Generator, Iterator, Mapping
from types import TracebackType
from typing import Self

from automation.errors import AutomationError

# A state that is put three times within moments gets to SQLite once. Each of its steps lets other
# threads run, so one wait for Python's lock after the other is saved too.
_RECENT_CHARACTERS = 1 << 16


class DiskMap:
    """Texts by text, in the order of their first insertion; gone when it is closed.

    SQLite keeps it in a file of its own that has no name and that nobody else can open. Any
    thread may use it.

    Raises:
        AutomationError: from any method, when the disk is full.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Most maps of a run stay empty, and are asked about each message.
        self._is_empty = True
        # What was put last, and is not in the database yet.
        self._recent: dict[str, str] = {}
        self._recent_characters = 0
        # An empty name is a temporary database on disk (SQLite, "In-Memory Databases",
        # section "Temporary Databases").
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute(
            "CREATE TABLE items (position INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB)"
        )
        # What is never committed is never synced: nothing here has to survive the process.
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the disk."""
        with self._lock:
            self._database.close()

    def add(self, key: str, value: str = "") -> bool:
        """Insert a key that is not there; return whether it was new."""
        with self._written() as database:
            self._is_empty = False
            done = database.execute(
                "INSERT OR IGNORE INTO items (key, value) VALUES (?, ?)",
                (_bytes(key), _bytes(value)),
            )
        return done.rowcount > 0

    def put(self, items: Mapping[str, str]) -> None:
        """Insert or change values by key."""
        with self._locked() as database:
            self._is_empty = False
            self._recent.update(items)
            self._recent_characters += sum(map(len, items)) + sum(map(len, items.values()))
            if self._recent_characters > _RECENT_CHARACTERS:
                self._write(database)

    def get(self, key: str) -> str | None:
        """The value of a key; None when it is not there."""
        return self.get_all([key]).get(key)

    def get_all(self, keys: Collection[str]) -> dict[str, str]:
        """The values of those keys that are there, at most 999 keys (SQLite's least limit)."""
        if self._is_empty or not keys:
            return {}
        with self._locked() as database:
            recent = {key: self._recent[key] for key in keys if key in self._recent}
            older = [_bytes(key) for key in keys if key not in recent]
            rows = database.execute(
                f"SELECT key, value FROM items WHERE key IN ({','.join('?' * len(older))})",  # noqa: S608 marks only
                older,
            ).fetchall()
        return {_text(key): _text(value) for key, value in rows} | recent

    def items(self) -> Iterator[tuple[str, str]]:
        """Each key and value; what is inserted meanwhile comes too."""
        position = 0
        while True:
            with self._written() as database:
                rows = database.execute(
                    "SELECT position, key, value FROM items WHERE position > ? "
                    "ORDER BY position LIMIT 200",
                    (position,),
                ).fetchall()
            if not rows:
                return
            yield from ((_text(key), _text(value)) for _, key, value in rows)
            position = rows[-1][0]

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        with self._written() as database:
            return int(database.execute("SELECT count(*) FROM items").fetchone()[0])

    @contextlib.contextmanager
    def _written(self) -> Generator[sqlite3.Connection]:
        """The database with all that was put."""
        with self._locked() as database:
            self._write(database)
            yield database

    def _write(self, database: sqlite3.Connection) -> None:
        database.executemany(
            "INSERT INTO items (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(_bytes(key), _bytes(value)) for key, value in self._recent.items()],
        )
        self._recent.clear()
        self._recent_characters = 0

    @contextlib.contextmanager
    def _locked(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except sqlite3.OperationalError as error:
                raise AutomationError(
                    f"no room for temporary files: {error}; free some space, or name another "
                    "folder in TMPDIR"
                ) from error


# SQLite's texts are UTF-8, which knows no lone surrogates; a log of somebody else's may name them.
def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
