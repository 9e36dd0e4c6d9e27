//! One evaluation: a fresh instance, `configure`, the question, the answer checked. And every way it can end.
//!
//! A guest that asks for a column that was not foreseen is started once more, from nothing and with a new deadline;
//! this time such columns are built while it waits. Nobody can tell from the answer or its fuel.

use crate::answer;
use crate::columns::{Columns, row_count};
use crate::error::LoadFault;
use crate::limits::Limits;
use crate::link::ViewRep;
use crate::policy::{Entry, WasmPolicy, mismatch};
use crate::sample;
use crate::session::{Broken, Session};
use crate::shared;
use crate::source::Source;
use crate::text::tame;
use crate::ticker::TICK;
use decide::View;
use decide::policy::Advised;
use model::advice::{Advice, Hook, PolicyFault};
use model::time::Span;
use std::sync::Arc;
use wasmtime::component::{ComponentNamedList, Instance, Lift, Resource};
use wasmtime::{Store, Trap};

type Configured = (Result<(), String>,);
type Scaled = (Result<answer::Scale, String>,);
type Placed = (Result<answer::Place, String>,);
type Reserved = (Result<answer::Reserve, String>,);
type Judged = (Result<answer::Judge, String>,);
type Reviewed = (Result<answer::Review, String>,);
type Shown = (Resource<ViewRep>,);

/// Asks the question of the View.
pub(crate) fn evaluate(policy: &WasmPolicy, entry: &Entry, view: &View<'_>, kept: &[u8]) -> Advised {
    weighed(policy, entry, view, kept).0
}

/// Asks the question of the View; tells the answer and the bytes of linear memory that the instance had in the end.
pub(crate) fn weighed(policy: &WasmPolicy, entry: &Entry, view: &View<'_>, kept: &[u8]) -> (Advised, usize) {
    let _ticking = policy.engine.ticker().tick();
    let columns = shared::columns(view, &entry.reads());
    let budget = policy.limits.budget(row_count(view));
    let state: Arc<[u8]> = kept.into();
    let mut run = Run::new(policy, Arc::clone(&columns), None, budget);
    run.store.data_mut().state = Arc::clone(&state);
    let mut ended = run.ask(policy, entry, view);
    if matches!(ended, Err(Ended::NotBuilt)) {
        run = Run::new(policy, columns, Some(Source::of(view)), budget);
        run.store.data_mut().state = state;
        ended = run.ask(policy, entry, view);
    }
    let fuel = run.used();
    let session = run.store.into_data();
    entry.learn(session.touched);
    let memory = session.growth.memory(&policy.limits);
    let advised = Advised {
        answer: ended.map_err(|ended| ended.fault(&policy.limits, budget)),
        fuel,
        log: session.said.into_lines(),
        kept: session.kept,
    };
    (advised, memory)
}

/// Makes one instance and drops it: what each evaluation begins and ends with.
pub(crate) fn start(policy: &WasmPolicy) -> Result<(), PolicyFault> {
    let _ticking = policy.engine.ticker().tick();
    let budget = policy.limits.budget(0);
    let mut run = Run::new(policy, Arc::new(Columns::nothing()), None, budget);
    let started = run.instantiate(policy).map(|_| ());
    started.map_err(|ended| ended.fault(&policy.limits, budget))
}

/// Learns which columns the policy reads, from a few made-up rows, so that its first evaluation finds them built. What
/// it answers is not looked at: that is judged cycle by cycle, in force or in shadow.
pub(crate) fn foresee(policy: &WasmPolicy, entry: &Entry) {
    let _ = evaluate(policy, entry, &sample::rows(3).view(entry.hook), &[]);
}

/// Makes one instance, looks whether its functions have the shapes of the contract, and lets it read its
/// configuration.
pub(crate) fn rehearse(policy: &WasmPolicy, entry: &Entry) -> Result<(), LoadFault> {
    let _ticking = policy.engine.ticker().tick();
    let budget = policy.limits.budget(0);
    let mut run = Run::new(policy, Arc::new(Columns::nothing()), None, budget);
    let config = |fault| LoadFault::Config {
        hook: entry.hook,
        fault,
    };
    let instance = match run.instantiate(policy) {
        Ok(instance) => instance,
        Err(ended) => return Err(config(ended.fault(&policy.limits, budget))),
    };
    let question = entry.question;
    let store = &mut run.store;
    match entry.hook {
        Hook::Scaler => instance.get_typed_func::<Shown, Scaled>(store, question).err(),
        Hook::Placement => instance.get_typed_func::<Shown, Placed>(store, question).err(),
        Hook::Headroom => instance.get_typed_func::<Shown, Reserved>(store, question).err(),
        Hook::Disruption => instance.get_typed_func::<Shown, Judged>(store, question).err(),
        Hook::Review => instance.get_typed_func::<Shown, Reviewed>(store, question).err(),
    }
    .map_or(Ok(()), |why| Err(mismatch(why)))?;
    instance
        .get_typed_func::<(&str,), Configured>(&mut run.store, entry.configure)
        .map_err(mismatch)?;
    run.configure(policy, entry, &instance)
        .map_err(|ended| config(ended.fault(&policy.limits, budget)))
}

