//! `Policies`: what runs behind the hooks, how it does, and the levers of its life: load, mode, roll-back, comparison.
//!
//! Not here: what a component may be (`host`), when a rule moves a policy (`cycle`).

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use crate::messages::count;
use cycle::{Comparison, Effects, PolicyError, PolicyStatus, Trial, Upload};
use model::advice::PolicyMode;
use model::{Memory, PolicyName, Standing};
use proto::v1;
use proto::v1::policies_server::Policies;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// Largest component and configuration that are taken in.
const COMPONENT_BYTES: usize = 32 << 20;
const CONFIG_BYTES: usize = 256 << 10;
/// Cycles that are compared: unless said otherwise, and at most.
const COMPARED: u32 = 8;
const MOST_COMPARED: u32 = 64;
const NAME_BYTES: usize = 63;

#[tonic::async_trait]
impl Policies for Desk {
    async fn list(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        self.admit(&request, Verb::List, Object::Policies).await?;
        Ok(Response::new(self.policies()))
    }

    async fn load(
        &self,
        request: Request<Streaming<v1::LoadPolicyRequest>>,
    ) -> Result<Response<v1::LoadPolicyResponse>, Status> {
        // Before anything of it is read: nobody else makes the daemon hold 32 MiB.
        let who = self.admit(&request, Verb::Update, Object::Policies).await?;
        let _place = Arc::clone(&self.what_ifs).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted("another component is being loaded, or a what-if thought through")
        })?;
        let upload = received(request.into_inner()).await?;
        tracing::warn!(policy = %upload.name, bytes = upload.component.len(), by = %who.0, "component handed in");
        let handle = self.handle.clone();
        let loaded = tokio::task::spawn_blocking(move || handle.load_policy(upload)).await;
        let loaded = loaded
            .map_err(|error| Status::internal(format!("loading ended early: {error}")))?
            .map_err(|error| refused(&error))?;
        Ok(Response::new(v1::LoadPolicyResponse {
            digest: loaded.digest,
            hooks: loaded.hooks.iter().map(ToString::to_string).collect(),
            kept: loaded.kept,
        }))
    }

    async fn set_mode(
        &self,
        request: Request<v1::SetPolicyModeRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        let who = self.admit(&request, Verb::Update, Object::Policies).await?;
        let asked = request.into_inner();
        let mode = PolicyMode::ALL
            .into_iter()
            .find(|mode| mode.as_str() == asked.mode);
        let mode = mode.ok_or_else(|| Status::invalid_argument("mode: must be shadow, canary or enforce"))?;
        let (policy, by) = (PolicyName::new(asked.name), (who.0.as_str(), asked.why.as_str()));
        let set = self
            .handle
            .set_policy_mode(&policy, &asked.digest, mode, by)
            .await;
        set.map_err(|error| refused(&error))?;
        Ok(Response::new(self.policies()))
    }

    async fn rollback(
        &self,
        request: Request<v1::RollbackPolicyRequest>,
    ) -> Result<Response<v1::RollbackPolicyResponse>, Status> {
        let who = self.admit(&request, Verb::Update, Object::Policies).await?;
        let asked = request.into_inner();
        let (policy, by) = (PolicyName::new(asked.name), (who.0.as_str(), asked.why.as_str()));
        let rolled_back = self.handle.roll_back(&policy, &asked.digest, by).await;
        let rolled_back = rolled_back.map_err(|error| refused(&error))?;
        Ok(Response::new(v1::RollbackPolicyResponse { rolled_back }))
    }

    async fn compare(
        &self,
        request: Request<v1::ComparePolicyRequest>,
    ) -> Result<Response<v1::ComparePolicyResponse>, Status> {
        self.admit(&request, Verb::Simulate, Object::Policies).await?;
        let place = Arc::clone(&self.what_ifs)
            .try_acquire_owned()
            .map_err(|_| Status::resource_exhausted("another what-if is being thought through"))?;
        let asked = request.into_inner();
        let cycles = match asked.cycles {
            0 => COMPARED,
            cycles if cycles <= MOST_COMPARED => cycles,
            _ => {
                return Err(Status::invalid_argument(format!(
                    "cycles: at most {MOST_COMPARED}"
                )));
            }
        };
        let handle = self.handle.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let cycles = usize::try_from(cycles).unwrap_or(usize::MAX);
            let compared = handle.compare(&PolicyName::new(asked.name), cycles);
            drop(place);
            compared
        });
        let compared = compared
            .await
            .map_err(|error| Status::internal(format!("the comparison ended early: {error}")))?;
        let compared = compared.map_err(|error| refused(&error))?;
        Ok(Response::new(comparisons(&compared)))
    }
}

