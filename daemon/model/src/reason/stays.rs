//! Why a node stays, and which rule holds a pod where it is that would have to move off it.
//!
//! Not here: what is said of a pod itself (`pod_stays`).

use super::{PodStays, Tie};
use crate::advice::Coded;
use crate::counted::Counted;
use crate::disruption::{Cause, Closed};
use crate::group::options::Share;
use crate::ids::{PodKey, PolicyName};
use crate::money::UsdPerHour;
use crate::pod::Unmodelled;
use crate::repair::Doubt;
use crate::selector::LabelSelector;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a node stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stays {
    /// Its pods do not fit elsewhere.
    PodsDoNotFit {
        /// The first that does not.
        pod: PodKey,
    },
    /// There is room for its pods elsewhere, and a rule of kube-scheduler's keeps one of them off it.
    PodHeld {
        /// The first that is.
        pod: PodKey,
        /// The rule.
        by: Holds,
    },
    /// A pod must not be moved.
    PodMustStay {
        /// Which.
        pod: PodKey,
        /// Why.
        why: PodStays,
    },
    /// Annotated do-not-disrupt.
    DoNotDisrupt,
    /// Annotated do-not-disrupt for some time, which ends then.
    ProtectedUntil(Instant),
    /// Annotated `cluster-autoscaler.kubernetes.io/scale-down-disabled: "true"`.
    ScaleDownDisabled,
    /// Somebody else is removing it.
    RemovedByOthers {
        /// Who, as far as the mark tells.
        who: String,
        /// The taint or label that tells.
        mark: String,
    },
    /// It takes no pods because it is not Ready.
    NotReady {
        /// Since when, where its condition tells.
        since: Option<Instant>,
    },
    /// It has not been Ready for long, and is not given up.
    NotGivenUp {
        /// Since when.
        since: Instant,
        /// Why.
        doubt: Doubt,
    },
    /// It has stopped working, and nothing like it can be bought now; its group can do without none.
    NotReplaceable {
        /// Since when.
        since: Instant,
    },
    /// Its group belongs to somebody else.
    BelongsTo {
        /// To whom.
        who: String,
    },
    /// Nobody knows what it costs, nor what it is.
    NoPrice,
    /// Nobody knows what its type costs, nor what any like it does.
    NoPriceOf {
        /// `m9z.large`.
        instance_type: String,
    },
    /// A budget allows no eviction.
    DisruptionBudget {
        /// `ns/name`.
        budget: String,
    },
    /// A budget of the aims stands in the way.
    NodeBudget(Closed),
    /// It has expired or drifted, and nothing like it can be bought now.
    NotRenewable {
        /// Why it should go.
        cause: Cause,
    },
    /// It has drifted, and the first node made as the group would make it today has not settled yet.
    AwaitsCanary {
        /// What the group makes nodes with.
        wanted: String,
    },
    /// It has drifted, and the first node made as the group would make it today did not become Ready: the group is
    /// left as it is until it makes nodes otherwise.
    CanaryFailed {
        /// What the group makes nodes with.
        wanted: String,
        /// When it was given up.
        at: Instant,
    },
    /// Younger than the aims' `min_age`.
    TooYoung,
    /// Pods of nodes that go first are to move onto it.
    PodsExpected,
    /// It could go, and others go first.
    AwaitsRemovals {
        /// Nodes on their way out, those of this plan included.
        begun: u32,
    },
    /// Unneeded, but not long enough.
    NotUnneededLongEnough {
        /// For how long so far.
        since: Span,
    },
    /// It is used to as much as a tag of its group says that nodes stay at.
    Used {
        /// The part that pods ask for, in millionths.
        used: u32,
        /// What the tag says.
        threshold: u32,
    },
    /// Its group is at its minimum.
    GroupAtMinimum,
    /// It has no group that can shrink.
    NoGroup,
    /// Moving its pods costs more than it saves.
    NotWorthIt,
    /// The daemon runs on it.
    OwnNode,
    /// Somebody else is replacing the nodes of its group now.
    Rolling,
    /// Pods of its group were moved lately for removals that were given up.
    MovedInVain {
        /// How often in a row.
        failures: u32,
        /// No node with pods is given up in the group before.
        until: Instant,
    },
    /// A policy of the hook `disruption` says so.
    Denied {
        /// Which; the first of those that do.
        policy: PolicyName,
        /// Its reason code.
        code: u16,
        /// Its words.
        text: String,
    },
    /// Moving its pods counts more than giving it up would bring.
    CostsMore {
        /// Its price.
        price: UsdPerHour,
        /// What of it no pod on it pays for, at today's prices; none where its pods have no price.
        wastes: Option<UsdPerHour>,
        /// Pods that would have to move.
        moves: u32,
        /// What these evictions count.
        counts: UsdPerHour,
        /// What policies want it to bring beyond that; negative makes it easier.
        #[serde(default)]
        addend: UsdPerHour,
    },
}

