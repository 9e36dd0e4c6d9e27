//! `Policies`: what runs behind the hooks, and how it does.

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use cycle::PolicyStatus;
use model::Memory;
use proto::v1;
use proto::v1::policies_server::Policies;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Policies for Desk {
    async fn list(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        self.admit(&request, Verb::List, Object::Policies).await?;
        let memory = self.handle.latest().map(|record| record.memory.clone());
        let policies = self.handle.status().policies;
        Ok(Response::new(v1::ListPoliciesResponse {
            policies: policies.iter().map(|p| state(p, memory.as_deref())).collect(),
        }))
    }
}

fn state(policy: &PolicyStatus, memory: Option<&Memory>) -> v1::PolicyState {
    let last = policy.last_fault.as_ref();
    v1::PolicyState {
        name: policy.name.to_string(),
        digest: policy.digest.clone(),
        mode: policy.mode.as_str().to_owned(),
        hooks: policy.hooks.iter().map(ToString::to_string).collect(),
        calls: policy.calls,
        fuel: policy.fuel,
        faults: policy.faults,
        last_fault: last.map(|(_, fault)| fault.to_string()).unwrap_or_default(),
        last_fault_millis: last.map(|(at, _)| at.0),
        quarantined_since_millis: memory
            .and_then(|memory| memory.quarantine.get(&policy.name))
            .map(|at| at.0),
    }
}
