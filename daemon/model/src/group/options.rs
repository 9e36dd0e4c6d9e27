//! What an operator says of one group by the Cluster Autoscaler's tags
//! (`k8s.io/cluster-autoscaler/node-template/autoscaling-options/<key>`): how long its nodes must have been unneeded, how
//! full they may be, how long they may take to come.
//!
//! Keys are lower case and exact, values are parsed as Go does there (`strconv`, `time.ParseDuration`); one that means
//! nothing leaves the aims' own value in force and is named, so that explanations can tell. Sources: kubernetes/autoscaler
//! `cloudprovider/aws/aws_manager.go` (`GetAsgOptions`), kubernetes-sigs/cluster-autoscaler `pkg/config/const.go`. Not
//! here: whose tags win (`observe`), what is done about it (`decide`, `guard`).

use crate::aims::Aims;
use crate::annotations::go_duration;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What the tags' keys begin with.
pub const PREFIX: &str = "k8s.io/cluster-autoscaler/node-template/autoscaling-options/";

const THRESHOLD: &str = "scaledownutilizationthreshold";
const GPU_THRESHOLD: &str = "scaledowngpuutilizationthreshold";
const UNNEEDED: &str = "scaledownunneededtime";
const UNREADY: &str = "scaledownunreadytime";
const DAEMON_SETS: &str = "ignoredaemonsetsutilization";
const PROVISION: &str = "maxnodeprovisiontime";
const STARTUP: &str = "maxnodestartuptime";

/// All keys, as they stand behind [`PREFIX`].
pub const KEYS: [&str; 7] = [
    THRESHOLD,
    GPU_THRESHOLD,
    UNNEEDED,
    UNREADY,
    DAEMON_SETS,
    PROVISION,
    STARTUP,
];

/// Characters of a value that are kept; one that means something is shorter.
const LONGEST: usize = 64;
/// Tags that mean nothing and are kept: a group has 50 of all kinds at most.
const MOST_IGNORED: usize = 50;

/// See the module. What is `None` is as the aims have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOptions {
    /// A node that is used to this part or more stays, in millionths: of its CPU or its memory, whichever is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// The same of its GPUs, where it has any: these alone count then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_threshold: Option<u32>,
    /// Pods of DaemonSets count neither as used nor as there to use; not said: they count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignores_daemon_sets: Option<bool>,
    /// A node must have been unneeded this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unneeded_for: Option<Span>,
    /// One that is not Ready: this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unready_for: Option<Span>,
    /// An instance may take this long to become a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision_time: Option<Span>,
    /// A node may take this long to become Ready and usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_time: Option<Span>,
    /// Tags that mean nothing, by key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<IgnoredTag>,
}

/// A tag whose key or value means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredTag {
    /// The key behind [`PREFIX`].
    pub key: String,
    /// The value, cut where it is long.
    pub value: String,
}

/// A group of which nothing is said.
pub static NOTHING_SAID: GroupOptions = GroupOptions {
    threshold: None,
    gpu_threshold: None,
    ignores_daemon_sets: None,
    unneeded_for: None,
    unready_for: None,
    provision_time: None,
    startup_time: None,
    ignored: Vec::new(),
};

