//! Owns the names of files and folders in an output folder; opens none of them.

/// The name of the table of profiles.
pub const PROFILES: &str = "profiles";
/// The profiles as CSV.
pub const CSV_FILE: &str = "profiles.csv";
/// The profiles as Parquet.
pub const PARQUET_FILE: &str = "profiles.parquet";
/// The manifest.
pub const MANIFEST_FILE: &str = "run.json";
/// Folder of the rejects files.
pub const REJECTS_FOLDER: &str = "rejects";
/// The report of the run.
pub const REPORT_FILE: &str = "report.html";
/// The working folder.
pub const WORK_FOLDER: &str = ".onefold";
/// Folder in the working folder for the manifests and rejects of failed runs.
pub const FAILED_FOLDER: &str = "failed";

/// What a run with `[identity]` writes beside the profiles.
pub(super) const IDENTITY_FILES: [&str; 6] =
    ["identities.csv", "identities.parquet", "refused.csv", "refused.parquet", "provenance.csv", "provenance.parquet"];

/// Whether a run may write a file or folder of this name into an output folder.
pub fn is_our_name(name: &str) -> bool {
    [CSV_FILE, PARQUET_FILE, MANIFEST_FILE, REJECTS_FOLDER, REPORT_FILE, WORK_FOLDER].contains(&name)
        || IDENTITY_FILES.contains(&name)
}
