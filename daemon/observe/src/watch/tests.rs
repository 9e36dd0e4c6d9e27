//! The follower against a scripted server: pages, events, bookmarks, 410, absent kinds, a server that lags.

use super::*;
use crate::script::{Answer, Script, status};
use model::snapshot::Freshness;
use serde_json::{Value, json};
use std::sync::Arc;

const THINGS: Resource = Resource {
    path: "/apis/x/v1/things",
    optional: false,
};

fn thing(name: &str, version: &str) -> Value {
    json!({"metadata": {"namespace": "ns", "name": name, "resourceVersion": version}})
}

fn list(version: &str, next: &str, names: &[&str]) -> Answer {
    let items: Vec<Value> = names.iter().map(|name| thing(name, version)).collect();
    let page = json!({"kind": "ThingList", "metadata": {"resourceVersion": version, "continue": next},
        "items": items});
    (200, page.to_string())
}

fn events(events: &[(&str, Value)]) -> Answer {
    let line = |(kind, object): &(&str, Value)| format!("{}\n", json!({"type": kind, "object": object}));
    (200, events.iter().map(line).collect())
}

fn bookmark(version: &str) -> (&'static str, Value) {
    let mark = json!({"kind": "Thing", "apiVersion": "x/v1", "metadata": {"resourceVersion": version}});
    ("BOOKMARK", mark)
}

fn expired() -> (&'static str, Value) {
    let status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"});
    ("ERROR", status)
}

fn table() -> Arc<Table<()>> {
    Arc::new(Table::new("things", RHYTHM, Box::new(|_| ((), None))))
}

fn names(table: &Table<()>) -> Vec<String> {
    table.with(|rows| rows.keys().map(|(_, name)| name.to_string()).collect())
}

/// Follows until the script has answered `count` requests, and gives what the table looks like at each of them.
async fn play(resource: Resource, answers: Vec<Answer>) -> (Script, Arc<Table<()>>) {
    let count = answers.len();
    let script = Script::new(answers);
    let (client, table) = (script.client(), table());
    let followed = table.clone();
    let task = tokio::spawn(async move { follow(client, resource, &followed).await });
    // One more: when the next request comes in, the last answer has been worked on.
    script.asked(count + 1).await;
    task.abort();
    (script, table)
}

