//! What a component exports: the policies behind its hooks, kept from `configure` to the question.
//!
//! Only what generated bindings and the public API do not say themselves; nothing here is for authors. Not here: the
//! functions that the host gives (`source`).

use crate::answers::{Holds, Prices, Replicas, Room, Verdicts};
use crate::level::Level;
use crate::source::imports::plimsoll::policy::view::View as Handle;
use crate::source::log;
use crate::view::View;
use std::any::Any;
use std::cell::OnceCell;

thread_local! {
    /// The configured policies of this instance, one for each hook.
    static POLICIES: [OnceCell<Box<dyn Any>>; 5] = const { [const { OnceCell::new() }; 5] };
}

/// Keeps a policy for the question to come. Panics are logged from now on: a trap alone says little.
fn install<P: 'static>(hook: usize, policy: Result<P, String>) -> Result<(), String> {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    let policy: Box<dyn Any> = Box::new(policy?);
    POLICIES.with(|policies| match policies.get(hook).map(|cell| cell.set(policy)) {
        Some(Ok(())) => Ok(()),
        _ => Err("configured twice".to_owned()),
    })
}

/// Asks the policy that was kept.
fn ask<P: 'static, A>(hook: usize, question: impl FnOnce(&P) -> Result<A, String>) -> Result<A, String> {
    POLICIES.with(|policies| {
        let kept = policies.get(hook).and_then(OnceCell::get);
        match kept.and_then(|policy| policy.downcast_ref::<P>()) {
            Some(policy) => question(policy),
            None => Err("not configured".to_owned()),
        }
    })
}

/// Generates the bindings of one hook, and the type that stands for a policy behind them.
macro_rules! hook {
    ($ordinal:literal, $world:literal, $macro_name:literal, $module:ident, $hook:ident, $question:ident, $shape:ty) => {
        pub mod $module {
            use super::{Handle, View, ask, install};

            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                with: {
                    "plimsoll:policy/view@0.2.0": crate::source::imports::plimsoll::policy::view,
                    "plimsoll:policy/host@0.2.0": crate::source::imports::plimsoll::policy::host,
                },
                pub_export_macro: true,
                export_macro_name: $macro_name,
            });

            /// A policy as a component exports it.
            pub struct Exported<P>(std::marker::PhantomData<P>);

            impl<P: crate::hooks::$hook> exports::plimsoll::policy::$module::Guest for Exported<P> {
                fn configure(config_json: String) -> Result<(), String> {
                    install($ordinal, P::configure(&config_json))
                }

                fn $question(picture: &Handle) -> Result<$shape, String> {
                    ask($ordinal, |policy: &P| policy.$question(&View::new(picture))).map(super::$question)
                }
            }
        }
    };
}

hook!(
    0,
    "scaler-policy",
    "__export_scaler",
    scaler,
    Scaler,
    scale,
    super::Scale
);
hook!(
    1,
    "placement-policy",
    "__export_placement",
    placement,
    Placement,
    place,
    super::Place
);
hook!(
    2,
    "headroom-policy",
    "__export_headroom",
    headroom,
    Headroom,
    reserve,
    super::Reserve
);
hook!(
    3,
    "disruption-policy",
    "__export_disruption",
    disruption,
    Disruption,
    judge,
    super::Judge
);
hook!(
    4,
    "review-policy",
    "__export_review",
    review,
    Review,
    review,
    super::Reviewed
);

type Scale = (Vec<u32>, Vec<u32>, Vec<u16>);
type Place = (
    Vec<u32>,
    Vec<f64>,
    Vec<u32>,
    Vec<u32>,
    Vec<u16>,
    Vec<u32>,
    Vec<u32>,
    Vec<f64>,
    Vec<u16>,
);
type Reserve = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<u16>);
type Judge = (Vec<u32>, Vec<u16>, Vec<u32>, Vec<f64>, Vec<u16>);
type Reviewed = (Vec<u32>, Vec<u16>);

fn scale(answer: Replicas) -> Scale {
    (answer.rows, answer.wanted, answer.codes)
}

fn place(answer: Prices) -> Place {
    (
        answer.factor_sets,
        answer.factors,
        answer.ban_classes,
        answer.ban_sets,
        answer.ban_codes,
        answer.add_classes,
        answer.add_sets,
        answer.add_usd,
        answer.add_codes,
    )
}

fn reserve(answer: Room) -> Reserve {
    (answer.counts, answer.cpus, answer.memories, answer.codes)
}

fn judge(answer: Verdicts) -> Judge {
    (
        answer.denied,
        answer.denial_codes,
        answer.add_candidates,
        answer.add_usd,
        answer.add_codes,
    )
}

fn review(answer: Holds) -> Reviewed {
    (answer.rows, answer.codes)
}
