//! HTTP to one server that is known, with JSON, over TCP or TLS: each call has a deadline and an answer of bounded size.
//!
//! reqwest with TLS needs a provider of cryptography for the whole process before any client is made, also where it speaks
//! plain HTTP.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rookery_bus::authority::AuthorityError;
use rookery_gateway::limits::AUTHORITY_DEADLINE;
use rookery_runtime::limits::IDLE_DEADLINE;
use rookery_runtime::trace;
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::timeout;
use url::Url;

use super::unavailable;
use crate::limits::{AUTHORITY_CONNECT_DEADLINE, AUTHORITY_IDLE_MAX};

/// A client of the api, with its pool of connections.
pub(super) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A call that is not made yet.
pub(super) struct Call<'a> {
    client: &'a Client,
    method: Method,
    url: Url,
    body: Result<Vec<u8>, serde_json::Error>,
    deadline: Duration,
}

impl Client {
    /// Connects when first asked.
    pub(super) fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(IDLE_DEADLINE / 2));
        tcp.set_connect_timeout(Some(AUTHORITY_CONNECT_DEADLINE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Before the api ends it.
            .pool_idle_timeout(IDLE_DEADLINE / 2)
            .pool_max_idle_per_host(AUTHORITY_IDLE_MAX)
            .build(connector);
        Self { pool }
    }

    pub(super) fn get(&self, url: Url) -> Call<'_> {
        self.call(Method::GET, url)
    }

    pub(super) fn post(&self, url: Url) -> Call<'_> {
        self.call(Method::POST, url)
    }

    fn call(&self, method: Method, url: Url) -> Call<'_> {
        Call { client: self, method, url, body: Ok(Vec::new()), deadline: AUTHORITY_DEADLINE }
    }
}

impl Call<'_> {
    pub(super) fn json(self, body: &impl Serialize) -> Self {
        Self { body: serde_json::to_vec(body), ..self }
    }

    /// With another deadline than that of most calls.
    pub(super) fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Makes the call; the deadline is for the whole of it.
    pub(super) async fn send(
        self,
        secret: &SecretString,
        bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), AuthorityError> {
        timeout(self.deadline, self.exchange(secret, bytes_max))
            .await
            .unwrap_or_else(|_| Err(unavailable("no answer in time")))
    }

    async fn exchange(self, secret: &SecretString, bytes_max: usize) -> Result<(StatusCode, Bytes), AuthorityError> {
        let mut request = Request::builder();
        if let Some((name, value)) = trace::header() {
            request = request.header(name, value);
        }
        let request = request
            .method(self.method)
            .uri(self.url.as_str())
            .header(AUTHORIZATION, format!("Bearer {}", secret.expose_secret()))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(self.body.map_err(unavailable)?))
            .map_err(unavailable)?;
        let response = self
            .client
            .pool
            .request(request)
            .await
            .map_err(|error| unavailable(with_causes(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), bytes_max).collect().await;
        Ok((status, body.map_err(|error| unavailable(with_causes(error.as_ref())))?.to_bytes()))
    }
}

/// With the causes below it, which say what is wrong.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}
