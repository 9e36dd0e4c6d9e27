"""The five hooks: what a policy for each looks like, and how a policy is registered for it."""

from typing import Any, Protocol, Self, TypeVar

from .answers import Holds, Prices, Replicas, Room, Verdicts
from .config import prepare
from .view import View


class Configurable(Protocol):
    """What policies have in common."""

    @classmethod
    def configure(cls, config_json: str) -> Self:
        """Takes the operator's configuration, a JSON object (see `config`). `Refused` names the mistake."""


class Scaler(Configurable, Protocol):
    """How many replicas does each workload need?"""

    def scale(self, view: View) -> Replicas:
        """Wanted replicas. After `Refused`, the built-in default answers instead."""


class Placement(Configurable, Protocol):
    """What do places cost?"""

    def place(self, view: View) -> Prices:
        """Factors, bans and addends. After `Refused`, the built-in default answers instead."""


class Headroom(Configurable, Protocol):
    """How much room should be kept free?"""

    def reserve(self, view: View) -> Room:
        """Virtual pods. After `Refused`, the built-in default answers instead."""


class Disruption(Configurable, Protocol):
    """Which nodes may be given up, and for how much?"""

    def judge(self, view: View) -> Verdicts:
        """Denials and addends. After `Refused`, nothing new is given up in this cycle."""


class Review(Configurable, Protocol):
    """Which steps of the finished plan wait?"""

    def review(self, view: View) -> Holds:
        """Steps that are not begun in this cycle. After `Refused`, nothing new shrinks in this cycle."""


ScalerType = TypeVar("ScalerType", bound=Scaler)
PlacementType = TypeVar("PlacementType", bound=Placement)
HeadroomType = TypeVar("HeadroomType", bound=Headroom)
DisruptionType = TypeVar("DisruptionType", bound=Disruption)
ReviewType = TypeVar("ReviewType", bound=Review)

# The policy of each hook.
registered: dict[str, type[Any]] = {}


def scaler(policy: type[ScalerType]) -> type[ScalerType]:
    """Registers a class for the hook scaler."""
    return _register("scaler", policy)


def placement(policy: type[PlacementType]) -> type[PlacementType]:
    """Registers a class for the hook placement."""
    return _register("placement", policy)


def headroom(policy: type[HeadroomType]) -> type[HeadroomType]:
    """Registers a class for the hook headroom."""
    return _register("headroom", policy)


def disruption(policy: type[DisruptionType]) -> type[DisruptionType]:
    """Registers a class for the hook disruption."""
    return _register("disruption", policy)


def review(policy: type[ReviewType]) -> type[ReviewType]:
    """Registers a class for the hook review."""
    return _register("review", policy)


Registered = TypeVar("Registered", bound=type[Any])


def _register(hook: str, policy: Registered) -> Registered:
    if hook in registered:
        first = registered[hook].__name__
        raise TypeError(f"two classes are registered for the hook {hook}: {first}, {policy.__name__}")
    prepare(policy)
    registered[hook] = policy
    return policy