impl GroupOptions {
    /// What these tags say; those with other keys are nobody's here. Of two with one key the later counts.
    pub fn of_tags<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let told = tags
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)));
        let told: BTreeMap<&str, &str> = told.collect();
        let mut options = Self::default();
        for (key, value) in told {
            if options.take(key, value).is_none() && options.ignored.len() < MOST_IGNORED {
                options.ignored.push(IgnoredTag {
                    key: cut(key),
                    value: cut(value),
                });
            }
        }
        options
    }

    fn take(&mut self, key: &str, value: &str) -> Option<()> {
        let patience = || go_duration(value).map(|span| span.max(Span::ZERO));
        // A node that may take no time at all would be given up as it comes.
        let time = || go_duration(value).filter(|span| *span > Span::ZERO);
        match key {
            THRESHOLD => self.threshold = Some(millionths(value)?),
            GPU_THRESHOLD => self.gpu_threshold = Some(millionths(value)?),
            UNNEEDED => self.unneeded_for = Some(patience()?),
            UNREADY => self.unready_for = Some(patience()?),
            DAEMON_SETS => self.ignores_daemon_sets = Some(go_bool(value)?),
            PROVISION => self.provision_time = Some(time()?),
            STARTUP => self.startup_time = Some(time()?),
            _ => return None,
        }
        Some(())
    }

    /// Whether nothing is said.
    pub fn is_usual(&self) -> bool {
        *self == NOTHING_SAID
    }

    /// How long a node of the group must have been unneeded before it goes.
    pub fn unneeded_for(&self, aims: &Aims) -> Span {
        self.unneeded_for.unwrap_or(aims.shrink.unneeded_for)
    }

    /// How long an instance may take to become a node.
    pub fn provision_time(&self, aims: &Aims) -> Span {
        self.provision_time.unwrap_or(aims.limits.provision_time)
    }

    /// How long a node may take to become Ready; from its creation, as everything here.
    pub fn startup_time(&self, aims: &Aims) -> Span {
        self.startup_time.unwrap_or_else(|| self.provision_time(aims))
    }

    /// How long it may take from asking for a node until it is Ready.
    pub fn time_to_come(&self, aims: &Aims) -> Span {
        self.provision_time(aims).max(self.startup_time(aims))
    }

    /// What is said, a line for each tag.
    pub fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut say = |key: &str, what: Option<String>| {
            told.extend(what.map(|what| format!("its tag {key} says that {what}")));
        };
        let span = |span: Option<Span>, what: &str| span.map(|span| format!("{what} {span}"));
        let stays = |of: Option<u32>, what: &str| {
            of.map(|of| format!("a node stays that is used to {} of its {what}", Share(of)))
        };
        say(
            UNNEEDED,
            span(self.unneeded_for, "a node must have been unneeded for"),
        );
        say(
            UNREADY,
            span(self.unready_for, "one that is not Ready must have been so for"),
        );
        say(THRESHOLD, stays(self.threshold, "CPU or memory"));
        say(GPU_THRESHOLD, stays(self.gpu_threshold, "GPUs"));
        let daemons = self.ignores_daemon_sets.map(|ignores| {
            let count = if ignores { "do not count" } else { "count" };
            format!("pods of DaemonSets {count} in that")
        });
        say(DAEMON_SETS, daemons);
        say(
            PROVISION,
            span(
                self.provision_time,
                "an instance may take so long to become a node:",
            ),
        );
        say(
            STARTUP,
            span(self.startup_time, "a node may take so long to become Ready:"),
        );
        told.extend(self.ignored.iter().map(ToString::to_string));
        told
    }
}

impl fmt::Display for IgnoredTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value } = self;
        let reads = match key.as_str() {
            THRESHOLD | GPU_THRESHOLD => "a number such as 0.5 is read",
            UNNEEDED | UNREADY => "a Go duration such as 10m is read",
            PROVISION | STARTUP => "a Go duration above zero such as 15m is read",
            DAEMON_SETS => "true or false is read",
            _ => "there is no such option",
        };
        write!(f, "its tag {key}: {value:?} is ignored, {reads}")
    }
}

