//! How much room the file systems below our folders have, read when somebody asks.

use std::collections::HashMap;
use std::path::PathBuf;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::{Description, Kind, label};

const FREE: (&str, &str) = ("rookery_disk_free_bytes", "What the file system of a folder still takes.");
const SIZE: (&str, &str) = ("rookery_disk_size_bytes", "What it takes altogether.");
const FOLDER: &str = "folder";

/// Bounded by the folders that settings name.
static FOLDERS: Mutex<Vec<(&'static str, PathBuf)>> = Mutex::new(Vec::new());

/// Shows the room of a folder from now on, under the setting that names it.
pub fn watch_folder(setting: &'static str, path: PathBuf) {
    let mut folders = FOLDERS.lock();
    folders.retain(|(known, _)| *known != setting);
    folders.push((setting, path));
}

pub(super) struct FolderCollector {
    descs: Vec<Desc>,
}

impl FolderCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let desc = |(name, help): (&str, &str)| {
            Desc::new(name.into(), help.into(), vec![FOLDER.to_owned()], HashMap::default())
        };
        Ok(Self { descs: [FREE, SIZE].into_iter().map(desc).collect::<Result<_, _>>()? })
    }
}

impl Collector for FolderCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        collect(&FOLDERS.lock()).unwrap_or_default()
    }
}

fn collect(folders: &[(&'static str, PathBuf)]) -> Result<Vec<MetricFamily>, prometheus::Error> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let free = IntGaugeVec::new(Opts::new(FREE.0, FREE.1), &[FOLDER])?;
    let size = IntGaugeVec::new(Opts::new(SIZE.0, SIZE.1), &[FOLDER])?;
    for (setting, path) in folders {
        // A folder that cannot be looked at has no figures, which an alert on them notices.
        let Ok(found) = rustix::fs::statvfs(path) else { continue };
        let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(found.f_frsize)).unwrap_or(i64::MAX);
        free.with_label_values(&[*setting]).set(bytes(found.f_bavail));
        size.with_label_values(&[*setting]).set(bytes(found.f_blocks));
    }
    Ok([free.collect(), size.collect()].concat())
}

pub(super) fn described() -> Vec<Description> {
    let labels = vec![label(FOLDER, "`data_dir`")];
    [FREE, SIZE]
        .map(|(name, help)| Description { name: name.to_owned(), kind: Kind::Gauge, help, labels: labels.clone() })
        .to_vec()
}
