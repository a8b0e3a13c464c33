//! `releve`: one binary with roles. The last word of errors is said here.

use std::process::ExitCode;

use clap::Parser;
use releve_server::{cli::Cli, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("releve: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("releve: {error:#}");
            ExitCode::FAILURE
        }
    }
}
