//! Annotations by which people and other controllers say something about capacity: their names, and what each value
//! means, parsed as those parse it for whom it was written.
//!
//! A value that means nothing to them means nothing here, and is named, so that explanations can tell. What is done about
//! a meaning is decided elsewhere; labels and taints are in `node`. The whole list, with sources, is
//! `docs/annotations.md`.

use crate::selector::Labels;
use crate::time::Span;
use std::fmt;

/// Karpenter: the pod, or the node, is not disrupted of one's own accord (`true`, or for a Go duration).
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
/// The same in Plimsoll's own name.
pub const OWN_DO_NOT_DISRUPT: &str = "plimsoll.io/do-not-disrupt";
/// Cluster Autoscaler: whether the pod may be evicted (`true`, `false`, `on-completion`).
pub const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// Cluster Autoscaler: local volumes of the pod that may be lost, names joined by commas.
pub const SAFE_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
/// Cluster Autoscaler: how old the pod is before it counts as demand (a Go duration).
pub const SCALE_UP_DELAY: &str = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay";
/// Cluster Autoscaler, on nodes: not removed (`true`).
pub const SCALE_DOWN_DISABLED: &str = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
/// Cluster Autoscaler, Kueue: the pod waits for a ProvisioningRequest; the second name is the deprecated one.
pub const CONSUMES: [&str; 2] = [
    "autoscaling.x-k8s.io/consume-provisioning-request",
    "cluster-autoscaler.kubernetes.io/consume-provisioning-request",
];
/// Kubernetes: which pods a ReplicaSet gives up first: those of lower cost.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Descheduler: the pod is rather not evicted (presence).
pub const PREFER_NO_EVICTION: &str = "descheduler.alpha.kubernetes.io/prefer-no-eviction";
/// Descheduler: an eviction only asks, and somebody else moves the pod (presence).
pub const REQUEST_EVICT_ONLY: &str = "descheduler.alpha.kubernetes.io/request-evict-only";
/// Descheduler: somebody is moving the pod now (presence).
pub const EVICTION_IN_PROGRESS: &str = "descheduler.alpha.kubernetes.io/eviction-in-progress";

/// Characters of a value that is told.
const SHOWN: usize = 64;

/// What do-not-disrupt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// For as long as it is annotated.
    Always,
    /// So long: of a pod from its start, of a node from its creation.
    For(Span),
}

/// `true`, or a Go duration above zero; anything else, `false` and `0s` among it, says nothing (Karpenter,
/// pkg/utils/pod/scheduling.go).
pub fn protection(value: &str) -> Option<Protection> {
    if value == "true" {
        return Some(Protection::Always);
    }
    let span = go_duration(value).filter(|span| *span > Span::ZERO)?;
    Some(Protection::For(span))
}

/// What safe-to-evict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evictable {
    /// `true`.
    Yes,
    /// `false`.
    No,
    /// `on-completion`: its node waits for it to end.
    OnCompletion,
}

/// Exactly these three words; any other text is as if it was not there (Cluster Autoscaler, pkg/utils/drain/drain.go).
pub fn evictable(value: &str) -> Option<Evictable> {
    match value {
        "true" => Some(Evictable::Yes),
        "false" => Some(Evictable::No),
        "on-completion" => Some(Evictable::OnCompletion),
        _ => None,
    }
}

/// An int32 to the base of ten without `+` and without leading zeros (Kubernetes, pkg/apis/core/helper); `None` counts
/// as 0 there.
pub fn deletion_cost(value: &str) -> Option<i32> {
    let first = value.bytes().next()?;
    let plain = first == b'-' || value == "0" || (b'1'..=b'9').contains(&first);
    plain.then(|| value.parse().ok()).flatten()
}

/// A duration as Go's `time.ParseDuration` reads it: `1h30m`, `1.5h`, `-5m`, `0`; a bare `600` is none. Positive ones of
/// less than a millisecond count as one.
pub fn go_duration(value: &str) -> Option<Span> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    if digits == "0" {
        return Some(Span::ZERO);
    }
    let mut rest = digits;
    let mut nanos: i128 = 0;
    loop {
        let (part, after) = part(rest)?;
        nanos = nanos.checked_add(part)?;
        // What Go keeps is an int64.
        if nanos > i128::from(i64::MAX) {
            return None;
        }
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    let millis = i64::try_from(nanos.div_euclid(1_000_000) + i128::from(nanos % 1_000_000 > 0)).ok()?;
    Some(Span::from_millis(if negative { -millis } else { millis }))
}

/// One number with its unit, in nanoseconds, and what follows.
fn part(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = split(text, |c| c.is_ascii_digit());
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split(rest, |c| c.is_ascii_digit()),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (unit, rest) = split(rest, |c| c != '.' && !c.is_ascii_digit());
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits beyond these are worth less than a nanosecond of any unit.
    let fraction: String = fraction.chars().take(18).collect();
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: i128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    Some((
        whole.checked_mul(unit)?.checked_add(fraction * unit / scale)?,
        rest,
    ))
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// An annotation that is read, with a value that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored<'a> {
    /// Which.
    pub key: &'a str,
    /// What it says.
    pub value: &'a str,
    /// What would be read.
    pub reads: &'static str,
}

impl fmt::Display for Ignored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.value.chars().take(SHOWN).collect();
        let more = if shown.len() < self.value.len() { "…" } else { "" };
        write!(
            f,
            "annotation {}: {shown:?}{more} is ignored, {} is read",
            self.key, self.reads
        )
    }
}

