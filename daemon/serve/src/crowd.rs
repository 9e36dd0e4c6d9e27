//! Who may stay on a listener: connections that have not shown who they are have few places and little time, those
//! that have keep theirs, and nobody has all of them.
//!
//! The rule, and why: a newcomer always comes in. Where its address, or the listener, has no place left for newcomers,
//! it takes the place of the one whose last step forward lies back furthest, among those of the address that has most.
//! A step is a greeting, a handshake, a first request; bytes are none. So a flood displaces itself, and who drips
//! displaces nobody who goes on. Those that have said nothing at all have half of the places at most: beyond that they
//! displace each other, and a flood of silence reaches nobody who speaks.
//!
//! Pure bookkeeping: no sockets, no clock, and not who somebody is.

use crate::limits;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// That have not shown who they are.
    pub(crate) newcomers: usize,
    /// Of these, from one address, loopback like any other.
    pub(crate) newcomers_per_address: usize,
    /// That have.
    pub(crate) known: usize,
    /// Of these, from one address, loopback like any other.
    pub(crate) known_per_address: usize,
    /// Of the known ones, kept for callers on loopback.
    pub(crate) known_of_loopback: usize,
}

/// The connections of one listener.
pub(crate) struct Crowd {
    bounds: Bounds,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Counts connections and steps alike: the smaller, the longer ago.
    tick: u64,
    members: BTreeMap<u64, Member>,
}

struct Member {
    from: IpAddr,
    last_step: u64,
    /// It has not said a word.
    silent: bool,
    known: bool,
    cut: Option<oneshot::Sender<Cut>>,
}

/// Why a connection is ended from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A newcomer needed the place.
    Displaced,
    /// It did not take its answers.
    Unread,
}

/// A connection's place; it is given back when this is dropped.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    id: u64,
}

/// What the requests of a connection know of it; cheap to clone.
#[derive(Clone)]
pub(crate) struct Pass(Arc<Shared>);

struct Shared {
    crowd: Arc<Crowd>,
    id: u64,
    asked: AtomicBool,
    known: AtomicBool,
    questions: Arc<Semaphore>,
    levers: Arc<Semaphore>,
}

impl Crowd {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            inside: Mutex::default(),
        })
    }

    /// Lets a connection in; somebody else may have to go. The receiver tells when it is this one's turn.
    pub(crate) fn enter(
        self: &Arc<Self>,
        from: IpAddr,
        has_begun: bool,
    ) -> (Place, Pass, oneshot::Receiver<Cut>) {
        let from = address(from);
        let (cut, told) = oneshot::channel();
        let mut inside = self.lock();
        while let Some(id) = inside.in_the_way(from, self.bounds) {
            inside.cut(id, Cut::Displaced);
        }
        let id = inside.next();
        inside.members.insert(
            id,
            Member {
                from,
                last_step: id,
                silent: !has_begun,
                known: false,
                cut: Some(cut),
            },
        );
        drop(inside);
        let place = Place {
            crowd: Arc::clone(self),
            id,
        };
        let pass = Pass(Arc::new(Shared {
            crowd: Arc::clone(self),
            id,
            asked: AtomicBool::new(false),
            known: AtomicBool::new(false),
            questions: Arc::new(Semaphore::new(limits::CALLS_PER_CONNECTION)),
            levers: Arc::new(Semaphore::new(limits::LEVER_CALLS_PER_CONNECTION)),
        }));
        (place, pass, told)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    const fn next(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// Whose place a newcomer takes; `None`: there is room.
    fn in_the_way(&self, from: IpAddr, bounds: Bounds) -> Option<u64> {
        let mut of_address: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut all = 0;
        for member in self.members.values().filter(|member| !member.known) {
            *of_address.entry(member.from).or_default() += 1;
            all += 1;
        }
        let crowded = of_address.get(&from).copied().unwrap_or(0) >= bounds.newcomers_per_address;
        if !crowded && all < bounds.newcomers {
            return None;
        }
        // Nobody outside displaces a caller on this machine, unless nobody else is there.
        let spared = |of: &IpAddr| of.is_loopback() && !from.is_loopback();
        let most = of_address
            .iter()
            .filter(|(of, _)| !spared(of))
            .map(|(_, n)| *n)
            .max();
        let fits = |member: &Member| {
            if crowded {
                return member.from == from;
            }
            most.is_none() || (!spared(&member.from) && of_address.get(&member.from).copied() == most)
        };
        let fitting = || self.members.iter().filter(|(_, m)| !m.known && fits(m));
        let silent = fitting().filter(|(_, member)| member.silent).count();
        let crowd_is_silent = silent * 2 >= fitting().count();
        fitting()
            .filter(|(_, member)| member.silent || !crowd_is_silent)
            .min_by_key(|(_, member)| member.last_step)
            .map(|(id, _)| *id)
    }

    fn cut(&mut self, id: u64, why: Cut) {
        if let Some(cut) = self.members.remove(&id).and_then(|member| member.cut) {
            let _ = cut.send(why);
        }
    }

    /// Gives a member one of the places of those who have shown who they are.
    fn know(&mut self, id: u64, bounds: Bounds) -> bool {
        let Some(from) = self.members.get(&id).map(|member| member.from) else {
            return false;
        };
        let known = || self.members.values().filter(|member| member.known);
        let for_it = bounds.known
            - if from.is_loopback() {
                0
            } else {
                bounds.known_of_loopback
            };
        if known().count() >= for_it
            || known().filter(|member| member.from == from).count() >= bounds.known_per_address
        {
            return false;
        }
        if let Some(member) = self.members.get_mut(&id) {
            member.known = true;
        }
        true
    }
}

/// What counts as one address: whoever has an IPv6 address has the 2^64 beside it.
fn address(of: IpAddr) -> IpAddr {
    match of.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)))
        }
        other => other,
    }
}

