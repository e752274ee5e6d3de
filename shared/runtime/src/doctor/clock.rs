//! Whether clocks agree: tokens, marks and delays are read by another clock than they were written by.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::TOKEN_LEEWAY;

use super::Report;

/// Differences beyond which delays that are measured are of no use.
const NOTICED: Duration = Duration::from_secs(1);

/// What a clock showed.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The time.
    pub shown: UnixMillis,
    /// Ours before and after it was read.
    pub read: [UnixMillis; 2],
    /// What it counts in.
    pub unit: Duration,
}

/// Compares somebody's clock with ours.
pub fn compare(report: &mut Report, check: &'static str, whose: &str, reading: Reading) {
    let Reading { shown, read: [from, to], unit } = reading;
    let shown_until = shown.plus(unit);
    let ahead = shown.since(to);
    let behind = from.since(shown_until);
    let (skew, direction) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    let advice = "Run an NTP client (chrony, systemd-timesyncd) on every machine.";
    let found = format!("The clock of {whose} is {} ms {direction} this machine's.", skew.as_millis());
    if skew > TOKEN_LEEWAY {
        report.error(check, found, advice);
    } else if skew > NOTICED {
        report.warn(check, found, advice);
    } else {
        report.ok(check, format!("The clock of {whose} agrees with this machine's."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(shown: i64) -> String {
        let mut report = Report::default();
        let read = [UnixMillis(100_000), UnixMillis(100_200)];
        compare(
            &mut report,
            "clock",
            "Redis",
            Reading { shown: UnixMillis(shown), read, unit: Duration::from_secs(1) },
        );
        report.text()
    }

    #[test]
    fn what_the_question_took_is_no_difference() {
        for shown in [99_100, 100_000, 100_200, 101_100] {
            assert!(told(shown).starts_with("ok"), "{shown}: {}", told(shown));
        }
        assert!(told(103_000).contains("WARNING") && told(103_000).contains("2800 ms ahead of"));
        assert!(told(90_000).contains("ERROR") && told(90_000).contains("9000 ms behind"));
    }
}
