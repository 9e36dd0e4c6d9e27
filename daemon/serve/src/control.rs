//! `Control`: the kill switch and the modes. Who did it is written down with it.

use crate::authorise::{Object, Verb};
use crate::desk::Desk;
use crate::{limits, messages};
use cycle::{ControlError, Scope};
use model::advice::Hook;
use model::aims::{Mode, Modes};
use model::{GroupName, WorkloadKey};
use proto::v1;
use proto::v1::control_server::Control;
use proto::v1::set_mode_request::Scope as Asked;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Control for Desk {
    async fn pause(&self, request: Request<v1::PauseRequest>) -> Result<Response<v1::ControlState>, Status> {
        let caller = self.admit(&request, Verb::Update, Object::Actions).await?;
        let why = request.into_inner().why;
        if why.len() > limits::WHY_BYTES {
            return Err(Status::invalid_argument(format!(
                "why: {} bytes, at most {} are kept",
                why.len(),
                limits::WHY_BYTES
            )));
        }
        self.handle
            .pause(&caller.0, &why)
            .await
            .map_err(|error| not_kept(&error))?;
        Ok(Response::new(state(self)))
    }

    async fn resume(
        &self,
        request: Request<v1::ResumeRequest>,
    ) -> Result<Response<v1::ControlState>, Status> {
        let caller = self.admit(&request, Verb::Update, Object::Actions).await?;
        self.handle
            .resume(&caller.0)
            .await
            .map_err(|error| not_kept(&error))?;
        Ok(Response::new(state(self)))
    }

    async fn set_mode(
        &self,
        request: Request<v1::SetModeRequest>,
    ) -> Result<Response<v1::ControlState>, Status> {
        let caller = self.admit(&request, Verb::Update, Object::Actions).await?;
        let asked = request.into_inner();
        let mode = match asked.mode() {
            v1::Mode::Observe => Mode::Observe,
            v1::Mode::Act => Mode::Act,
            v1::Mode::Unspecified => {
                return Err(Status::invalid_argument(
                    "mode: MODE_OBSERVE or MODE_ACT is wanted",
                ));
            }
        };
        let scope = scope(self, asked.scope)?;
        self.handle
            .set_mode(scope.clone(), mode, &caller.0)
            .await
            .map_err(|error| not_kept(&error))?;
        let scoped = scoped(&self.handle.status().modes, &scope);
        Ok(Response::new(v1::ControlState {
            scoped,
            ..state(self)
        }))
    }
}

/// The scope, refused where the newest snapshot does not have it: a mode on a misspelt name protects nothing.
fn scope(desk: &Desk, asked: Option<Asked>) -> Result<Scope, Status> {
    let scope = match asked {
        None => Scope::Cluster,
        Some(Asked::Group(name)) => {
            let name = GroupName::new(name);
            if desk.seen()?.snapshot.group(&name).is_none() {
                return Err(Status::not_found(format!("group {name} is not in the snapshot")));
            }
            Scope::Group(name)
        }
        Some(Asked::Workload(asked)) => {
            let key = WorkloadKey::new(&asked.kind, &asked.namespace, &asked.name);
            let record = desk.seen()?;
            if !record.snapshot.workloads.iter().any(|w| w.key == key) {
                return Err(Status::not_found(format!(
                    "workload {key} is not in the snapshot"
                )));
            }
            Scope::Workload(key)
        }
        Some(Asked::Hook(name)) => {
            let hook = Hook::ALL.into_iter().find(|hook| hook.as_str() == name);
            Scope::Hook(hook.ok_or_else(|| {
                let known = Hook::ALL.map(Hook::as_str).join(", ");
                Status::invalid_argument(format!("hook: one of {known} is wanted"))
            })?)
        }
    };
    Ok(scope)
}

/// The narrow scope that was set, with the mode in force there: never above the cluster's.
fn scoped(modes: &Modes, scope: &Scope) -> Option<v1::ScopedMode> {
    use v1::scoped_mode::Scope as Shown;
    let (shown, mode) = match scope {
        Scope::Cluster => return None,
        Scope::Group(group) => (Shown::Group(group.to_string()), modes.of_group(group)),
        Scope::Workload(key) => (
            Shown::Workload(messages::workload_ref(key)),
            modes.of_workload(key),
        ),
        Scope::Hook(hook) => (Shown::Hook(hook.to_string()), modes.of_hook(*hook)),
    };
    Some(v1::ScopedMode {
        mode: messages::mode(mode),
        scope: Some(shown),
    })
}

fn state(desk: &Desk) -> v1::ControlState {
    let status = desk.handle.status();
    v1::ControlState {
        mode: messages::mode(status.modes.of_cluster()),
        paused: status.paused.as_ref().map(messages::pause),
        scoped: None,
    }
}

fn not_kept(error: &ControlError) -> Status {
    Status::unavailable(error.to_string())
}
