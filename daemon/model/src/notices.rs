//! What became of the notices that a provider's queue holds of instances that go: how many the provider itself
//! confirmed, how many nobody did, and who may send them.
//!
//! Told with every Snapshot for those who watch the daemon; no decision reads it. Not here: what a confirmed notice
//! means for its node (`node::Leaving`), how one is confirmed (`observe`).

use serde::{Deserialize, Serialize};

/// Notices so far. The counters only grow while the process lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// The provider's own API said the same of the instance.
    pub confirmed: u64,
    /// Nobody at the provider said the same in time: nothing was moved.
    pub unconfirmed: u64,
    /// Of instances that are not this cluster's.
    pub elsewhere: u64,
    /// Rebalance recommendations beyond the share of spot nodes that counts within an hour.
    pub limited: u64,
    /// Came faster than they could be looked at.
    pub dropped: u64,
    /// Of those that nobody confirmed: within the last hour.
    pub lately: u64,
    /// Of this cluster's instances, not confirmed yet.
    pub waiting: u64,
    /// Why the provider could not be asked, the last time it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Whom the queue's policy lets send messages, where that is anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_to: Option<String>,
}

impl Notices {
    /// Every counter with its name in metrics.
    pub const fn outcomes(&self) -> [(&'static str, u64); 5] {
        [
            ("confirmed", self.confirmed),
            ("unconfirmed", self.unconfirmed),
            ("elsewhere", self.elsewhere),
            ("limited", self.limited),
            ("dropped", self.dropped),
        ]
    }

    /// What a person has to see to.
    pub fn alarms(&self) -> Vec<String> {
        let open = self.open_to.as_ref().map(|who| {
            format!(
                "anybody may send to the queue of notices: its policy lets {who} send without a condition; name the \
                 rule of EventBridge that may (aws:SourceArn)"
            )
        });
        let doubted = (self.lately > 0).then(|| {
            format!(
                "nobody at AWS confirmed {} of the notices of instances within the last hour, and nothing was moved for \
                 them: see who may send to the queue of notices",
                self.lately
            )
        });
        let unheard = self.trouble.as_ref().filter(|_| self.waiting + self.lately > 0);
        let unheard = unheard.map(|why| {
            format!("AWS cannot be asked whether notices of instances are true, so they move nothing: {why}")
        });
        open.into_iter().chain(doubted).chain(unheard).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_a_person_is_an_alarm() {
        let quiet = Notices {
            confirmed: 9,
            elsewhere: 9,
            limited: 9,
            trouble: Some("throttled".to_owned()),
            ..Notices::default()
        };
        assert_eq!(quiet.alarms(), Vec::<String>::new());
        let loud = Notices {
            lately: 3,
            open_to: Some("Principal *".to_owned()),
            ..quiet
        };
        let said = loud.alarms();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said[0].contains("Principal *") && said[1].contains("confirmed 3 of"),
            "{said:?}"
        );
        assert!(said[2].ends_with("throttled"), "{said:?}");
    }
}
