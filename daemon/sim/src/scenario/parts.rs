//! Parts of a scenario: groups, pods, workloads, jobs and the curves that drive them.

use model::group::{FargateSelector, GroupKind, GroupOptions};
use model::pod::Taint;
use model::selector::{LabelSelector, Labels};
use model::time::Lag;
use model::{GroupName, Instant, PodSpec, Span};

/// A group of the simulated cloud.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Name.
    pub name: GroupName,
    /// Kind; `FargateProfile` sells pods, every other kind sells nodes.
    pub kind: GroupKind,
    /// Fewest nodes.
    pub min: u32,
    /// Most nodes.
    pub max: u32,
    /// Nodes at the start.
    pub initial: u32,
    /// Labels of its nodes.
    pub labels: Labels,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// Fargate profiles: what the profile selects.
    pub selects: Vec<FargateSelect>,
    /// What its tags say of how it is scaled.
    pub options: GroupOptions,
}

/// One selector of a Fargate profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FargateSelect {
    /// Namespace; `*` and `?` are wildcards.
    pub namespace: String,
    /// Labels a pod must carry.
    pub labels: Labels,
}

/// What all pods of one owner share.
#[derive(Clone, Debug)]
pub struct PodPlan {
    /// Spec, its owner set.
    pub spec: PodSpec,
    /// From bound to Ready.
    pub start: Lag,
    /// From eviction or deletion to gone.
    pub grace: Lag,
}

/// A DaemonSet: one pod on every node that its spec allows.
#[derive(Clone, Debug)]
pub struct DaemonPlan {
    /// Its pods.
    pub pod: PodPlan,
    /// Name.
    pub name: String,
}

/// A Deployment.
#[derive(Clone, Debug)]
pub struct WorkloadPlan {
    /// Name.
    pub name: String,
    /// Its pods.
    pub pod: PodPlan,
    /// Replicas at the start.
    pub replicas: u32,
    /// Replicas from these times on (after the start), as somebody else sets them; sorted by time.
    pub sizes: Vec<(Span, u32)>,
    /// CPU load that its ready pods share; `None`: an even 60 % of the request.
    pub load: Option<Load>,
    /// Its disruption budget.
    pub budget: Option<Budget>,
    /// Name of an HPA that owns the replicas, for scenarios about ownership.
    pub hpa: Option<String>,
    /// Annotations of the workload itself.
    pub annotations: Labels,
    /// Figures about it beyond what is measured of its pods, as an application metric has them.
    pub metrics: Vec<Figure>,
}

/// An application metric over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Name, as aims and policies know it.
    pub name: String,
    /// Its values, in thousandths of its unit.
    pub curve: Curve,
}

/// CPU load of a workload over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Shape over the day.
    pub curve: Curve,
    /// Even noise around the curve, in thousandths of it.
    pub noise_permille: u32,
    /// A pod uses at most this much CPU, in thousandths of its request.
    pub burst_permille: i64,
}

/// A figure over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Always the same.
    Even(i64),
    /// Low at twelve hours from the peak, high at the peak, smooth between, every day alike.
    Diurnal {
        /// Lowest value.
        low: i64,
        /// Highest value.
        high: i64,
        /// Time of day of the highest value.
        peak: Span,
    },
    /// Straight lines between points (time since the start, value); flat before the first and after the last.
    Points(Vec<(Span, i64)>),
}

/// Which of the nodes that hold a pod the stand-in scheduler prefers (plugin NodeResourcesFit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scoring {
    /// The emptiest, as kube-scheduler comes.
    #[default]
    LeastAllocated,
    /// The fullest, as profiles for utilisation set it.
    MostAllocated,
}

/// A disruption budget over the pods of one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many must stay available.
    MinAvailable(Amount),
    /// So many may be unavailable.
    MaxUnavailable(Amount),
}

/// A count, or a share of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A number of pods.
    Count(u32),
    /// Percent of the wanted replicas, rounded up (as the disruption controller does).
    Percent(u32),
}

/// Jobs that arrive.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// A burst of pods again and again.
    Burst {
        /// The job.
        job: JobPlan,
        /// First burst, after the start.
        first: Span,
        /// Time between bursts; `None`: only one.
        every: Option<Span>,
        /// A burst comes up to this much later.
        jitter: Span,
    },
    /// Rows of a trace.
    Trace {
        /// Base name; each row becomes `<name>-<row>`.
        name: String,
        /// What the pods have in common; requests come from the rows.
        pod: PodPlan,
        /// Rows by time.
        rows: Vec<TraceRow>,
    },
}

