//! One side of a comparison: an output folder or a Parquet file, read batch by batch; and which columns both sides
//! have. Refuses ids that are not in order.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::difference::{ColumnChanges, Retyped, SideRecord};
use crate::error::{Error, Result};
use crate::output::folder::recover;
use crate::output::identities::IDENTITIES;
use crate::output::manifest::Manifest;
use crate::output::names::PARQUET_FILE;
use crate::output::runs::finished;
use crate::spec::IDEMPOTENCY_KEY;
use crate::value::type_of;

/// Rows of a batch: few enough that both sides' columns stay in the caches.
const BATCH: usize = 8192;

/// An output to compare.
pub(super) struct OutputSide {
    given: PathBuf,
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    manifest: Option<Manifest>,
}

impl OutputSide {
    /// Opens a folder with a finished run, or a Parquet file, which may have its manifest beside it.
    pub fn open(given: &Path) -> Result<Self> {
        let (path, manifest) = if given.is_dir() {
            recover(given)?;
            (given.join(PARQUET_FILE), Some(finished(given)?))
        } else if given.exists() {
            let folder = given.parent().filter(|_| given.file_name().is_some_and(|name| name == PARQUET_FILE));
            (given.to_owned(), folder.and_then(|folder| finished(folder).ok()))
        } else {
            return Err(Error::NoRun(given.to_owned()));
        };
        let file = File::open(&path).map_err(|e| Error::reading(&path, e))?;
        let metadata =
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|e| unreadable(&path, &e))?;
        if metadata.schema().fields().first().is_none_or(|id| *id.data_type() != DataType::Utf8) {
            return Err(unreadable(&path, &"its first column does not have ids"));
        }
        Ok(Self { given: given.to_owned(), path, file, metadata, manifest })
    }

    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Whether its manifest says that a column is a score.
    pub fn has_score(&self, column: &str) -> bool {
        self.manifest.as_ref().is_some_and(|m| m.scores.contains_key(column))
    }

    /// Where its table of identifiers is, if it has one.
    pub fn identities(&self) -> PathBuf {
        self.path.with_file_name(format!("{IDENTITIES}.parquet"))
    }

    pub fn record(&self) -> SideRecord {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        SideRecord {
            path: self.given.display().to_string(),
            run_id: self.manifest.as_ref().map(|m| m.run_id.clone()),
            customers: u64::try_from(rows).unwrap_or(0),
        }
    }

    /// Sends some of its columns, ids first, batch by batch, until the end, an error, or until the receiver is closed.
    pub fn read(&self, columns: &[usize], to: SyncSender<Result<RecordBatch>>) {
        let mut last: Option<RecordBatch> = None;
        let batches = match self.batches(columns) {
            Ok(batches) => batches,
            Err(error) => return drop(to.send(Err(error))),
        };
        for batch in batches.filter(|batch| batch.as_ref().map_or(true, |b| b.num_rows() > 0)) {
            let batch = batch.and_then(|batch| self.prove(last.as_ref(), &batch).map(|()| batch));
            last = batch.as_ref().ok().cloned();
            let end = batch.is_err();
            if to.send(batch).is_err() || end {
                return;
            }
        }
    }

    fn batches(&self, columns: &[usize]) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let file = self.file.try_clone().map_err(|e| Error::reading(&self.path, e))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(BATCH).build();
        let reader = reader.map_err(|e| unreadable(&self.path, &e))?;
        // The reader gives the columns in the file's order.
        let place = |column: &usize| columns.iter().filter(|other| *other < column).count();
        let places: Vec<usize> = columns.iter().map(place).collect();
        let ordered = move |batch: RecordBatch| batch.project(&places);
        Ok(reader.map(move |batch| batch.and_then(&ordered).map_err(|e| unreadable(&self.path, &e))))
    }

    /// Fails unless the ids are in order.
    fn prove(&self, last: Option<&RecordBatch>, batch: &RecordBatch) -> Result<()> {
        let before = last.map(|b| b.column(0).as_string::<i32>().value(b.num_rows() - 1));
        let ids = batch.column(0).as_string::<i32>();
        let first_is_next = before.is_none_or(|before| before < ids.value(0));
        if first_is_next && (1..ids.len()).all(|row| ids.value(row - 1) < ids.value(row)) {
            return Ok(());
        }
        Err(unreadable(&self.path, &"its ids are not in order"))
    }
}

/// What is compared: columns of both sides.
pub(super) struct ColumnPairs {
    /// Name of the id column.
    pub id: String,
    /// The columns of both sides, in the new one's order, without the id column.
    pub columns: Vec<Compared>,
    /// Which other columns there are, and which types changed.
    pub changes: ColumnChanges,
}

/// A column of both sides.
pub(super) struct Compared {
    pub name: String,
    old: usize,
    new: usize,
    pub same_type: bool,
}

impl ColumnPairs {
    pub fn new(old: &OutputSide, new: &OutputSide) -> Result<Self> {
        let (olds, news) = (old.schema().fields(), new.schema().fields());
        let (id, other) = (news[0].name(), olds[0].name());
        if id != other {
            let message =
                format!("the id column is `{other}` in the old output and `{id}` in the new: they cannot be compared");
            return Err(Error::Usage(message));
        }
        let (mut columns, mut changes) = (Vec::new(), ColumnChanges::default());
        for (at, field) in news.iter().enumerate().skip(1) {
            let name = field.name().clone();
            match olds.find(&name) {
                None => changes.added.push(name),
                Some(_) if name == IDEMPOTENCY_KEY => changes.not_compared.push(name),
                Some((before, was)) => {
                    let same_type = was.data_type() == field.data_type();
                    if !same_type {
                        let (old, new) = (type_name(was.data_type()), type_name(field.data_type()));
                        changes.retyped.push(Retyped { column: name.clone(), old, new });
                    }
                    columns.push(Compared { name, old: before, new: at, same_type });
                }
            }
        }
        let is_gone = |name: &&String| news.find(name).is_none();
        changes.removed = olds.iter().map(|field| field.name()).filter(is_gone).cloned().collect();
        Ok(Self { id: id.clone(), columns, changes })
    }

    /// The columns to read from each side: the id column, then the compared ones.
    pub fn projections(&self) -> (Vec<usize>, Vec<usize>) {
        let olds = self.columns.iter().map(|c| c.old);
        let news = self.columns.iter().map(|c| c.new);
        (std::iter::once(0).chain(olds).collect(), std::iter::once(0).chain(news).collect())
    }
}

/// A type as in specs.
fn type_name(ty: &DataType) -> String {
    type_of(ty).map_or_else(|| ty.to_string(), |ty| ty.to_string())
}

fn unreadable(path: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::Verify(format!("`{}` cannot be read: {cause}", path.display()))
}
