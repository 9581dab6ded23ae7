//! What bytes are, by how they begin, whatever the file's name. Owns the names of what is not read.

/// What a file can be packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    Gzip,
    Zstd,
    Zip,
}

/// What a file is packed in, by its first bytes.
pub fn packed(head: &[u8]) -> Option<Packed> {
    match head {
        [0x1F, 0x8B, 8, ..] => Some(Packed::Gzip),
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Packed::Zstd),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some(Packed::Zip),
        _ => None,
    }
}

/// Whether bytes are a Parquet file: its mark is followed by no text.
pub fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1") && head.get(4).is_none_or(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
}

/// What bytes are that no format reads, and how to get at their data.
pub fn refused(head: &[u8]) -> Option<&'static str> {
    const BINARY: [(&[u8], &str); 11] = [
        (b"\xFF\xFE\0\0", "a text in UTF-32: save it as UTF-8"),
        (b"\0\0\xFE\xFF", "a text in UTF-32: save it as UTF-8"),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            "an old Excel file (.xls), or an Excel file with a password: save it as .xlsx without one, or as CSV",
        ),
        (b"%PDF-", "a PDF file: export the data as CSV"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive: unpack it, or pack it as zip, gzip or zstd"),
        (b"Rar!\x1A\x07", "a RAR archive: unpack it, or pack it as zip, gzip or zstd"),
        (b"\xFD7zXZ\0", "packed with xz: unpack it, or pack it as zip, gzip or zstd"),
        (b"\x04\x22\x4D\x18", "packed with lz4: unpack it, or pack it as zip, gzip or zstd"),
        (b"SQLite format 3\0", "an SQLite database: export its table as CSV"),
        (b"ARROW1\0\0", "an Arrow or Feather file: save it as Parquet"),
        (b"Obj\x01", "an Avro file: save it as Parquet"),
    ];
    let found = BINARY.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what);
    // These begin with letters as a header could: look at what follows.
    let has = |at: usize, mark: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let is_orc =
        head.starts_with(b"ORC") && head.get(3).is_some_and(|byte| *byte < b' ' && !byte.is_ascii_whitespace());
    // So begins what a download has made room for but not filled.
    let is_empty = head.len() >= 64 && head.iter().all(|byte| *byte == 0);
    found
        .or(is_empty.then_some("empty but for zeros, as an unfinished download leaves a file: fetch it again"))
        .or((has(0, b"BZh") && has(4, b"1AY&SY"))
            .then_some("packed with bzip2: unpack it, or pack it as zip, gzip or zstd"))
        .or(has(257, b"ustar").then_some("a tar archive: unpack it, or pack its files as zip"))
        .or(is_orc.then_some("an ORC file: save it as Parquet"))
}

/// What text is that no format reads, and how to get at the data.
pub fn refused_text(head: &str) -> Option<&'static str> {
    let start = head.trim_start().get(..64).unwrap_or(head.trim_start()).to_ascii_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag)) {
        return Some(
            "a web page (HTML), not data: often the page of an error or a login that was saved in its place; download it again",
        );
    }
    if start.starts_with("<?xml") || start.starts_with("<!doctype") {
        return Some("an XML file: export the data as CSV");
    }
    start
        .starts_with("version https://git-lfs.github.com/spec/")
        .then_some("a pointer of git-lfs, not the file that it stands for: run `git lfs pull`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_known_by_their_first_bytes() {
        assert_eq!(packed(b"\x1F\x8B\x08\0"), Some(Packed::Gzip));
        assert_eq!(packed(b"PK\x05\x06"), Some(Packed::Zip));
        assert_eq!(packed(b"\x28\xB5\x2F\xFD"), Some(Packed::Zstd));
        assert_eq!(packed(b"PKID,name\n"), None);
        assert!(refused(b"%PDF-1.7").is_some_and(|what| what.contains("PDF")));
        assert!(refused(b"ORCHID,x\n").is_none() && refused(b"BZh,x\n").is_none());
        assert!(is_parquet(b"PAR1\x15\x04") && !is_parquet(b"PAR1,b") && !is_parquet(b"PAR1\n"));
        assert!(refused_text("\n <!DOCTYPE html>").is_some_and(|what| what.contains("web page")));
        assert!(refused_text("<name>,b\n").is_none() && refused_text("version,b\n").is_none());
    }
}
