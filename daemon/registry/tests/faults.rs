//! Registries that fail, lie and end, and publishers who are not who they should be. Of every row is proved, with a real
//! registry and a real Shelf: the last good policy keeps answering, a restart included; nothing unverified ever comes into
//! force; and when it is over the new policy comes.

#![expect(clippy::unwrap_used, reason = "a test ends where its world does")]

#[expect(dead_code, reason = "another test asks for logins")]
mod world;

use futures::StreamExt as _;
use plimsoll_tests::registry::Registry;
use plimsoll_tests::skip::skip;
use plimsoll_tests::wire::{self, Request};
use registry::keys::PrivateKey;
use registry::{Artifact, Client, Digest, Fault};
use std::time::Duration;
use world::front::Trouble;
use world::{World, first, in_force, second};

/// What is wrong.
enum Ill {
    /// The way to the registry, while a good new version is there.
    Way(Trouble),
    /// The same with a digest that is not the tag's.
    Lies,
    /// What the tag points to: a good component that nobody signed.
    Unsigned,
    /// … that a stranger signed.
    Stranger,
    /// … whose key was revoked since.
    Revoked,
    /// … with the signature of another digest under its name.
    Borrowed,
    /// … that is signed, but no policy at all.
    NoPolicy,
    /// … that is signed, and larger than allowed.
    Giant,
    /// The registry has ended.
    Gone,
    /// The operator's file of keys is not there.
    NoKeys,
}

struct Row {
    name: &'static str,
    ill: Ill,
    /// What is said of it.
    says: &'static str,
    /// The least that is waited before the next round.
    waits: Duration,
}

const SOON: Duration = Duration::from_millis(20);

