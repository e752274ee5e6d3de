//! How many connections each address has on a listener, and how fast it makes new ones, so that none takes the places or
//! the accept rate of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use tokio::time::Instant;

use crate::address::{self, Proxies};
use crate::limits::ADDRESSES_REMEMBERED_MAX;
use crate::rate::{Rate, Want};

/// Names of the limits, as metric labels.
pub(super) const CONNECTIONS: &str = "address_connections";
pub(super) const ACCEPTS: &str = "address_accepts";

/// What one address may have of a listener. Proxies are not counted: they stand for many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBounds {
    /// Connections at once; of all of a listener it never is more than half.
    pub connections_max: usize,
    /// New connections.
    pub accepts: Rate,
    /// Who stands for many.
    pub proxies: Proxies,
}

/// Connections and accepts by address.
#[derive(Debug)]
pub(super) struct Addresses {
    bounds: AddressBounds,
    began: Instant,
    known: Mutex<HashMap<u128, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    open: usize,
    /// When all of its connections are paid for.
    paid: UnixMillis,
}

/// A connection of an address; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    addresses: Arc<Addresses>,
    subject: u128,
}

impl AddressBounds {
    /// Everything for everybody.
    pub fn none() -> Self {
        Self { connections_max: usize::MAX, accepts: Rate::OFF, proxies: Proxies::default() }
    }

    fn are_none(&self) -> bool {
        self.connections_max == usize::MAX && self.accepts.is_off()
    }
}

impl Addresses {
    /// Of a listener that takes so many connections.
    pub(super) fn new(mut bounds: AddressBounds, of: usize) -> Arc<Self> {
        if !bounds.are_none() {
            bounds.connections_max = bounds.connections_max.min((of / 2).max(1));
        }
        Arc::new(Self { bounds, began: Instant::now(), known: Mutex::default() })
    }

    /// A place for one more, or what is in the way. Nobody's place is `None`.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Option<Place>, &'static str> {
        if self.bounds.are_none() || self.bounds.proxies.trust(peer.to_canonical()) {
            return Ok(None);
        }
        let (subject, now) = (address::subject(peer), self.now());
        let mut known = self.known.lock();
        if known.len() >= ADDRESSES_REMEMBERED_MAX && !known.contains_key(&subject) {
            known.retain(|_, entry| entry.open > 0 || entry.paid > now);
            if known.len() >= ADDRESSES_REMEMBERED_MAX {
                return Err(ACCEPTS);
            }
        }
        known.entry(subject).or_default().take(&self.bounds, now)?;
        drop(known);
        Ok(Some(Place { addresses: Arc::clone(self), subject }))
    }

    /// Time that is never set back.
    fn now(&self) -> UnixMillis {
        UnixMillis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

impl Known {
    fn take(&mut self, bounds: &AddressBounds, now: UnixMillis) -> Result<(), &'static str> {
        if self.open >= bounds.connections_max {
            return Err(CONNECTIONS);
        }
        if !bounds.accepts.is_off() {
            let (grant, paid) = bounds.accepts.lease(self.paid, Want::exactly(1), now);
            if grant.granted == 0 {
                return Err(ACCEPTS);
            }
            self.paid = paid;
        }
        self.open += 1;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = self.addresses.now();
        let mut known = self.addresses.known.lock();
        if let Some(entry) = known.get_mut(&self.subject) {
            entry.open -= 1;
            if entry.open == 0 && entry.paid <= now {
                known.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> AddressBounds {
        let accepts = Rate { burst: 10, interval_ms: 100 };
        AddressBounds { connections_max: 4, accepts, proxies: "10.0.0.1".parse().unwrap() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_own_places_and_its_own_rate() {
        let addresses = Addresses::new(bounds(), 100);
        let mut places: Vec<_> = (0..4).map(|_| addresses.enter(ip("192.0.2.1")).unwrap()).collect();
        assert_eq!(addresses.enter(ip("192.0.2.1")).unwrap_err(), CONNECTIONS);
        assert!(addresses.enter(ip("::ffff:192.0.2.1")).is_err(), "the same address in another form");
        assert!(addresses.enter(ip("192.0.2.2")).is_ok());
        places.clear();
        for _ in 0..6 {
            addresses.enter(ip("192.0.2.1")).unwrap();
        }
        assert_eq!(addresses.enter(ip("192.0.2.1")).unwrap_err(), ACCEPTS);
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
        assert!(addresses.enter(ip("192.0.2.1")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_who_left_and_has_paid() {
        let addresses = Addresses::new(bounds(), 100);
        let place = addresses.enter(ip("192.0.2.1")).unwrap();
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        drop(place);
        assert!(addresses.known.lock().is_empty());
    }

    #[test]
    fn proxies_are_not_counted_and_nobody_has_more_than_half() {
        let addresses = Addresses::new(bounds(), 4);
        let many: Vec<_> = (0..50).map(|_| addresses.enter(ip("10.0.0.1"))).collect();
        assert!(many.iter().all(|place| matches!(place, Ok(None))));
        let some: Vec<_> = (0..3).map(|_| addresses.enter(ip("192.0.2.1"))).collect();
        assert_eq!(some.iter().filter(|place| place.is_ok()).count(), 2);
        let free = Addresses::new(AddressBounds::none(), 4);
        assert!((0..50).all(|_| matches!(free.enter(ip("192.0.2.1")), Ok(None))));
    }
}
