//! The ground of a replay: the façade on its virtual clock, the modelled cluster beside it, and what happens to
//! both whoever is in charge.
//!
//! Time passes here alone. Not here: who acts (`ours`, `naive`), what a failure is (`referee`).

use crate::cluster::{Cluster, Cover, Owner};
use crate::incident::{Event, Incident};
use crate::referee::Referee;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_autoscaling::Client;
use model::{Instant, Span};
use plimsoll_tests::aws;
use sim_aws::catalogue::Types;
use sim_aws::{Clock, Facade};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cluster is looked after this often.
const PASS: Span = Span::from_secs(5);

/// See the module.
pub(crate) struct Ground {
    /// The account.
    pub(crate) cloud: Facade,
    /// The cluster.
    pub(crate) cluster: Arc<Mutex<Cluster>>,
    /// Who watches.
    pub(crate) referee: Referee,
    /// How AWS is called: one attempt, since the virtual clock stands while the SDK would wait for the next.
    pub(crate) sdk: SdkConfig,
    /// A pod binds to the node that is removed next, between decision and removal.
    pub(crate) race: Arc<Mutex<bool>>,
    /// The beginning.
    pub(crate) began: Instant,
    types: Types,
}

impl Ground {
    /// The ground of an incident at its beginning.
    pub(crate) async fn of(incident: &Incident) -> Self {
        let at = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let cloud = Facade::start(incident.account.clone(), at, Clock::Virtual)
            .await
            .unwrap();
        let began = cloud.account(|a| a.now());
        let mut cluster = Cluster::new(began, incident.owners.clone());
        let types = &incident.account.types;
        cloud.account(|a| cluster.follow(a, types));
        cluster.age();
        cluster.room_permille = incident.room_permille;
        if incident.lives_in_cluster {
            cluster.own_node = cluster.nodes.keys().next_back().cloned();
        }
        let sdk = aws::sdk(&cloud.url).await;
        let sdk = sdk
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .build();
        let referee = cloud.account(|a| Referee::new(began, &a.machines));
        Self {
            cloud,
            cluster: Arc::new(Mutex::new(cluster)),
            referee,
            sdk,
            race: Arc::default(),
            began,
            types: types.clone(),
        }
    }

    /// The cluster, to look at and to change.
    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the beginning.
    pub(crate) fn since(&self) -> Span {
        self.cloud.account(|a| a.now()).since(self.began)
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, span: Span) {
        let until = self.cloud.account(|a| a.now()) + span;
        loop {
            let now = self.cloud.account(|a| a.now());
            if now >= until {
                return;
            }
            self.cloud.advance(PASS.min(until.since(now)));
            let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
            let referee = &mut self.referee;
            self.cloud.account(|account| {
                referee.watch(account, &mut cluster);
                cluster.follow(account, &self.types);
                referee.count(&cluster);
            });
        }
    }

    /// Something happens that is nobody's doing here; `true` where it is for whoever is in charge to hear.
    pub(crate) async fn happens(&mut self, event: &Event) -> bool {
        match event {
            Event::Replicas { owner, to } => self.change(owner, |o| o.replicas = *to),
            Event::Work { owner, milli } => self.change(owner, |o| o.work = Some(*milli)),
            Event::Cover(cover) => self.cluster().cover = *cover,
            Event::Uncover => self.cluster().cover = Cover::default(),
            Event::Race => *self.race.lock().unwrap_or_else(PoisonError::into_inner) = true,
            Event::Desired { group, to } => self.by_hand(group, *to).await,
            Event::Bounds { group, min, max } => self.bounds(group, (*min, *max)).await,
            Event::Unlisted { count, seconds } => self.unlist(*count, Span::from_secs(*seconds)),
            Event::End { group, count } => self.end(group, *count).await,
            Event::KeepNodes => self.cluster().keeps_nodes = true,
            Event::Untag { group, tag } => self.cloud.account(|a| {
                if let Some(group) = a.groups.get_mut(*group) {
                    group.tags.remove(*tag);
                }
            }),
            Event::Tag { group, tag } => self.cloud.account(|a| {
                if let Some(group) = a.groups.get_mut(*group) {
                    group.tags.insert((*tag).to_owned(), crate::CLUSTER.to_owned());
                }
            }),
            Event::NewTemplate { group } => self.cloud.account(|a| {
                let versions = a.templates.get_mut(*group).unwrap();
                let newest = versions.last().unwrap().clone();
                versions.push(newest);
                let version = versions.len();
                a.groups.get_mut(*group).unwrap().version = version;
            }),
            Event::Restart | Event::Crash { .. } => return true,
        }
        false
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Owner)) {
        let mut cluster = self.cluster();
        change(
            cluster
                .owners
                .iter_mut()
                .find(|owner| owner.name == name)
                .unwrap(),
        );
        cluster.settle();
    }

    fn unlist(&self, count: usize, span: Span) {
        self.cloud.account(|a| {
            let until = a.now() + span;
            for machine in a.machines.values_mut().filter(|m| m.lives()).take(count) {
                machine.visible = until;
            }
        });
    }

    /// Somebody else's own client.
    fn somebody(&self) -> Client {
        Client::new(&self.sdk)
    }

    async fn by_hand(&self, group: &str, to: i32) {
        let call = self
            .somebody()
            .set_desired_capacity()
            .auto_scaling_group_name(group)
            .desired_capacity(to);
        call.send().await.unwrap();
    }

    async fn end(&mut self, group: &str, count: usize) {
        let mut living = self.cloud.account(|a| {
            let of_group = a
                .machines
                .values()
                .filter(|m| m.lives() && m.group.as_deref() == Some(group));
            of_group.map(|m| (m.launched, m.id.clone())).collect::<Vec<_>>()
        });
        living.sort();
        for (_, id) in living.into_iter().rev().take(count) {
            self.referee.excuse(&id);
            let call = self
                .somebody()
                .terminate_instance_in_auto_scaling_group()
                .instance_id(id);
            call.should_decrement_desired_capacity(true).send().await.unwrap();
        }
    }

    async fn bounds(&self, group: &str, (min, max): (i32, i32)) {
        let call = self
            .somebody()
            .update_auto_scaling_group()
            .auto_scaling_group_name(group);
        call.min_size(min).max_size(max).send().await.unwrap();
    }
}
