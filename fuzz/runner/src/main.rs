//! One target under libFuzzer: the one that `ROOKERY_FUZZ_TARGET` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rookery_fuzz::{TARGETS, Target, find};

fn target() -> Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    *TARGET.get_or_init(|| {
        let name = std::env::var("ROOKERY_FUZZ_TARGET").unwrap_or_default();
        find(&name).unwrap_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            panic!("ROOKERY_FUZZ_TARGET is one of {}", names.join(", "))
        })
    })
}

fuzz_target!(|input: &[u8]| (target().play)(input));
