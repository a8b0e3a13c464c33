//! Can finance close a month from what it takes away? A made-up month, exported as its reader would and read by others' tools.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use releve_tests::{place::Scratch, releve::Launch, tool};
use serde_json::Value;

use super::SOON;

/// Playing a month in a build for development, on a machine that is busy.
const MONTH: Duration = Duration::from_secs(900);
/// Names Python with DuckDB and the FOCUS validator; whoever sets it has installed them.
const PYTHON_VARIABLE: &str = "RELEVE_FINANCE_PYTHON";

/// Rules of focus-validator 2.0.2 that no file of ours can pass, with why.
const BROKEN_RULES: [&str; 8] = [
    // Asks for a status where there is no commitment: its condition is the wrong way round.
    "CommitmentDiscountStatus-C-004-C",
    "CommitmentDiscountStatus-C-002-C",
    "CommitmentDiscountStatus-C-000-C",
    // Asks at once that every row has an invoice and that none has.
    "InvoiceId-C-004-C",
    "InvoiceId-C-005-C",
    "InvoiceId-C-003-C",
    // Takes every purchase for one that covers later charges: a fee by the month does not.
    "EffectiveCost-C-005-C",
    "InvoiceId-C-000-O",
];
/// What is made of them, and of nothing else.
const BROKEN_BY_THEM: [&str; 3] = ["CostAndUsage-D-000-M", "CostAndUsage-D-002-M", "EffectiveCost-C-000-M"];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a script of tests/finance prints.
fn script(name: &str, arguments: &[String]) -> Value {
    let ran = Command::new(tool::path(PYTHON_VARIABLE, "finance/setup"))
        .arg(here().join("finance").join(name))
        .args(arguments)
        .output()
        .expect("Python runs");
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

/// A cluster's month in an embedded database.
struct Month {
    scratch: Scratch,
    period: String,
    next: String,
}

impl Month {
    fn played() -> Self {
        let scratch = Scratch::new("finance");
        let demo = Launch::releve(&["demo", "--exit", "--json"]).env("RELEVE_DATA", scratch.path().join("data"));
        let period = demo.finish(MONTH).json()["month"].as_str().expect("a month").to_owned();
        let (year, month) = period.split_once('-').expect("a month");
        let (year, month): (i32, u32) = (year.parse().expect("a year"), month.parse().expect("a month"));
        let next = if month == 12 { format!("{}-01", year + 1) } else { format!("{year}-{:02}", month + 1) };
        Self { scratch, period, next }
    }

    fn releve(&self, arguments: &[&str]) -> Launch {
        Launch::releve(arguments).env("RELEVE_DATA", self.scratch.path().join("data"))
    }

    fn out(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn export(&self, period: &str, arguments: &[&str], out: &str) -> Vec<Value> {
        let all = [&["--json", "export", "--period", period], arguments, &["--out"]].concat();
        let manifests = self.releve(&all).arg(self.out(out)).finish(MONTH).json();
        manifests.as_array().expect("manifests").clone()
    }

    /// A file of the first version.
    fn file(&self, out: &str, period: &str, dataset: &str, format: &str, name: &str) -> PathBuf {
        self.out(out).join(format!("{period}/{dataset}/{format}/v1/{name}"))
    }
}

fn digests(manifest: &Value) -> BTreeMap<String, String> {
    let files = manifest["files"].as_array().expect("files").iter();
    let text = |file: &Value, field: &str| file[field].as_str().expect("text").to_owned();
    files.map(|file| (text(file, "name"), text(file, "sha256"))).collect()
}

/// A CSV file without quotes in what is asked for.
fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty()).map(fields);
    let header = lines.next().expect("a header");
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

/// An amount in cents.
fn cents(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<2}");
    assert!(part.len() == 2, "{text} is no amount");
    format!("{whole}{part}").parse().unwrap_or_else(|_| panic!("{text} is no amount"))
}

