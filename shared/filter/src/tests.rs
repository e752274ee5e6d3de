//! What is found and what is not: sentences by hand, words of dictionaries by rule, and nonsense.

use super::*;

/// The words that the sentences are about, beside those that come with the filter.
const OWN: [&str; 7] = ["snarfle", "grumbix", "zogwort", "plonkerhat", "mudwhistle", "wortel*", "seven dwarfs"];

fn filter() -> WordFilter {
    WordFilter::new(OWN, [], true)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

/// Lines that are not judged as they should be.
fn misjudged<'a>(lines: &[&'a str], is_bad: bool) -> Vec<&'a str> {
    let filter = filter();
    lines.iter().copied().filter(|line| filter.find(line).is_empty() == is_bad).collect()
}

#[test]
fn what_is_disguised_is_found() {
    for (name, text) in [
        ("own", include_str!("../corpus/evasions.txt")),
        ("of others", include_str!("../corpus/evasions_of_others.txt")),
    ] {
        let lines = lines(text);
        let missed = misjudged(&lines, true);
        println!("{name}: {} of {} missed", missed.len(), lines.len());
        assert!(lines.len() >= 150, "{name}: {}", lines.len());
        assert!(missed.len() * 20 <= lines.len(), "{name}: {} of {}: {missed:#?}", missed.len(), lines.len());
    }
}

#[test]
fn what_is_innocent_is_left_alone() {
    for (name, text) in [
        ("own", include_str!("../corpus/innocent.txt")),
        ("of others", include_str!("../corpus/innocent_of_others.txt")),
    ] {
        let lines = lines(text);
        let wrong = misjudged(&lines, false);
        println!("{name}: {} of {} found for nothing", wrong.len(), lines.len());
        assert!(lines.len() >= 150, "{name}: {}", lines.len());
        assert!(wrong.len() * 100 <= lines.len(), "{name}: {} of {}: {wrong:#?}", wrong.len(), lines.len());
    }
}

#[test]
fn each_disguise_has_its_form() {
    let filter = filter();
    for (text, masked) in [
        ("a snarfle!", "a *******!"),
        ("SNARFLE", "*******"),
        ("snárflé", "*******"),
        ("sn4rfl3", "*******"),
        ("$narf1e", "*******"),
        ("snaaaarfle", "**********"),
        ("snarrfle", "********"),
        ("s n a r f l e", "* * * * * * *"),
        ("s.n.a.r.f.l.e", "*************"),
        ("snar-fle", "********"),
        ("sna\u{1d173}rf\u{1bca0}le", "*********"),
        ("sna\u{200b}rf\u{ad}le", "*********"),
        ("sn*rfle", "*******"),
        ("ѕnаrflе", "*******"),
        ("ｓｎａｒｆｌｅ", "*******"),
        ("𝐬𝐧𝐚𝐫𝐟𝐥𝐞", "*******"),
        ("ⓢⓝⓐⓡⓕⓛⓔ", "*******"),
        ("snarphle", "********"),
        ("wortelsuppe und wortel", "*********** und ******"),
        ("Seven  dwarfs.", "*****  ******."),
    ] {
        assert_eq!(filter.mask(text).as_deref(), Some(masked), "{text}");
    }
    for text in ["snarfles", "unsnarfle", "schwortel", "seven dwarf", "snarle", ""] {
        assert_eq!(filter.mask(text), None, "{text}");
    }
}

#[test]
fn letters_that_words_double_anyway_are_counted() {
    let filter = WordFilter::new(["god", "hel", "ass"], [], false);
    for text in ["good", "hell", "as", "a s", "Hello"] {
        assert_eq!(filter.mask(text), None, "{text}");
    }
    for text in ["goood", "helll", "asssss", "a s s", "ggod"] {
        assert!(filter.mask(text).is_some(), "{text}");
    }
}

#[test]
fn words_are_compared_as_they_are_folded() {
    let filter = WordFilter::new(["Straße", "Ærø", "сука"], [], false);
    for text in ["STRASSE", "straße", "aero", "СУКА"] {
        assert!(filter.mask(text).is_some(), "{text}");
    }
}

#[test]
fn digits_without_letters_are_digits() {
    let filter = WordFilter::new(["88", "ass"], [], false);
    assert_eq!(filter.mask("88 or 8.8").as_deref(), Some("** or ***"));
    for text in ["889", "188", "bb", "455", "4 5 5"] {
        assert_eq!(filter.mask(text), None, "{text}");
    }
}

#[test]
fn what_is_allowed_is_left_alone_in_every_form() {
    let filter = WordFilter::new(["snarfle*"], ["snarflette", "old snarfle"], false);
    assert_eq!(filter.mask("a Sn4rflette and an old snarfle"), None);
    assert_eq!(filter.mask("a snarflette, a snarfler").as_deref(), Some("a snarflette, a ********"));
}

#[test]
fn a_list_without_words_finds_nothing() {
    for words in [vec![], vec!["", " ", "*", "!!", "\u{200b}"]] {
        let filter = WordFilter::new(words, [], false);
        assert!(filter.is_empty());
        assert_eq!(filter.find("* !! anything"), Vec::<Range<usize>>::new());
    }
}

/// Next of a sequence that looks random.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap_or_default()
}

#[test]
fn nonsense_is_read_to_its_end_and_masked_where_it_was_found() {
    let parts = [
        "s",
        "n",
        "a",
        "r",
        "f",
        "l",
        "e",
        "p",
        "h",
        "4",
        "3",
        "1",
        "|",
        "$",
        "*",
        "#",
        ".",
        "-",
        "'",
        " ",
        "\n",
        "é",
        "\u{301}",
        "\u{200d}",
        "ß",
        "ﬃ",
        "𝐟",
        "🇸",
        "👩‍👩‍👧",
        "\u{e0041}",
        "Ǆ",
        "İ",
        "сука",
        "漢",
        "٣",
        "\u{0}",
    ];
    let filter = WordFilter::new(["snarfle", "fuck*", "a b", "сука"], ["snarfles"], true);
    let mut state = 42;
    for _ in 0..20_000 {
        let length = next(&mut state) % 24;
        let text: String = (0..length).map(|_| parts[next(&mut state) % parts.len()]).collect();
        let found = filter.find(&text);
        for range in &found {
            assert!(text.get(range.clone()).is_some_and(|part| !part.is_empty()), "{text:?} {range:?}");
        }
        assert!(found.windows(2).all(|two| two[0].end <= two[1].start), "{text:?} {found:?}");
        if let Some(masked) = filter.mask(&text) {
            assert!(
                masked.chars().count() == text.chars().count() && masked.len() <= text.len(),
                "{text:?} {masked:?}"
            );
        }
    }
}
