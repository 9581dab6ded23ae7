//! Built shards → the tables in staging: the profiles, and with `[identity]` the identifiers and the refused ones. Owns which
//! tables a run writes; proves that no customer was lost on the way.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::account::Account;
use super::build::BuiltShard;
use super::read::Reader;
use super::settings::Settings;
use crate::engine::attempt::{part_schema, schema};
use crate::error::Result;
use crate::identity::{Erased, Refused};
use crate::input::SourceFiles;
use crate::output::identities::{self, IDENTITIES, Names, REFUSED};
use crate::output::manifest::OutputRecord;
use crate::output::merge::Merge;
use crate::output::names::PROFILES;
use crate::output::provenance::{self, PROVENANCE};
use crate::output::write::{self, Beside, SinkOptions, TableShape};
use crate::shard::checkpoint::Checkpoints;

/// Merges the built shards into the tables; `see` is called with the columns of the profiles, in order. Gives how many rows of
/// `provenance` show what is erased.
pub(super) fn write(
    reader: &Reader<'_>,
    checkpoints: &Checkpoints,
    built: &[BuiltShard],
    account: &mut Account,
    erased: Option<&Erased>,
    see: &mut dyn FnMut(&[ArrayRef]) -> Result<()>,
) -> Result<u64> {
    let Settings { spec, safe_csv, csv_bom, stop, .. } = reader.settings;
    let in_parts = part_schema(spec);
    let sorted = built.iter().map(|b| b.part.open(&in_parts)).collect::<Result<_>>()?;
    let mut merge = Merge::new(in_parts, sorted)?;
    let (safe_csv, csv_bom, stop) = (*safe_csv, *csv_bom, stop.clone());
    let options = SinkOptions { safe_csv, csv_bom, metadata: metadata(reader.settings), stop };
    let schema = schema(spec);
    let shape = TableShape { name: PROFILES, schema: &schema, key: 0 };
    let staging = reader.space.staging();
    let mut in_provenance = 0;
    let outputs = match Identities::of(reader) {
        None => write::write(&mut merge, shape, &[], &staging, &options, see)?,
        Some(tables) => {
            let make = |ids: &ArrayRef, lines: &ArrayRef| identities::identities(&tables.names, ids, lines);
            let shown = AtomicU64::new(0);
            let trace = |ids: &ArrayRef, told: &ArrayRef| {
                let columns = provenance::provenance(&tables.names, spec, ids, told)?;
                let count = erased.map_or(0, |erased| super::erase::count(erased, &columns[provenance::VALUE]));
                shown.fetch_add(count, Ordering::Relaxed);
                Ok(columns)
            };
            let mut beside = vec![Beside { shape: tables.shape(), make: &make }];
            if spec.provenance {
                beside.push(Beside { shape: tables.of_provenance(), make: &trace });
            }
            let mut outputs = write::write(&mut merge, shape, &beside, &staging, &options, see)?;
            in_provenance = shown.into_inner();
            if let Some(linked) = &checkpoints.linked {
                outputs.extend(tables.refused(&linked.refused, &staging, &options)?);
            }
            outputs
        }
    };
    account.outputs(outputs);
    account.prove_customers(built, merge.ids_from_two_shards())?;
    Ok(in_provenance)
}

/// The tables about identifiers.
struct Identities {
    names: Names,
    schema: SchemaRef,
    provenance: SchemaRef,
}

impl Identities {
    fn of(reader: &Reader<'_>) -> Option<Self> {
        let identity = reader.settings.spec.identity.as_ref()?;
        let files = |read: &SourceFiles| read.files.iter().map(|file| file.name.clone()).collect();
        let sources = reader.inputs.sources.iter().map(|read| (read.source.name.clone(), files(read))).collect();
        Some(Self {
            names: Names::new(identity, sources),
            schema: identities::identities_schema(),
            provenance: provenance::schema(),
        })
    }

    fn shape(&self) -> TableShape<'_> {
        // By its value a customer is found.
        TableShape { name: IDENTITIES, schema: &self.schema, key: 2 }
    }

    fn of_provenance(&self) -> TableShape<'_> {
        TableShape { name: PROVENANCE, schema: &self.provenance, key: 0 }
    }

    fn refused(&self, lines: &Refused, folder: &Path, options: &SinkOptions) -> Result<Vec<OutputRecord>> {
        let columns = identities::refused(&self.names, lines)?;
        let shape = TableShape { name: REFUSED, schema: &identities::refused_schema(), key: 1 };
        write::write_table(shape, columns, folder, options)
    }
}

fn metadata(settings: &Settings) -> Vec<(String, String)> {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    vec![
        pair("onefold.version", env!("CARGO_PKG_VERSION").to_owned()),
        pair("onefold.spec_sha256", settings.spec.sha256()),
    ]
}
