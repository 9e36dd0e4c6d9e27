"""Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first."""

from dataclasses import dataclass, field
from typing import Self

from plimsoll_sdk import Holds, View, config, review

TOO_DEAR = 1


@review
@dataclass(frozen=True)
class Policy:
    """The configuration, with its defaults."""

    # What the steps of one plan may add together, dollars per hour.
    usd_per_hour: float = 10.0
    # Groups and Fargate profiles that do not count.
    except_: list[str] = field(default_factory=list)

    @classmethod
    def configure(cls, config_json: str) -> Self:
        return config(cls, config_json)

    def review(self, view: View) -> Holds:
        holds = Holds()
        taken = 0.0
        for step in view.steps:
            # What nobody knows the price of is not what this policy is about.
            adds = step.adds or 0.0
            if adds <= 0 or step.group in self.except_:
                continue
            if taken + adds > self.usd_per_hour:
                limit = self.usd_per_hour
                holds.hold(step, TOO_DEAR, f"adds {adds:.2f}, {taken:.2f} of {limit:.2f} are taken")
            else:
                taken += adds
        return holds
