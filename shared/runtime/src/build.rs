//! Which build of a program runs.

use prometheus::{IntGaugeVec, Opts, Registry};

/// A version, and the commit that it was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The version of the program.
    pub version: &'static str,
    /// The commit; `unknown` in builds for development.
    pub commit: &'static str,
}

impl Build {
    /// As `--version` shows it, behind the program's name.
    pub fn text(&self) -> String {
        format!("{} ({})", self.version, self.commit)
    }

    /// Adds `rookery_build_info`, which is always 1, with version and commit as its labels.
    ///
    /// # Errors
    /// If the registry has it already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let opts = Opts::new("rookery_build_info", "Version and commit of the program; always 1.");
        let info = IntGaugeVec::new(opts, &["version", "commit"])?;
        info.with_label_values(&[self.version, self.commit]).set(1);
        registry.register(Box::new(info))
    }
}

/// The [`Build`] of the program that says so; its package has `shared/build/commit.rs` as its build script.
#[macro_export]
macro_rules! this_build {
    () => {
        $crate::build::Build { version: env!("CARGO_PKG_VERSION"), commit: env!("BUILD_COMMIT") }
    };
}
