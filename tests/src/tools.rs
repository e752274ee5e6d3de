//! Where the programs are that tests run: our binaries beside the test executable, the parts of other makers in
//! `ROOKERY_TOOLS` or in `.tools` of the repository.

use std::env;
use std::path::PathBuf;

/// Root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace")
        .to_owned()
}

/// One of our binaries, of the same build as the test.
pub fn binary(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test knows its own path");
    let folder = test.parent().expect("a program lies in a folder");
    // Tests lie in target/<profile>/deps, programs beside it.
    let profile = if folder.ends_with("deps") {
        folder.parent().expect("deps lies in a profile")
    } else {
        folder
    };
    present(profile.join(name), "cargo build --workspace")
}

/// A program of the Python environment.
pub fn python(program: &str) -> PathBuf {
    present(tools().join("venv/bin").join(program), "make deps")
}

/// The folder that holds the npm packages.
pub fn node_modules() -> PathBuf {
    present(tools().join("node/node_modules"), "make deps")
}

/// The folder that holds the S3 server and what it needs.
pub fn s3() -> PathBuf {
    present(tools().join("s3"), "make deps")
}

/// A client program of this package, `tests/clients/<name>`.
pub fn client(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

fn tools() -> PathBuf {
    env::var_os("ROOKERY_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from)
}

fn present(path: PathBuf, remedy: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing; run `{remedy}`", path.display());
    path
}
