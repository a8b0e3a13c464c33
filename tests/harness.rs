//! Does the harness do what the other tests take for granted?

use std::{
    io::{BufRead as _, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use releve_tests::{
    postgres::{Durability, Postgres},
    rabbit::Rabbit,
    testbed::VARIABLE,
    wait,
};

const SOON: Duration = Duration::from_secs(30);

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn postgres_comes_back_with_what_was_committed() {
    for durability in [Durability::ProcessOnly, Durability::Fsync] {
        let mut postgres = Postgres::start(durability);
        let database = postgres.create_database();
        database.sql("create table kept (n int); insert into kept values (7)");
        postgres.kill();
        assert!(!listens(postgres.port()));
        postgres.restart();
        assert_eq!(
            database.sql("select n, current_setting('fsync') from kept"),
            match durability {
                Durability::ProcessOnly => "7|off",
                Durability::Fsync => "7|on",
            }
        );
        postgres.stop();
        assert!(!listens(postgres.port()));
    }
}

#[test]
fn programs_log_in_without_power() {
    let postgres = Postgres::shared();
    let database = postgres.create_database();
    let powers = "select rolsuper, rolinherit, pg_has_role('login', 'releve_app', 'member') from pg_roles where rolname = 'login'";
    assert_eq!(database.sql(powers), "f|f|t");
    assert!(database.login_url().starts_with("postgres://login@127.0.0.1:"));
}

#[test]
fn rabbit_comes_back_on_its_port_and_answers_its_tool() {
    let mut rabbit = Rabbit::start();
    rabbit.kill();
    assert!(!listens(rabbit.port()));
    rabbit.restart();
    // Killed, it might have forgotten what it was told a second before.
    let vhost = rabbit.vhost();
    rabbit.stop();
    assert!(!listens(rabbit.port()));
    rabbit.restart();
    let name = vhost.rsplit('/').next().unwrap();
    assert!(rabbit.ctl(&["list_vhosts", "--no-table-headers"]).lines().any(|line| line == name));
}

#[test]
fn nothing_stays_behind_when_a_test_is_killed() {
    let mut testbed = Command::new(env!("CARGO_BIN_EXE_releve-testbed"))
        .env_remove(VARIABLE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(testbed.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut parts = line.trim_end().splitn(5, ':');
    let ports: Vec<u16> = parts.by_ref().take(4).map(|port| port.parse().unwrap()).collect();
    assert!(ports.iter().all(|port| listens(*port)), "{ports:?}");
    testbed.kill().unwrap();
    testbed.wait().unwrap();
    for port in ports {
        wait::until_blocking(&format!("port {port} is free"), SOON, || (!listens(port)).then_some(()));
    }
}
