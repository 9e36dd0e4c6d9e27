//! What goes wrong in a pretend account, and when.
//!
//! States hold for a while, blows strike once. Not here: what they do (`account`, `facade`).

use model::Span;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// After the beginning.
    pub at: Span,
    /// How long; zero for single blows.
    pub lasts: Span,
    /// What.
    pub kind: FaultKind,
}

/// Kinds of faults. Calls are named as IAM does (`autoscaling:SetDesiredCapacity`), `*` ends a pattern; an empty
/// list is all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Launches meet `InsufficientInstanceCapacity`; empty lists are all.
    NoCapacity {
        /// Instance types.
        types: Vec<String>,
        /// Names of zones.
        zones: Vec<String>,
        /// Only spot (true), only on-demand (false), or both.
        spot: Option<bool>,
        /// So many in all still come.
        but: u32,
    },
    /// Instances launched meanwhile run and never join.
    NeverJoins {
        /// Share of them, in thousandths.
        permille: u32,
    },
    /// Calls are answered with an error; nothing happens.
    Errors {
        /// Which.
        calls: Vec<String>,
        /// Share of them, in thousandths.
        permille: u32,
        /// What comes back.
        error: ErrorKind,
    },
    /// Calls take effect and are answered with HTTP 500.
    AnswerLost {
        /// Which.
        calls: Vec<String>,
        /// Share of them, in thousandths.
        permille: u32,
    },
    /// Reads are answered with the last answer that the same request got, if it is no older than this.
    Stale {
        /// Which.
        calls: Vec<String>,
        /// How old at most.
        by: Span,
    },
    /// Answers lack a field, or say something else in it.
    Mangled {
        /// Which.
        calls: Vec<String>,
        /// Name of the field on the wire, wherever it stands.
        field: String,
        /// What it says instead; nothing: it is missing.
        value: Option<String>,
    },
    /// A blow: spot instances get their notice and are taken back two minutes later.
    Interruption {
        /// Share of the running spot instances, in thousandths; at least one.
        permille: u32,
    },
    /// A blow: spot instances are recommended to be replaced.
    Rebalance {
        /// Share of the running spot instances, in thousandths; at least one.
        permille: u32,
    },
    /// A blow: instances fail their health check.
    Unhealthy {
        /// How many.
        count: u32,
    },
}

/// What an errored call is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// As the service throttles.
    Throttled,
    /// HTTP 500.
    Internal,
    /// As the service denies.
    Denied,
    /// Credentials that have expired.
    Expired,
    /// An answer that is not one: cut in the middle.
    Torn,
    /// An answer of ten megabytes of nothing.
    Bloated,
    /// Accepted, and never answered.
    Hang,
}

impl Fault {
    /// Whether it is in force so long after the beginning.
    pub fn holds(&self, since: Span) -> bool {
        self.at <= since && since < self.at + self.lasts
    }
}

/// Whether a call is one of the named.
pub fn names(calls: &[String], call: &str) -> bool {
    let is = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) => call.starts_with(prefix),
        None => pattern == call,
    };
    calls.is_empty() || calls.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_by_patterns() {
        let all = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        assert!(names(&[], "ec2:RunInstances"));
        assert!(names(&all(&["ec2:*"]), "ec2:RunInstances"));
        assert!(!names(&all(&["ec2:Run"]), "ec2:RunInstances"));
        assert!(!names(&all(&["eks:*", "ec2:CreateFleet"]), "ec2:RunInstances"));
    }
}
