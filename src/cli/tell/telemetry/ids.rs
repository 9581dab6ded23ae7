//! Ids of traces, spans and runs. They depend only on the run's id, so that they can be computed from it; nothing is
//! random.

use sha2::{Digest, Sha256};

/// A trace's id: the first 16 bytes of the run id's SHA-256, in hex.
pub(super) fn trace(run_id: &str) -> String {
    hex(&digest(run_id)[..16])
}

/// A span's id: the first 8 bytes of the SHA-256 of the run's id and the span's path in the run.
pub(super) fn span(run_id: &str, path: &str) -> String {
    hex(&digest(&format!("{run_id}/{path}"))[..8])
}

/// A run's id in OpenLineage's form: a UUID of version 8, whose other bits are those of the trace's id.
pub(super) fn uuid(run_id: &str) -> String {
    let mut bytes = digest(run_id);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes[..16]);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_digest() {
        // printf r1 | sha256sum
        assert_eq!(trace("r1"), "82f3e9c695dc6b8d1b11818d5701919e");
        assert_eq!(uuid("r1"), "82f3e9c6-95dc-8b8d-9b11-818d5701919e");
        assert_eq!(span("r1", "run").len(), 16);
        assert_ne!(span("r1", "run"), span("r2", "run"));
    }
}
