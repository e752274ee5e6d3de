//! The command `doctor`: what is wrong with a deployment, and what to do about it.
//!
//! Each check ends in one finding. The checks of this crate are those that every program has; programs add what they stand on.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};
use serde::Serialize;

pub mod clock;
pub mod files;
pub mod public;

/// The command.
pub fn command() -> Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("For programs");
    let about = "Check the deployment with these settings and say what to do; exit code 1 if anything is an error";
    Command::new("doctor").about(about).arg(json)
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, and something should be otherwise.
    Warning,
    /// It does not work, or loses something.
    Error,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check; never changes.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, in a sentence.
    pub found: String,
    /// What to do about it; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What all checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(Vec<Finding>);

#[derive(Serialize)]
struct Document<'a> {
    findings: &'a [Finding],
    errors: usize,
    warnings: usize,
}

impl Report {
    /// All is well.
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, severity: Severity::Ok, found: found.into(), advice: None });
    }

    /// Something should be otherwise.
    pub fn warn(&mut self, check: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(check, Severity::Warning, found.into(), advice.into());
    }

    /// Something does not work.
    pub fn error(&mut self, check: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(check, Severity::Error, found.into(), advice.into());
    }

    /// Whether anything is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// For people: one finding a line, what to do below it, and how many there are.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Finding { check, severity, found, advice } in &self.0 {
            let label = match severity {
                Severity::Ok => "ok",
                Severity::Warning => "WARNING",
                Severity::Error => "ERROR",
            };
            writeln!(text, "{label:8} {check:22} {found}").ok();
            if let Some(advice) = advice {
                writeln!(text, "{:8} {:22} → {advice}", "", "").ok();
            }
        }
        let [ok, warnings, errors] = [Severity::Ok, Severity::Warning, Severity::Error].map(|of| self.count(of));
        writeln!(text, "\n{errors} errors, {warnings} warnings, {ok} checks without any").ok();
        text
    }

    /// For programs.
    ///
    /// # Errors
    /// If the library cannot write it.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let text = serde_json::to_string_pretty(&Document { findings: &self.0, errors, warnings })?;
        Ok(format!("{text}\n"))
    }

    fn add(&mut self, check: &'static str, severity: Severity, found: String, advice: String) {
        self.0.push(Finding { check, severity, found, advice: Some(advice) });
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_to_people_and_to_programs() {
        let mut report = Report::default();
        report.ok("one", "All is well.");
        report.warn("two", "It could be better.", "Make it so.");
        assert!(!report.has_errors());
        report.error("three", "It is broken.", "Mend it.");
        assert!(report.has_errors());
        let text = report.text();
        assert!(text.contains("WARNING  two") && text.contains("→ Mend it.") && text.contains("1 errors, 1 warnings"));
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!((&json["errors"], &json["findings"][2]["severity"]), (&1.into(), &"error".into()));
        assert!(json["findings"][0].get("advice").is_none());
    }
}
