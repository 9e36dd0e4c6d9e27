//! `Explain`: why, read out of the records that are kept in memory.
//!
//! The newest record says how things stand; where an older one decided about the object, its facts follow.

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use crate::{limits, messages};
use logbook::{CycleRecord, Explanation, Subject};
use model::{GroupName, NodeName, PodKey, StepId, WorkloadKey};
use proto::v1;
use proto::v1::explain_server::Explain;
use std::sync::Arc;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Explain for Desk {
    async fn pod(&self, request: Request<v1::PodRequest>) -> Result<Response<v1::Explanation>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let asked = request.into_inner();
        let pod = PodKey::new(&asked.namespace, &asked.name);
        answer(self, &Subject::Pod(pod), asked.cycle)
    }

    async fn node(&self, request: Request<v1::NodeRequest>) -> Result<Response<v1::Explanation>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let asked = request.into_inner();
        answer(self, &Subject::Node(NodeName::new(&asked.name)), asked.cycle)
    }

    async fn group(&self, request: Request<v1::GroupRequest>) -> Result<Response<v1::Explanation>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let asked = request.into_inner();
        answer(self, &Subject::Group(GroupName::new(&asked.name)), asked.cycle)
    }

    async fn workload(
        &self,
        request: Request<v1::WorkloadRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let asked = request.into_inner();
        let kind = match asked.kind.as_str() {
            "" => "Deployment",
            kind => kind,
        };
        let workload = WorkloadKey::new(kind, &asked.namespace, &asked.name);
        answer(self, &Subject::Workload(workload), asked.cycle)
    }

    async fn step(&self, request: Request<v1::StepRequest>) -> Result<Response<v1::Explanation>, Status> {
        self.admit(&request, Verb::Get, Object::Decisions).await?;
        let id = request.into_inner().id;
        let step = step_id(&id)
            .ok_or_else(|| Status::invalid_argument(format!("id: {id:?}: <cycle>.<ordinal> is wanted")))?;
        answer(self, &Subject::Step(step), step.cycle)
    }
}

fn step_id(text: &str) -> Option<StepId> {
    let (cycle, ordinal) = text.split_once('.')?;
    Some(StepId {
        cycle: cycle.parse().ok()?,
        ordinal: ordinal.parse().ok()?,
    })
}

fn answer(desk: &Desk, subject: &Subject, cycle: u64) -> Result<Response<v1::Explanation>, Status> {
    let records = match cycle {
        0 => desk.handle.records(),
        number => vec![desk.record(number)?],
    };
    if records.is_empty() {
        // Says that nothing has been seen yet.
        desk.record(0)?;
    }
    let (now, before) = found(&records, subject);
    let Some(now) = now.or_else(|| before.clone()) else {
        return Err(Status::not_found(format!(
            "{} is in none of the {} cycles that are kept",
            name(subject),
            records.len()
        )));
    };
    let mut message = v1::Explanation {
        cycle: now.cycle,
        at_millis: now.at.0,
        subject: now.subject.clone(),
        facts: facts(&now, 0),
    };
    if let Some(before) = before.filter(|before| before.cycle != now.cycle) {
        message.facts.push(v1::Fact {
            kind: "cycle".to_owned(),
            text: format!("cycle {} decided about it last", before.cycle),
            depth: 0,
        });
        message.facts.extend(facts(&before, 1));
    }
    cut(&mut message.facts);
    Ok(Response::new(message))
}

/// Cuts what does not fit into an answer, and says how much that is.
fn cut(facts: &mut Vec<v1::Fact>) {
    let mut left = limits::PAGE_BYTES;
    let fits = |fact: &v1::Fact| {
        left = left.saturating_sub(messages::encoded(fact));
        left > 0
    };
    let fitting = facts.iter().map(fits).take_while(|fits| *fits).count();
    let more = facts.len() - fitting;
    if more > 0 {
        facts.truncate(fitting);
        facts.push(v1::Fact {
            kind: "cut".to_owned(),
            text: format!("… and {more} more, which do not fit into one answer"),
            depth: 0,
        });
    }
}

/// What the newest record that knows the subject says, and the newest that decided about it.
fn found(records: &[Arc<CycleRecord>], subject: &Subject) -> (Option<Explanation>, Option<Explanation>) {
    let mut now = None;
    for record in records {
        let Some(explained) = logbook::explain(record, subject) else {
            continue;
        };
        if explained.decided {
            return (now, Some(explained));
        }
        now = now.or(Some(explained));
    }
    (now, None)
}

fn facts(explanation: &Explanation, depth: u32) -> Vec<v1::Fact> {
    let facts = explanation.facts.iter().map(|fact| v1::Fact {
        kind: messages::tag(&fact.kind),
        text: fact.text.clone(),
        depth: fact.depth + depth,
    });
    facts.collect()
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Pod(pod) => format!("pod {pod}"),
        Subject::Node(node) => format!("node {node}"),
        Subject::Group(group) => format!("group {group}"),
        Subject::Workload(workload) => workload.to_string(),
        Subject::Step(step) => format!("step {step}"),
    }
}
