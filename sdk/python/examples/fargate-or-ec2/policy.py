"""Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.

EC2 is bought in nodes and paid for whether used or not: a pod really costs its share of a node divided by how full
nodes get. Below a utilisation of (EC2 price ÷ Fargate price) Fargate is cheaper for what comes and goes. What stays,
stays on EC2. Says nothing about pods that only one of the two can run.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Annotated, Self

from plimsoll_sdk import U32, Between, Prices, Refused, View, config, placement

CHEAPER_ON_FARGATE = 1
STAYS_ON_EC2 = 2
LABELLED_FOR_EC2 = 3


@placement
@dataclass(frozen=True)
class FargateOrEc2:
    """The configuration, with its defaults."""

    # Kinds of owners whose pods come and go.
    job_kinds: list[str] = field(default_factory=lambda: ["Job"])
    # From this many pods without a place in one class on, they are a burst; 0: never.
    burst_pods: U32 = 20
    # Utilisation to reckon with while there are no EC2 nodes to measure.
    assumed_utilisation_percent: Annotated[float, Between(1, 100)] = 65.0
    # Whether everything else is kept off Fargate, or left to the price.
    others_stay_on_ec2: bool = True
    # `key=value` of pods that never go to Fargate; empty: none.
    ec2_label: str = ""

    @classmethod
    def configure(cls, config_json: str) -> Self:
        policy = config(cls, config_json)
        key, equals, _ = policy.ec2_label.partition("=")
        if policy.ec2_label and not (key and equals):
            raise Refused("ec2_label must be key=value")
        return policy

    def place(self, view: View) -> Prices:
        utilisation = self.utilisation(view)
        on_fargate = [offers.row for offers in view.sets if offers.is_fargate]
        times = len(on_fargate)
        jobs = {view.sym(kind) for kind in self.job_kinds}
        key, _, value = self.ec2_label.partition("=")
        labels: Iterable[int] = view.class_label(key) if key else repeat(0)
        labelled = view.sym(value) if key else None
        # Whole columns, and texts compared as numbers: it counts where there are thousands of classes.
        columns = zip(
            view.class_ec2_price,
            view.class_fargate_price,
            view.class_owner_kind,
            view.class_pending,
            view.class_to_come,
            labels,
        )
        prices = Prices()
        for row, (ec2, fargate, kind, pending, to_come, label) in enumerate(columns):
            if ec2 < 0 or fargate < 0:
                continue
            passing = kind in jobs or 0 < self.burst_pods <= pending + to_come
            if label == labelled:
                code = LABELLED_FOR_EC2
            elif not passing:
                if not self.others_stay_on_ec2:
                    continue
                code = STAYS_ON_EC2
            else:
                # Nothing is divided by a price of 0: whatever costs something is dearer.
                if utilisation < ec2 / fargate if fargate else ec2 > 0:
                    # Priced a hair below a node used to the full: wins against any node that would be bought.
                    prices.add_classes += [row] * times
                    prices.add_sets += on_fargate
                    prices.add_usd += [ec2 * 0.999 - fargate] * times
                    prices.add_codes += [CHEAPER_ON_FARGATE] * times
                continue
            prices.ban_classes += [row] * times
            prices.ban_sets += on_fargate
            prices.ban_codes += [code] * times
        return prices

    def utilisation(self, view: View) -> float:
        """The share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes.

        Nodes and shares are the group's: of a group with several sets (a fleet) the first one tells them.
        """
        counted = set()
        nodes = used = 0.0
        for offers in view.sets:
            if offers.is_fargate or offers.group in counted:
                continue
            counted.add(offers.group)
            share = max(offers.cpu_requested, offers.memory_requested) / 1000
            nodes += offers.nodes
            used += offers.nodes * share
        return used / nodes if nodes > 0 else self.assumed_utilisation_percent / 100
