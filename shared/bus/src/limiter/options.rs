//! What operators choose of all this, the same in every process.

use std::sync::Arc;

use rookery_runtime::address::{self, Proxies};
use rookery_runtime::config::{Reader, Setting, joined};
use rookery_runtime::limits::ACCEPTS_PER_SECOND_MAX;
use rookery_runtime::listener::{self, AddressBounds, ListenerOptions, Refusals};
use rookery_runtime::origin::Origins;

use super::Limiter;
use crate::quota::{self, Quota, Rates};

/// Rate limits as operators choose them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimiterOptions {
    /// How much one user or address may ask for.
    pub rates: Rates,
    /// Whose word about addresses counts.
    pub proxies: Proxies,
    /// Connections that the public listener accepts in a second; 0 for no limit.
    pub accepts_per_second: u32,
    /// What one address may have of the public listener.
    pub per_address: AddressBounds,
}

/// The settings of [`LimiterOptions`].
pub const SETTINGS: [Setting; 22] =
    joined(&[&quota::SETTINGS, &[address::SETTING, listener::ACCEPTS_SETTING], &listener::ADDRESS_SETTINGS]);

impl LimiterOptions {
    /// Whose word about clients counts.
    pub const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let (rates, proxies) = (Rates::read(reader), reader.required(address::SETTING.key));
        let accepts_per_second = reader.number(listener::ACCEPTS_SETTING.key, 0..=ACCEPTS_PER_SECOND_MAX);
        let per_address = AddressBounds::read(reader)?;
        Some(Self { rates: rates?, proxies: proxies?, accepts_per_second: accepts_per_second?, per_address })
    }

    /// A listener for the world, within these limits.
    pub fn listener(&self, connections_max: usize, origins: &Origins, refusals: Arc<dyn Refusals>) -> ListenerOptions {
        let per_address = self.per_address.clone();
        let options = ListenerOptions::public(connections_max, self.accepts_per_second, per_address, refusals);
        ListenerOptions { is_https: origins.is_https(), ..options }
    }

    /// A limiter as chosen.
    pub fn limiter(&self, quota: Arc<dyn Quota>) -> Arc<Limiter> {
        Limiter::new(quota, self.rates, self.proxies.clone())
    }
}
