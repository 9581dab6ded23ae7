//! The machine that is measured, and the CPU time of child processes, from Linux's `/proc`. Knows nothing on other
//! systems.

use std::fs;

use serde::Serialize;

/// The machine on which the runs were measured.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Its processor's name.
    pub cpu: Option<String>,
    /// Cores that a process may use.
    pub cores: usize,
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// The machine of this process.
    pub fn here() -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
        }
    }
}

/// CPU seconds, user and system, of all children of this process that have ended.
pub fn children_cpu() -> Option<f64> {
    children_ticks(&fs::read_to_string("/proc/self/stat").ok()?).map(|ticks| ticks as f64 / TICKS_PER_SECOND)
}

/// Linux reports times to programs in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// `cutime` and `cstime`, fields 16 and 17. The name, field 2, is in parentheses and can contain any character.
fn children_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(13).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

/// The first value of a `name: value` line.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_right() {
        let stat = "8891 (a) b) R 8872 8872 4592 0 -1 4194304 98 0 0 0 5 6 700 80 20 0 1 0 115004 3133440";
        assert_eq!(children_ticks(stat), Some(780));
        assert_eq!(children_ticks("nothing"), None);
        assert_eq!(kibibytes("24684084 kB"), Some(24_684_084 * 1024));
        assert_eq!(field("/proc/does/not/exist", "x"), None);
    }
}
