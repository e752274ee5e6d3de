//! The way through the public address, as a browser takes it: proxies, origins, sockets, and whom the servers take us for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, DATE, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rookery_protocol::clock::UnixMillis;
use rustls::ClientConfig;
use serde::Deserialize;

use super::Report;
use super::clock::{self, Reading};
use crate::address::Proxies;
use crate::config::ListenAddress;
use crate::limits::DOCTOR_DEADLINE;
use crate::origin::{Origin, Origins};
use crate::probe::{Answer, Probe, ProbeError};
use crate::tls;
use crate::token::JwkSet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Nobody's address (RFC 5737): who is taken for it was believed.
const FORGED: &str = "192.0.2.1";
/// Nobody's page (RFC 2606).
const STRANGER: &str = "https://doctor.invalid";
/// From another loopback address than everybody, a proxy on this machine can be told from us.
const OWN_LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// The nonce of RFC 6455 §1.3; nobody checks what becomes of it.
const NONCE: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const DATE_UNIT: Duration = Duration::from_secs(1);

/// What is known of the deployment.
pub struct Deployment<'a> {
    /// Its own addresses.
    pub origins: &'a Origins,
    /// Where this process listens.
    pub listen: &'a ListenAddress,
    /// Whose word about clients counts here.
    pub proxies: &'a Proxies,
    /// Its public keys, if they can be read.
    pub keys: Option<JwkSet>,
}

#[derive(Deserialize)]
struct ServerView {
    your_address: IpAddr,
}

/// Looks at every address of the deployment; where none is set, at where this process listens.
pub async fn look(report: &mut Report, deployment: &Deployment<'_>) {
    let addresses = deployment.origins.own();
    if addresses.is_empty() && !deployment.listen.is_loopback() {
        report.warn(
            "public_url",
            "public_url is not set: pages of other names than loopback ones cannot open sockets.",
            "Set public_url of all processes to what people type, as https://chat.example.",
        );
    }
    for address in addresses {
        if address.secure || address.is_loopback() {
            report.ok("public_url", format!("{address} is the deployment's own."));
        } else {
            report.warn(
                "public_url",
                format!("{address} is not https: passwords and messages can be read on the way."),
                "End TLS at the load balancer, and name the address with https.",
            );
        }
        look_at(report, deployment, address).await;
    }
    if addresses.is_empty() {
        let (host, port) = deployment.listen.from_here();
        look_at(report, deployment, &Origin::plain(&host, port)).await;
    }
}

async fn look_at(report: &mut Report, deployment: &Deployment<'_>, address: &Origin) {
    let probe = match probe(address) {
        Ok(probe) => probe,
        Err(why) => {
            return report.error(
                "public_address",
                format!("{address} cannot be asked: {why}."),
                "Install ca-certificates.",
            );
        }
    };
    if is_ours(report, deployment, address, &probe).await {
        whom_it_takes_us_for(report, deployment, address, &probe).await;
        sockets(report, address, &probe).await;
    }
}

fn probe(address: &Origin) -> Result<Probe, String> {
    let tls = address.secure.then(tls::of_system).transpose()?;
    let host = address.host().to_owned();
    let loopback = address.is_loopback().then_some(OWN_LOOPBACK);
    Ok(Probe {
        host,
        port: address.port,
        tls: tls.map(Arc::<ClientConfig>::from),
        from: loopback,
        deadline: DOCTOR_DEADLINE,
    })
}

/// Whether this deployment answers there.
async fn is_ours(report: &mut Report, deployment: &Deployment<'_>, address: &Origin, probe: &Probe) -> bool {
    let before = UnixMillis::now();
    let answer = match probe.get("/.well-known/jwks.json", HeaderMap::new()).await {
        Ok(answer) => answer,
        Err(error) => {
            report.error(
                "public_address",
                format!("{address} does not answer: {}.", with_causes(&error)),
                "Start the servers and the load balancer; look at DNS, firewall and certificate of this address.",
            );
            return false;
        }
    };
    let keys = serde_json::from_slice::<JwkSet>(&answer.body)
        .ok()
        .filter(|_| answer.status == StatusCode::OK);
    let Some(keys) = keys else {
        report.error(
            "public_address",
            format!("{address} answers {} where an api would show its keys.", answer.status),
            "Let the load balancer send everything but /ws, /ws/… and /socket.io/ to the apis.",
        );
        return false;
    };
    if let Some(date) = date(&answer) {
        let reading = Reading { shown: date, read: [before, UnixMillis::now()], unit: DATE_UNIT };
        clock::compare(report, "clock_api", &format!("the api behind {address}"), reading);
    }
    match &deployment.keys {
        Some(ours) if !keys.keys.iter().any(|key| ours.keys.contains(key)) => report.error(
            "public_address",
            format!("{address} shows other keys than those of this process: it is another deployment, or an api with another keys_dir."),
            "Give all apis the same keys, and public_url the address of this deployment.",
        ),
        Some(ours) if keys != *ours => report.warn(
            "public_address",
            format!("{address} does not show the same keys as this process has."),
            "If keys are being changed, wait until all apis have read them; else give all apis the same keys.",
        ),
        Some(_) | None => report.ok("public_address", format!("{address} leads to this deployment.")),
    }
    true
}

