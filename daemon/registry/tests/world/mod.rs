//! A registry with its front, a publisher who signs, and a daemon's end of it: a follower, its folder, a real Shelf.

#![expect(clippy::unwrap_used, reason = "a test ends where its world cannot be made")]

pub(crate) mod front;

use front::Front;
use host::{Engine, Limits, Shelf, Source, sample};
use hostile_guests::guests;
use model::advice::{Hook, PolicyMode};
use model::ids::PolicyName;
use plimsoll_tests::registry::Registry;
use registry::keys::PrivateKey;
use registry::{Artifact, Client, Digest, Follower, Options, PATIENCE, Reference, Trust, Wanted};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Two policies that answer the same in two ways.
pub(crate) fn first() -> Artifact {
    artifact("(call $drop (local.get 0)) (i32.const 1024)")
}

/// See `first`.
pub(crate) fn second() -> Artifact {
    artifact("(call $drop (local.get 0)) (i32.add (i32.const 1000) (i32.const 24))")
}

fn artifact(place: &str) -> Artifact {
    Artifact {
        component: guests::placement("", place),
        ..Artifact::default()
    }
}

/// See the module.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) front: Front,
    /// The publisher's.
    pub(crate) client: Client,
    pub(crate) key: PrivateKey,
    pub(crate) room: TempDir,
    engine: Engine,
}

impl World {
    pub(crate) async fn new(registry: Registry, referrers: bool) -> Self {
        let front = Front::before(&registry.address, referrers).await.unwrap();
        let world = Self {
            registry,
            front,
            client: Client::new(false, PATIENCE).unwrap(),
            key: PrivateKey::generate().unwrap().0,
            room: tempfile::tempdir().unwrap(),
            engine: Engine::new().unwrap(),
        };
        std::fs::write(world.at("key.pub"), world.key.public().pem()).unwrap();
        std::fs::write(world.at("revoked"), "").unwrap();
        world
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// The policy's tag.
    pub(crate) fn tag(&self) -> Reference {
        format!("{}/acme/policies/mine:stable", self.front.address)
            .parse()
            .unwrap()
    }

    pub(crate) async fn push(&self, artifact: &Artifact) -> Digest {
        self.client
            .push(&self.tag(), artifact, Some(&self.key))
            .await
            .unwrap()
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            name: "mine".to_owned(),
            reference: self.tag(),
            trust: Trust::Keys {
                files: vec![self.at("key.pub")],
                revoked: Some(self.at("revoked")),
            },
        }
    }

    pub(crate) fn options(&self) -> Options {
        let limits = Limits::default();
        Options {
            folder: self.at("images"),
            every: Duration::from_millis(20),
            most: limits.wasm_bytes as u64,
            plain_http: false,
            patience: Duration::from_secs(1),
            seed: 7,
            check: Arc::new(move |bytes| {
                host::inspect(bytes, &limits)
                    .map(drop)
                    .map_err(|why| why.to_string())
            }),
        }
    }

    pub(crate) fn follower(&self) -> Follower {
        let client = Client::new(false, self.options().patience).unwrap();
        Follower::open(self.wanted(), self.options(), Arc::new(client)).unwrap()
    }

    /// The shelf of a daemon that has just started.
    pub(crate) fn shelf(&self) -> Shelf {
        let source = Source {
            name: PolicyName::new("mine"),
            path: self.at("images").join("mine.wasm"),
            mode: PolicyMode::Enforce,
            config: String::new(),
            text: None,
            limits: None,
            before: None,
            vouch: None,
            scope: model::PolicyScope::default(),
        };
        Shelf::new(self.engine.clone(), Limits::default(), vec![source])
    }
}

/// Digest of the component in force, after it has answered; `None` where there is none.
pub(crate) fn in_force(shelf: &mut Shelf) -> Option<Digest> {
    shelf.refresh();
    let set = shelf.set();
    let entry = set.entries.first()?;
    let advised = entry.policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
    assert!(advised.answer.is_ok(), "{:?}", advised.answer);
    Some(format!("sha256:{}", entry.digest).parse().unwrap())
}
