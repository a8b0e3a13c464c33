//! What happens to a billing run that dies? Bills one period of DATABASE_URL and prints how the run stands; a test
//! kills it at a failpoint and starts it again.

use releve_jobs::{Order, issue};
use releve_store::Db;
use releve_types::{Period, Timestamp, ids::IssuerId};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = |name: &str| args.next().unwrap_or_else(|| panic!("{name} is missing"));
    let issuer: IssuerId = next("issuer").parse().expect("an issuer's id");
    let mut instant = |name: &str| next(name).parse::<Timestamp>().expect("an instant");
    let period = Period::new(instant("start"), instant("end")).expect("a period");
    let now = instant("now");
    let issue_accounts_max = next("accounts").parse().expect("a number");
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let db = Db::connect(&url, 1).await.expect("the database opens");
    let order = Order { issue_accounts_max, ..Order::new(issuer, period) };
    let summary = issue(&db, order, now).await.expect("the run comes to its end");
    println!("{} {} {} {}", summary.issued_now, summary.issued, summary.parked, summary.nothing);
}