impl Desk {
    fn policies(&self) -> v1::ListPoliciesResponse {
        let memory = self.handle.latest().map(|record| record.memory.clone());
        let policies = self.handle.status().policies;
        v1::ListPoliciesResponse {
            policies: policies.iter().map(|p| state(p, memory.as_deref())).collect(),
        }
    }
}

/// Puts a component together; what is too large is refused before it is all there.
async fn received(mut pieces: Streaming<v1::LoadPolicyRequest>) -> Result<Upload, Status> {
    let none = || Status::invalid_argument("the first message names the policy");
    let first = pieces.message().await?.ok_or_else(none)?;
    check_name(&first.name)?;
    if first.config.len() > CONFIG_BYTES {
        let what = format!(
            "config: {} bytes are more than the {CONFIG_BYTES} allowed",
            first.config.len()
        );
        return Err(Status::invalid_argument(what));
    }
    let mut component = first.piece;
    while let Some(next) = pieces.message().await? {
        if component.len() + next.piece.len() > COMPONENT_BYTES {
            let what = format!("component: more than the {COMPONENT_BYTES} bytes allowed");
            return Err(Status::invalid_argument(what));
        }
        component.extend(next.piece);
    }
    Ok(Upload {
        name: PolicyName::new(first.name),
        component,
        config: first.config,
    })
}

/// It becomes the name of a file.
fn check_name(name: &str) -> Result<(), Status> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=NAME_BYTES).contains(&name.len()) && !name.starts_with('-');
    if fits && name.bytes().all(good) {
        return Ok(());
    }
    let what = "name: must be 1 to 63 small letters, digits and hyphens, and not begin with a hyphen";
    Err(Status::invalid_argument(what))
}

fn refused(error: &PolicyError) -> Status {
    let text = error.to_string();
    match error {
        PolicyError::Unknown(_) => Status::not_found(text),
        PolicyError::BuiltIn(_) | PolicyError::NoScope(_) | PolicyError::OtherDigest { .. } => {
            Status::failed_precondition(text)
        }
        PolicyError::NotLoaded { .. } => Status::invalid_argument(text),
        PolicyError::Control(_) => Status::unavailable(text),
    }
}

fn comparisons(compared: &[Comparison]) -> v1::ComparePolicyResponse {
    let sum: i128 = compared.iter().map(|one| i128::from(one.delta().0)).sum();
    let mean = i128::try_from(compared.len())
        .ok()
        .and_then(|cycles| sum.checked_div(cycles))
        .and_then(|mean| i64::try_from(mean).ok());
    v1::ComparePolicyResponse {
        cycles: compared.iter().map(comparison).collect(),
        mean_nanos: mean,
        differed: count(compared.iter().filter(|one| one.differs).count()),
    }
}

fn comparison(one: &Comparison) -> v1::PolicyComparison {
    v1::PolicyComparison {
        cycle: one.cycle,
        with: Some(effects(&one.with)),
        without: Some(effects(&one.without)),
        differs: one.differs,
    }
}

const fn effects(of: &Effects) -> v1::PlanEffects {
    v1::PlanEffects {
        rate_nanos: of.rate.0,
        steps: of.steps,
        refused: of.refused,
        bought: of.bought,
        removed: of.removed,
        evictions: of.evictions,
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
        canary_groups: policy.scope.groups.iter().map(ToString::to_string).collect(),
        canary_namespaces: policy.scope.namespaces.clone(),
        standing: policy.standing.as_ref().map(standing),
        trial: (policy.promotion.is_some() || policy.trial.is_some())
            .then(|| trial(policy.promotion.as_ref(), policy.trial.as_ref())),
        trouble: policy.trouble.clone().unwrap_or_default(),
    }
}

fn standing(of: &Standing) -> v1::PolicyStanding {
    v1::PolicyStanding {
        digest: of.digest.clone(),
        mode: of.mode.as_str().to_owned(),
        by: of.by.clone(),
        why: of.why.clone(),
        at_millis: of.at.0,
        refused: of.refused.clone(),
    }
}

fn trial(rule: Option<&cycle::Promotion>, so_far: Option<&Trial>) -> v1::PolicyTrial {
    v1::PolicyTrial {
        to: rule.map_or_else(String::new, |rule| rule.to.as_str().to_owned()),
        wanted: rule.map_or(0, |rule| rule.cycles),
        most_nanos: rule.map_or(0, |rule| rule.most.0),
        cycles: so_far.map_or(0, |trial| trial.cycles),
        differed: so_far.map_or(0, |trial| trial.differed),
        mean_nanos: so_far.and_then(Trial::mean).map(|mean| mean.0),
        faults: so_far.map_or(0, |trial| trial.faults),
    }
}
