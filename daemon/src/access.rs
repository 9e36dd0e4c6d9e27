//! Who may ask the daemon what, by the cluster's own word: TokenReview says who, SubjectAccessReview says whether.
//!
//! Answers are kept for a short while, so that a client does not cost two reviews a call, and tokens that nobody has seen
//! are asked about at a rate: a flood of bad ones is neither passed on to the API server nor drives out a good one. What
//! cannot be asked is denied. Callers on loopback are let in, unless the configuration trusts them no more than others. Neither review
//! changes anything in the cluster.

use crate::config::Access;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use serve::{Authorise, Caller, Denied, Identity, Object, Rate, Verb};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const GROUP: &str = "plimsoll.io";
/// A review that takes longer is an answer of no.
const REVIEW: Duration = Duration::from_secs(5);
/// A good token is asked about again after this long.
const TOKEN_KEPT: Duration = Duration::from_mins(1);
/// A yes is kept this long …
const YES_KEPT: Duration = Duration::from_secs(30);
/// … and a no this long.
const NO_KEPT: Duration = Duration::from_secs(5);
/// Answers kept at most, of each kind; where there are more, those that end first are forgotten.
const KEPT: usize = 1024;
/// TokenReviews per second about tokens of which no answer is kept …
const REVIEWS: u32 = 20;
/// … after so many at once …
const REVIEWS_AT_ONCE: u32 = 40;
/// … and for callers of one address.
const REVIEWS_OF_ADDRESS: u32 = 5;
const REVIEWS_OF_ADDRESS_AT_ONCE: u32 = 10;
/// Addresses whose rate is kept.
const ADDRESSES: usize = 1024;

/// Asks the cluster.
pub(crate) struct ClusterAccess {
    client: kube::Client,
    access: Access,
    known: Kept<[u8; 32], User>,
    refused: Kept<[u8; 32], String>,
    reviews: Reviews,
    answers: Kept<Question, bool>,
}

/// What a SubjectAccessReview is asked. The whole user: of two that share a name, groups or extra may let in one only.
type Question = (User, Verb, Object);

/// What a TokenReview says about a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct User {
    name: String,
    uid: Option<String>,
    groups: Option<Vec<String>>,
    extra: Option<BTreeMap<String, Vec<String>>>,
}

/// Answers with the time until which they hold.
struct Kept<K, V>(Mutex<BTreeMap<K, (Instant, V)>>);

impl<K: Ord, V: Clone> Kept<K, V> {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn get(&self, key: &K) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, value) = kept.get(key)?;
        (*until > Instant::now()).then(|| value.clone())
    }

    fn keep(&self, key: K, value: V, span: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            forget(&mut kept);
        }
        kept.insert(key, (Instant::now() + span, value));
    }
}

/// Makes room: what has ended, and half of the rest.
fn forget<K: Ord, V>(kept: &mut BTreeMap<K, (Instant, V)>) {
    let now = Instant::now();
    kept.retain(|_, (until, _)| *until > now);
    if kept.len() >= KEPT {
        let mut ends: Vec<Instant> = kept.values().map(|(until, _)| *until).collect();
        ends.sort();
        let middle = ends.get(ends.len() / 2).copied().unwrap_or(now);
        kept.retain(|_, (until, _)| *until > middle);
    }
}

/// How often the cluster is asked about tokens, in all and for one address.
struct Reviews {
    all: Rate<()>,
    of_address: Rate<Option<IpAddr>>,
}

impl Reviews {
    const fn new() -> Self {
        Self {
            all: Rate::new(REVIEWS, REVIEWS_AT_ONCE, 1),
            of_address: Rate::new(REVIEWS_OF_ADDRESS, REVIEWS_OF_ADDRESS_AT_ONCE, ADDRESSES),
        }
    }

    /// Whether one more may be made for a caller from there.
    fn take(&self, address: Option<IpAddr>, now: Instant) -> bool {
        // The address first: who asks too often takes nothing from others.
        self.of_address.take(&address, now) && self.all.take(&(), now)
    }
}

