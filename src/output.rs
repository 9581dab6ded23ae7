//! Outputs: the merge of sorted shards, the CSV and Parquet files, the manifest with its ledger, the output folder.
//! Changes no profile.

pub mod folder;
pub mod identities;
pub mod manifest;
pub mod merge;
pub mod names;
pub mod provenance;
pub mod runs;
pub mod write;