/// Limits by address need to know who asks, and nobody may choose it.
async fn whom_it_takes_us_for(report: &mut Report, deployment: &Deployment<'_>, address: &Origin, probe: &Probe) {
    let forged = HeaderMap::from_iter([(FORWARDED_FOR, HeaderValue::from_static(FORGED))]);
    let (plain, forged) = (seen(probe, HeaderMap::new()).await, seen(probe, forged).await);
    let (Some((seen, local)), Some((believed, _))) = (plain, forged) else {
        return report.warn(
            "client_address",
            format!("{address}/api/v1/server does not say whom it takes us for."),
            "Bring the apis up to date, and let the load balancer send /api/ to them.",
        );
    };
    if believed.to_string() == FORGED {
        report.error(
            "client_address",
            format!("Whoever asks {address} is taken for the address that it names in X-Forwarded-For itself; no limit by address holds."),
            "Let the proxy replace X-Forwarded-For, and name in trusted_proxies the addresses of proxies and nothing else.",
        );
    } else if seen == local {
        report.ok("client_address", format!("{address} takes this machine for {seen}, which it is."));
    } else if deployment.proxies.trust(seen) {
        report.error(
            "client_address",
            format!("{address} takes this machine for {seen}, which trusted_proxies names as a proxy: it does not say for whom it asks."),
            "Let the proxy set X-Forwarded-For (HAProxy: option forwardfor; nginx: proxy_set_header X-Forwarded-For $remote_addr).",
        );
    } else if seen.is_loopback() {
        report.error(
            "client_address",
            format!("{address} takes this machine for {seen}, a proxy on the server's machine: everybody behind it is one to limits by address."),
            format!("Name {seen} in trusted_proxies of all processes."),
        );
    } else if is_private(seen) {
        report.warn(
            "client_address",
            format!("{address} takes this machine ({local}) for {seen}: a proxy that trusted_proxies does not name, or a router between."),
            "If it is an address of your load balancer, name it in trusted_proxies of all processes; else ask from elsewhere.",
        );
    } else {
        report.ok("client_address", format!("{address} takes this machine for {seen}."));
    }
}

/// Whom a server takes us for, and who we are.
async fn seen(probe: &Probe, headers: HeaderMap) -> Option<(IpAddr, IpAddr)> {
    let answer = probe.get("/api/v1/server", headers).await.ok()?;
    let view = serde_json::from_slice::<ServerView>(&answer.body).ok()?;
    Some((view.your_address.to_canonical(), answer.local.ip().to_canonical()))
}

/// Sockets of the deployment's own pages, and of strangers'.
async fn sockets(report: &mut Report, address: &Origin, probe: &Probe) {
    let upgrade = async |origin: &str| probe.get("/ws", upgrade_of(origin)).await.map(|answer| answer.status);
    match upgrade(&address.to_string()).await {
        Ok(StatusCode::SWITCHING_PROTOCOLS) => report.ok("websocket", format!("{address}/ws opens sockets.")),
        Ok(StatusCode::FORBIDDEN) => report.error(
            "websocket",
            format!("{address}/ws refuses sockets of its own pages (403)."),
            format!("Name {address} in public_url of all gateways, and pass the browser's Origin on."),
        ),
        Ok(status) => report.error(
            "websocket",
            format!("{address}/ws opens no socket: it answers {status}."),
            "Send /ws and /ws/… to the gateways with HTTP/1.1, and pass Upgrade and Connection on (nginx: proxy_set_header).",
        ),
        Err(error) => report.error(
            "websocket",
            format!("{address}/ws opens no socket: {}.", with_causes(&error)),
            "Send /ws and /ws/… to the gateways, and start these.",
        ),
    }
    if let Ok(StatusCode::SWITCHING_PROTOCOLS) = upgrade(STRANGER).await {
        report.error(
            "origins",
            format!("{address}/ws opens sockets for pages of any site, such as {STRANGER}."),
            "Pass the browser's Origin on unchanged; a proxy must not remove it.",
        );
    } else {
        report.ok("origins", "Pages of other sites cannot open sockets.");
    }
}

fn upgrade_of(origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static(NONCE));
    // An origin is made of a host and a port, which are visible text.
    headers.extend(HeaderValue::from_str(origin).ok().map(|origin| (ORIGIN, origin)));
    headers
}

fn date(answer: &Answer) -> Option<UnixMillis> {
    let time = httpdate::parse_http_date(answer.headers.get(DATE)?.to_str().ok()?).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}

/// With the causes below it, which say what is wrong.
fn with_causes(error: &ProbeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(below) = cause {
        if !text.contains(&below.to_string()) {
            text = format!("{text}: {below}");
        }
        cause = below.source();
    }
    text
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}