impl ClusterAccess {
    /// Makes no call.
    pub(crate) const fn new(client: kube::Client, access: Access) -> Self {
        Self {
            client,
            access,
            known: Kept::new(),
            refused: Kept::new(),
            reviews: Reviews::new(),
            answers: Kept::new(),
        }
    }

    async fn who(&self, token: &str, address: Option<IpAddr>) -> Result<User, Denied> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(user) = self.known.get(&key) {
            return Ok(user);
        }
        if let Some(why) = self.refused.get(&key) {
            return Err(Denied::Unauthenticated(why));
        }
        if !self.reviews.take(address, Instant::now()) {
            let why = "too many tokens that are not known yet; try again in a moment";
            return Err(Denied::Unavailable(why.to_owned()));
        }
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: token.to_owned(),
                audiences: (!self.access.audiences.is_empty()).then(|| self.access.audiences.clone()),
            },
            ..TokenReview::default()
        };
        let status = self.ask(review).await?.status.unwrap_or_default();
        match user(status, &self.access.audiences) {
            Ok(user) => {
                self.known.keep(key, user.clone(), TOKEN_KEPT);
                Ok(user)
            }
            Err(why) => {
                self.refused.keep(key, why.clone(), NO_KEPT);
                Err(Denied::Unauthenticated(why))
            }
        }
    }

    async fn may(&self, user: &User, verb: Verb, object: Object) -> Result<bool, Denied> {
        let key = (user.clone(), verb, object);
        if let Some(known) = self.answers.get(&key) {
            return Ok(known);
        }
        let review = SubjectAccessReview {
            spec: question(user, verb, object),
            ..SubjectAccessReview::default()
        };
        let status = self.ask(review).await?.status.unwrap_or_default();
        let allowed = status.allowed && status.denied != Some(true);
        let span = if allowed { YES_KEPT } else { NO_KEPT };
        self.answers.keep(key, allowed, span);
        Ok(allowed)
    }

    async fn ask<K>(&self, review: K) -> Result<K, Denied>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::all(self.client.clone());
        let params = PostParams::default();
        let asked = api.create(&params, &review);
        match tokio::time::timeout(REVIEW, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Denied::Unavailable(error.to_string())),
            Err(_) => Err(Denied::Unavailable(format!("no answer within {REVIEW:?}"))),
        }
    }
}

/// What the cluster is asked: whether a user may do something to a resource of ours, or to a path.
fn question(user: &User, verb: Verb, object: Object) -> SubjectAccessReviewSpec {
    let (verb, name) = (Some(verb.as_str().to_owned()), Some(object.as_str().to_owned()));
    let mut asked = SubjectAccessReviewSpec {
        user: Some(user.name.clone()),
        uid: user.uid.clone(),
        groups: user.groups.clone(),
        extra: user.extra.clone(),
        ..SubjectAccessReviewSpec::default()
    };
    if object == Object::Metrics {
        asked.non_resource_attributes = Some(NonResourceAttributes { path: name, verb });
    } else {
        asked.resource_attributes = Some(ResourceAttributes {
            group: Some(GROUP.to_owned()),
            resource: name,
            verb,
            ..ResourceAttributes::default()
        });
    }
    asked
}

/// Who a token belongs to, where it is good and meant for one of these audiences.
fn user(status: TokenReviewStatus, audiences: &[String]) -> Result<User, String> {
    let user = status.user.unwrap_or_default();
    let name = user.username.unwrap_or_default();
    if status.authenticated != Some(true) || name.is_empty() {
        return Err("the cluster does not know this token".to_owned());
    }
    // A cluster that knows no audiences answers without any: then nothing was checked.
    let meant = status.audiences.unwrap_or_default();
    if !audiences.is_empty() && !audiences.iter().any(|audience| meant.contains(audience)) {
        return Err(format!("this token is not meant for {}", audiences.join(", ")));
    }
    Ok(User {
        name,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
    })
}

