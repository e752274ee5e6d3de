//! Everything in one process, with a data folder and without external services.

use std::path::PathBuf;
use std::process::Output;

use crate::cluster::ALLOWED_ORIGIN;
use crate::node::Node;
use crate::process::Spec;
use crate::{dirs, tools};

/// One standalone server and its data.
pub struct Standalone {
    /// The process.
    pub node: Node,
    /// Its data folder.
    pub data_dir: PathBuf,
}

impl Standalone {
    /// Chooses ports and a folder; nothing runs yet.
    pub fn prepare() -> Self {
        // Tests open and ask more from one address than anybody; those of the limits choose them.
        Self::prepare_with(&[("limits", "off")])
    }

    /// The same with these limits and settings beside.
    pub fn prepare_with(limits: &[(&'static str, &str)]) -> Self {
        let dir = dirs::fresh("standalone");
        let data_dir = dir.join("data");
        Self::prepare_at(dir, data_dir, limits, &[])
    }

    /// The same in that folder, with these flags.
    pub fn prepare_at(dir: PathBuf, data_dir: PathBuf, limits: &[(&'static str, &str)], flags: &[&str]) -> Self {
        let mut settings =
            vec![("data_dir", data_dir.display().to_string()), ("allowed_origins", ALLOWED_ORIGIN.to_owned())];
        // Tests that choose limits talk faster than people, too; off lifts the pace by itself.
        if !limits.contains(&("limits", "off")) {
            settings.push(("send_interval_ms", "0".to_owned()));
        }
        settings.extend(limits.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Self { node: Node::prepare("rookery", dir, &settings, flags), data_dir }
    }

    /// A running server without any user.
    pub async fn start() -> Self {
        let server = Self::prepare();
        server.node.start().await;
        server
    }

    /// Another process that is told to serve the same folder, on other ports; it does not run yet.
    #[must_use]
    pub fn rival(&self) -> Self {
        Self::prepare_at(dirs::fresh("rival"), self.data_dir.clone(), &[("limits", "off")], &[])
    }

    /// Runs a command of the program on the folder, with `input` as standard input, to its end.
    pub fn command(&self, args: &[&str], input: &str) -> Output {
        let spec = Spec {
            name: "rookery-command".to_owned(),
            program: tools::binary("rookery"),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: vec![("ROOKERY_DATA_DIR".to_owned(), self.data_dir.display().to_string())],
            dir: dirs::fresh("command"),
        };
        spec.fed(input)
    }

    /// The same; panics unless it succeeds, and returns what it printed.
    pub fn done(&self, args: &[&str], input: &str) -> String {
        let output = self.command(args, input);
        let [printed, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success(), "{args:?}: {}\n{printed}{errors}", output.status);
        printed
    }

    /// The same; panics unless it fails, and returns why.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.command(args, "");
        let [printed, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(!output.status.success(), "{args:?} succeeded\n{printed}{errors}");
        errors
    }

    /// SIGTERM, then the same again.
    pub async fn restart(&self) {
        self.node.process.terminate().await;
        self.node.start().await;
    }
}
