//! Pages of lists. One row more than a page may have is asked for: it says whether there is another page.

/// Cuts rows of which one more was asked for than the page may have. The last one of the page, if there are more: the next
/// page begins behind it.
pub fn cut<T>(rows: &mut Vec<T>, limit: usize) -> Option<&T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_only_if_there_was_one_row_more() {
        for (rows, limit, next) in [(3, 2, Some(1)), (2, 2, None), (1, 2, None), (0, 2, None)] {
            let mut rows: Vec<usize> = (0..rows).collect();
            assert_eq!(cut(&mut rows, limit).copied(), next, "{rows:?}");
            assert!(rows.len() <= limit);
        }
    }
}
