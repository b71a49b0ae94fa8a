//! The benchmarks, as one table: run `cargo xtask bench`.
//!
//! Every comparison alternates both sides in one run and takes medians, since
//! a machine is never equally busy twice. A word behind `--` chooses the rows
//! whose section has that name. The same executable is also what some rows
//! measure: see `child`.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod channels;
mod child;
mod config;
mod datagrams;
mod dispatch;
mod http;
mod idle;
mod kept;
mod mail;
mod many_hosts;
mod null_host;
mod plugins;
mod sample;
mod sink;
mod store;
mod table;
mod web;

use std::{env, error::Error, process::ExitCode};

use table::Row;

type Rows = Result<Vec<Row>, Box<dyn Error>>;

/// Measures one section.
type Measure = fn() -> Rows;

/// The sections, in the order of the table.
const SECTIONS: [(&str, Measure); 11] = [
    ("dispatch", dispatch::rows),
    ("http", http::rows),
    ("mail", mail::rows),
    ("config", config::rows),
    ("idle", idle::rows),
    ("datagrams", datagrams::rows),
    ("hosts", many_hosts::rows),
    ("store", store::rows),
    ("kept", kept::rows),
    ("plugins", plugins::rows),
    ("web", web::rows),
];

fn main() -> ExitCode {
    annunciator::worker::run_if_asked();
    let words: Vec<String> = env::args().skip(1).collect();
    if let Some(status) = child::run(&words) {
        return status;
    }
    let chosen: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let mut rows = Vec::new();
    let mut status = ExitCode::SUCCESS;
    for (name, section) in SECTIONS {
        if !chosen.is_empty() && chosen.iter().all(|word| *word != name) {
            continue;
        }
        match section() {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                rows.push(Row::failed(name, &error.to_string()));
                status = ExitCode::FAILURE;
            }
        }
    }
    println!("{}", table::machine());
    println!("{}", table::markdown(&rows));
    status
}