#[test]
fn a_month_is_closed_from_what_is_taken_away() {
    let month = Month::played();
    let period = month.period.clone();
    let first = month.export(&period, &[], "csv");
    let again = month.export(&period, &[], "csv");
    let elsewhere = month.export(&period, &[], "csv2");
    assert_eq!(first.len(), 8, "every dataset");
    for ((first, again), elsewhere) in first.iter().zip(&again).zip(&elsewhere) {
        assert_eq!(first, again, "asked again, the same version answers");
        assert_eq!(digests(first), digests(elsewhere), "made again, the bytes are the same");
        assert_eq!((first["version"].as_i64(), &first["replaces"]), (Some(1), &Value::Null));
    }
    month.export(&period, &["--format", "parquet"], "parquet");
    ties_hold(&month, &period);
    both_formats_hold_the_same(&month, &period);
    the_validator_passes(&month, &period);
    // The month in which its invoices were issued.
    month.export(&month.next.clone(), &["journal", "month_end"], "csv");
    ties_hold(&month, &month.next);
    let summary = csv(&month.file("csv", &month.next, "month_end", "csv", "summary.csv"));
    let figure = |name: &str| cents(&summary.iter().find(|row| row["figure"] == name).expect("a figure")["amount"]);
    assert!(figure("invoiced revenue") > 0 && figure("unbilled at the start") > 0, "{summary:?}");
    the_journal_is_as_the_law_wants_it(&month);
    a_spreadsheet_shows_every_figure(&month);
    // Closed, the month says the same, whenever it is asked.
    let close = month.releve(&["--json", "close", "--period", &period]).finish(SOON).json();
    assert_eq!(close["closed_now"], true);
    assert_eq!(month.releve(&["--json", "close", "--period", &period]).finish(SOON).json()["closed_now"], false);
    let closed = month.export(&period, &["month_end"], "csv");
    let but_the_page = |manifest: &Value| {
        let mut digests = digests(manifest);
        digests.remove("index.html").expect("a page");
        digests
    };
    assert_eq!(
        but_the_page(&closed[0]),
        but_the_page(first.last().expect("the pack")),
        "the page says that it is closed"
    );
    let page = fs::read_to_string(month.out("csv").join(format!("{period}/month_end/csv/v2/index.html")));
    assert!(page.expect("the page").contains("Closed, as it was known"));
    assert_eq!(month.export(&period, &["month_end"], "csv"), closed);
    what_is_killed_goes_on_where_it_stopped(&month);
}

fn ties_hold(month: &Month, period: &str) {
    let ties = csv(&month.file("csv", period, "month_end", "csv", "tie_outs.csv"));
    assert!(ties.len() >= 9, "{ties:?}");
    for tie in &ties {
        assert_eq!((tie["difference"].as_str(), tie["breaks"].as_str()), ("0.00", ""), "{tie:?}");
    }
    let register = csv(&month.file("csv", period, "month_end", "csv", "register_proof.csv"));
    assert!(register.iter().all(|series| series["missing"] == "0"), "{register:?}");
}

fn both_formats_hold_the_same(month: &Month, period: &str) {
    for dataset in ["focus", "invoices", "invoice_lines", "payments", "usage_hours", "allocation_hours"] {
        let glob = |out: &str| month.file(out, period, dataset, out, &format!("*.{out}")).display().to_string();
        let same = script("same.py", &[glob("csv"), glob("parquet")]);
        assert_eq!((&same["only_csv"], &same["only_parquet"]), (&Value::from(0), &Value::from(0)), "{dataset}: {same}");
        assert!(same["rows"].as_i64().expect("a count") > 0, "{dataset} is empty");
    }
}

fn the_validator_passes(month: &Month, period: &str) {
    for format in ["csv", "parquet"] {
        let file = month.file(format, period, "focus", format, &format!("focus-0001.{format}"));
        let said = script("validate.py", &[file.display().to_string()]);
        assert_eq!(said["rules"], 578, "the rules of FOCUS 1.2");
        let failed: BTreeSet<&str> =
            said["failed"].as_array().expect("rules").iter().filter_map(Value::as_str).collect();
        let excused: BTreeSet<&str> = BROKEN_RULES.into_iter().chain(BROKEN_BY_THEM).collect();
        let beyond: Vec<&&str> = failed.difference(&excused).collect();
        assert!(beyond.is_empty(), "{format}: {beyond:?}");
    }
}

/// The rules of LPF art. A. 47 A-1, and that each entry balances, which the administration's own tool does not look at.
fn the_journal_is_as_the_law_wants_it(month: &Month) {
    let bytes = fs::read(month.file("csv", &month.next, "journal", "csv", "journal-EUR.fec.txt")).expect("a journal");
    // ISO 8859-15 is Latin 1 but for eight signs, of which only the euro's could stand here.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let names = "JournalCode JournalLib EcritureNum EcritureDate CompteNum CompteLib CompAuxNum CompAuxLib PieceRef PieceDate EcritureLib Debit Credit EcritureLet DateLet ValidDate Montantdevise Idevise";
    assert_eq!(lines.next().expect("a header").split('\t').collect::<Vec<_>>(), names.split(' ').collect::<Vec<_>>());
    let mut balance: BTreeMap<String, i128> = BTreeMap::new();
    let mut last: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let (mut revenue, mut count) = (0, 0);
    for line in lines.filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields.len(), 18, "{line}");
        for required in [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15] {
            assert!(!fields[required].trim().is_empty(), "{line}");
        }
        for date in [3, 9, 15] {
            assert!(fields[date].len() == 8 && fields[date].bytes().all(|b| b.is_ascii_digit()), "{line}");
        }
        assert!(fields[4].len() >= 3 && fields[4].as_bytes()[..3].iter().all(u8::is_ascii_digit), "{line}");
        let amount = |at: usize| {
            let (whole, part) = fields[at].split_once(',').expect("a decimal comma");
            assert!(part.len() == 2 && !fields[at].contains('.') && !whole.contains(' '), "{line}");
            format!("{whole}{part}").parse::<i128>().expect("an amount")
        };
        let (debit, credit) = (amount(11), amount(12));
        assert!((debit == 0) != (credit == 0) && debit >= 0 && credit >= 0, "{line}");
        *balance.entry(fields[2].to_owned()).or_default() += debit - credit;
        if fields[4].starts_with("706") {
            revenue += credit - debit;
        }
        let number: u32 = fields[2].rsplit('-').next().and_then(|n| n.parse().ok()).expect("a number");
        let (name, before) = last.entry(fields[0].to_owned()).or_insert((String::new(), 0));
        if *name != fields[2] {
            assert_eq!(number, *before + 1, "numbers of a journal follow one another: {line}");
            (*name, *before) = (fields[2].to_owned(), number);
        }
        count += 1;
    }
    assert!(count > 20 && balance.values().all(|off| *off == 0), "{balance:?}");
    let register = csv(&month.file("csv", &month.next, "month_end", "csv", "invoice_register.csv"));
    let of_usage = register.iter().filter(|row| row["kind"] != "deposit");
    assert_eq!(revenue, of_usage.map(|row| cents(&row["total"])).sum::<i128>(), "revenue = the register");
}

