//! Finds two byte values in a block, 64 bytes at a time. Knows nothing of what they mean.
//!
//! `memchr2_iter` starts again after every hit, which costs more than the search itself when there is a hit every few
//! bytes, as in a CSV file. A loop of this shape compiles to vector compares on every machine, without `unsafe`.

/// Calls `visit` with every position of either byte, in order.
#[inline]
pub(super) fn positions(block: &[u8], either: [u8; 2], mut visit: impl FnMut(usize)) {
    let (windows, rest) = block.as_chunks::<64>();
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    // Nothing may be found past the end, not even when the byte searched for is NUL.
    let valid = (1u64 << rest.len()) - 1;
    let masks = windows.iter().map(|window| mask(window, either)).chain([mask(&last, either) & valid]);
    for (window, mut found) in masks.enumerate() {
        while found != 0 {
            visit(window * 64 + found.trailing_zeros() as usize);
            found &= found - 1;
        }
    }
}

/// Bit `n` is set where byte `n` is one of the two.
#[inline]
fn mask(window: &[u8; 64], [a, b]: [u8; 2]) -> u64 {
    let mut hits = [0; 64];
    hits.iter_mut().zip(window).for_each(|(hit, byte)| *hit = u8::from(*byte == a) | u8::from(*byte == b));
    let (eights, _) = hits.as_chunks::<8>();
    // The multiplication moves the lowest bit of each byte into the top byte, in order.
    let top = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().enumerate().fold(0, |mask, (i, eight)| mask | top(eight) << (i * 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_plain_search(block in prop::collection::vec(prop_oneof![Just(b','), Just(b'\n'), any::<u8>()], 0..300)) {
            let mut found = Vec::new();
            positions(&block, [b',', b'\n'], |at| found.push(at));
            let want: Vec<usize> = (0..block.len()).filter(|&i| matches!(block[i], b',' | b'\n')).collect();
            prop_assert_eq!(found, want);
        }
    }
}
