"""What a policy may say beside its answer."""

import enum
from collections.abc import Callable

from wit_world.imports import host  # Generated for each component; see the README.


class Level(enum.IntEnum):
    """How much a log line matters: to authors, to operators, that something is odd, that something is wrong."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


def log(level: Level, message: str) -> None:
    """Writes a line into the record of the cycle."""
    host.log(level, message)


# Puts words beside a reason code, for people to read: `explain(row, code, text)`. About a workload, a class, a
# candidate, a step, or a position in the answer of a headroom policy. The last words about a row count. The host's own
# function: one more call around it would be felt where there are thousands of rows.
explain: Callable[[int, int, str], None] = host.explain


def keep(state: bytes) -> None:
    """Keeps bytes, at most 65536, for the next cycle, in which `View.state` gives them back at the same hook.

    The last call counts; without one, what was kept stays as it is, and empty bytes forget it.
    """
    host.keep(state)