/// The rule that lets a pod that would have to move onto no node with room for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// `topologySpreadConstraints` with `DoNotSchedule`.
    Spread {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it counts.
        of: LabelSelector,
        /// Its `maxSkew`.
        skew: u32,
    },
    /// Required pod affinity.
    Affinity {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it must be with.
        with: LabelSelector,
    },
    /// Required pod anti-affinity, its own.
    AntiAffinity {
        /// Its `topologyKey`.
        key: String,
        /// Pods that it must be apart from.
        from: LabelSelector,
    },
    /// Required pod anti-affinity of pods that are there.
    Unwanted {
        /// Its `topologyKey`.
        key: String,
    },
    /// A port of the host.
    HostPort {
        /// Its number.
        port: u16,
        /// Its protocol.
        protocol: String,
    },
    /// A claim for one pod alone (`ReadWriteOncePod`) that another pod has.
    Claim {
        /// Its name.
        claim: String,
    },
    /// A constraint that is not modelled.
    Unmodelled(Unmodelled),
    /// The same of a rule about pods near each other.
    NotModelled(Tie),
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spread { key, of, skew } => write!(
                f,
                "topology spread over {key} with {of}: maxSkew {skew} allows it no other node with room"
            ),
            Self::Affinity { key, with } => {
                write!(
                    f,
                    "pod affinity over {key} with {with}: no node with room is near such a pod"
                )
            }
            Self::AntiAffinity { key, from } => {
                write!(
                    f,
                    "pod anti-affinity over {key} with {from}: every node with room is near such a pod"
                )
            }
            Self::Unwanted { key } => {
                write!(
                    f,
                    "pod anti-affinity of other pods over {key}: they are near every node with room"
                )
            }
            Self::HostPort { port, protocol } => {
                write!(
                    f,
                    "host port {port}/{protocol}: it is taken on every node with room"
                )
            }
            Self::Claim { claim } => write!(
                f,
                "volume claim {claim}: it is for one pod alone, and another has it"
            ),
            Self::Unmodelled(what) => f.write_str(what.words()),
            Self::NotModelled(tie) => write!(f, "{tie} is not modelled"),
        }
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodsDoNotFit { pod } => write!(f, "pod {pod} fits nowhere else"),
            Self::PodHeld { pod, by } => write!(f, "pod {pod} cannot move: {by}"),
            Self::PodMustStay { pod, why } => write!(f, "pod {pod} must not be moved ({why})"),
            Self::DoNotDisrupt => f.write_str("annotated do-not-disrupt"),
            Self::ProtectedUntil(until) => write!(f, "annotated do-not-disrupt until {until}"),
            Self::ScaleDownDisabled => f.write_str("annotated scale-down-disabled"),
            Self::RemovedByOthers { who, mark } => write!(f, "{who} is removing it ({mark})"),
            Self::NotReady { since } => not_ready(f, *since),
            Self::NotGivenUp { since, doubt } => {
                write!(f, "not Ready since {since}, and not given up: {doubt}")
            }
            Self::NotReplaceable { since } => write!(
                f,
                "not Ready since {since}: its group is at its minimum, and nothing like it can be bought now"
            ),
            Self::BelongsTo { who } => write!(f, "belongs to {who}"),
            Self::NoPrice => f.write_str("nobody knows what it costs: it does not tell its instance type"),
            Self::NoPriceOf { instance_type } => write!(
                f,
                "no price is known for {instance_type}: add it to the offers file"
            ),
            Self::DisruptionBudget { budget } => write!(f, "budget {budget} allows no eviction now"),
            Self::NodeBudget(closed) => write!(f, "{closed}"),
            Self::NotRenewable { cause } => {
                write!(f, "it has {cause}, and nothing like it can be bought now")
            }
            Self::AwaitsCanary { wanted } => {
                write!(
                    f,
                    "it has drifted, and the first node made with {wanted} has not settled yet"
                )
            }
            Self::CanaryFailed { wanted, at } => write!(
                f,
                "it has drifted, and the first node made with {wanted} did not become Ready until {at}: no other is replaced for it"
            ),
            Self::TooYoung => f.write_str("too young"),
            Self::PodsExpected => f.write_str("pods of nodes that go first move onto it"),
            Self::AwaitsRemovals { begun } => awaits_removals(f, *begun),
            Self::NotUnneededLongEnough { since } => write!(f, "unneeded for {since} only"),
            Self::Used { used, threshold } => write!(
                f,
                "its pods ask for {} of it, and a tag of its group keeps nodes used to {}",
                Share(*used),
                Share(*threshold)
            ),
            Self::GroupAtMinimum => f.write_str("its group is at its minimum"),
            Self::NoGroup => f.write_str("it belongs to no group that can shrink"),
            Self::NotWorthIt => f.write_str("moving its pods costs more than it saves"),
            Self::OwnNode => f.write_str("the daemon itself runs on it"),
            Self::Rolling => f.write_str("somebody else is replacing the nodes of its group"),
            Self::MovedInVain { failures, until } => write!(
                f,
                "pods of its group were moved in vain {} in a row: none are before {until}",
                Counted(*failures, "time")
            ),
            Self::Denied { policy, code, text } => {
                write!(f, "policy {policy} keeps it{}", Coded(*code, text))
            }
            Self::CostsMore {
                price,
                wastes,
                moves,
                counts,
                addend,
            } => write!(
                f,
                "it costs {price}{}; moving its {} counts {counts}{}, more than is gained",
                wasted(*wastes),
                Counted(*moves, "pod"),
                wanted_beyond(*addend)
            ),
        }
    }
}

fn not_ready(f: &mut fmt::Formatter<'_>, since: Option<Instant>) -> fmt::Result {
    f.write_str("not Ready")?;
    since.map_or(Ok(()), |since| write!(f, " since {since}"))
}

fn awaits_removals(f: &mut fmt::Formatter<'_>, begun: u32) -> fmt::Result {
    // A policy that fails, or `parallel: 0` in the aims.
    if begun == 0 {
        return f.write_str("it could go, and no removal is begun now");
    }
    write!(
        f,
        "it could go, and others go first: {} now",
        Counted(begun, "node")
    )
}

/// What of a node's price nothing on it pays for, where that is known.
fn wasted(wastes: Option<UsdPerHour>) -> impl fmt::Display {
    fmt::from_fn(move |f| wastes.map_or(Ok(()), |wastes| write!(f, " and wastes {wastes} of that")))
}

/// What policies want giving it up to bring beyond what its evictions count.
fn wanted_beyond(addend: UsdPerHour) -> impl fmt::Display {
    fmt::from_fn(move |f| match addend {
        UsdPerHour::ZERO => Ok(()),
        addend => write!(f, " and policies want {addend} beyond that"),
    })
}
