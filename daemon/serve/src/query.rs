//! `Query`: rows and records, read off the newest snapshot.

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use crate::ecs;
use crate::entrance::Peer;
use crate::messages;
use crate::pages::page;
use crate::watch::{self, Cycles};
use model::offer::GroupIx;
use model::{NodeName, Pod, PodKey, Resources, WorkloadKey};
use proto::v1::query_server::Query;
use proto::v1::{self};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Query for Desk {
    type WatchCyclesStream = Cycles;

    async fn get_summary(
        &self,
        request: Request<v1::GetSummaryRequest>,
    ) -> Result<Response<v1::Summary>, Status> {
        self.admit(&request, Verb::Get, Object::Snapshots).await?;
        Ok(Response::new(messages::summary(
            &*self.seen()?,
            &self.handle.status(),
        )))
    }

    async fn list_groups(
        &self,
        request: Request<v1::ListGroupsRequest>,
    ) -> Result<Response<v1::ListGroupsResponse>, Status> {
        self.admit(&request, Verb::List, Object::Snapshots).await?;
        let asked = request.into_inner();
        let record = self.seen()?;
        let modes = self.handle.status().modes;
        let page = page(
            record.snapshot.groups.iter().zip(0..),
            |(group, _)| group.name.as_str() <= asked.page_token.as_str(),
            asked.page_size,
            |(group, _)| group.name.to_string(),
            |(group, ix)| messages::group(&record, &modes, *ix, group),
        );
        Ok(Response::new(v1::ListGroupsResponse {
            groups: page.rows,
            next_page_token: page.next,
            cycle: record.cycle,
        }))
    }

    async fn list_offers(
        &self,
        request: Request<v1::ListOffersRequest>,
    ) -> Result<Response<v1::ListOffersResponse>, Status> {
        self.admit(&request, Verb::List, Object::Snapshots).await?;
        let asked = request.into_inner();
        let record = self.seen()?;
        let seen = &record.snapshot;
        let wanted = |ix: GroupIx| {
            asked.group.is_empty()
                || seen
                    .groups
                    .get(ix as usize)
                    .is_some_and(|g| g.name.as_str() == asked.group)
        };
        let page = page(
            seen.offers.iter().filter(|offer| wanted(offer.group)),
            |offer| offer.id.as_str() <= asked.page_token.as_str(),
            asked.page_size,
            |offer| offer.id.to_string(),
            |offer| messages::offer(seen, offer),
        );
        Ok(Response::new(v1::ListOffersResponse {
            offers: page.rows,
            next_page_token: page.next,
            cycle: record.cycle,
        }))
    }

    async fn list_nodes(
        &self,
        request: Request<v1::ListNodesRequest>,
    ) -> Result<Response<v1::ListNodesResponse>, Status> {
        self.admit(&request, Verb::List, Object::Snapshots).await?;
        let asked = request.into_inner();
        let record = self.seen()?;
        let seen = &record.snapshot;
        let mut held: BTreeMap<&NodeName, (u32, Resources)> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
            if let (Some(node), Some(spec)) = (&pod.node, seen.specs.get(pod.spec as usize)) {
                let (pods, requested) = held.entry(node).or_default();
                *pods += 1;
                requested.add(&spec.requests);
            }
        }
        let in_group = |group: Option<&str>| asked.group.is_empty() || group == Some(asked.group.as_str());
        let nothing = (0, Resources::default());
        let page = page(
            seen.nodes
                .iter()
                .filter(|node| in_group(node.group.as_ref().map(model::GroupName::as_str))),
            |node| node.name.as_str() <= asked.page_token.as_str(),
            asked.page_size,
            |node| node.name.to_string(),
            |node| messages::node(&record, node, held.get(&node.name).unwrap_or(&nothing)),
        );
        Ok(Response::new(v1::ListNodesResponse {
            nodes: page.rows,
            next_page_token: page.next,
            cycle: record.cycle,
        }))
    }

    async fn list_workloads(
        &self,
        request: Request<v1::ListWorkloadsRequest>,
    ) -> Result<Response<v1::ListWorkloadsResponse>, Status> {
        self.admit(&request, Verb::List, Object::Snapshots).await?;
        let asked = request.into_inner();
        let record = self.seen()?;
        let seen = &record.snapshot;
        let modes = self.handle.status().modes;
        let mut waiting: BTreeMap<WorkloadKey, u32> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| messages::waits(pod)) {
            if let Some(owner) = seen.spec(pod.spec).owner.clone() {
                *waiting.entry(owner).or_default() += 1;
            }
        }
        let last = workload_of(&asked.page_token);
        let page = page(
            seen.workloads
                .iter()
                .filter(|w| asked.namespace.is_empty() || *w.key.namespace == *asked.namespace),
            |workload| last.as_ref().is_some_and(|last| workload.key <= *last),
            asked.page_size,
            |workload| {
                let key = &workload.key;
                format!("{}/{}/{}", key.kind, key.namespace, key.name)
            },
            |workload| {
                let pending = waiting.get(&workload.key).copied().unwrap_or(0);
                messages::workload(&record, &modes, workload, pending)
            },
        );
        Ok(Response::new(v1::ListWorkloadsResponse {
            workloads: page.rows,
            next_page_token: page.next,
            cycle: record.cycle,
        }))
    }

    async fn list_pods(
        &self,
        request: Request<v1::ListPodsRequest>,
    ) -> Result<Response<v1::ListPodsResponse>, Status> {
        self.admit(&request, Verb::List, Object::Snapshots).await?;
        let asked = request.into_inner();
        let record = self.seen()?;
        let seen = &record.snapshot;
        let wanted = |pod: &&Pod| {
            (asked.namespace.is_empty() || *pod.key.namespace == *asked.namespace)
                && (asked.node.is_empty() || pod.node.as_ref().is_some_and(|n| n.as_str() == asked.node))
                && (!asked.pending_only || messages::waits(pod))
        };
        let last = pod_of(&asked.page_token);
        let page = page(
            seen.pods.iter().filter(wanted),
            |pod| last.as_ref().is_some_and(|last| pod.key <= *last),
            asked.page_size,
            |pod| pod.key.to_string(),
            |pod| messages::pod(seen, pod),
        );
        Ok(Response::new(v1::ListPodsResponse {
            pods: page.rows,
            next_page_token: page.next,
            cycle: record.cycle,
        }))
    }

    async fn get_cycle(&self, request: Request<v1::GetCycleRequest>) -> Result<Response<v1::Cycle>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let record = self.record(request.into_inner().number)?;
        Ok(Response::new(messages::cycle(&record)))
    }

    async fn list_cycles(
        &self,
        request: Request<v1::ListCyclesRequest>,
    ) -> Result<Response<v1::ListCyclesResponse>, Status> {
        self.admit(&request, Verb::List, Object::Decisions).await?;
        let asked = request.into_inner();
        let before: u64 = match asked.page_token.as_str() {
            "" => u64::MAX,
            token => token
                .parse()
                .map_err(|_| Status::invalid_argument("page_token is not one that was given out"))?,
        };
        let page = page(
            self.handle.records().into_iter(),
            |record| record.cycle >= before,
            asked.page_size,
            |record| record.cycle.to_string(),
            |record| messages::cycle_head(record),
        );
        Ok(Response::new(v1::ListCyclesResponse {
            cycles: page.rows,
            next_page_token: page.next,
        }))
    }

    async fn get_ecs(
        &self,
        request: Request<v1::GetEcsRequest>,
    ) -> Result<Response<v1::GetEcsResponse>, Status> {
        self.admit(&request, Verb::Get, Object::Snapshots).await?;
        let picture = self.handle.ecs();
        let picture = picture.ok_or_else(|| {
            Status::not_found(
                "ECS is not read: provider.aws.ecs is not set, or the first reading is under way",
            )
        })?;
        ecs::page(&picture, &request.get_ref().page_token).map(Response::new)
    }

    async fn watch_cycles(
        &self,
        request: Request<v1::WatchCyclesRequest>,
    ) -> Result<Response<Cycles>, Status> {
        self.admit(&request, Verb::Watch, Object::Decisions).await?;
        let pass = request.extensions().get::<Peer>().map(|peer| peer.pass.clone());
        watch::begin(self, pass, request.get_ref().with_steps_only).map(Response::new)
    }
}

/// `namespace/name`.
pub(crate) fn pod_of(text: &str) -> Option<PodKey> {
    let (namespace, name) = text.split_once('/')?;
    Some(PodKey::new(namespace, name))
}

fn workload_of(token: &str) -> Option<WorkloadKey> {
    let (kind, rest) = token.split_once('/')?;
    let (namespace, name) = rest.split_once('/')?;
    Some(WorkloadKey::new(kind, namespace, name))
}
