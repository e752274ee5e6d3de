//! What a load generator writes into its messages, so that it knows them when they come back.

/// Stands before and behind a tag; nothing else in a frame of any server has it twice, and it names nobody.
const EDGE: u8 = b'~';

/// `~publisher.number.due~`, then letters up to the wanted length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Who sent it.
    pub(crate) publisher: u32,
    /// Which one it is; counted from 1 over all publishers.
    pub(crate) number: u64,
    /// When it was to be sent, in microseconds since the start of the run.
    pub(crate) due_us: u64,
}

impl Tag {
    /// A text of about this length.
    pub(crate) fn text(self, length: usize) -> String {
        let tag = format!("~{}.{}.{}~", self.publisher, self.number, self.due_us);
        let padding = length.saturating_sub(tag.len());
        tag + &"x".repeat(padding)
    }

    /// The tag of a frame, if it has one.
    pub(crate) fn find(frame: &[u8]) -> Option<Self> {
        let mut parts = frame.split(|&byte| byte == EDGE);
        let _before = parts.next()?;
        parts.find_map(Self::parse)
    }

    fn parse(part: &[u8]) -> Option<Self> {
        let mut numbers = std::str::from_utf8(part).ok()?.split('.').map(str::parse::<u64>);
        let mut number = || numbers.next()?.ok();
        let tag = Self { publisher: u32::try_from(number()?).ok()?, number: number()?, due_us: number()? };
        numbers.next().is_none().then_some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_wherever_it_stands() {
        let tag = Tag { publisher: 3, number: 17, due_us: 123_456 };
        let text = tag.text(100);
        assert_eq!(text.len(), 100);
        for frame in [format!("{{\"content\":\"{text}\"}}"), text.clone(), format!("a~b.c {text}")] {
            assert_eq!(Tag::find(frame.as_bytes()), Some(tag), "{frame}");
        }
        assert_eq!(Tag::find(b"no tag, ~ten~"), None);
    }
}
