//! Where a block of a JSON array can be cut: behind an object. Owns what may stand between objects; looks into none.

use memchr::{memchr2, memchr3};

/// What was seen of an array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Array {
    /// Nothing.
    #[default]
    Start,
    /// Its bracket: an object or the end may follow.
    Open,
    /// An object: a comma or the end must follow.
    Behind,
    /// A comma: an object must follow.
    Comma,
    /// Its end.
    Closed,
}

impl Array {
    /// Where a block that follows what was seen can be cut, and what was seen up to there; none when no object is whole.
    /// Fails with a place and what is wrong there.
    pub fn cut(self, block: &[u8], at_end: bool) -> Result<(Option<usize>, Self), (usize, &'static str)> {
        let (mut state, mut at, mut done) = (self, 0, (None, self));
        while let Some(byte) = block.get(at).copied() {
            state = match (state, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') => state,
                (Self::Start, b'[') => Self::Open,
                (Self::Behind, b',') => Self::Comma,
                (Self::Open | Self::Behind, b']') => {
                    done = (Some(at + 1), Self::Closed);
                    Self::Closed
                }
                (Self::Open | Self::Comma, b'{') => match object_end(block, at) {
                    Some(end) => {
                        at = end - 1;
                        done = (Some(end), Self::Behind);
                        Self::Behind
                    }
                    None if at_end => {
                        return Err((at, "an object begins here and is not closed: is it half a download?"));
                    }
                    None => return Ok(done),
                },
                (Self::Closed, _) => return Err((at, "something stands behind the end of the array")),
                (Self::Behind, _) => return Err((at, "a comma or the end of the array is missing here")),
                _ => return Err((at, "here stands no object: an array of objects is read, and nothing else")),
            };
            at += 1;
        }
        if at_end && state != Self::Closed {
            return Err((block.len(), "the array is not closed: is it half a download?"));
        }
        // White space behind the end of the array is a block's end too.
        if at_end {
            done.0 = Some(block.len());
        }
        Ok(done)
    }
}

/// Start and end of the next object.
pub fn next_object(block: &[u8], from: usize) -> Option<(usize, usize)> {
    let start = from + memchr::memchr(b'{', block.get(from..)?)?;
    Some((start, object_end(block, start)?))
}

/// One past the brace that closes the object at `start`.
fn object_end(block: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0usize);
    loop {
        let found = at + memchr3(b'{', b'}', b'"', &block[at..])?;
        at = found + 1;
        match block[found] {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => at = string_end(block, at)?,
        }
    }
}

/// One past the quote that closes the string whose text begins at `from`.
fn string_end(block: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let found = from + memchr2(b'"', b'\\', block.get(from..)?)?;
        match block[found] {
            b'"' => return Some(found + 1),
            _ => from = found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_cut_behind_whole_objects() {
        let cut = |text: &str, end| Array::Start.cut(text.as_bytes(), end);
        assert_eq!(cut("[ {\"a\": \"}\\\"\"}, {\"b\"", false), Ok((Some(14), Array::Behind)));
        assert_eq!(cut("[{}]\n", true), Ok((Some(5), Array::Closed)));
        assert_eq!(cut("[{\"a\":{}", false), Ok((None, Array::Start)));
        assert_eq!(cut("[]", true), Ok((Some(2), Array::Closed)));
        for (text, place) in
            [("[{} {}]", 4), ("[1]", 1), ("[{}", 3), ("[{}]x", 4), ("[{\"a", 1), ("[{},]", 4), ("{}", 0)]
        {
            assert_eq!(cut(text, true).expect_err("refused").0, place, "{text}");
        }
        assert_eq!(next_object(b",\n {\"a\":1}]", 0), Some((3, 10)));
    }
}
