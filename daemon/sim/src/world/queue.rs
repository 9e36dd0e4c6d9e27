//! What will happen, in order of time; equal times in the order they were written down.

use model::{Instant, NodeName, PodKey};
use std::collections::BTreeMap;

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The provider says that the instance runs.
    InService(NodeName),
    /// The node object appears.
    Joins(NodeName),
    /// The node becomes Ready.
    Ready(NodeName),
    /// The provider takes the instance back.
    Reclaimed(NodeName),
    /// Pods of a node whose kubelet is silent are deleted (`tolerationSeconds` that every pod is given).
    Evicted(NodeName),
    /// A silent kubelet speaks again.
    Speaks(NodeName),
    /// A terminated instance leaves the cluster, then the list.
    Leaves(NodeName),
    /// A bound pod has started.
    Started(PodKey),
    /// A running pod has done its work.
    Done(PodKey),
    /// A terminating or finished pod disappears.
    Gone(PodKey),
    /// Fargate has a place for an admitted pod.
    FargateReady(PodKey),
    /// A burst of jobs: index of the arrivals, number of the burst (a trace: its row).
    Arrives(usize, u64),
    /// Somebody sets the replicas of a workload: its index, and the index of the size.
    Resized(usize, usize),
    /// A fault strikes: its index.
    Strikes(usize),
}

/// Events to come.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: BTreeMap<(Instant, u64), Event>,
    written: u64,
}

impl Queue {
    /// Writes an event down.
    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        self.events.insert((at, self.written), event);
        self.written += 1;
    }

    /// When the next event is.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next event that is due at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Event> {
        let (&key, _) = self.events.iter().next()?;
        if key.0 > now {
            return None;
        }
        self.events.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_first_then_as_written() {
        let mut queue = Queue::default();
        queue.push(Instant(5), Event::Strikes(1));
        queue.push(Instant(2), Event::Strikes(2));
        queue.push(Instant(5), Event::Strikes(3));
        assert_eq!(queue.next(), Some(Instant(2)));
        assert_eq!(queue.pop(Instant(1)), None);
        let drawn: Vec<_> = std::iter::from_fn(|| queue.pop(Instant(5))).collect();
        assert_eq!(drawn, [Event::Strikes(2), Event::Strikes(1), Event::Strikes(3)]);
    }
}
