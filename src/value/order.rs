//! Ids in byte order, with few comparisons of complete ids. Owns no id and knows no shard.

/// Length of the start that all ids share; these bytes decide no comparison.
pub fn shared_start<'a>(mut ids: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = ids.next() else { return 0 };
    let shared = |n: usize, id: &[u8]| first[..n].iter().zip(id).take_while(|(a, b)| a == b).count();
    ids.fold(first.len(), |n, id| if id.starts_with(&first[..n]) { n } else { shared(n, id) })
}

/// The first eight bytes as a number that orders like them; it decides most comparisons.
pub fn eight(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let n = bytes.len().min(8);
    eight[..n].copy_from_slice(&bytes[..n]);
    u64::from_be_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_share_and_what_follows() {
        let shared = |ids: &[&str]| shared_start(ids.iter().map(|id| id.as_bytes()));
        assert_eq!((shared(&[]), shared(&["abc"]), shared(&["abc", "abd", "ab"]), shared(&["a", ""])), (0, 3, 2, 0));
        assert!(
            eight(b"") < eight(b"\x01") && eight(b"ab") < eight(b"abc") && eight(b"abcdefgh") == eight(b"abcdefghi")
        );
    }
}
