"""What the rows of all tables have in common."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from .view import View

# Stands in a raw column of whole numbers for what is not known; in one of prices and amounts -1 does.
ABSENT = 0xFFFF_FFFF


class Row:
    """A row of a table: its number, and the view that it is of."""

    __slots__ = ("_view", "row")

    def __init__(self, view: "View", row: int) -> None:
        self._view = view
        self.row = row


R = TypeVar("R", bound=Row)


class Rows(Sequence[R]):
    """Rows of a table, made when they are looked at."""

    def __init__(self, kind: type[R], view: "View", numbers: range) -> None:
        self._kind = kind
        self._view = view
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[R]:
        kind, view = self._kind, self._view
        return (kind(view, row) for row in self._numbers)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows[R]": ...
    def __getitem__(self, index: int | slice) -> "R | Rows[R]":
        if isinstance(index, slice):
            return Rows(self._kind, self._view, self._numbers[index])
        return self._kind(self._view, self._numbers[index])


def run(column: list[int], number: int) -> range:
    """Where a number stands in a column that never falls from row to row."""
    return range(bisect_left(column, number), bisect_right(column, number))


def known(value: int) -> int | None:
    """A whole number, unless it is ABSENT."""
    return None if value == ABSENT else value


def perhaps(value: float) -> float | None:
    """A price or an amount, unless it is -1."""
    return None if value < 0 else value