/// Millionths as a share of a hundred.
#[derive(Clone, Copy, Debug)]
pub struct Share(pub u32);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 10_000, self.0 % 10_000);
        write!(f, "{whole}")?;
        if part > 0 {
            write!(f, ".{}", format!("{part:04}").trim_end_matches('0'))?;
        }
        f.write_str(" %")
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Go's `strconv.ParseBool`.
fn go_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A decimal number as Go's `strconv.ParseFloat` reads it, in millionths, rounded down; what is below zero counts as zero,
/// for nothing is used to less. Infinity, not-a-number, hexadecimal digits and `_`, which Go takes as well, are no share of
/// anything.
fn millionths(value: &str) -> Option<u32> {
    let (negative, text) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let (digits, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !are_digits(whole) || !are_digits(part) {
        return None;
    }
    // The number is `0.DIGITS` times ten to the power of `at`.
    let all = format!("{whole}{part}");
    let significant = all.trim_start_matches('0');
    let leading = i64::try_from(all.len() - significant.len()).ok()?;
    let at = i64::try_from(whole.len()).ok()? - leading + exponent;
    if significant.is_empty() || negative {
        return Some(0);
    }
    // Beyond what a float holds Go reports a mistake.
    if at > 309 {
        return None;
    }
    let wanted = usize::try_from(at + 6).unwrap_or(0);
    if wanted > 10 {
        return Some(u32::MAX);
    }
    let kept: String = significant
        .chars()
        .chain(std::iter::repeat('0'))
        .take(wanted)
        .collect();
    let value: u64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    Some(u32::try_from(value).unwrap_or(u32::MAX))
}

/// The power of ten behind an `e`; one beyond everything counts as the most there is.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let power = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
    Some(if text.starts_with('-') { -power } else { power })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> GroupOptions {
        let key = format!("{PREFIX}{key}");
        GroupOptions::of_tags([(key.as_str(), value)])
    }

    #[test]
    fn every_key_is_read_and_told() {
        let values = ["0.5", "0.25", "5m", "1h30m", "t", "20m", "10m"];
        let tags: Vec<(String, &str)> = KEYS
            .iter()
            .zip(values)
            .map(|(key, value)| (format!("{PREFIX}{key}"), value))
            .collect();
        let options = GroupOptions::of_tags(tags.iter().map(|(key, value)| (key.as_str(), *value)));
        let expected = GroupOptions {
            threshold: Some(500_000),
            gpu_threshold: Some(250_000),
            unneeded_for: Some(Span::from_secs(300)),
            unready_for: Some(Span::from_secs(5400)),
            ignores_daemon_sets: Some(true),
            provision_time: Some(Span::from_secs(1200)),
            startup_time: Some(Span::from_secs(600)),
            ignored: Vec::new(),
        };
        assert_eq!(options, expected);
        assert_eq!(options.told().len(), KEYS.len());
        for (key, line) in KEYS.iter().map(|key| (key, read(key, "0.5m").told())) {
            assert!(line.len() == 1 && line[0].contains(key), "{line:?}");
        }
    }

    #[test]
    fn what_means_nothing_leaves_the_aims_in_force_and_is_told() {
        let bad = [
            (UNNEEDED, "600"),
            (UNNEEDED, "10 m"),
            (UNNEEDED, ""),
            (UNREADY, "10M"),
            (THRESHOLD, "50%"),
            (THRESHOLD, "0,5"),
            (THRESHOLD, "NaN"),
            (THRESHOLD, "1e999"),
            (THRESHOLD, " 0.5"),
            (GPU_THRESHOLD, "."),
            (GPU_THRESHOLD, "e5"),
            (DAEMON_SETS, "yes"),
            (DAEMON_SETS, "tRUE"),
            (PROVISION, "0s"),
            (PROVISION, "-5m"),
            (STARTUP, "0"),
            ("ScaleDownUnneededTime", "5m"),
            ("scaledownunneededtime ", "5m"),
            ("other", "x"),
        ];
        for (key, value) in bad {
            let options = read(key, value);
            let ignored = vec![IgnoredTag {
                key: key.to_owned(),
                value: value.to_owned(),
            }];
            assert_eq!(
                options,
                GroupOptions {
                    ignored,
                    ..GroupOptions::default()
                },
                "{key}={value}"
            );
            let aims = Aims::default();
            assert_eq!(options.unneeded_for(&aims), aims.shrink.unneeded_for);
            assert_eq!(options.startup_time(&aims), aims.limits.provision_time);
            assert!(options.told()[0].contains("is ignored"), "{:?}", options.told());
        }
        assert!(GroupOptions::of_tags([("k8s.io/cluster-autoscaler/enabled", "x")]).is_usual());
        assert_eq!(read("x".repeat(9000).as_str(), "y").ignored[0].key.len(), LONGEST);
    }

    #[test]
    fn shares_are_read_as_go_reads_them_and_never_wrongly_large() {
        let shares = [
            ("0", 0),
            ("-0.5", 0),
            ("+.5", 500_000),
            ("5.", 5_000_000),
            ("1", 1_000_000),
            ("0.65", 650_000),
            ("00.0650", 65_000),
            ("5e-1", 500_000),
            ("0.05E+1", 500_000),
            ("1e-999", 0),
            ("1e-7", 0),
            ("1e300", u32::MAX),
            ("4294.967295", u32::MAX),
            ("0.3333333333333333333333333333333", 333_333),
        ];
        for (text, expected) in shares {
            assert_eq!(millionths(text), Some(expected), "{text}");
        }
        // Every share of a hundred, written in three ways.
        for percent in 0..=100_u32 {
            let expected = Some(percent * 10_000);
            let (whole, part) = (percent / 100, percent % 100);
            for text in [
                format!("{whole}.{part:02}"),
                format!("{percent}e-2"),
                format!("+{whole}.{part:02}00"),
            ] {
                assert_eq!(millionths(&text), expected, "{text}");
            }
        }
        assert_eq!(Share(655_000).to_string(), "65.5 %");
        assert_eq!(Share(1_000_000).to_string(), "100 %");
    }

    #[test]
    fn of_two_tags_with_one_key_the_later_counts() {
        let key = format!("{PREFIX}{UNNEEDED}");
        let read = GroupOptions::of_tags([(key.as_str(), "5m"), (key.as_str(), "7m")]);
        assert_eq!(read.unneeded_for, Some(Span::from_secs(420)));
        let bad = GroupOptions::of_tags([(key.as_str(), "5m"), (key.as_str(), "soon")]);
        assert_eq!((bad.unneeded_for, bad.ignored.len()), (None, 1));
    }
}
