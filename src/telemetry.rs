//! What a run tells others when it is asked to: OpenTelemetry spans and OpenLineage events. `otlp` and `lineage` make JSON
//! of plain values; `post` alone lets it out. Owns that no failure here is a run's; nothing goes anywhere unasked.

mod ids;
pub mod lineage;
mod otlp;
mod post;

pub use otlp::requests;
pub use post::{Headers, Receiver, append, headers, send};
