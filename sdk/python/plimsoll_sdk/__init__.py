"""What the author of a Plimsoll policy in Python imports. See README.md for a complete policy.

A policy is a class with two methods: one takes the operator's configuration, one answers the question of its hook. A
decorator registers it. It has no clock, no randomness and no memory: `View.now_ms`, `View.seed` and `View.state` are
the only ones.
"""

from .answers import Holds, Prices, Replicas, Room, Verdicts
from .cluster import Group, Metric, Node, Offer, Pod
from .codes import Confidence, Due, GroupKind, NodeState, Phase, Purchase
from .config import U32, Between, Refused, config
from .hooks import Disruption, Headroom, Placement, Review, Scaler, disruption, headroom, placement, review, scaler
from .rows import Candidate, Class, Mover, Sample, Set, Step, Workload
from .say import Level, explain, keep, log
from .table import ABSENT, Rows
from .view import View

__all__ = [
    "ABSENT", "U32", "Between", "Candidate", "Class", "Confidence", "Disruption", "Due", "Group", "GroupKind",
    "Headroom", "Holds", "Level", "Metric", "Mover", "Node", "NodeState", "Offer", "Phase", "Placement", "Pod",
    "Prices", "Purchase", "Refused", "Replicas", "Review", "Room", "Rows", "Sample", "Scaler", "Set", "Step",
    "Verdicts", "View", "Workload", "config", "disruption", "explain", "headroom", "keep", "log", "placement",
    "review", "scaler",
]
