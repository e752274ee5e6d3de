//! Where a client is: the other end of the connection, or what proxies that operators trust say about it.
//!
//! Anybody can write an `X-Forwarded-For`, so an entry counts only if the one who wrote it is trusted: the list is read
//! from its right end, where the nearest proxy wrote, and the first address that is no trusted proxy is the client.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName};
use ring::digest::{SHA256, digest};

use crate::config::{Setting, SettingValue};
use crate::limits::PROXY_HOPS_MAX;

/// The setting of [`Proxies`].
pub const SETTING: Setting = Setting {
    key: "trusted_proxies",
    default: Some(""),
    secret: false,
    help: "Addresses and networks, by commas, whose X-Forwarded-For is believed, as in 10.0.0.0/8,::1. Without them limits by address count everybody behind a proxy as one.",
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Providers give a whole network of this length to one customer.
const IPV6_CUSTOMER_BITS: u32 = 64;

/// The proxies whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    mask: u128,
}

/// Why a list is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct BadNetwork(String);

impl Proxies {
    /// The client's address.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut known = peer.to_canonical();
        let values: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
        for hop in hops.take(PROXY_HOPS_MAX) {
            if !self.trust(known) {
                break;
            }
            let Some(address) = parse_hop(hop.trim()) else { break };
            known = address;
        }
        known
    }

    /// Whether an address is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        let bits = bits(address);
        self.0.iter().any(|network| bits & network.mask == network.address)
    }
}

impl SettingValue for Proxies {}

impl FromStr for Proxies {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| network(part).ok_or_else(|| BadNetwork(part.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// What stands for an address in a bucket: all addresses that one customer is given are one.
pub fn subject(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => bits(IpAddr::V4(address)),
        IpAddr::V6(address) => address.to_bits() & mask(IPV6_CUSTOMER_BITS),
    }
}

/// What stands for an account as tried from an address, whether there is such an account or not: `name` is how it is
/// found or, if there is none, what was tried.
pub fn account(name: &str, address: IpAddr) -> u128 {
    named(&format!("{:032x} {name}", subject(address)))
}

/// What stands for something that has a name of any length.
pub fn named(name: &str) -> u128 {
    let hash = digest(&SHA256, name.as_bytes());
    hash.as_ref().first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn network(text: &str) -> Option<Network> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(all);
    if length > all {
        return None;
    }
    let mask = mask(128 - all + length);
    Some(Network { address: bits(address) & mask, mask })
}

const fn mask(length: u32) -> u128 {
    match u128::MAX.checked_shl(128 - length) {
        Some(mask) => mask,
        None => 0,
    }
}

/// An entry of the list, with or without a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse()
        .ok()
        .or_else(with_port)
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(proxies: &str, peer: &str, lines: &[&str]) -> String {
        let headers = lines.iter().map(|line| (FORWARDED_FOR, HeaderValue::from_str(line).unwrap()));
        let headers: HeaderMap = headers.collect();
        proxies.parse::<Proxies>().unwrap().client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(client("", "9.9.9.9", &["1.2.3.4"]), "9.9.9.9");
        assert_eq!(client("10.0.0.0/8", "9.9.9.9", &["10.0.0.1"]), "9.9.9.9");
    }

    #[test]
    fn a_trusted_proxy_tells_and_what_stands_before_it_does_not_count() {
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["6.6.6.6", "1.2.3.4, 10.9.9.9"]), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "::ffff:10.1.2.3", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn ports_brackets_and_nonsense() {
        for (hop, told) in [
            ("1.2.3.4:567", "1.2.3.4"),
            ("[2001:db8::1]:567", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("unknown", "127.0.0.1"),
            ("", "127.0.0.1"),
            ("1.2.3.4.5", "127.0.0.1"),
            ("6.6.6.6, ", "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", "127.0.0.1", &[hop]), told, "{hop}");
        }
        let hundred = vec!["127.0.0.1"; 100].join(",");
        assert_eq!(client("127.0.0.1", "127.0.0.1", &[&format!("6.6.6.6,{hundred}")]), "127.0.0.1");
    }

    #[test]
    fn networks_are_read_strictly() {
        assert_eq!(client("::1, 10.0.0.0/8 ,2001:db8::/32", "2001:db8::7", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("0.0.0.0/0", "8.8.8.8", &["2001:db8::1, 1.2.3.4"]), "2001:db8::1");
        for bad in ["10.0.0.0/33", "::/129", "proxy.internal", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(bad.parse::<Proxies>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_customer_is_one_subject() {
        let of = |text: &str| subject(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("1.2.3.4"), of("::ffff:1.2.3.4"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
        let [here, there] = ["1.2.3.4", "1.2.3.5"].map(|text| text.parse().unwrap());
        assert_ne!(account("alice", here), account("alice", there));
    }
}
