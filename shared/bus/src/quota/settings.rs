//! The rates of all limits, as operators choose them.

use rookery_runtime::config::{Reader, Setting, Switch};
use rookery_runtime::rate::Rate;

use super::Limit;

/// One rate for each limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates([Rate; Limit::ALL.len()]);

const SWITCH: &str = "limits";

const fn rate(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, default: Some(default), secret: false, help }
}

/// The switch, then one setting for each limit, in their order. The same in all processes.
pub const SETTINGS: [Setting; 18] = [
    rate(
        SWITCH,
        "on",
        "on, or off for load tests: then no rate of a user, an address or a room and no number of sockets of a user or an address is limited, send_interval_ms included. What stays on: slow mode and frozen rooms, connections_max, accepts_per_second, how much one socket may send, and how often one session is refreshed (16 times in 10 s).",
    ),
    rate(
        "limit_user_commands",
        "100/50",
        "Commands on sockets and REST requests of one user: so many at once, then one per so many milliseconds; 0 for no limit. Over all nodes; the same in all processes.",
    ),
    rate("limit_user_connects", "30/1000", "Sockets that one user opens, in the same form."),
    rate("limit_address_connects", "500/20", "Sockets that are opened from one address, in the same form."),
    rate(
        "limit_address_requests",
        "300/50",
        "REST requests from one address without a valid token, logins, registrations, refreshes and logouts with or without one, in the same form.",
    ),
    rate("limit_address_logins", "60/1000", "Logins that are tried from one address, in the same form."),
    rate("limit_address_registrations", "30/10000", "Registrations from one address, in the same form."),
    rate(
        "limit_account_logins",
        "10/15000",
        "Logins to one account that are tried from one address, in the same form.",
    ),
    rate("limit_address_refreshes", "120/500", "Refreshes and logouts from one address, in the same form."),
    rate(
        "limit_address_files",
        "3000/5",
        "Files of the page and documents that one address reads, in the same form.",
    ),
    rate(
        "limit_account_registrations",
        "10/60000",
        "Registrations with one e-mail address, wherever they come from, in the same form.",
    ),
    rate(
        "limit_session_refreshes",
        "20/3000",
        "Refreshes of one session, wherever they come from, in the same form.",
    ),
    rate(
        "limit_recipient_mails",
        "5/720000",
        "Mails to one e-mail address, whoever asks for them and with whatever token, in the same form; more are not sent.",
    ),
    rate(
        "limit_recipient_repeats",
        "1/60000",
        "Codes that are sent once more to one e-mail address, in the same form; more are not sent.",
    ),
    rate(
        "limit_account_codes",
        "5/180000",
        "Second factors of one account that are tried after the right password, over all addresses, in the same form.",
    ),
    rate(
        "limit_user_directs",
        "20/180000",
        "Direct rooms and groups that one user makes, in the same form; those that are there cost nothing.",
    ),
    rate("limit_user_room_passwords", "10/60000", "Passwords of rooms that one user tries, in the same form."),
    rate(
        "limit_room_passwords",
        "100/36000",
        "Passwords that are tried at one room, whoever tries, in the same form.",
    ),
];

/// Whether `limits` is off: then nothing is limited that could be limited by a rate.
pub fn are_switched_off(reader: &mut Reader) -> bool {
    reader.required(SWITCH) == Some(Switch::Off)
}

impl Rates {
    /// No limits.
    pub const OFF: Self = Self([Rate::OFF; Limit::ALL.len()]);

    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let switch = reader.required::<Switch>(SWITCH);
        let mut rates = Self::OFF;
        // All are read before one is missed.
        let read = SETTINGS[1..]
            .iter()
            .map(|setting| reader.required(setting.key))
            .collect::<Vec<Option<Rate>>>();
        for (place, rate) in rates.0.iter_mut().zip(read) {
            *place = rate?;
        }
        Some(if switch? == Switch::Off { Self::OFF } else { rates })
    }

    /// Whether nothing is limited.
    pub fn are_off(&self) -> bool {
        *self == Self::OFF
    }

    /// The rate of a limit.
    pub const fn of(&self, limit: Limit) -> Rate {
        self.0[limit as usize]
    }

    /// The same with another rate for one limit.
    #[must_use]
    pub const fn with(mut self, limit: Limit, rate: Rate) -> Self {
        self.0[limit as usize] = rate;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_setting_in_its_place() {
        for (limit, setting) in Limit::ALL.iter().zip(&SETTINGS[1..]) {
            assert_eq!(setting.key.strip_prefix("limit_"), Some(limit.as_str()));
            assert!(setting.default.unwrap().parse::<Rate>().is_ok_and(|rate| !rate.is_off()), "{}", setting.key);
        }
        let rates = Rates::OFF.with(Limit::AddressLogins, Rate { burst: 7, interval_ms: 1 });
        assert_eq!((rates.of(Limit::AddressLogins).burst, rates.of(Limit::AddressRequests)), (7, Rate::OFF));
    }
}
