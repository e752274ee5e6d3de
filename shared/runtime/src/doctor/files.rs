//! What a program has from its machine: the files of its keys, and how many files it may open.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Report;
use crate::limits::DESCRIPTORS_KEPT;
use crate::token::{JwkSet, KeyFolder};

const OF_OTHERS: u32 = 0o007;
const OF_GROUP: u32 = 0o070;
const WRITABLE: u32 = 0o022;

/// The signing keys, and who may read them. Returns the public ones, if they can be read.
pub fn keys(report: &mut Report, folder: &KeyFolder) -> Option<JwkSet> {
    let set = folder.read(None);
    match &set {
        Ok(set) => {
            let (count, signing) = (set.iter().count(), set.signing().name());
            report.ok("signing_keys", format!("{count} signing keys, of which {signing} signs."));
        }
        Err(error) => report.error(
            "signing_keys",
            format!("The signing keys cannot be used: {error}."),
            "Make a key with `key add`, or give back what is missing.",
        ),
    }
    permissions(report, folder);
    set.ok().map(|set| set.public())
}

fn permissions(report: &mut Report, folder: &KeyFolder) {
    let paths = folder.paths().unwrap_or_default();
    let of = |bits: u32| paths.iter().filter(move |path| mode(path).is_some_and(|mode| mode & bits != 0));
    let files = |bits: u32| of(bits).filter(|path| path.is_file()).map(|path| path.display().to_string());
    let others: Vec<String> = files(OF_OTHERS)
        .chain(of(WRITABLE).filter(|path| path.is_dir()).map(|path| path.display().to_string()))
        .collect();
    let group: Vec<String> = files(OF_GROUP).collect();
    if !others.is_empty() {
        report.error(
            "key_permissions",
            format!("Everybody on this machine may read or change {}.", others.join(", ")),
            "chmod 700 the folder and chmod 600 the files, or mount the secret with defaultMode 0400; then change the key, as docs/operations.md says.",
        );
    } else if !group.is_empty() {
        report.warn(
            "key_permissions",
            format!("A group may read {}.", group.join(", ")),
            "chmod 600 the files, unless the group is that of the server alone, as with fsGroup.",
        );
    } else if !paths.is_empty() {
        report.ok("key_permissions", "Only their owner may read the signing keys.");
    }
}

/// Whether the process may open as many files as it takes connections. A command has the limit of whoever runs it.
pub fn open_files(report: &mut Report, connections_max: usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let Some(soft) = line.and_then(|line| line.split_whitespace().next()) else {
        return report.warn(
            "open_files",
            "The limit of open files is not known.",
            "Look at `ulimit -n` of the server.",
        );
    };
    let needed = connections_max + DESCRIPTORS_KEPT;
    if soft.parse::<usize>().is_ok_and(|soft| soft < needed) {
        report.warn(
            "open_files",
            format!("{soft} files may be open here, and connections_max = {connections_max} needs {needed}: further connections are answered 503."),
            "Raise the limit of the server (LimitNOFILE of systemd, ulimits of a container), or lower connections_max.",
        );
    } else {
        report.ok("open_files", format!("{soft} files may be open here; connections_max needs {needed}."));
    }
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(file: u32, dir: u32) -> String {
        let home = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(home.path(), None);
        let key = folder.add("a").unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(dir)).unwrap();
        let mut report = Report::default();
        keys(&mut report, &folder);
        report.text()
    }

    #[test]
    fn who_may_read_keys_is_told() {
        assert!(told(0o600, 0o700).contains("Only their owner"));
        assert!(told(0o600, 0o755).contains("Only their owner"), "a folder that others may list shows no key");
        assert!(told(0o440, 0o700).contains("WARNING"));
        assert!(told(0o644, 0o700).contains("ERROR"));
        assert!(told(0o600, 0o777).contains("ERROR"));
    }

    #[test]
    fn too_few_files_are_told() {
        let mut report = Report::default();
        open_files(&mut report, 1);
        open_files(&mut report, usize::MAX / 2);
        let text = report.text();
        assert!(text.starts_with("ok") && text.contains("LimitNOFILE"), "{text}");
    }
}
