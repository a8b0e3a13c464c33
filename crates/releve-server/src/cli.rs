//! What can be asked of `releve`? Its commands and their arguments.

use std::{path::PathBuf, str::FromStr};

use clap::{Parser, Subcommand, ValueEnum};
use releve_billing::Matching;
use releve_documents::table::Format;
use releve_jobs::exports::Dataset;
use releve_types::{BillingMonth, Timestamp, time::MILLIS_PER_HOUR};

use crate::settings::Settings;

/// Metering and billing for GPU clouds: from signed node reports to invoices.
#[derive(Parser, Clone, Debug)]
#[command(name = "releve", version, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Play a made-up cluster's past month, issue its invoices, then stay up with live agents and the API.
    Demo(Demo),
    /// Everything in one process: the API, the jobs, and the aggregator where AMQP_URL is set.
    Up,
    /// One role of a larger installation, on DATABASE_URL.
    Serve {
        #[arg(value_enum)]
        role: Role,
    },
    /// Bring the schema up to date, as a user that may make roles and tables.
    Migrate,
    /// Turn a real cluster's trace into signed node reports, send them all the way and issue the invoices.
    Replay(Replay),
    /// Prove that what was reported is what was counted, billed or is still unbilled.
    Audit(Audit),
    /// Say what a month would have cost an account under the terms in a file.
    Quote(Quote),
    /// Issue and show invoices.
    #[command(subcommand)]
    Invoice(Invoice),
    /// Record what a bank's file says was paid, and list payments.
    #[command(subcommand)]
    Payments(Payments),
    /// Write a month's figures for finance into a directory: FOCUS, the journal, the month-end pack, what was invoiced, paid and used.
    Export(Export),
    /// Close a month for the books: what was not invoiced at its end is kept as it is known now.
    Close(Close),
    /// Take customers, prices, contracts, wallets and what is owed over from another system.
    #[command(subcommand)]
    Import(Import),
    /// Say where a month differs from what Lago billed, by how much, and why.
    Compare(Compare),
    /// Make invoices again of their evidence packs, and say whether they are what was sent. Needs no database.
    Verify(Verify),
    /// Print the API's OpenAPI document.
    Openapi,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Demo {
    /// End after the closing table.
    #[arg(long)]
    pub exit: bool,
    /// Write the invoices' documents and evidence packs here.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Which fleet is made up.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Which month is played. Without it, the one before this.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<BillingMonth>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Api,
    Aggregator,
    Jobs,
    All,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Replay {
    /// A CSV of minute_utc_assumed, vc, running_gpu_num; gzipped if it ends in .gz.
    #[arg(long, value_name = "FILE")]
    pub trace: PathBuf,
    /// How long a window each node reports.
    #[arg(long, value_enum, default_value = "1h")]
    pub window: Window,
    /// Only this UTC day of it.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub day: Option<Timestamp>,
    /// Move every edge by milliseconds, and add allocations under a second and over the month's end.
    #[arg(long, value_name = "SEED")]
    pub jitter: Option<u64>,
    /// Bill a virtual cluster with so many GPUs reserved all month, matched by hour or by instant, as in
    /// vc6YE=190:hour. May be given several times.
    #[arg(long, value_name = "VC=GPUS:MATCHING")]
    pub reserve: Vec<Reserve>,
}

/// GPUs reserved for one tenant of a replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reserve {
    pub tenant: String,
    pub devices: u32,
    pub matching: Matching,
}

impl FromStr for Reserve {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let shape = || anyhow::anyhow!("'{text}' is no reservation: one looks like vc6YE=190:hour");
        let (tenant, what) = text.split_once('=').ok_or_else(shape)?;
        let (devices, matching) = what.split_once(':').ok_or_else(shape)?;
        let devices = devices.parse().map_err(|_| shape())?;
        Ok(Self { tenant: tenant.to_owned(), devices, matching: matching.parse()? })
    }
}

/// A window's length. Each divides an hour.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    #[value(name = "60s")]
    Minute,
    #[value(name = "15m")]
    Quarter,
    #[value(name = "1h")]
    Hour,
}

impl Window {
    pub const fn millis(self) -> i64 {
        match self {
            Self::Minute => MILLIS_PER_HOUR / 60,
            Self::Quarter => MILLIS_PER_HOUR / 4,
            Self::Hour => MILLIS_PER_HOUR,
        }
    }
}

