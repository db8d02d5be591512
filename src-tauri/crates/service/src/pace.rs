//! How often one network address may ask for what nobody has to log in for, and how many connections it may hold.
//!
//! Kept in memory and bounded: a restart forgets it, and an attack with more addresses than there is room for shares one
//! pace. Who has a session is bounded by the quotas of its account instead.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{Limits, Rate};

/// Addresses that are remembered at a time.
const MOST_REMEMBERED: usize = 50_000;

/// What has a pace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Door {
    /// A registration: costs a password hash and an SMS.
    Registration,
    /// A login by password, or by code in its place: costs a password hash.
    PasswordLogin,
    /// A code by SMS that is asked for.
    Code,
    /// The same of a member of staff.
    StaffLogin,
    /// A question about an application: costs a write, and answers strangers.
    Query,
    /// Consents, challenges, logins by token, uploads: each leaves a row.
    Opening,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// An address as far as its owner cannot change it at will: all of IPv4, the /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl Network {
    const EVERYBODY: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
            v4 => Self(v4),
        }
    }
}

/// The paces and connections of all addresses.
pub(crate) struct Pace {
    limits: Limits,
    trusted_proxies: Vec<IpAddr>,
    most: usize,
    /// When each would be through with all it asked for, asking at its steady pace (GCRA's theoretical arrival time).
    through: Mutex<HashMap<(Door, Network), Instant>>,
    open: Open,
}

/// How many connections each address holds.
type Open = Arc<Mutex<HashMap<Network, u32>>>;

/// The place of one connection; free again when dropped.
pub(crate) struct Place(Option<(Open, Network)>);

impl Pace {
    pub(crate) fn new(limits: Limits, trusted_proxies: Vec<IpAddr>) -> Self {
        Self {
            limits,
            trusted_proxies: trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            most: MOST_REMEMBERED,
            through: Mutex::default(),
            open: Arc::default(),
        }
    }

    /// Longest time a JSON body may take.
    pub(crate) fn body_time(&self) -> Duration {
        self.limits.body_time
    }