fn rows() -> Vec<Row> {
    let row = |name, ill, says| Row {
        name,
        ill,
        says,
        waits: SOON,
    };
    let way = |name, trouble, says| row(name, Ill::Way(trouble), says);
    vec![
        way(
            "401",
            Trouble::Status(401, "WWW-Authenticate: Basic realm=\"r\"\r\n"),
            "not allowed (HTTP 401)",
        ),
        way(
            "401 without a challenge",
            Trouble::Status(401, ""),
            "not allowed (HTTP 401)",
        ),
        way("403", Trouble::Status(403, ""), "not allowed (HTTP 403)"),
        way("404", Trouble::Status(404, ""), "not there"),
        Row {
            name: "429 with Retry-After",
            ill: Ill::Way(Trouble::Status(429, "Retry-After: 7\r\n")),
            says: "asks for 7 s of patience",
            waits: Duration::from_secs(7),
        },
        way(
            "429 with a date",
            Trouble::Status(429, "Retry-After: Mon, 23 Nov 2026 12:00:00 GMT\r\n"),
            "too much to do",
        ),
        way("500", Trouble::Status(500, ""), "HTTP 500"),
        Row {
            name: "503 with Retry-After",
            ill: Ill::Way(Trouble::Status(503, "Retry-After: 1\r\n")),
            says: "asks for 1 s of patience",
            waits: Duration::from_secs(1),
        },
        way(
            "a redirect to itself",
            Trouble::Status(307, "Location: /v2/\r\n"),
            "redirect",
        ),
        way("slow tag", Trouble::Slow("manifests/stable"), "timed out"),
        way("slow layer", Trouble::Slow("blobs/"), "timed out"),
        way("truncated layer", Trouble::Truncated("blobs/"), "mine: blobs/"),
        way(
            "truncated manifest",
            Trouble::Truncated("manifests/sha256:"),
            "mine: manifests/sha256:",
        ),
        way(
            "tampered layer",
            Trouble::Tampered("blobs/"),
            "the bytes that came have the digest",
        ),
        way(
            "tampered manifest",
            Trouble::Tampered("manifests/sha256:"),
            "the bytes that came have the digest",
        ),
        way("padded layer", Trouble::Padded("blobs/"), "bytes allowed"),
        way(
            "padded manifest",
            Trouble::Padded("manifests/sha256:"),
            "bytes allowed",
        ),
        way(
            "a digest that is none",
            Trouble::Lies("sha256:12".to_owned()),
            "Docker-Content-Digest",
        ),
        row("wrong digest", Ill::Lies, "is not signed"),
        row("moved tag, unsigned", Ill::Unsigned, "is not signed"),
        row("moved tag, a stranger's", Ill::Stranger, "not among the trusted"),
        row("revoked key", Ill::Revoked, "a signature by the revoked key"),
        row(
            "borrowed signature",
            Ill::Borrowed,
            "a signature of another digest",
        ),
        row("no policy", Ill::NoPolicy, "not a WebAssembly file"),
        row("giant", Ill::Giant, "bytes allowed"),
        row("registry gone", Ill::Gone, "manifests/stable"),
        row("keys gone", Ill::NoKeys, "key.pub"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_good_policy_stays_and_nothing_unverified_comes() {
    let rows = futures::stream::iter(rows().into_iter().enumerate());
    // Most of a row is waiting.
    rows.for_each_concurrent(6, async |(ix, row)| {
        let Some(registry) = registry().await else {
            return;
        };
        // Signatures are referrers in one half of the worlds, and under their tag in the other.
        let referrers = ix % 2 == 0 && !matches!(row.ill, Ill::Borrowed);
        let world = World::new(registry, referrers).await;
        Box::pin(plays(row, world)).await;
    })
    .await;
}

async fn plays(row: Row, mut world: World) {
    let name = row.name;
    let old = Digest::of(&first().component);
    world.push(&first()).await;
    let (mut follower, mut shelf) = (world.follower(), world.shelf());
    assert_eq!(in_force(&mut shelf), None, "{name}: before the first round");
    follower.look().await;
    assert_eq!(follower.standing().trouble, None, "{name}");
    assert_eq!(in_force(&mut shelf).as_ref(), Some(&old), "{name}");

    let end = begin(&row, &mut world).await;
    for round in 1..=3 {
        let waits = follower.look().await;
        let trouble = follower
            .standing()
            .trouble
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(trouble.contains(row.says), "{name}, round {round}: {trouble:?}");
        assert!(
            waits >= row.waits && waits < row.waits * 8,
            "{name}, round {round}: {waits:?}"
        );
        assert_eq!(in_force(&mut shelf).as_ref(), Some(&old), "{name}, round {round}");
    }
    // The daemon starts again in the middle of it: with the last good one, unless nobody can say that it is.
    let mut follower = world.follower();
    let after = in_force(&mut world.shelf());
    let revoked = matches!(row.ill, Ill::NoKeys | Ill::Revoked);
    assert_eq!(after, (!revoked).then(|| old.clone()), "{name}: after a restart");
    follower.look().await;
    assert_eq!(
        in_force(&mut world.shelf()),
        after,
        "{name}: a round after a restart"
    );

    let new = over(end, &row, &mut world).await;
    follower.look().await;
    assert_eq!(follower.standing().trouble, None, "{name}: when it is over");
    assert_eq!(in_force(&mut shelf), Some(new.clone()), "{name}: when it is over");
    assert_eq!(in_force(&mut world.shelf()), Some(new), "{name}: when it is over");
}

/// What has to be there when it is over: the digest of a component.
struct End {
    new: Digest,
    other: PrivateKey,
}

async fn begin(row: &Row, world: &mut World) -> End {
    let other = PrivateKey::generate().unwrap().0;
    let new = Digest::of(&second().component);
    let (client, tag) = (&world.client, world.tag());
    match &row.ill {
        Ill::Way(trouble) => {
            world.push(&second()).await;
            world.front.set(trouble.clone());
        }
        Ill::Lies => {
            world.push(&second()).await;
            world
                .front
                .set(Trouble::Lies(Digest::of(b"anything").to_string()));
        }
        Ill::Unsigned => drop(client.push(&tag, &second(), None).await.unwrap()),
        Ill::Stranger => drop(client.push(&tag, &second(), Some(&other)).await.unwrap()),
        Ill::Revoked => {
            world.push(&second()).await;
            let fingerprint = world.key.public().fingerprint();
            std::fs::write(world.at("revoked"), fingerprint.to_string()).unwrap();
        }
        Ill::Borrowed => borrow(client, world).await,
        Ill::NoPolicy => {
            let nonsense = Artifact {
                component: b"nonsense".to_vec(),
                ..Artifact::default()
            };
            world.push(&nonsense).await;
        }
        Ill::Giant => {
            let giant = Artifact {
                component: vec![0; (32 << 20) + 1],
                ..Artifact::default()
            };
            world.push(&giant).await;
        }
        Ill::Gone => {
            world.push(&second()).await;
            world.registry.stop();
        }
        Ill::NoKeys => {
            world.push(&second()).await;
            std::fs::rename(world.at("key.pub"), world.at("elsewhere")).unwrap();
        }
    }
    End { new, other }
}

/// A good signature of the old policy, put where a signature of the new one would be.
async fn borrow(client: &Client, world: &World) {
    let tag = world.tag();
    let old = client.digest(&tag).await.unwrap();
    let new = client.push(&tag, &second(), None).await.unwrap();
    let address = world.registry.address.as_str();
    let ask = async |method: &str, of: &Digest, body: Vec<u8>| {
        let media = "application/vnd.oci.image.manifest.v1+json";
        let head = format!(
            "{method} /v2/acme/policies/mine/manifests/sha256-{}.sig HTTP/1.1\r\nHost: {address}\r\n\
             Accept: {media}\r\nContent-Type: {media}\r\nContent-Length: {}",
            of.hex(),
            body.len()
        );
        wire::send(address, &Request { head, body }).await.unwrap()
    };
    let signature = ask("GET", &old, Vec::new()).await;
    assert_eq!(signature.status, 200, "{}", signature.text);
    let stored = ask("PUT", &new, signature.text.into_bytes()).await;
    assert_eq!(stored.status, 201, "{}", stored.text);
}

async fn over(end: End, row: &Row, world: &mut World) -> Digest {
    world.front.set(Trouble::None);
    let (client, tag) = (&world.client, world.tag());
    match &row.ill {
        Ill::Unsigned | Ill::Borrowed => {
            let digest = client.digest(&tag).await.unwrap();
            assert!(client.sign(&tag, &digest, &world.key).await.unwrap());
        }
        Ill::Stranger | Ill::NoPolicy | Ill::Giant => drop(world.push(&second()).await),
        Ill::Revoked => {
            // The new key signs what the stolen one had signed, and is trusted.
            let digest = client.digest(&tag).await.unwrap();
            assert!(client.sign(&tag, &digest, &end.other).await.unwrap());
            let both = world.key.public().pem() + &end.other.public().pem();
            std::fs::write(world.at("key.pub"), both).unwrap();
        }
        Ill::Gone => world.registry.again().await.unwrap(),
        Ill::NoKeys => std::fs::rename(world.at("elsewhere"), world.at("key.pub")).unwrap(),
        Ill::Way(_) | Ill::Lies => {}
    }
    end.new
}

/// A registry; `None` where there is none on this machine, which is said.
async fn registry() -> Option<Registry> {
    match Registry::start().await {
        Ok(registry) => Some(registry),
        Err(why) => {
            skip("policies from a registry", &why.to_string());
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_are_referrers_where_the_registry_knows_of_them() {
    for referrers in [true, false] {
        let Some(registry) = registry().await else {
            return;
        };
        let world = World::new(registry, referrers).await;
        let digest = world.push(&first()).await;
        let stored = world.front.questions();
        let under_tag = format!("PUT /v2/acme/policies/mine/manifests/sha256-{}.sig", digest.hex());
        assert_eq!(stored.contains(&under_tag), !referrers, "{stored:?}");
        // The tag moves when the signature is there.
        assert_eq!(
            stored.last().unwrap(),
            "PUT /v2/acme/policies/mine/manifests/stable"
        );
        let found = world.client.signatures(&world.tag(), &digest).await.unwrap();
        assert_eq!(found.len(), 1, "referrers: {referrers}");
        // The same key again adds nothing, another key does, and the same policy has the same digest.
        assert!(
            !world
                .client
                .sign(&world.tag(), &digest, &world.key)
                .await
                .unwrap()
        );
        let other = PrivateKey::generate().unwrap().0;
        assert!(world.client.sign(&world.tag(), &digest, &other).await.unwrap());
        assert_eq!(
            world
                .client
                .signatures(&world.tag(), &digest)
                .await
                .unwrap()
                .len(),
            2
        );
        assert_eq!(world.push(&first()).await, digest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_the_folder_that_were_not_fetched_are_not_loaded() {
    let Some(registry) = registry().await else {
        return;
    };
    let mut world = World::new(registry, false).await;
    world.push(&first()).await;
    world.follower().look().await;
    world.registry.stop();
    let good = Digest::of(&first().component);
    assert_eq!(in_force(&mut world.shelf()), Some(good.clone()));
    let (wasm, json) = (world.at("images/mine.wasm"), world.at("images/mine.json"));
    let described = std::fs::read_to_string(&json).unwrap();

    // A component that nobody signed, under the description of one that somebody did.
    std::fs::write(&wasm, &second().component).unwrap();
    let follower = world.follower();
    assert!(
        follower
            .standing()
            .trouble
            .as_ref()
            .unwrap()
            .to_string()
            .contains("is not what was fetched")
    );
    assert_eq!(in_force(&mut world.shelf()), None);
    std::fs::write(&wasm, &first().component).unwrap();
    assert_eq!(world.follower().standing().trouble, None);

    // Cut off between the two renames: the new description is there, the new component is not.
    for broken in [
        described.replace(good.hex(), Digest::of(b"x").hex()),
        String::new(),
        "{}".to_owned(),
    ] {
        std::fs::write(&json, broken).unwrap();
        assert!(world.follower().standing().trouble.is_some());
        assert_eq!(in_force(&mut world.shelf()), None);
        std::fs::write(&wasm, &first().component).unwrap();
    }
    std::fs::write(&json, described).unwrap();
    assert_eq!(world.follower().standing().trouble, None);
    assert_eq!(in_force(&mut world.shelf()), Some(good));

    // Another tag is another policy, also where the folder has one of that name.
    let mut wanted = world.wanted();
    wanted.reference = world
        .tag()
        .to_string()
        .replace("stable", "canary")
        .parse()
        .unwrap();
    let client = std::sync::Arc::new(Client::new(false, world.options().patience).unwrap());
    let follower = registry::Follower::open(wanted, world.options(), client).unwrap();
    let why = follower.standing().trouble.clone().unwrap().to_string();
    assert!(why.contains("no longer wanted"), "{why}");
    assert_eq!(in_force(&mut world.shelf()), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_policy_needs_no_registry_once_it_is_there() {
    let Some(registry) = registry().await else {
        return;
    };
    let mut world = World::new(registry, true).await;
    let digest = world.push(&first()).await;
    let mut wanted = world.wanted();
    wanted.reference = world.tag().at(&digest);
    let client = std::sync::Arc::new(Client::new(false, world.options().patience).unwrap());
    let mut follower = registry::Follower::open(wanted, world.options(), client).unwrap();
    follower.look().await;
    world.push(&second()).await;
    world.registry.stop();
    let asked = world.front.questions().len();
    follower.look().await;
    assert_eq!(
        (&follower.standing().trouble, world.front.questions().len()),
        (&None, asked)
    );
    assert_eq!(in_force(&mut world.shelf()), Some(Digest::of(&first().component)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_followed_by_one_thread_which_ends() {
    let Some(registry) = registry().await else {
        return;
    };
    let world = World::new(registry, true).await;
    world.push(&first()).await;
    let mut missing = world.wanted();
    missing.name = "missing".to_owned();
    missing.reference = world
        .tag()
        .to_string()
        .replace("stable", "never")
        .parse()
        .unwrap();
    let followers = registry::Followers::start(vec![missing, world.wanted()], &world.options()).unwrap();
    followers.settle(Duration::from_secs(30));
    let [missing, mine] = &followers.standings()[..] else {
        panic!("{:?}", followers.standings())
    };
    assert!(
        matches!(missing.trouble, Some(Fault::Missing { .. })),
        "{missing:?}"
    );
    assert_eq!(
        (&mine.trouble, mine.signer.clone()),
        (&None, Some(world.key.public().fingerprint()))
    );
    let mut shelf = world.shelf();
    assert_eq!(in_force(&mut shelf), Some(Digest::of(&first().component)));
    world.push(&second()).await;
    let new = Digest::of(&second().component);
    let came = plimsoll_tests::wait::eventually("the second one", Duration::from_mins(1), async || {
        Ok((in_force(&mut shelf) == Some(new.clone())).then_some(()))
    });
    came.await.unwrap();
    drop(followers);
    let asked = world.front.questions().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.front.questions().len(), asked, "nobody asks any more");
}
