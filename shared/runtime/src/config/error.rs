//! What is wrong with a configuration, one line each.

use std::fmt;

/// All that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub(super) Vec<String>);

/// Settings that can be read but not used here and now: an address that is taken, a folder that cannot be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Unusable(Vec<String>);

impl ConfigErrors {
    /// For a value that is missing although nothing was wrong with its setting; a defect of the table.
    pub fn unexplained() -> Self {
        Self(vec!["a setting that is needed has neither a default nor a value".to_owned()])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} error(s):", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl Unusable {
    /// One setting that cannot be used.
    pub fn new(line: String) -> Self {
        Self(vec![line])
    }

    /// Both of two outcomes, or all that is wrong with either.
    pub fn both<A, B>(one: Result<A, Self>, other: Result<B, Self>) -> Result<(A, B), Self> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(one), Err(other)) => Err(Self([one.0, other.0].concat())),
            (Err(lines), Ok(_)) | (Ok(_), Err(lines)) => Err(lines),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
