"""Placement policy: keeps batch pods off Fargate."""

from dataclasses import dataclass
from typing import Self

from plimsoll_sdk import Prices, View, config, placement


@placement
@dataclass(frozen=True)
class Policy:
    """The configuration, with its defaults."""

    # Label whose value `batch` marks such pods.
    label: str = "tier"

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def place(self, view: View) -> Prices:
        prices = Prices()
        on_fargate = [offers for offers in view.sets if offers.is_fargate]
        for class_ in view.classes:
            if class_.label(self.label) == "batch":
                for offers in on_fargate:
                    prices.forbid(class_, offers, 1)
        return prices
