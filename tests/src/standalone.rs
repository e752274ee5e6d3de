//! Everything in one process, with a data folder and nothing beside it.

use std::path::PathBuf;

use crate::cluster::ALLOWED_ORIGIN;
use crate::dirs;
use crate::node::Node;

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
        let mut settings =
            vec![("data_dir", data_dir.display().to_string()), ("allowed_origins", ALLOWED_ORIGIN.to_owned())];
        // Tests that choose limits talk faster than people, too; off lifts the pace by itself.
        if !limits.contains(&("limits", "off")) {
            settings.push(("send_interval_ms", "0".to_owned()));
        }
        settings.extend(limits.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Self { node: Node::prepare("rookery", dir, &settings, &[]), data_dir }
    }

    /// A running server without any user.
    pub async fn start() -> Self {
        let server = Self::prepare();
        server.node.start().await;
        server
    }

    /// SIGTERM, then the same again.
    pub async fn restart(&self) {
        self.node.process.terminate().await;
        self.node.start().await;
    }
}