#[derive(clap::Args, Clone, Debug)]
pub struct Audit {
    /// Which month of the issuer's zone. Without it, every month in which a customer used something; name a month that
    /// has nothing but suspense.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingMonth>,
    /// Only rebuild the usage from the stored or archived reports, and compare.
    #[arg(long)]
    pub rebuild: bool,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Quote {
    /// Whose month, by id or name.
    #[arg(long)]
    pub account: String,
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingMonth,
    /// JSON, as the API takes it: {"price_book": "…", "agreements": [{"kind": "…", …}]}, each of the two if it would differ.
    #[arg(long, value_name = "FILE")]
    pub contract: PathBuf,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Export {
    /// focus, invoices, invoice_lines, payments, usage_hours, allocation_hours, journal, month_end. Without one, all.
    pub dataset: Vec<Dataset>,
    /// Which month of the seller's zone.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingMonth,
    /// csv or parquet.
    #[arg(long, default_value = "csv")]
    pub format: Format,
    /// Who sells, by name. Needed where there are several.
    #[arg(long)]
    pub issuer: Option<String>,
    /// Only this customer's, by id or name.
    #[arg(long)]
    pub account: Option<String>,
    /// Where to: `DIR/YYYY-MM/<dataset>/<format>`. What is interrupted goes on where it stopped.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Close {
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingMonth,
    /// Who sells, by name. Needed where there are several.
    #[arg(long)]
    pub issuer: Option<String>,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Verify {
    /// Evidence packs, as `releve invoice pack` and the API give them.
    #[arg(required = true, value_name = "FILE")]
    pub packs: Vec<PathBuf>,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Invoice {
    /// Bill a month that has ended: everybody who is not held back, once.
    Run {
        #[arg(long, value_name = "YYYY-MM")]
        period: BillingMonth,
        /// Who sells, by name. Needed where there are several.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Correct months that were billed: what came late or was taken back since becomes a correction invoice or a credit
    /// note. The jobs do it by themselves, once a month.
    Correct {
        /// Only this month. Without it, every month that has ended.
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<BillingMonth>,
        /// Who sells, by name. Needed where there are several.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Take back all that an invoice's account and month were billed, by a credit note, and bill them anew as customer, taxes and
    /// usage are known now. For what a correction does not change: the wrong customer, or the wrong VAT.
    Void {
        number: String,
        /// Why, for the audit log.
        #[arg(long)]
        reason: String,
        /// Only take back: the next correction of the month bills it anew.
        #[arg(long)]
        only: bool,
    },
    /// Print an invoice as JSON, by its number.
    Show { number: String },
    /// Write an invoice's evidence pack: what its receiver verifies it with.
    Pack {
        number: String,
        /// Where; if absent, `<number>.pack.tar` here.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand, Clone, Debug)]
pub enum Import {
    /// From a directory of Lago's API pages (JSON) and exports (CSV). Run again, it makes nothing twice.
    Lago(ImportLago),
}

#[derive(clap::Args, Clone, Debug)]
pub struct ImportLago {
    pub dir: PathBuf,
    /// Who sells, by name. Needed where there are several.
    #[arg(long)]
    pub issuer: Option<String>,
    /// The first month that is billed here; prices and contracts begin with it. Without it, this month.
    #[arg(long, value_name = "YYYY-MM")]
    pub first: Option<BillingMonth>,
    /// For a month that is only compared: leave wallets and open invoices at Lago.
    #[arg(long)]
    pub shadow: bool,
    /// Do all of it, say what came of it, and take it back.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(clap::Args, Clone, Debug)]
pub struct Compare {
    /// Lago's CSV export of invoices' fees.
    #[arg(long, value_name = "FILE")]
    pub with: PathBuf,
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingMonth,
    /// Who sells, by name. Needed where there are several.
    #[arg(long)]
    pub issuer: Option<String>,
    /// A zone in which Lago may have begun the month, beside UTC. May be given several times.
    #[arg(long, value_name = "ZONE")]
    pub zone: Vec<String>,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Payments {
    /// Record the movements of a statement (camt.053) or notification (camt.054) of ISO 20022, any version. Read again, it
    /// changes nothing.
    Import {
        file: PathBuf,
        /// Who was paid, by name. Needed where there are several.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// List what was paid, and what of it waits for a person.
    List {
        /// Only what waits.
        #[arg(long)]
        held: bool,
    },
}

fn day(text: &str) -> Result<Timestamp, String> {
    format!("{text}T00:00:00Z").parse().map_err(|_| format!("'{text}' is no day: expected YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["releve", "replay", "--trace", "f.csv", "--window", "60s", "--day", "2020-05-20"]);
        let Command::Replay(replay) = cli.command else { panic!("a replay") };
        assert_eq!((replay.window.millis(), replay.day.map(Timestamp::as_millis)), (60_000, Some(1_589_932_800_000)));
        assert!(Cli::try_parse_from(["releve", "replay", "--trace", "f", "--day", "yesterday"]).is_err());
        assert!(Cli::try_parse_from(["releve", "replay", "--trace", "f", "--window", "7m"]).is_err());
    }
}
