//! How much a listener takes, as operators choose it.

use std::sync::Arc;

use rustls::ServerConfig;

use super::{AddressBounds, Refusals};
use crate::address::{self, Proxies};
use crate::config::{Reader, Setting, Switch};
use crate::limits::{ACCEPTS_PER_SECOND_MAX, CONNECTIONS_MAX_MAX};
use crate::rate::Rate;

/// The setting of [`ListenerOptions::accepts_per_second`].
pub const ACCEPTS_SETTING: Setting = Setting {
    key: "accepts_per_second",
    default: Some("1000"),
    secret: false,
    help: "Connections that the public listener accepts in a second, twice as many at once; more are answered 503. 0 for no limit.",
};

/// The settings of [`AddressBounds`], beside the trusted proxies.
pub const ADDRESS_SETTINGS: [Setting; 2] = [
    Setting {
        key: "address_connections_max",
        default: Some("1000"),
        secret: false,
        help: "Connections from one address at once on the public listener, sockets included, and never more than half of connections_max; more are answered 429. Trusted proxies are not counted. 0 for half of connections_max.",
    },
    Setting {
        key: "address_accepts_per_second",
        default: Some("200"),
        secret: false,
        help: "Connections that the public listener accepts from one address in a second, twice as many at once; more are answered 429. Trusted proxies are not counted. 0 for no limit.",
    },
];

/// Bounds of one listener. What they keep out is answered 503, or 429 where it is about one address, and closed.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Connections at once, upgraded ones included. Fewer, if the process may not open so many files.
    pub connections_max: usize,
    /// Connections accepted in a second, twice as many at once; 0 for no limit.
    pub accepts_per_second: u32,
    /// What one address may have of it.
    pub per_address: AddressBounds,
    /// Who counts what is kept out.
    pub refusals: Arc<dyn Refusals>,
    /// Whether people come by TLS, here or in front of a proxy: then browsers are told to use nothing else.
    pub is_https: bool,
    /// Whether and how TLS is spoken.
    pub tls: Option<Arc<ServerConfig>>,
}

impl ListenerOptions {
    /// Of a listener for the world.
    pub fn public(
        connections_max: usize,
        accepts_per_second: u32,
        per_address: AddressBounds,
        refusals: Arc<dyn Refusals>,
    ) -> Self {
        Self { connections_max, accepts_per_second, per_address, refusals, is_https: false, tls: None }
    }

    /// Of a listener for probes and other parts of a deployment.
    pub fn internal(connections_max: usize, refusals: Arc<dyn Refusals>) -> Self {
        Self {
            connections_max,
            accepts_per_second: 0,
            per_address: AddressBounds::none(),
            refusals,
            is_https: false,
            tls: None,
        }
    }
}

impl AddressBounds {
    /// Reads [`ADDRESS_SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let [connections, accepts] = ADDRESS_SETTINGS.map(|setting| setting.key);
        let connections = reader.number::<usize>(connections, 0..=CONNECTIONS_MAX_MAX);
        let accepts = reader.number::<u32>(accepts, 0..=ACCEPTS_PER_SECOND_MAX);
        let proxies: Option<Proxies> = reader.required(address::SETTING.key);
        let switch = reader.required::<Switch>("limits");
        let bounds = Self {
            // The largest of all would say that there is no bound.
            connections_max: connections.map(|count| if count == 0 { usize::MAX - 1 } else { count })?,
            accepts: per_second(accepts?),
            proxies: proxies?,
        };
        Some(if switch? == Switch::Off { Self::none() } else { bounds })
    }
}

/// So many in a second, twice as many at once.
const fn per_second(count: u32) -> Rate {
    if count == 0 {
        return Rate::OFF;
    }
    let interval_ms = 1_000 / count as u64;
    Rate {
        burst: count.saturating_mul(2),
        interval_ms: if interval_ms == 0 { 1 } else { interval_ms },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_so_many_in_a_second() {
        assert_eq!(per_second(200), Rate { burst: 400, interval_ms: 5 });
        assert_eq!(per_second(5_000), Rate { burst: 10_000, interval_ms: 1 });
        assert!(per_second(0).is_off());
    }
}