#[serve::async_trait]
impl Authorise for ClusterAccess {
    async fn authorise(&self, caller: &Caller, verb: Verb, object: Object) -> Result<Identity, Denied> {
        if let Some(identity) = caller.loopback().filter(|_| self.access.trust_loopback) {
            return Ok(identity);
        }
        let token = caller
            .token
            .as_deref()
            .ok_or_else(|| Denied::Unauthenticated("a bearer token of the cluster is wanted".to_owned()))?;
        let address = caller.address.map(|address| address.ip().to_canonical());
        let user = self.who(token, address).await?;
        if self.may(&user, verb, object).await? {
            return Ok(Identity(user.name));
        }
        Err(Denied::Forbidden {
            who: user.name,
            verb,
            object,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::authentication::v1::UserInfo;

    #[test]
    fn answers_are_kept_for_their_time_and_bounded() {
        let kept = Kept::new();
        kept.keep(1, "yes", Duration::from_mins(1));
        kept.keep(2, "old", Duration::ZERO);
        assert_eq!(
            (kept.get(&1), kept.get(&2), kept.get(&3)),
            (Some("yes"), None, None)
        );
        for key in 10..10 + KEPT {
            kept.keep(key, "more", Duration::from_mins(1));
        }
        assert!(kept.0.lock().unwrap().len() <= KEPT);
    }

    /// 1,025 bad tokens made 1,025 reviews within eight seconds.
    #[test]
    fn a_flood_of_bad_tokens_makes_few_reviews_and_leaves_some_to_others() {
        let (reviews, now) = (Reviews::new(), Instant::now());
        let from = |last| Some(IpAddr::from([10, 0, 0, last]));
        let asked = (0..1025_u32)
            .filter(|n| reviews.take(from(1), now + Duration::from_millis(u64::from(*n) * 8)))
            .count();
        assert!(asked <= 10 + 5 * 9, "{asked}");
        assert!(reviews.take(from(2), now + Duration::from_secs(8)));
        let at_once = (0..=255).filter(|last| reviews.take(from(*last), now)).count();
        assert!(at_once <= 40, "{at_once}");
    }

    #[test]
    fn a_yes_is_not_shared_by_users_of_one_name() {
        let user = |group: &str| User {
            name: "ops".to_owned(),
            groups: Some(vec![group.to_owned()]),
            ..User::default()
        };
        let answers: Kept<Question, bool> = Kept::new();
        let asked = |group| (user(group), Verb::Update, Object::Actions);
        answers.keep(asked("admins"), true, YES_KEPT);
        assert_eq!(answers.get(&asked("admins")), Some(true));
        assert_eq!(answers.get(&asked("guests")), None);
    }

    #[test]
    fn metrics_are_asked_about_as_a_path_and_all_else_as_a_resource() {
        let user = User {
            name: "prometheus".to_owned(),
            ..User::default()
        };
        let asked = question(&user, Verb::Get, Object::Metrics);
        let path = asked.non_resource_attributes.unwrap();
        assert_eq!(
            (path.path.as_deref(), path.verb.as_deref()),
            (Some("/metrics"), Some("get"))
        );
        assert!(asked.resource_attributes.is_none());
        let asked = question(&user, Verb::Update, Object::Actions);
        assert!(asked.non_resource_attributes.is_none());
        let resource = asked.resource_attributes.unwrap();
        assert_eq!(
            (resource.group.as_deref(), resource.resource.as_deref()),
            (Some(GROUP), Some("actions"))
        );
    }

    #[test]
    fn a_token_must_be_good_and_meant_for_us() {
        let said = |authenticated, audiences: &[&str]| TokenReviewStatus {
            authenticated: Some(authenticated),
            audiences: Some(audiences.iter().map(|&audience| audience.to_owned()).collect()),
            user: Some(UserInfo {
                username: Some("ops".to_owned()),
                ..UserInfo::default()
            }),
            error: None,
        };
        let ours = ["plimsoll".to_owned()];
        for (status, audiences, good) in [
            (said(true, &["api"]), &[][..], true),
            (said(true, &["api", "plimsoll"]), &ours[..], true),
            (said(true, &["api"]), &ours[..], false),
            (said(true, &[]), &ours[..], false),
            (said(false, &["plimsoll"]), &ours[..], false),
        ] {
            let shown = format!("{status:?} {audiences:?}");
            assert_eq!(user(status, audiences).is_ok(), good, "{shown}");
        }
    }
}
