//! Who may read the files that a process makes.

use rustix::fs::Mode;
use rustix::process::umask;

/// From here on new files and folders are for the process's own user only: they are messages, keys and what people upload.
/// Before threads start that make some.
pub fn private_by_default() {
    umask(Mode::RWXG | Mode::RWXO);
}
