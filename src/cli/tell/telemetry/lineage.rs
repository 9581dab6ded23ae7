//! A run as OpenLineage events: START, then COMPLETE, FAIL or ABORT. Reads no clock and no file: times and folders are
//! arguments.

use std::path::Path;

use onefold::Error;
use onefold::manifest::{InputRecord, Manifest, OutputRecord};
use onefold::spec::Spec;
use serde_json::{Map, Value, json};

use super::ids;

/// The producer of the events, as a URI.
const PRODUCER: &str = concat!("urn:onefold:", env!("CARGO_PKG_VERSION"));
/// The schema of the events, with its version.
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// What an event is about.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The job's namespace.
    pub namespace: &'a str,
    /// The run's id.
    pub run_id: &'a str,
    /// The profile, whose name is the job's name.
    pub spec: &'a Spec,
    /// Input folder, absolute.
    pub input: &'a Path,
    /// Output folder, absolute.
    pub output: &'a Path,
}

/// The run begins; `at` is RFC 3339.
pub fn start(job: &Job<'_>, at: &str) -> Value {
    event(job, "START", at, Map::new(), (Vec::new(), Vec::new()))
}

/// The run has published its outputs, or found them up to date; then the manifest is that of the run that made them.
pub fn complete(job: &Job<'_>, at: &str, manifest: &Manifest) -> Value {
    let datasets = (inputs(job, manifest), manifest.outputs.iter().map(|o| output(job, o)).collect());
    event(job, "COMPLETE", at, Map::new(), datasets)
}

/// The run has failed or was interrupted; with its manifest, if it has one.
pub fn fail(job: &Job<'_>, at: &str, error: &Error, manifest: Option<&Manifest>) -> Value {
    let kind = if matches!(error, Error::Interrupted) { "ABORT" } else { "FAIL" };
    let message = json!({"message": error.to_string(), "programmingLanguage": "RUST"});
    let facets = Map::from_iter([("errorMessage".to_owned(), facet("1-0-1/ErrorMessageRunFacet", message))]);
    let inputs = manifest.map(|manifest| inputs(job, manifest)).unwrap_or_default();
    event(job, kind, at, facets, (inputs, Vec::new()))
}

fn event(
    job: &Job<'_>,
    kind: &str,
    at: &str,
    mut run_facets: Map<String, Value>,
    (inputs, outputs): (Vec<Value>, Vec<Value>),
) -> Value {
    let engine = json!({"version": env!("CARGO_PKG_VERSION"), "name": "onefold"});
    run_facets.insert("processing_engine".to_owned(), facet("1-1-1/ProcessingEngineRunFacet", engine));
    // OpenLineage needs a UUID, so the run's own id is in addition to it.
    let own = json!({"_producer": PRODUCER, "_schemaURL": BASE_FACET, "runId": job.run_id});
    run_facets.insert("onefold_run".to_owned(), own);
    let kind_of_job = json!({"processingType": "BATCH", "integration": "ONEFOLD", "jobType": "JOB"});
    json!({
        "eventType": kind,
        "eventTime": at,
        "run": {"runId": ids::uuid(job.run_id), "facets": run_facets},
        "job": {
            "namespace": job.namespace,
            "name": job.spec.name(),
            "facets": {"jobType": facet("2-0-4/JobTypeJobFacet", kind_of_job)},
        },
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": EVENT,
    })
}

const BASE_FACET: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet";

/// A facet with its producer and the address of its schema; `schema` is version and name.
fn facet(schema: &str, mut values: Value) -> Value {
    let name = schema.rsplit('/').next().unwrap_or_default();
    values["_producer"] = PRODUCER.into();
    values["_schemaURL"] = format!("https://openlineage.io/spec/facets/{schema}.json#/$defs/{name}").into();
    values
}

fn inputs(job: &Job<'_>, manifest: &Manifest) -> Vec<Value> {
    manifest.inputs.iter().map(|record| input(job, record)).collect()
}

fn input(job: &Job<'_>, record: &InputRecord) -> Value {
    let InputRecord { source, file, bytes, rows, .. } = record;
    let columns = job.spec.columns_of(source).unwrap_or_default();
    let columns = columns.into_iter().map(|(name, ty)| (name, ty.to_string()));
    let statistics = json!({"rowCount": rows, "size": bytes, "fileCount": 1});
    let facets = json!({"inputStatistics": facet("1-0-0/InputStatisticsInputDatasetFacet", statistics)});
    dataset(&job.input.join(file), columns, ("inputFacets", facets))
}

fn output(job: &Job<'_>, record: &OutputRecord) -> Value {
    let OutputRecord { file, rows, bytes, .. } = record;
    let columns = job.spec.output().iter().map(|c| (c.name.as_str(), c.ty.to_string()));
    let statistics = json!({"rowCount": rows, "size": bytes, "fileCount": 1});
    let facets = json!({"outputStatistics": facet("1-0-2/OutputStatisticsOutputDatasetFacet", statistics)});
    dataset(&job.output.join(file), columns, ("outputFacets", facets))
}

/// A file as a dataset, with its columns and what was read from or written to it.
fn dataset<'a>(path: &Path, columns: impl Iterator<Item = (&'a str, String)>, facets: (&str, Value)) -> Value {
    let name = path.display().to_string();
    let fields: Vec<Value> = columns.map(|(name, ty)| json!({"name": name, "type": ty})).collect();
    let source = json!({"name": "file", "uri": uri(&name)});
    json!({
        "namespace": "file",
        "name": name,
        "facets": {
            "dataSource": facet("1-0-1/DatasourceDatasetFacet", source),
            "schema": facet("1-2-0/SchemaDatasetFacet", json!({"fields": fields})),
        },
        facets.0: facets.1,
    })
}

/// A path as a URI: reserved bytes are written as `%` and two digits.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let text = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    format!("file://{}", path.bytes().map(text).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_is_aborted_and_another_failed() {
        let spec = Spec::default_profile().expect("a spec");
        let (input, output) = (Path::new("/in"), Path::new("/out"));
        let job = Job { namespace: "n", run_id: "r1", spec: &spec, input, output };
        let kind = |error: Error| fail(&job, "2026-11-24T05:33:12Z", &error, None)["eventType"].clone();
        assert_eq!((kind(Error::Interrupted), kind(Error::Panic("x".into()))), ("ABORT".into(), "FAIL".into()));
    }

    #[test]
    fn a_path_is_a_uri() {
        assert_eq!(uri("/a b/ü#?.csv"), "file:///a%20b/%C3%BC%23%3F.csv");
    }
}
