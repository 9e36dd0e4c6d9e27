"""Guest of the bench: reads three `u32` columns and answers one row for each class. The same as ../src/lib.rs."""

from dataclasses import dataclass
from operator import add
from typing import Self

from plimsoll_sdk import Prices, View, config, placement


@placement
@dataclass(frozen=True)
class Columns:
    """Has no configuration."""

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def place(self, view: View) -> Prices:
        prices = Prices()
        if not view.sets:
            return prices
        sums = map(add, map(add, view.class_cpu, view.class_memory), view.class_pending)
        prices.forbid_every(view.sets[0], [figure & 1 for figure in sums])
        return prices
