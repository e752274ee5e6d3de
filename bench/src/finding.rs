//! One measured value beside what it should be.

use serde::{Deserialize, Serialize};

use crate::{Failure, report};

/// A line of the table of targets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Part of the page.
    pub(crate) part: String,
    /// What was measured.
    pub(crate) what: String,
    /// How much it is.
    pub(crate) measured: f64,
    /// Of what.
    pub(crate) unit: String,
    /// What it should be; none where it is only told.
    pub(crate) target: Option<Target>,
}

/// What a value should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
}

impl Target {
    /// Whether it is so.
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
        }
    }
}

/// Findings of one part of the page.
pub(crate) struct Findings(pub(crate) &'static str);

impl Findings {
    /// Tells one that is to be so.
    pub(crate) fn judge(&self, what: &str, measured: f64, unit: &str, target: Target) -> Result<(), Failure> {
        self.write(what, measured, unit, Some(target))
    }

    /// Tells one that there is no target for.
    pub(crate) fn tell(&self, what: &str, measured: f64, unit: &str) -> Result<(), Failure> {
        self.write(what, measured, unit, None)
    }

    fn write(&self, what: &str, measured: f64, unit: &str, target: Option<Target>) -> Result<(), Failure> {
        report(&Finding { part: self.0.to_owned(), what: what.to_owned(), measured, unit: unit.to_owned(), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_at_its_edge() {
        assert!(Target::AtMost(5.0).is_met(5.0) && !Target::AtMost(5.0).is_met(5.1));
        assert!(Target::AtLeast(5.0).is_met(5.0) && !Target::AtLeast(5.0).is_met(4.9));
        let finding = r#"{"part":"x","what":"y","measured":1.5,"unit":"ms","target":{"at_most":2.0}}"#;
        assert_eq!(serde_json::from_str::<Finding>(finding).unwrap().target, Some(Target::AtMost(2.0)));
    }
}
