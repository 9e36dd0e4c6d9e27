//! The kubelet's `/metrics/resource`: CPU counters and working sets of a node and its pods.
//!
//! Reads the Prometheus text form (`name{labels} value [milliseconds]`) as far as these four metrics need it;
//! lines of other metrics, and lines that are damaged, are passed over. Not here: rates, calls.

use model::ids::PodKey;
use model::time::Instant;
use std::collections::BTreeMap;

/// One reading of a CPU counter and a working set; what was not there is `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// CPU seconds used since the start, and when that was read.
    pub(crate) cpu: Option<(f64, Instant)>,
    /// Bytes of working set.
    pub(crate) memory: Option<i64>,
}

/// What one node told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scrape {
    /// The node as a whole.
    pub(crate) node: Reading,
    /// By pod.
    pub(crate) pods: BTreeMap<PodKey, Reading>,
}

/// Reads an exposition; values without a time of their own get `now`.
pub(crate) fn parse(text: &str, now: Instant) -> Scrape {
    let mut scrape = Scrape::default();
    for line in text.lines() {
        let Some(sample) = sample(line) else { continue };
        let at = sample.at.unwrap_or(now);
        match sample.name {
            "node_cpu_usage_seconds_total" => scrape.node.cpu = Some((sample.value, at)),
            "node_memory_working_set_bytes" => scrape.node.memory = Some(bytes(sample.value)),
            "pod_cpu_usage_seconds_total" => {
                if let Some(pod) = pod_of(&mut scrape, sample.labels) {
                    pod.cpu = Some((sample.value, at));
                }
            }
            "pod_memory_working_set_bytes" => {
                if let Some(pod) = pod_of(&mut scrape, sample.labels) {
                    pod.memory = Some(bytes(sample.value));
                }
            }
            _ => {}
        }
    }
    scrape
}

struct Sample<'t> {
    name: &'t str,
    labels: &'t str,
    value: f64,
    at: Option<Instant>,
}

fn sample(line: &str) -> Option<Sample<'_>> {
    // Most lines are comments or per-container series; they are passed over by their first bytes.
    if !(line.starts_with("pod_") || line.starts_with("node_")) {
        return None;
    }
    let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
        let (labels, rest) = rest.rsplit_once('}')?;
        (name, labels, rest)
    } else {
        let (name, rest) = line.split_once(' ')?;
        (name, "", rest)
    };
    let mut fields = rest.split_ascii_whitespace();
    let value: f64 = fields.next()?.parse().ok()?;
    let at = fields.next().and_then(|millis| millis.parse().ok()).map(Instant);
    (value.is_finite() && value >= 0.0).then_some(Sample {
        name,
        labels,
        value,
        at,
    })
}

fn pod_of<'s>(scrape: &'s mut Scrape, labels: &str) -> Option<&'s mut Reading> {
    let key = PodKey::new(label(labels, "namespace")?, label(labels, "pod")?);
    Some(scrape.pods.entry(key).or_default())
}

/// Value of a label; names of namespaces and pods need no escapes, so none are undone.
fn label<'t>(labels: &'t str, key: &str) -> Option<&'t str> {
    labels.split(',').find_map(|pair| {
        let value = pair.trim().strip_prefix(key)?.strip_prefix("=\"")?;
        value.strip_suffix('"')
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "finite and not negative; saturates beyond i64"
)]
const fn bytes(value: f64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_or_missing_is_none_and_never_zero() {
        let text = "# TYPE pod_cpu_usage_seconds_total counter\n\
            node_cpu_usage_seconds_total 12.5 1700000000000\n\
            node_memory_working_set_bytes NaN 1700000000000\n\
            container_cpu_usage_seconds_total{container=\"c\",namespace=\"a\",pod=\"p\"} 7\n\
            pod_cpu_usage_seconds_total{namespace=\"a\",pod=\"p\"} 3.25 1700000000001\n\
            pod_memory_working_set_bytes{namespace=\"a\",pod=\"q\"} 1.048576e+06\n\
            pod_memory_working_set_bytes{namespace=\"a\"} 5\n\
            pod_memory_working_set_bytes{namespace=\"a\",pod=\"r\"} -1\n\
            pod_cpu_usage_seconds_total{namespace=\"a\"";
        let now = Instant(42);
        let scrape = parse(text, now);
        let at = Instant(1_700_000_000_000);
        assert_eq!(
            scrape.node,
            Reading {
                cpu: Some((12.5, at)),
                memory: None
            }
        );
        let key = |name| PodKey::new("a", name);
        let cpu = Some((3.25, Instant(1_700_000_000_001)));
        assert_eq!(scrape.pods.get(&key("p")), Some(&Reading { cpu, memory: None }));
        let memory = Some(1 << 20);
        assert_eq!(scrape.pods.get(&key("q")), Some(&Reading { cpu: None, memory }));
        assert_eq!(scrape.pods.len(), 2);
    }
}