/// One instance and what it may use.
struct Run {
    store: Store<Session>,
    budget: u64,
}

/// How a run ended without an answer.
enum Ended {
    /// Asked for a column that is not there yet.
    NotBuilt,
    /// The engine broke it off, or a host function did.
    Broken(wasmtime::Error),
    /// `configure` said no.
    Unconfigured(String),
    /// The policy said that it cannot answer.
    Declined(String),
    /// The answer is none.
    Nonsense(String),
}

impl Run {
    fn new(policy: &WasmPolicy, columns: Arc<Columns>, source: Option<Source>, budget: u64) -> Self {
        let session = Session::new(columns, source, Arc::clone(&policy.limits));
        let mut store = Store::new(policy.engine.wasm(), session);
        store.limiter(|session| &mut session.growth);
        store.set_hostcall_fuel(policy.limits.hostcall_bytes);
        store.set_max_component_handles(policy.limits.handles);
        let ticks = policy.limits.deadline.as_millis() / TICK.as_millis() + 1;
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
        // Fails only where fuel is not switched on; then it reads as 0 and nothing runs.
        let _ = store.set_fuel(budget);
        Self { store, budget }
    }

    fn used(&self) -> u64 {
        self.budget.saturating_sub(self.store.get_fuel().unwrap_or(0))
    }

    fn instantiate(&mut self, policy: &WasmPolicy) -> Result<Instance, Ended> {
        policy.pre.instantiate(&mut self.store).map_err(broken_off)
    }

    fn configure(&mut self, policy: &WasmPolicy, entry: &Entry, instance: &Instance) -> Result<(), Ended> {
        let configure = instance
            .get_typed_func::<(&str,), Configured>(&mut self.store, entry.configure)
            .map_err(broken_off)?;
        let (configured,) = configure
            .call(&mut self.store, (policy.config.as_str(),))
            .map_err(broken_off)?;
        configured.map_err(|why| Ended::Unconfigured(tame(&why)))
    }

    fn ask(&mut self, policy: &WasmPolicy, entry: &Entry, view: &View<'_>) -> Result<Advice, Ended> {
        let instance = self.instantiate(policy)?;
        self.configure(policy, entry, &instance)?;
        match entry.hook {
            Hook::Scaler => {
                let answer = self.question(entry, &instance)?;
                answer::scale(view, answer, &mut self.store.data_mut().said)
            }
            Hook::Placement => answer::place(view, self.question(entry, &instance)?),
            Hook::Headroom => answer::reserve(self.question(entry, &instance)?),
            Hook::Disruption => {
                let answer = self.question(entry, &instance)?;
                answer::judge(view, answer, &mut self.store.data_mut().said)
            }
            Hook::Review => {
                let answer = self.question(entry, &instance)?;
                answer::review(view, answer, &mut self.store.data_mut().said)
            }
        }
        .map_err(Ended::Nonsense)
    }

    fn question<T>(&mut self, entry: &Entry, instance: &Instance) -> Result<T, Ended>
    where
        T: Lift + 'static,
        (Result<T, String>,): ComponentNamedList + Lift,
    {
        let question = instance
            .get_typed_func::<Shown, (Result<T, String>,)>(&mut self.store, entry.question)
            .map_err(broken_off)?;
        let (answer,) = question
            .call(&mut self.store, (Resource::new_borrow(0),))
            .map_err(broken_off)?;
        answer.map_err(|why| Ended::Declined(tame(&why)))
    }
}

fn broken_off(why: wasmtime::Error) -> Ended {
    match why.downcast_ref::<Broken>() {
        Some(Broken::NotBuilt) => Ended::NotBuilt,
        _ => Ended::Broken(why),
    }
}

impl Ended {
    fn fault(self, limits: &Limits, budget: u64) -> PolicyFault {
        match self {
            Self::NotBuilt => PolicyFault::Trap("asked for a column that cannot be built".to_owned()),
            Self::Unconfigured(why) => PolicyFault::Config(why),
            Self::Declined(why) => PolicyFault::Declined(why),
            Self::Nonsense(why) => PolicyFault::Nonsense(why),
            Self::Broken(why) => engine_fault(&why, limits, budget),
        }
    }
}

fn engine_fault(why: &wasmtime::Error, limits: &Limits, budget: u64) -> PolicyFault {
    if let Some(Broken::Limit(what)) = why.downcast_ref::<Broken>() {
        return PolicyFault::Resource {
            what: (*what).to_owned(),
        };
    }
    match why.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return PolicyFault::Fuel { limit: budget },
        Some(Trap::Interrupt) => {
            let millis = i64::try_from(limits.deadline.as_millis()).unwrap_or(i64::MAX);
            return PolicyFault::Deadline {
                limit: Span::from_millis(millis),
            };
        }
        Some(trap) => return PolicyFault::Trap(tame(&trap.to_string())),
        None => {}
    }
    // The engine has no types for these two; the tests would notice other words.
    let text = why.root_cause().to_string();
    let what = if text.contains("fuel allocated for hostcalls") {
        "data from guest to host"
    } else if text.contains("handle limit exceeded") {
        "handles"
    } else {
        return PolicyFault::Trap(tame(&text));
    };
    PolicyFault::Resource {
        what: what.to_owned(),
    }
}
