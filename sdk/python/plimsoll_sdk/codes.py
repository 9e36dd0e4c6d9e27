"""What stands behind the numbers of some columns.

Later versions of the contract may show numbers that have no name here: OTHER stands for them.
"""

import enum


class _Code(enum.IntEnum):
    @classmethod
    def _missing_(cls, value: object) -> "_Code":
        return cls["OTHER"]


class GroupKind(_Code):
    """Kinds of groups. Treat OTHER as EC2."""

    OTHER = -1
    ASG = 1
    MANAGED_NODE_GROUP = 2
    KOPS = 3
    FLEET = 4
    FARGATE = 5
    ECS = 6
    KWOK = 7
    SIMULATED = 8


# For comparisons with a raw column.
FARGATE = int(GroupKind.FARGATE)


class Purchase(_Code):
    """How instances are paid."""

    OTHER = -1
    SEVERAL_WAYS = 0
    ON_DEMAND = 1
    SPOT = 2
    RESERVED = 3


class Due(_Code):
    """Why another node should take a candidate's place."""

    OTHER = -1
    NO = 0
    EXPIRED = 1
    DRIFTED = 2


class Confidence(_Code):
    """How far a price can be trusted; FROM_PROVIDER is from the operator's file, too."""

    OTHER = -1
    FROM_PROVIDER = 1
    BUILT_IN = 2
    ESTIMATED = 3
    NOBODY_KNOWS = 4


class Phase(_Code):
    """How far a pod has come."""

    OTHER = -1
    PENDING = 0
    RUNNING = 1
    TERMINATING = 2
    FINISHED = 3


class NodeState(enum.IntFlag):
    """What a node is up to, several things at a time: `NodeState.READY in node.state`."""

    READY = 1
    CORDONED = 2
    BEING_DELETED = 4
    FARGATE_NODE = 8
    KEPT = 16
    DRAINING = 32
    LEAVING = 64