#[tokio::test]
async fn lists_by_pages_and_resumes_from_the_last_bookmark() {
    let (script, table) = play(
        THINGS,
        vec![
            list("", "more", &["a", "b"]),
            list("10", "", &["c"]),
            events(&[
                ("ADDED", thing("d", "11")),
                ("DELETED", thing("a", "12")),
                bookmark("20"),
            ]),
        ],
    )
    .await;
    assert_eq!(names(&table), ["b", "c", "d"]);
    let lines = script.lines();
    assert!(
        lines[0].contains("limit=500") && !lines[0].contains("continue"),
        "{lines:?}"
    );
    assert!(lines[1].contains("continue=more"), "{lines:?}");
    assert!(
        lines[2].contains("watch=true") && lines[2].contains("resourceVersion=10"),
        "{lines:?}"
    );
    assert!(lines[2].contains("timeoutSeconds=20") && lines[2].contains("allowWatchBookmarks=true"));
    assert!(
        lines[3].contains("watch=true") && lines[3].contains("resourceVersion=20"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_expired_version_is_listed_anew_and_what_vanished_meanwhile_is_gone() {
    for gone in [events(&[bookmark("11"), expired()]), status(410, "Expired")] {
        let (script, table) = play(
            THINGS,
            vec![list("10", "", &["a", "b"]), gone, list("30", "", &["b"])],
        )
        .await;
        assert_eq!(names(&table), ["b"]);
        let lines = script.lines();
        assert!(lines[2].contains("limit=500"), "{lines:?}");
        assert!(lines[3].contains("resourceVersion=30"), "{lines:?}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_keeps_the_rows_and_goes_on_from_the_same_version() {
    let (script, table) = play(
        THINGS,
        vec![list("10", "", &["a"]), status(503, "ServiceUnavailable")],
    )
    .await;
    assert_eq!(names(&table), ["a"], "a broken stream loses nothing");
    assert!(matches!(table.freshness(), Freshness::Stale { .. }));
    assert!(
        script.lines()[2].contains("watch=true&timeoutSeconds=20"),
        "{:?}",
        script.lines()
    );
    assert!(script.lines()[2].contains("resourceVersion=10"));
}

#[tokio::test]
async fn a_list_older_than_what_was_seen_is_refused() {
    let (_, table) = play(
        THINGS,
        vec![
            list("100", "", &["a", "b"]),
            events(&[expired()]),
            list("50", "", &["a"]),
            list("101", "", &["a", "b", "c"]),
        ],
    )
    .await;
    assert_eq!(names(&table), ["a", "b", "c"]);
    let (_, lagging) = play(
        THINGS,
        vec![
            list("100", "", &["a", "b"]),
            events(&[expired()]),
            list("50", "", &["a"]),
        ],
    )
    .await;
    assert_eq!(names(&lagging), ["a", "b"], "the old picture stays, and is stale");
    assert!(matches!(lagging.freshness(), Freshness::Stale { .. }));
}

#[tokio::test]
async fn only_an_optional_kind_may_be_absent() {
    let optional = Resource {
        optional: true,
        ..THINGS
    };
    let script = Script::new([status(404, "NotFound")]);
    let (client, followed) = (script.client(), table());
    let seen = followed.clone();
    let task = tokio::spawn(async move { follow(client, optional, &followed).await });
    while !seen.is_complete() {
        sleep(Duration::from_millis(2)).await;
    }
    task.abort();
    assert_eq!(seen.freshness(), Freshness::Live);
    let (_, table) = play(THINGS, vec![status(404, "NotFound")]).await;
    assert_eq!(table.freshness(), Freshness::Missing);
}

#[tokio::test]
async fn a_kind_with_objects_is_not_believed_gone_at_once() {
    let optional = Resource {
        optional: true,
        ..THINGS
    };
    let answers = vec![
        list("10", "", &["a"]),
        events(&[expired()]),
        status(404, "NotFound"),
    ];
    let (_, table) = play(optional, answers).await;
    assert_eq!(names(&table), ["a"], "whose replicas these are is still known");
    assert!(matches!(table.freshness(), Freshness::Stale { .. }));
}

/// Objects of 3 MB each: pages are asked for that fit, and no more of them than had room in the one before.
#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_again_in_smaller_ones() {
    let large = |name: &str| {
        let mut object = thing(name, "10");
        object["spec"] = json!({"env": ["x".repeat(3 << 20)]});
        object
    };
    let page = |next: &str, names: &[&str]| {
        let items: Vec<Value> = names.iter().map(|name| large(name)).collect();
        let metadata = json!({"resourceVersion": "10", "continue": next});
        (200, json!({"metadata": metadata, "items": items}).to_string())
    };
    let all = ["a", "b", "c", "d", "e"];
    let answers = vec![
        page("", &all),
        page("", &all),
        page("", &all),
        page("", &all),
        page("more", &["a"]),
        page("rest", &["b", "c"]),
        page("rest", &["d", "e", "f"]),
        page("", &["d"]),
        events(&[bookmark("20")]),
    ];
    let (script, table) = play(THINGS, answers).await;
    assert_eq!(names(&table), ["a", "b", "c", "d"]);
    let limits = script.lines().into_iter().filter_map(|line| {
        let limit = line.split("limit=").nth(1)?;
        limit
            .split('&')
            .next()
            .and_then(|limit| limit.split(' ').next()?.parse().ok())
    });
    assert_eq!(limits.collect::<Vec<u32>>(), [500, 125, 31, 7, 1, 2, 2, 1]);
}

/// Permissions that are missing are nothing that a restart mends: `/healthz` must not count them as silence.
#[tokio::test]
async fn a_server_that_refuses_is_heard() {
    let (_, table) = play(THINGS, vec![status(403, "Forbidden")]).await;
    let (name, quiet) = table.pulse(std::time::Instant::now());
    assert_eq!((name, quiet), ("things", false));
    assert_eq!(table.freshness(), Freshness::Missing);
}