/// One Job: all its pods run at once, each for its own time.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// Base name; each burst becomes `<name>-<number>`.
    pub name: String,
    /// Its pods.
    pub pod: PodPlan,
    /// Fewest and most pods of a burst.
    pub pods: (u32, u32),
    /// How long a pod runs once started.
    pub runs: Lag,
}

/// One row of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// After the start.
    pub at: Span,
    /// Pods.
    pub pods: u32,
    /// Millicores of one pod.
    pub cpu_milli: i64,
    /// Bytes of one pod.
    pub memory_bytes: i64,
    /// How long a pod runs once started.
    pub runs: Span,
}

impl GroupPlan {
    /// What a profile selects, as the Snapshot shows it.
    pub fn selectors(&self) -> Vec<FargateSelector> {
        let selector = |select: &FargateSelect| FargateSelector {
            namespace: select.namespace.clone(),
            labels: LabelSelector::equal(&select.labels),
        };
        self.selects.iter().map(selector).collect()
    }
}

impl Amount {
    /// Pods out of `of`.
    pub fn of(self, of: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let up = (u64::from(of) * u64::from(percent)).div_ceil(100);
                u32::try_from(up).unwrap_or(u32::MAX)
            }
        }
    }
}

impl Curve {
    /// Its value at `at`, in a world that began at `start`.
    pub fn value(&self, start: Instant, at: Instant) -> i64 {
        match self {
            Self::Even(value) => *value,
            Self::Diurnal { low, high, peak } => {
                let day = Span::from_secs(86_400).millis();
                let phase = (at.0 - peak.millis()).rem_euclid(day);
                // 0 at the peak, 1 half a day away; smoothstep instead of a cosine keeps platforms alike.
                let away = phase.min(day - phase) * 2_000_000 / day;
                let near = 1_000_000 - away.clamp(0, 1_000_000);
                let smooth = near * near / 1_000_000 * (3_000_000 - 2 * near) / 1_000_000;
                low + between(high - low, smooth, 1_000_000)
            }
            Self::Points(points) => on_line(points, at.since(start)),
        }
    }
}

fn on_line(points: &[(Span, i64)], at: Span) -> i64 {
    let mut before: Option<(Span, i64)> = None;
    for &(when, value) in points {
        if when >= at {
            return before.map_or(value, |(from, low)| {
                let width = when.millis() - from.millis();
                low + between(value - low, at.millis() - from.millis(), width.max(1))
            });
        }
        before = Some((when, value));
    }
    before.map_or(0, |(_, value)| value)
}

/// `whole × part ÷ of` without overflow.
fn between(whole: i64, part: i64, of: i64) -> i64 {
    let share = i128::from(whole) * i128::from(part) / i128::from(of.max(1));
    i64::try_from(share).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diurnal_curve_peaks_once_a_day() {
        let curve = Curve::Diurnal {
            low: 100,
            high: 900,
            peak: Span::from_secs(14 * 3600),
        };
        let at = |hour: i64| curve.value(Instant(0), Instant(hour * 3_600_000));
        assert_eq!((at(14), at(2), at(26), at(38)), (900, 100, 100, 900));
        assert!(at(8) > 400 && at(8) < 600, "half way: {}", at(8));
        let day: Vec<i64> = (2..14).map(at).collect();
        assert!(day.windows(2).all(|pair| pair[0] <= pair[1]), "{day:?}");
    }

    #[test]
    fn points_are_joined_by_lines() {
        let curve = Curve::Points(vec![(Span::from_secs(10), 5), (Span::from_secs(20), 25)]);
        let at = |seconds: i64| curve.value(Instant(1_000), Instant(1_000 + seconds * 1000));
        assert_eq!((at(0), at(10), at(15), at(20), at(99)), (5, 5, 15, 25, 25));
    }

    #[test]
    fn shares_round_up() {
        assert_eq!(Amount::Percent(10).of(11), 2);
        assert_eq!(Amount::Percent(0).of(11), 0);
        assert_eq!(Amount::Count(3).of(11), 3);
    }
}
