//! One list-and-watch over one kind, kept up for ever, with every sign of life reported to its Table.
//!
//! kube's own `watcher` swallows bookmarks and reconnects, so that an idle stream cannot be told from a dead one;
//! here a watch is short and each of its turns counts as contact. Not here: what the objects mean.

mod page;

use crate::table::Table;
use futures::TryStreamExt;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use kube::runtime::watcher::DefaultBackoff;
use kube::{Client, Error};
use manifest::Tree;
use page::Unread;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Objects per page of a list.
const PAGE: u32 = 500;
/// Length of one watch; a bookmark comes two seconds before its end.
const WATCH_SECONDS: u32 = 20;
/// Signs of life of a healthy stream come at least this often.
pub(crate) const RHYTHM: Duration = Duration::from_secs(25);
/// One page of a list, or the beginning of a watch.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often an optional kind that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// A watch that ends sooner, without news, is a fault of the server and not followed by the next at once.
const TOO_SHORT: Duration = Duration::from_secs(1);
/// A kind that had objects is believed to be gone only when it was not found so often in a row: while an API
/// server starts, kinds come one after the other.
const NOT_FOUND: u32 = 5;
/// Lists older than what was seen already are refused this often (a restored backup is older for ever).
const REGRESSIONS: u32 = 5;

/// A kind to follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// Path of its collection, `/api/v1/pods`.
    pub(crate) path: &'static str,
    /// A kind that may not exist on the server (a CRD).
    pub(crate) optional: bool,
}

/// Where to go on.
enum Next {
    /// Watch from this version.
    Watch(String),
    /// List anew.
    List,
    /// The kind does not exist.
    Absent,
}

/// What went wrong, and where to go on after a pause.
struct Trouble {
    why: String,
    next: Next,
    /// The server has said so itself: it is no silence.
    said: bool,
}

impl Trouble {
    /// What the server has said itself.
    fn said(self) -> Self {
        Self { said: true, ..self }
    }
}

/// Follows a kind until the task is dropped.
pub(crate) async fn follow<R>(client: Client, resource: Resource, table: &Table<R>) {
    let mut follower = Follower {
        client,
        resource,
        table,
        newest: 0,
        regressions: 0,
        not_found: 0,
        page: PAGE,
        openings: 0,
    };
    let mut pauses = DefaultBackoff::default();
    let mut next = Next::List;
    let mut troubled = false;
    loop {
        let turn = match next {
            Next::List => follower.list().await,
            Next::Watch(version) => follower.watch(version).await,
            Next::Absent => {
                table.absent();
                sleep(LOOK_AGAIN).await;
                Ok(Next::List)
            }
        };
        next = match turn {
            Ok(next) => {
                if std::mem::take(&mut troubled) {
                    tracing::info!(stream = table.name, "whole again");
                }
                next
            }
            Err(trouble) => {
                table.broke(&trouble.why);
                if trouble.said {
                    table.heard();
                }
                let pause = pauses.next().unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
                // Said once: what follows until it is whole again is the same trouble.
                if std::mem::replace(&mut troubled, true) {
                    tracing::debug!(stream = table.name, why = %trouble.why, ?pause, "still broken");
                } else {
                    tracing::warn!(stream = table.name, why = %trouble.why, "broken");
                }
                sleep(pause).await;
                trouble.next
            }
        };
    }
}

struct Follower<'t, R> {
    client: Client,
    resource: Resource,
    table: &'t Table<R>,
    /// Highest version seen: a list below it comes from a server that lags behind.
    newest: u64,
    regressions: u32,
    not_found: u32,
    /// Objects asked for at once: fewer where they are large.
    page: u32,
    /// Those of the table when the last list began.
    openings: u64,
}

