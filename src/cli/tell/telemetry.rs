//! Telemetry: OpenTelemetry spans and OpenLineage events about a run. `otlp` and `lineage` make JSON from plain values;
//! only `post` sends it. Sends nothing unless asked to.

mod ids;
pub mod lineage;
mod otlp;
mod post;

pub use otlp::requests;
pub use post::{Headers, Receiver, append, headers, send};
