//! How is a cluster's trace read? A gzipped CSV of how many GPUs each virtual cluster ran, minute by minute.
//!
//! Made for the month derived from the Helios traces (Hu et al., SC'21; CC BY 4.0, by way of the HeliosArtifact
//! repository, MIT). Only rows where a value changes are kept; a value holds until the cluster's next row, the
//! last one until the month's end. The times carry no zone and are taken as UTC.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use releve_types::{Timestamp, Zone, time::MILLIS_PER_MINUTE};

use crate::cluster::Stretch;

/// The columns that are read; others may stand beside them.
const COLUMNS: [&str; 3] = ["minute_utc_assumed", "vc", "running_gpu_num"];
/// The longest trace that is read.
pub const TRACE_ROWS_MAX: usize = 10_000_000;
/// The most GPUs of one virtual cluster that a row may claim.
pub const GPUS_PER_VC_MAX: u32 = 100_000;

/// From `at` on, `vc` runs `gpus` GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    pub at: Timestamp,
    /// Index into [`Trace::vcs`].
    pub vc: usize,
    pub gpus: u32,
}

#[derive(Debug, Clone)]
pub struct Trace {
    /// In alphabetical order.
    pub vcs: Vec<String>,
    /// By time, then by virtual cluster.
    pub steps: Vec<Step>,
    /// The month that the trace is of, in UTC.
    pub month: Stretch,
}

#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("{path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the trace has no column '{0}'")]
    Column(&'static str),
    #[error("row {row}: {field} '{value}' {why}")]
    Field { row: usize, field: &'static str, value: String, why: &'static str },
    #[error("the trace has no rows")]
    Empty,
    #[error("the trace has more than {TRACE_ROWS_MAX} rows")]
    TooLong,
    #[error("row {row}: {at} is not in the month of the first row")]
    OutsideMonth { row: usize, at: Timestamp },
}