impl<R> Follower<'_, R> {
    async fn list(&mut self) -> Result<Next, Trouble> {
        self.openings = self.table.openings();
        self.table.begin();
        let mut token = None;
        loop {
            let params = ListParams {
                limit: Some(self.page),
                continue_token: token.clone(),
                ..ListParams::default()
            };
            let request = Request::new(self.resource.path)
                .list(&params)
                .map_err(|error| relist(&error))?;
            let bytes = match timeout(ANSWER, page::read(&self.client, request)).await {
                Err(_) => return Err(relist(&"no answer to a list")),
                Ok(Err(Unread::Failed(Error::Api(status))))
                    if status.code == 404 && self.resource.optional =>
                {
                    return self.absent();
                }
                Ok(Err(Unread::TooLarge)) if self.page > 1 => {
                    self.page = (self.page / 4).max(1);
                    continue;
                }
                Ok(Err(error @ Unread::Failed(Error::Api(_)))) => return Err(relist(&error).said()),
                Ok(Err(error)) => return Err(relist(&error)),
                Ok(Ok(bytes)) => bytes,
            };
            let head = page::objects(&bytes, |object| self.table.listed(object));
            let head = head.map_err(|error| relist(&error))?;
            // What was listed counts only when the list is complete.
            self.check_version(&head.resource_version)?;
            if head.next.is_empty() {
                self.table.completed();
                self.not_found = 0;
                return Ok(Next::Watch(head.resource_version));
            }
            token = Some(head.next);
            self.page = page::next_size(self.page, bytes.len(), PAGE);
        }
    }

    async fn watch(&mut self, mut version: String) -> Result<Next, Trouble> {
        let params = WatchParams::default().timeout(WATCH_SECONDS);
        let request = Request::new(self.resource.path)
            .watch(&params, &version)
            .map_err(|error| relist(&error))?;
        let began = Instant::now();
        let stream = match timeout(ANSWER, self.client.request_events::<Tree>(request)).await {
            Err(_) => return Err(resume("no answer to a watch", version)),
            Ok(Err(error)) => return self.ended(&error, version),
            Ok(Ok(stream)) => stream,
        };
        self.table.contact();
        let mut stream = pin!(stream);
        let mut quiet = true;
        loop {
            match timeout(RHYTHM, stream.try_next()).await {
                Err(_) => return Err(resume("a watch fell silent", version)),
                Ok(Err(error)) => return self.ended(&error, version),
                Ok(Ok(None)) if quiet && began.elapsed() < TOO_SHORT => {
                    return Err(resume("a watch ended at once", version).said());
                }
                // A row that there was no room for stays as it is until it is read again.
                Ok(Ok(None)) if self.table.openings() != self.openings => return Ok(Next::List),
                Ok(Ok(None)) => return Ok(Next::Watch(version)),
                Ok(Ok(Some(WatchEvent::Error(status)))) => {
                    return self.ended(&Error::Api(status), version);
                }
                Ok(Ok(Some(event))) => {
                    quiet = false;
                    self.take(event, &mut version);
                }
            }
        }
    }

    fn take(&mut self, event: WatchEvent<Tree>, version: &mut String) {
        let object = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.table.changed(&object);
                object
            }
            WatchEvent::Deleted(object) => {
                self.table.gone(&object);
                object
            }
            WatchEvent::Bookmark(mark) => {
                self.table.contact();
                *version = mark.metadata.resource_version;
                return;
            }
            WatchEvent::Error(_) => return,
        };
        let seen = object.get("metadata").and_then(|m| m.get("resourceVersion"));
        if let Some(seen) = seen.and_then(Tree::text) {
            seen.clone_into(version);
            self.newest = self.newest.max(number(seen));
        }
    }

    /// A watch that ended with an error: 410 means that the version is no longer known.
    fn ended(&self, error: &Error, version: String) -> Result<Next, Trouble> {
        match error {
            Error::Api(status) if status.code == 410 || status.reason == "Expired" => {
                tracing::debug!(stream = self.table.name, "version expired, listing anew");
                self.table.broke("version expired");
                Ok(Next::List)
            }
            Error::SerdeError(error) => Err(relist(error).said()),
            Error::Api(_) => Err(resume(&brief(error), version).said()),
            other => Err(resume(&brief(other), version)),
        }
    }

    fn absent(&mut self) -> Result<Next, Trouble> {
        self.not_found += 1;
        let had_objects = self.table.with(|rows| !rows.is_empty());
        if had_objects && self.not_found < NOT_FOUND {
            return Err(relist(&"a kind that had objects is not found").said());
        }
        Ok(Next::Absent)
    }

    /// Refuses a list from a server that is behind what was seen already (reliability.md, fault K4).
    fn check_version(&mut self, version: &str) -> Result<(), Trouble> {
        let version = number(version);
        if version >= self.newest || self.regressions >= REGRESSIONS {
            self.newest = version;
            self.regressions = 0;
            return Ok(());
        }
        self.regressions += 1;
        Err(relist(&format_args!(
            "a list of version {version} after {} was seen",
            self.newest
        ))
        .said())
    }
}

fn relist(why: &impl ToString) -> Trouble {
    Trouble {
        why: why.to_string(),
        next: Next::List,
        said: false,
    }
}

fn resume(why: &str, version: String) -> Trouble {
    Trouble {
        why: why.to_owned(),
        next: Next::Watch(version),
        said: false,
    }
}

/// Resource versions are numbers on every server (KEP-5504); one that is not compares as the oldest.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

fn brief(error: &Error) -> String {
    match error {
        Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => with_causes(other),
    }
}

/// An error with what is behind it: `connect` alone does not say that nobody listens.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !words.ends_with(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = next.source();
    }
    words
}

#[cfg(test)]
mod tests;