    /// The address of who asks. `forwarded` (`X-Forwarded-For`, all of its values) is believed from a trusted proxy
    /// only, and of it no more than the part that trusted proxies wrote: the last address that is none of theirs.
    pub(crate) fn visitor<'a>(&self, peer: Peer, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        if !self.is_trusted(peer.0) {
            return peer.0;
        }
        let mut last = peer.0;
        for hop in forwarded.flat_map(|value| value.split(',')).rev() {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            last = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        last
    }

    /// Lets a request through, or says after how many seconds the next one may come.
    pub(crate) fn pass(&self, door: Door, visitor: IpAddr, now: Instant) -> Result<(), u32> {
        let Rate { burst, every } = match door {
            Door::Registration => self.limits.registrations,
            Door::PasswordLogin | Door::StaffLogin => self.limits.password_logins,
            Door::Code => self.limits.codes,
            Door::Query => self.limits.queries,
            Door::Opening => self.limits.openings,
        };
        let mut through = lock(&self.through);
        let mut key = (door, Network::of(visitor));
        if through.len() >= self.most && !through.contains_key(&key) {
            through.retain(|_, at| *at > now);
            if through.len() >= self.most {
                key.1 = Network::EVERYBODY;
            }
        }
        let at = through.get(&key).copied().unwrap_or(now).max(now);
        let early = (at - now).saturating_sub(every * burst.saturating_sub(1));
        if early > Duration::ZERO {
            return Err(u32::try_from(early.as_millis().div_ceil(1000)).unwrap_or(u32::MAX));
        }
        through.insert(key, at + every);
        Ok(())
    }

    /// A place for a connection; `None` where its address has as many as it may. A proxy's are not counted.
    pub(crate) fn place(&self, peer: Peer) -> Option<Place> {
        if self.is_trusted(peer.0) {
            return Some(Place(None));
        }
        let network = Network::of(peer.0);
        let mut open = lock(&self.open);
        let count = open.entry(network).or_default();
        if *count >= self.limits.connections {
            return None;
        }
        *count += 1;
        Some(Place(Some((self.open.clone(), network))))
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.contains(&address.to_canonical())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((open, network)) = self.0.take() else { return };
        let mut open = lock(&open);
        if let Some(count) = open.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&network);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(trusted: &[&str]) -> Pace {
        let rate = Rate { burst: 2, every: Duration::from_secs(10) };
        let limits = Limits { connections: 2, registrations: rate, password_logins: rate, ..Limits::default() };
        Pace::new(limits, trusted.iter().map(|t| address(t)).collect())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let (pace, start) = (pace(&[]), Instant::now());
        let ask =
            |who: &str, after: u64| pace.pass(Door::Registration, address(who), start + Duration::from_secs(after));
        assert_eq!((ask("192.0.2.1", 0), ask("192.0.2.1", 0)), (Ok(()), Ok(())));
        assert_eq!(ask("192.0.2.1", 0), Err(10), "the third at once has to wait");
        assert_eq!(ask("::ffff:192.0.2.1", 4), Err(6), "the same address written as IPv6");
        assert_eq!(ask("192.0.2.2", 0), Ok(()), "another address does not wait");
        assert_eq!(pace.pass(Door::PasswordLogin, address("192.0.2.1"), start), Ok(()), "another door does not either");
        assert_eq!((ask("192.0.2.1", 10), ask("192.0.2.1", 10)), (Ok(()), Err(10)), "what was refused costs nothing");
        assert_eq!((ask("2001:db8::1", 0), ask("2001:db8::2", 0)), (Ok(()), Ok(())));
        assert_eq!(ask("2001:db8::3", 0), Err(10), "a /64 is one network");
        assert_eq!(ask("2001:db8:0:1::1", 0), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_forgets_who_may_ask_again() {
        let mut pace = pace(&[]);
        pace.most = 3;
        let start = Instant::now();
        let ask = |last: u8, after: u64| {
            let from = IpAddr::from([192, 0, 2, last]);
            pace.pass(Door::Registration, from, start + Duration::from_secs(after)).is_ok()
        };
        assert!((1..=5).all(|last| ask(last, 0)));
        assert!(!ask(6, 0), "more addresses than can be remembered share one pace");
        assert!(!ask(1, 0) || !ask(1, 0), "those remembered keep their own");
        assert!(lock(&pace.through).len() <= 4);
        assert!((1..=3).all(|last| ask(last, 60)), "later there is room again");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let pace = pace(&["10.0.0.1", "10.0.0.2"]);
        let visitor =
            |peer: &str, forwarded: &[&str]| pace.visitor(Peer(address(peer)), forwarded.iter().copied()).to_string();
        assert_eq!(visitor("192.0.2.1", &["198.51.100.7"]), "192.0.2.1", "anybody can write a header");
        assert_eq!(visitor("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(visitor("10.0.0.1", &["1.2.3.4, 198.51.100.7", "10.0.0.2"]), "198.51.100.7", "1.2.3.4 is hearsay");
        assert_eq!(visitor("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(visitor("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn an_address_has_so_many_connections_and_a_proxy_more() {
        let pace = pace(&["10.0.0.1"]);
        let place = |from: &str| pace.place(Peer(address(from)));
        let (one, two) = (place("192.0.2.1"), place("192.0.2.1"));
        assert!(one.is_some() && two.is_some() && place("192.0.2.1").is_none());
        assert!(place("192.0.2.2").is_some());
        drop(one);
        assert!(place("192.0.2.1").is_some(), "a closed connection makes room");
        assert!((0..9).map(|_| place("10.0.0.1")).collect::<Vec<_>>().iter().all(Option::is_some));
        drop(two);
        assert!(lock(&pace.open).is_empty(), "nobody is remembered for nothing");
    }
}