impl Trace {
    /// Reads a file; one that ends in `.gz` is inflated.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let read = |source| TraceError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        let lines: Box<dyn BufRead> = if path.extension().is_some_and(|e| e == "gz") {
            Box::new(BufReader::new(GzDecoder::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        Self::parse(lines.lines().map(|line| line.map_err(read)))
    }

    pub fn parse(lines: impl IntoIterator<Item = Result<String, TraceError>>) -> Result<Self, TraceError> {
        let mut lines = lines.into_iter();
        let header = lines.next().ok_or(TraceError::Empty)??;
        let names: Vec<&str> = header.trim_end().split(',').collect();
        let mut columns = [0; 3];
        for (column, name) in columns.iter_mut().zip(COLUMNS) {
            *column = names.iter().position(|n| *n == name).ok_or(TraceError::Column(name))?;
        }
        let mut rows: Vec<(Timestamp, String, u32)> = Vec::new();
        for (row, line) in lines.enumerate() {
            if row >= TRACE_ROWS_MAX {
                return Err(TraceError::TooLong);
            }
            rows.push(parse_row(row + 2, &line?, columns)?);
        }
        rows.sort();
        let first = rows.first().ok_or(TraceError::Empty)?.0;
        let month = Stretch::from(Zone::utc().period_of(first));
        if let Some(row) = rows.iter().position(|r| r.0 >= month.end) {
            return Err(TraceError::OutsideMonth { row: row + 2, at: rows[row].0 });
        }
        let mut vcs: Vec<String> = rows.iter().map(|r| r.1.clone()).collect();
        vcs.sort();
        vcs.dedup();
        let index: BTreeMap<&str, usize> = vcs.iter().enumerate().map(|(i, vc)| (vc.as_str(), i)).collect();
        let steps = rows.iter().map(|(at, vc, gpus)| Step { at: *at, vc: index[vc.as_str()], gpus: *gpus }).collect();
        Ok(Self { vcs, steps, month })
    }

    /// What each virtual cluster ran in a stretch, in GPU-milliseconds, straight from the rows.
    pub fn gpu_ms(&self, within: Stretch) -> BTreeMap<&str, i64> {
        let mut totals: BTreeMap<&str, i64> = self.vcs.iter().map(|vc| (vc.as_str(), 0)).collect();
        let mut since: Vec<(Timestamp, i64)> = vec![(self.month.start, 0); self.vcs.len()];
        let ends = (0..self.vcs.len()).map(|vc| Step { at: self.month.end, vc, gpus: 0 });
        for step in self.steps.iter().copied().chain(ends) {
            let (start, gpus) = since[step.vc];
            let held = Stretch::new(start, step.at).clip(within).map_or(0, |s| s.millis() * gpus);
            *totals.entry(&self.vcs[step.vc]).or_default() += held;
            since[step.vc] = (step.at, i64::from(step.gpus));
        }
        totals
    }

    /// The most GPUs that ran at one instant.
    pub fn peak(&self) -> u32 {
        let mut running = vec![0; self.vcs.len()];
        let mut peak = 0;
        for minute in self.steps.chunk_by(|a, b| a.at == b.at) {
            for step in minute {
                running[step.vc] = step.gpus;
            }
            peak = peak.max(running.iter().sum());
        }
        peak
    }
}

fn parse_row(row: usize, line: &str, columns: [usize; 3]) -> Result<(Timestamp, String, u32), TraceError> {
    let cells: Vec<&str> = line.trim_end().split(',').collect();
    let cell = |i: usize| {
        let (field, value) = (COLUMNS[i], String::new());
        cells.get(columns[i]).copied().ok_or(TraceError::Field { row, field, value, why: "is missing" })
    };
    let bad = |i: usize, value: &str, why| TraceError::Field {
        row,
        field: COLUMNS[i],
        value: value.chars().take(60).collect(),
        why,
    };
    let (minute, vc, gpus) = (cell(0)?, cell(1)?, cell(2)?);
    let at: Timestamp = format!("{}Z", minute.replacen(' ', "T", 1))
        .parse()
        .map_err(|_| bad(0, minute, "is no 'YYYY-MM-DD hh:mm:ss'"))?;
    if at.as_millis().rem_euclid(MILLIS_PER_MINUTE) != 0 {
        return Err(bad(0, minute, "is no whole minute"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if vc.is_empty() || vc.len() > 64 || !vc.chars().all(plain) {
        return Err(bad(1, vc, "is no name of a virtual cluster"));
    }
    match gpus.parse() {
        Ok(count) if count <= GPUS_PER_VC_MAX => Ok((at, vc.to_owned(), count)),
        _ => Err(bad(2, gpus, "is no number of GPUs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Trace, TraceError> {
        Trace::parse(text.lines().map(|line| Ok(line.to_owned())))
    }

    #[test]
    fn a_value_holds_until_the_next_row_and_the_last_until_the_months_end() {
        let trace = parse(
            "minute_utc_assumed,vc,running_gpu_num,total_gpu_num\n\
             2020-05-31 23:50:00,b,2,8\n2020-05-31 23:55:00,b,1,8\n2020-05-31 23:59:00,a,3,8\n",
        )
        .unwrap();
        let minutes: Vec<(&str, i64)> =
            trace.gpu_ms(trace.month).into_iter().map(|(vc, ms)| (vc, ms / 60_000)).collect();
        assert_eq!(minutes, [("a", 3), ("b", 15)]);
        assert_eq!(trace.peak(), 4);
    }

    #[test]
    fn a_bad_row_is_named() {
        let head = "minute_utc_assumed,vc,running_gpu_num\n";
        for (row, says) in [
            ("2020-05-01 00:00:30,a,1", "row 2: minute_utc_assumed '2020-05-01 00:00:30' is no whole minute"),
            ("2020-05-01,a,1", "row 2: minute_utc_assumed '2020-05-01' is no 'YYYY-MM-DD hh:mm:ss'"),
            ("2020-05-01 00:00:00,a/b,1", "row 2: vc 'a/b' is no name of a virtual cluster"),
            ("2020-05-01 00:00:00,a,-1", "row 2: running_gpu_num '-1' is no number of GPUs"),
            ("2020-05-01 00:00:00,a", "row 2: running_gpu_num '' is missing"),
            ("", "row 2: vc '' is missing"),
        ] {
            assert_eq!(parse(&format!("{head}{row}\n")).unwrap_err().to_string(), says);
        }
        assert!(matches!(parse("a,b\n"), Err(TraceError::Column("minute_utc_assumed"))));
        assert!(matches!(parse(head), Err(TraceError::Empty)));
        let two_months = format!("{head}2020-05-01 00:00:00,a,1\n2020-06-01 00:00:00,a,1\n");
        assert!(matches!(parse(&two_months), Err(TraceError::OutsideMonth { .. })));
    }
}
