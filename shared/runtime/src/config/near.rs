//! The setting that somebody may have meant.

/// Below this two names have little in common; a letter that is missing, added, changed or swapped stays well above.
const LIKENESS_MIN: f64 = 0.85;

/// The name that is most like `written`, if any is like it.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["listen", "internal_listen", "data_dir", "drain_ms", "redis_url"];

    #[test]
    fn a_slip_of_the_fingers_is_recognised() {
        for (written, meant) in [
            ("listn", "listen"),
            ("lsiten", "listen"),
            ("internal_listenn", "internal_listen"),
            ("datadir", "data_dir"),
            ("drain", "drain_ms"),
            ("redis", "redis_url"),
        ] {
            assert_eq!(nearest(written, NAMES.into_iter()), Some(meant), "{written}");
        }
    }

    #[test]
    fn another_word_is_not() {
        for written in ["port", "colour", "x", ""] {
            assert_eq!(nearest(written, NAMES.into_iter()), None, "{written}");
        }
    }
}
