//! What the report reads from `profiles.parquet`: nulls per column, from its statistics, and the distribution of a
//! column of whole numbers. Never shows a cell.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use onefold::manifest::{Manifest, PARQUET_FILE};
use onefold::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::statistics::Statistics;

/// Most bars of a histogram.
const BARS: i128 = 25;

/// The profiles of a finished run.
pub(super) struct Profiles {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

/// Nulls of a column; none if the file does not record them.
pub(super) struct Nulls {
    pub column: String,
    pub nulls: Option<u64>,
}

/// The distribution of a column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Histogram {
    /// The smallest value of the first bar.
    pub from: i64,
    /// How many values a bar covers.
    pub width: i64,
    /// Profiles of each bar.
    pub counts: Vec<u64>,
    pub min: i64,
    pub max: i64,
    /// Profiles without a value.
    pub nulls: u64,
}

impl Profiles {
    /// Opens the run's Parquet file; none if it is missing or not the one that the run wrote.
    pub fn open(folder: &Path, manifest: &Manifest) -> Result<Option<Self>> {
        let path = folder.join(PARQUET_FILE);
        let Some(record) = manifest.outputs.iter().find(|o| o.file == PARQUET_FILE) else { return Ok(None) };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::reading(&path, e)),
        };
        let bytes = file.metadata().map_err(|e| Error::reading(&path, e))?.len();
        if bytes != record.bytes {
            return Ok(None);
        }
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default());
        let metadata = metadata.map_err(|e| unreadable(&path, e))?;
        Ok(Some(Self { path, file, metadata }))
    }

    /// The nulls of each column, in order.
    pub fn nulls(&self) -> Vec<Nulls> {
        let columns = self.metadata.schema().fields().iter().enumerate();
        columns.map(|(at, field)| Nulls { column: field.name().clone(), nulls: self.nulls_of(at) }).collect()
    }

    fn nulls_of(&self, column: usize) -> Option<u64> {
        self.statistics(column).map(|s| s.and_then(Statistics::null_count_opt)).sum()
    }

    /// A column's statistics for each row group. The schema is flat, so a column has one leaf.
    fn statistics(&self, column: usize) -> impl Iterator<Item = Option<&Statistics>> {
        self.metadata.metadata().row_groups().iter().map(move |group| group.column(column).statistics())
    }

    /// The distribution of a column's values; none if it is not of whole numbers or has no value.
    pub fn histogram(&self, column: &str) -> Result<Option<Histogram>> {
        let Ok(at) = self.metadata.schema().index_of(column) else { return Ok(None) };
        let Some((min, max)) = self.range(at) else { return Ok(None) };
        let mut histogram = Histogram::new(min, max);
        let failed = |e: &dyn std::fmt::Display| unreadable(&self.path, e);
        let file = self.file.try_clone().map_err(|e| Error::reading(&self.path, e))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(reader.parquet_schema(), [at]);
        for batch in reader.with_projection(mask).with_batch_size(65_536).build().map_err(|e| failed(&e))? {
            let batch = batch.map_err(|e| failed(&e))?;
            let Some(values) = batch.column(0).as_primitive_opt::<Int64Type>() else { return Ok(None) };
            histogram.nulls += values.null_count() as u64;
            values.iter().flatten().for_each(|value| histogram.add(value));
        }
        Ok(Some(histogram))
    }

    /// The smallest and greatest value, from the statistics.
    fn range(&self, column: usize) -> Option<(i64, i64)> {
        let ranges = self.statistics(column).filter_map(|statistics| match statistics {
            Some(Statistics::Int64(s)) => Some((*s.min_opt()?, *s.max_opt()?)),
            _ => None,
        });
        ranges.reduce(|(min, max), (low, high)| (min.min(low), max.max(high)))
    }
}

impl Histogram {
    /// Bars of a round width, starting at a multiple of it.
    fn new(min: i64, max: i64) -> Self {
        let span = i128::from(max) - i128::from(min) + 1;
        let mut widths = (0..19).flat_map(|power| [1, 2, 5].map(|m| m * 10_i128.pow(power)));
        let fits = |width: &i128| (i128::from(max).div_euclid(*width) - i128::from(min).div_euclid(*width)) < BARS;
        let width = widths.find(fits).unwrap_or(span);
        let first = i128::from(min).div_euclid(width);
        let bars = i128::from(max).div_euclid(width) - first + 1;
        let narrow = |value: i128| i64::try_from(value).unwrap_or(i64::MIN);
        let counts = vec![0; usize::try_from(bars).unwrap_or(1)];
        Self { from: narrow(first * width), width: narrow(width), counts, min, max, nulls: 0 }
    }

    fn add(&mut self, value: i64) {
        let bar = (i128::from(value) - i128::from(self.from)) / i128::from(self.width);
        if let Some(count) = usize::try_from(bar).ok().and_then(|bar| self.counts.get_mut(bar)) {
            *count += 1;
        }
    }
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::reading(path, io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_round_and_cover_all_values() {
        let mut histogram = Histogram::new(3, 98);
        [3, 4, 5, 98].into_iter().for_each(|v| histogram.add(v));
        assert_eq!((histogram.from, histogram.width, histogram.counts.len()), (0, 5, 20));
        assert_eq!((histogram.counts[0], histogram.counts[1], histogram.counts[19]), (2, 1, 1));
        assert_eq!(Histogram::new(7, 7).counts.len(), 1);
        assert_eq!((Histogram::new(-3, 20).from, Histogram::new(-3, 20).width), (-3, 1));
    }

    #[test]
    fn any_range_has_bars() {
        for (min, max) in [(i64::MIN, i64::MAX), (i64::MIN, i64::MIN), (i64::MAX - 1, i64::MAX), (-1, 1)] {
            let mut histogram = Histogram::new(min, max);
            histogram.add(min);
            histogram.add(max);
            assert!((1..=25).contains(&histogram.counts.len()), "{min} {max}: {histogram:?}");
            assert!(histogram.width > 0, "{histogram:?}");
        }
    }
}