impl Place {
    /// A step forward: the place is not the next to be taken.
    pub(crate) fn step(&self) {
        self.crowd.step(self.id);
    }
}

impl Crowd {
    fn step(&self, id: u64) {
        let mut inside = self.lock();
        let now = inside.next();
        if let Some(member) = inside.members.get_mut(&id) {
            member.last_step = now;
            member.silent = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().members.remove(&self.id);
    }
}

impl Pass {
    /// A whole request has come.
    pub(crate) fn asked(&self) {
        if !self.0.asked.swap(true, Ordering::Relaxed) {
            self.0.crowd.step(self.0.id);
        }
    }

    /// Whether one ever has.
    pub(crate) fn has_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Its caller has shown who it is. Where no place is left for such connections it goes on like a newcomer's.
    pub(crate) fn known(&self) {
        if !self.0.known.load(Ordering::Relaxed) {
            let known = self.0.crowd.lock().know(self.0.id, self.0.crowd.bounds);
            self.0.known.store(known, Ordering::Relaxed);
        }
    }

    /// Ends the connection.
    pub(crate) fn cut(&self, why: Cut) {
        self.0.crowd.lock().cut(self.0.id, why);
    }

    /// Places for calls at a time: those of levers are beside those of questions.
    pub(crate) fn calls(&self, lever: bool) -> &Arc<Semaphore> {
        if lever { &self.0.levers } else { &self.0.questions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Bounds = Bounds {
        newcomers: 6,
        newcomers_per_address: 3,
        known: 4,
        known_per_address: 2,
        known_of_loopback: 1,
    };

    type Inner = (Place, Pass, oneshot::Receiver<Cut>);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn stays(told: &mut Inner) -> bool {
        matches!(told.2.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    #[test]
    fn a_flood_from_one_address_displaces_itself() {
        let crowd = Crowd::new(FEW);
        let mut other = crowd.enter(ip(1), false);
        let mut flood: Vec<Inner> = (0..1000).map(|_| crowd.enter(ip(2), false)).collect();
        assert!(stays(&mut other));
        assert_eq!(flood.iter_mut().filter_map(|m| stays(m).then_some(())).count(), 3);
        assert!(flood.iter_mut().skip(997).all(stays), "the newest are inside");
        drop(flood);
        assert_eq!(crowd.lock().members.len(), 1);
    }

    #[test]
    fn a_full_listener_takes_from_the_address_that_has_most() {
        let crowd = Crowd::new(FEW);
        let mut one = crowd.enter(ip(1), false);
        let mut flood: Vec<Inner> = (0..5).map(|n| crowd.enter(ip(2 + n / 3), false)).collect();
        let mut newcomer = crowd.enter(ip(9), false);
        assert!(stays(&mut one) && stays(&mut newcomer));
        let gone: Vec<bool> = flood.iter_mut().map(|m| !stays(m)).collect();
        assert_eq!(gone, [true, false, false, false, false]);
    }

    #[test]
    fn who_goes_on_is_not_displaced_by_who_drips() {
        let crowd = Crowd::new(FEW);
        let mut caller = crowd.enter(ip(1), false);
        let mut drips: Vec<Inner> = (0..2).map(|_| crowd.enter(ip(1), false)).collect();
        caller.0.step();
        let mut more: Vec<Inner> = (0..2).map(|_| crowd.enter(ip(1), false)).collect();
        assert!(stays(&mut caller) && more.iter_mut().all(stays));
        assert!(!drips.iter_mut().any(stays));
    }

    /// 10,000 connections that say nothing, half of them from the caller's own address, kept it out for seconds: it was
    /// displaced before its greeting was read.
    #[test]
    fn a_flood_of_silence_displaces_nobody_who_speaks() {
        let crowd = Crowd::new(FEW);
        let mut caller = crowd.enter(ip(1), true);
        let mut flood: Vec<Inner> = (0..1000).map(|_| crowd.enter(ip(1), false)).collect();
        assert!(stays(&mut caller));
        // Others that speak take its place in their turn, as ever.
        flood.extend((0..3).map(|_| crowd.enter(ip(1), true)));
        assert!(!stays(&mut caller));
    }

    #[test]
    fn nobody_outside_displaces_a_caller_on_this_machine() {
        let crowd = Crowd::new(FEW);
        let here = IpAddr::from([127, 0, 0, 1]);
        let mut local: Vec<Inner> = (0..3).map(|_| crowd.enter(here, false)).collect();
        let _flood: Vec<Inner> = (0..200).map(|n| crowd.enter(ip(n), false)).collect();
        assert!(local.iter_mut().all(stays));
    }

    #[test]
    fn one_caller_cannot_have_all_places_of_the_known() {
        let crowd = Crowd::new(FEW);
        let inside: Vec<Inner> = [1, 1, 1, 2, 3]
            .into_iter()
            .map(|n| crowd.enter(ip(n), false))
            .collect();
        for member in &inside {
            member.1.known();
        }
        let known = |crowd: &Arc<Crowd>| crowd.lock().members.values().filter(|m| m.known).count();
        assert_eq!(
            known(&crowd),
            3,
            "two of the first address, and one is kept for loopback"
        );
        let here = crowd.enter(IpAddr::from([127, 0, 0, 1]), false);
        here.1.known();
        assert_eq!(known(&crowd), 4);
    }

    #[test]
    fn the_neighbours_of_an_ipv6_address_are_one_address() {
        let of = |text: &str| address(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), ip(1));
        assert!(of("::1").is_loopback());
    }
}
