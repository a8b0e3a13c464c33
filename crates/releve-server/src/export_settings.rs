//! Where do exports go, and which are made without being asked for?

use std::str::FromStr;

use releve_documents::table::Format;
use releve_jobs::exports::Dataset;

/// A dataset in a format, as in `focus=parquet`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduled {
    pub dataset: Dataset,
    pub format: Format,
}

impl FromStr for Scheduled {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (dataset, format) = text.split_once('=').unwrap_or((text, "csv"));
        Ok(Self { dataset: dataset.parse()?, format: format.parse()? })
    }
}

#[derive(clap::Args, Clone, Debug)]
pub struct ExportSettings {
    /// Where exports go: a directory, or s3://BUCKET/PREFIX. Without it, they go beside an embedded database; a server's has none.
    #[arg(long = "exports", env = "RELEVE_EXPORTS", global = true, value_name = "DIR|URL")]
    pub place: Option<String>,

    /// What of each month is exported once it is billed, as in focus=parquet,month_end=csv.
    #[arg(
        long = "export-schedule",
        env = "RELEVE_EXPORT_SCHEDULE",
        global = true,
        value_name = "DATASET=FORMAT",
        value_delimiter = ','
    )]
    pub schedule: Vec<Scheduled>,
}
