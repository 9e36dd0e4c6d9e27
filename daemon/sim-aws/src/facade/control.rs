//! `/_plimsoll/…`: the state of an account as JSON, and a virtual clock moved by hand.
//!
//! Not here: calls of AWS (`facade`).

use super::{Clock, Shared, Side, lock};
use crate::account::Account;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Span;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn control(shared: &Shared, what: &str, query: &str) -> Response {
    let json =
        |value: &Value| ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response();
    match what {
        "state" => {
            let account = shared.present();
            json(&state(&account, &lock(&shared.side)))
        }
        "advance" if shared.clock == Clock::Virtual => {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let seconds = pairs
                .find(|(key, _)| key == "seconds")
                .and_then(|(_, value)| value.parse::<i64>().ok());
            let Some(seconds) = seconds.filter(|s| (0..=366 * 86_400).contains(s)) else {
                return (
                    StatusCode::BAD_REQUEST,
                    "seconds: a whole number from 0 to a year is wanted\n",
                )
                    .into_response();
            };
            let mut account = lock(&shared.account);
            let to = account.now() + Span::from_secs(seconds);
            account.advance(to);
            json(&json!({"now_millis": to.0}))
        }
        "advance" => (
            StatusCode::CONFLICT,
            "the clock is the machine's; start with --clock virtual\n",
        )
            .into_response(),
        _ => (
            StatusCode::NOT_FOUND,
            "there are /_plimsoll/state and /_plimsoll/advance?seconds=N\n",
        )
            .into_response(),
    }
}

fn state(account: &Account, side: &Side) -> Value {
    let groups: BTreeMap<&String, Value> = account
        .groups
        .iter()
        .map(|(name, g)| {
            (
                name,
                json!({"min": g.min, "max": g.max, "desired": g.desired, "counted": account.counted(name)}),
            )
        })
        .collect();
    let machines: Vec<Value> = account
        .machines
        .values()
        .map(|m| {
            json!({
                "id": m.id, "type": m.instance_type, "zone": m.zone, "spot": m.spot, "group": m.group,
                "state": m.state.wire().1, "joined": m.joined,
            })
        })
        .collect();
    json!({
        "now_millis": account.now().0, "groups": groups, "machines": machines,
        "cost_nano_dollars": account.cost_nanos().to_string(), "calls": side.calls, "throttled": side.throttled,
    })
}
