//! Lists in little memory: every connection is in several, and most of them grow seldom.

/// Makes room for one more. A full list grows by an eighth, and not to twice its size.
pub(crate) fn reserve_one<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(2 + list.len() / 8);
    }
}
