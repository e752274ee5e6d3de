//! The variables of the environment that are ours.
//!
//! Kubernetes tells every container of a namespace where its Services are, by variables that begin with their names: a
//! Service named `rookery` or `rookery-api` makes `ROOKERY_PORT=tcp://…` and a dozen others. They are nobody's
//! settings. Each is known by its name and its value together, so that a setting that is misspelled
//! (`ROOKERY_PORT=9000`) is still an error.

use std::ffi::OsString;
use std::net::IpAddr;

use super::{ENV_PREFIX, FILE_FLAG};

/// A variable that begins with our prefix.
pub(super) struct Variable {
    /// As it is written.
    pub(super) name: String,
    /// As a setting.
    pub(super) key: String,
    /// None if it is not UTF-8.
    pub(super) value: Option<String>,
}

/// All that may be settings.
pub(super) fn ours(variables: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = Variable> {
    variables.filter_map(|(name, value)| {
        let name = name.to_string_lossy().into_owned();
        let (prefix, rest) = name.split_once('_')?;
        let key = prefix.eq_ignore_ascii_case(ENV_PREFIX).then(|| rest.to_lowercase())?;
        let value = value.into_string().ok();
        let link = value.as_deref().is_some_and(|value| is_service_link(&key, value));
        (!link && !is_for_scripts(&key)).then_some(Variable { name, key, value })
    })
}

/// These speak to the command line, to the build and to the project's scripts, not to a process's settings.
fn is_for_scripts(key: &str) -> bool {
    [FILE_FLAG, "tools", "commit"].contains(&key) || key.starts_with("test_")
}

fn is_service_link(key: &str, value: &str) -> bool {
    let words: Vec<&str> = key.split('_').collect();
    match words.as_slice() {
        [.., "service", "host"] => value.parse::<IpAddr>().is_ok(),
        words if names_service_port(words) => is_port(value),
        [.., "port"] if is_url(value) => true,
        [.., "port", port, protocol] if is_port(port) && is_protocol(protocol) => is_url(value),
        [.., "port", port, protocol, detail] if is_port(port) && is_protocol(protocol) => is_part(detail, value),
        _ => false,
    }
}

/// `SERVICE_PORT`, or `SERVICE_PORT_` and the name of one of several ports.
fn names_service_port(words: &[&str]) -> bool {
    words.windows(2).any(|pair| pair == ["service", "port"])
}

fn is_part(part: &str, value: &str) -> bool {
    match part {
        "proto" => is_protocol(value),
        "port" => is_port(value),
        "addr" => !value.is_empty(),
        _ => false,
    }
}

fn is_url(value: &str) -> bool {
    let address = value.split_once("://").filter(|(protocol, _)| is_protocol(protocol));
    address
        .and_then(|(_, address)| address.rsplit_once(':'))
        .is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

fn is_protocol(text: &str) -> bool {
    ["tcp", "udp", "sctp"].contains(&text)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a variable.
    fn taken(name: &str, value: &str) -> Option<String> {
        ours([(name.into(), value.into())].into_iter()).map(|variable| variable.key).next()
    }

    #[test]
    fn links_of_services_are_not_settings() {
        for service in ["ROOKERY", "ROOKERY_API", "ROOKERY_GATEWAY", "ROOKERY_REDIS_MASTER"] {
            for (rest, value) in [
                ("SERVICE_HOST", "10.0.171.239"),
                ("SERVICE_HOST", "fd00::7"),
                ("SERVICE_PORT", "8080"),
                ("SERVICE_PORT_HTTP", "8080"),
                ("SERVICE_PORT_HTTP_INTERNAL", "9080"),
                ("PORT", "tcp://10.0.171.239:8080"),
                ("PORT", "tcp://[fd00::7]:8080"),
                ("PORT_8080_TCP", "tcp://10.0.171.239:8080"),
                ("PORT_8080_TCP_PROTO", "tcp"),
                ("PORT_8080_TCP_PORT", "8080"),
                ("PORT_8080_TCP_ADDR", "10.0.171.239"),
                ("PORT_53_UDP", "udp://10.0.0.10:53"),
            ] {
                assert_eq!(taken(&format!("{service}_{rest}"), value), None, "{service}_{rest}={value}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_link_may_be_a_misspelled_setting() {
        for (name, value) in [
            ("ROOKERY_PORT", "9000"),
            ("ROOKERY_PORT", "127.0.0.1:9000"),
            ("ROOKERY_LISTEN_PORT", "9000"),
            ("ROOKERY_SERVICE_HOST", "chat.example"),
            ("ROOKERY_PORT_8080", "tcp://10.0.171.239:8080"),
            ("ROOKERY_PORT_8080_TCP_ADDRESS", "10.0.171.239"),
            ("ROOKERY_REPORT", "tcp://10.0.171.239:8080"),
        ] {
            assert!(taken(name, value).is_some(), "{name}={value}");
        }
    }

    #[test]
    fn others_are_not_ours() {
        for name in [
            "LISTEN",
            "ROOKERYLISTEN",
            "XROOKERY_LISTEN",
            "ROOKERY_CONFIG",
            "ROOKERY_TEST_DIR",
            "ROOKERY_TOOLS",
            "ROOKERY_COMMIT",
        ] {
            assert_eq!(taken(name, "x"), None, "{name}");
        }
        assert_eq!(taken("rookery_listen", "x").as_deref(), Some("listen"));
    }
}