/// Annotations of a pod whose values mean nothing.
pub fn ignored_of_pod(annotations: &Labels) -> Vec<Ignored<'_>> {
    let trimmed = |names: &str| {
        names
            .split(',')
            .all(|name| !name.is_empty() && name.trim() == name)
    };
    let known: [Known<'_>; 6] = [
        (
            DO_NOT_DISRUPT,
            &|v| protection(v).is_some(),
            "true or a Go duration above zero",
        ),
        (
            OWN_DO_NOT_DISRUPT,
            &|v| protection(v).is_some(),
            "true or a Go duration above zero",
        ),
        (
            SAFE_TO_EVICT,
            &|v| evictable(v).is_some(),
            "true, false or on-completion",
        ),
        (SAFE_VOLUMES, &trimmed, "names joined by commas without spaces"),
        (
            SCALE_UP_DELAY,
            &|v| go_duration(v).is_some(),
            "a Go duration such as 600s",
        ),
        (
            DELETION_COST,
            &|v| deletion_cost(v).is_some(),
            "a whole number without plus and leading zeros",
        ),
    ];
    of(annotations, &known)
}

/// Annotations of a node whose values mean nothing.
pub fn ignored_of_node(annotations: &Labels) -> Vec<Ignored<'_>> {
    let known: [Known<'_>; 3] = [
        (
            DO_NOT_DISRUPT,
            &|v| protection(v).is_some(),
            "true or a Go duration above zero",
        ),
        (
            OWN_DO_NOT_DISRUPT,
            &|v| protection(v).is_some(),
            "true or a Go duration above zero",
        ),
        (SCALE_DOWN_DISABLED, &|v| v == "true", "true"),
    ];
    of(annotations, &known)
}

type Known<'k> = (&'static str, &'k dyn Fn(&str) -> bool, &'static str);

fn of<'a>(annotations: &'a Labels, known: &[Known<'_>]) -> Vec<Ignored<'a>> {
    let mut ignored = Vec::new();
    for (key, means, reads) in known {
        if let Some((key, value)) = annotations.get_key_value(*key)
            && !means(value)
        {
            ignored.push(Ignored { key, value, reads });
        }
    }
    ignored
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each against Go's own `time.ParseDuration`.
    #[test]
    fn durations_as_go_parses_them() {
        let cases: [(&str, Option<i64>); 33] = [
            ("3m", Some(180_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            (".5s", Some(500)),
            ("1.s", Some(1000)),
            ("+10s", Some(10_000)),
            ("-5m", Some(-300_000)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0s", Some(0)),
            ("1h0m0s", Some(3_600_000)),
            ("1ns", Some(1)),
            ("1500us", Some(2)),
            ("2\u{b5}s", Some(1)),
            ("2\u{3bc}s", Some(1)),
            ("008s", Some(8000)),
            ("2540400h", Some(9_145_440_000_000)),
            ("9000000h", None),
            ("600", None),
            ("+10", None),
            ("008", None),
            ("", None),
            ("-", None),
            ("+-5m", None),
            (".s", None),
            ("1d", None),
            ("1 m", None),
            (" 1m", None),
            ("1m ", None),
            ("1m30", None),
            ("1H", None),
            ("00", None),
            ("true", None),
        ];
        for (text, meant) in cases {
            assert_eq!(go_duration(text).map(Span::millis), meant, "{text:?}");
        }
    }

    #[test]
    fn do_not_disrupt_is_true_or_a_duration() {
        let cases: [(&str, Option<Protection>); 13] = [
            ("true", Some(Protection::Always)),
            ("1.5h", Some(Protection::For(Span::from_secs(5400)))),
            ("3m", Some(Protection::For(Span::from_secs(180)))),
            ("True", None),
            ("true ", None),
            ("yes", None),
            ("false", None),
            ("0s", None),
            ("-5m", None),
            ("600", None),
            ("+10", None),
            ("008", None),
            ("", None),
        ];
        for (text, meant) in cases {
            assert_eq!(protection(text), meant, "{text:?}");
        }
        assert_eq!(protection(&"9".repeat(64 << 10)), None);
    }

    #[test]
    fn deletion_costs_as_replica_sets_read_them() {
        let cases: [(&str, Option<i32>); 14] = [
            ("10", Some(10)),
            ("-10", Some(-10)),
            ("-08", Some(-8)),
            ("0", Some(0)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("+10", None),
            ("008", None),
            ("00", None),
            ("", None),
            ("-", None),
            ("1.5", None),
            (" 1", None),
            ("True", None),
        ];
        for (text, meant) in cases {
            assert_eq!(deletion_cost(text), meant, "{text:?}");
        }
    }

    #[test]
    fn what_is_ignored_is_named_and_cut() {
        let long = "x".repeat(64 << 10);
        let annotations = Labels::from([
            (DO_NOT_DISRUPT.to_owned(), "True".to_owned()),
            (SAFE_TO_EVICT.to_owned(), long),
            (SAFE_VOLUMES.to_owned(), "a, b".to_owned()),
        ]);
        let told: Vec<String> = ignored_of_pod(&annotations)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told[0],
            "annotation karpenter.sh/do-not-disrupt: \"True\" is ignored, true or a Go duration above zero is read"
        );
        assert!(told[1].len() < 200 && told[1].contains("xxx\"…"), "{}", told[1]);
        assert!(told[2].contains("\"a, b\""), "{}", told[2]);
        assert_eq!(ignored_of_node(&annotations).len(), 1);
    }
}