/// As a finance department opens it: every figure of the page in front stands in its table, as a number, and nothing is a formula.
fn a_spreadsheet_shows_every_figure(month: &Month) {
    let (scratch, pack) = (month.out("sheets"), month.file("csv", &month.period, "month_end", "csv", ""));
    let files = fs::read_dir(&pack).expect("the pack").map(|entry| entry.expect("a file").path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "csv")).collect();
    assert_eq!(files.len(), 15, "the tables of the pack");
    let profile = format!("-env:UserInstallation=file://{}", month.out("office").display());
    let converted = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "fods", "--outdir"])
        .arg(&scratch)
        .args(&files)
        .output()
        .expect("LibreOffice is installed: sudo apt-get install -y libreoffice-calc-nogui");
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let of =
        |path: &PathBuf| scratch.join(path.file_stem().expect("a name")).with_extension("fods").display().to_string();
    let sheets = script("sheets.py", &files.iter().map(of).collect::<Vec<_>>());
    let page = fs::read_to_string(pack.join("index.html")).expect("the page");
    let no_rows = Vec::new();
    for (name, rows) in sheets.as_object().expect("sheets") {
        for cell in rows.as_array().unwrap_or(&no_rows).iter().flat_map(|row| row.as_array().unwrap_or(&no_rows)) {
            assert!(cell.get("formula").is_none(), "{name}: {cell}");
        }
    }
    let summary = csv(&pack.join("summary.csv"));
    assert!(summary.len() >= 9, "{summary:?}");
    for row in &summary {
        assert!(page.contains(&format!(">{}<", row["amount"])) && page.contains(&row["figure"]), "{row:?}");
        let sheet = sheets[&row["table"]].as_array().expect("its table");
        let wanted = cents(&row["amount"]);
        let columns = sheet.first().and_then(Value::as_array).map_or(0, Vec::len);
        // A number of its own, or the sum of a column: what a reader types under it.
        let found = (0..columns).any(|column| {
            let amounts = sheet.iter().filter_map(|row| row[column].as_str());
            let amounts = amounts.filter(|n| n.split_once('.').is_none_or(|(_, part)| part.len() <= 2)).map(cents);
            amounts.clone().sum::<i128>() == wanted || amounts.into_iter().any(|amount| amount == wanted)
        });
        assert!(found || wanted == 0, "{row:?} is not in its table");
    }
}

fn what_is_killed_goes_on_where_it_stopped(month: &Month) {
    let period = month.period.clone();
    let arguments = ["export", "allocation_hours", "--period", &period, "--format", "parquet", "--out"];
    let progress = month.out("killed").join(format!("{period}/allocation_hours/parquet/progress.json"));
    let done = || {
        let text = fs::read(&progress).ok()?;
        let begun: Value = serde_json::from_slice(&text).ok()?;
        Some(begun["files"].as_array()?.len())
    };
    let mut export = month.releve(&arguments).arg(month.out("killed")).spawn();
    let began = Instant::now();
    while done().is_none_or(|files| files < 5) {
        assert!(began.elapsed() < SOON && export.process().is_running(), "{}", export.process().tail());
        thread::sleep(Duration::from_millis(5));
    }
    export.kill();
    let at = done().expect("its progress");
    assert!((5..31).contains(&at), "it was killed in the middle: {at} files");
    let first = month.out("killed").join(format!("{period}/allocation_hours/parquet/v1"));
    let made = |name: &str| fs::metadata(first.join(name)).and_then(|file| file.modified()).expect("a file");
    let name = format!("allocation_hours-{period}-01.parquet");
    let before = made(&name);
    let resumed = month.export(&period, &["allocation_hours", "--format", "parquet"], "killed");
    let whole = month.export(&period, &["allocation_hours", "--format", "parquet"], "whole");
    assert_eq!(digests(&resumed[0]), digests(&whole[0]), "the bytes are the same");
    assert_eq!(made(&name), before, "what was done is not done again");
}
