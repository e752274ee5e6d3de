//! Reads the README as a beginner does: fenced blocks in order, and the `make` targets it names.

use std::collections::BTreeSet;

use crate::tools;

/// A fenced code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The word after the fence.
    pub language: String,
    /// What is between the fences.
    pub text: String,
}

/// A file of the repository as text.
pub fn file(name: &str) -> String {
    let path = tools::repository().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of a Markdown text in order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim().strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            found.push(Block { language: language.to_owned(), text: body.join("\n") + "\n" });
        }
    }
    found
}

/// Every `make TARGET` that a Markdown text names in code.
pub fn make_targets(markdown: &str) -> BTreeSet<String> {
    let inline = markdown.split('`').map(str::to_owned);
    let fenced = blocks(markdown)
        .into_iter()
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>());
    inline.chain(fenced).filter_map(|code| targets(&code)).flatten().collect()
}

fn targets(code: &str) -> Option<Vec<String>> {
    let command = code.trim().strip_prefix("make ")?.split('#').next()?;
    let is_target = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    Some(command.split_whitespace().take_while(is_target).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_targets_are_found() {
        let text = "Do `make lint`.\n```sh\nmake run  # makes it run\n```\ntext\n```js\na();\nb();\n```\n";
        let js = Block { language: "js".to_owned(), text: "a();\nb();\n".to_owned() };
        assert_eq!(blocks(text)[1], js);
        assert_eq!(make_targets(text), ["lint", "run"].map(str::to_owned).into());
    }
}
