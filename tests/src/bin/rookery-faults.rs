//! `make faults`: plays the rows of the fault matrix, says what it does, writes the report, and fails if anything does
//! not hold.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to people")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rookery_tests::faults::load::Pace;
use rookery_tests::faults::report::{failures, line, markdown, total};
use rookery_tests::faults::rows::{ALL, Row};
use rookery_tests::faults::run::{Options, Played, play};

const USAGE: &str =
    "rookery-faults [--short] [--rows F01,F03] [--seconds-per-row N] [--rooms N] [--rate N] [--window N]
               [--idle-sockets N] [--target-acked N] [--seed N] [--report FILE]";

/// What was asked for.
struct Arguments {
    rows: Vec<Row>,
    options: Options,
    seed: u64,
    target_acked: usize,
    report: Option<PathBuf>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Ok(arguments) => run(arguments).await,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { rows, options, seed, target_acked, report } = arguments;
    let start = Instant::now();
    println!("Seed {seed}: {} rows", rows.len());
    let mut played: Vec<Played> = Vec::new();
    for round in 0.. {
        for (index, row) in (0..).zip(&rows) {
            let begin = Instant::now();
            println!("{} {}", row.id, row.title);
            let result = play(*row, seed + round * 100 + index, options).await;
            tell(&result, begin.elapsed());
            played.push(result);
            // After each row, so that a run that is ended early leaves what it found.
            if let Err(error) = keep(report.as_deref(), &markdown(&played, seed, options)) {
                eprintln!("the report cannot be written: {error}");
                return ExitCode::FAILURE;
            }
        }
        if total(&played).acked >= target_acked || !played.iter().all(Played::is_good) {
            break;
        }
    }
    let total = total(&played);
    println!("{:.0} s: {total:?}", start.elapsed().as_secs_f64());
    if played.iter().all(Played::is_good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn keep(report: Option<&Path>, text: &str) -> std::io::Result<()> {
    report.map_or(Ok(()), |file| std::fs::write(file, text))
}

fn tell(played: &Played, took: Duration) {
    if let Ok(outcome) = &played.outcome {
        let per_second = outcome.findings.acked as u64 * 1_000 / outcome.talk_ms.max(1);
        println!(
            "  {:.0} s, {per_second} acked/s, {} clients, {} connections, meanwhile {} acked and {} shown, {} jumps",
            took.as_secs_f64(),
            outcome.clients,
            outcome.connections,
            outcome.acked_meanwhile,
            outcome.shown_meanwhile,
            outcome.findings.jumps
        );
    }
    print!("  {}{}", line(played), failures(std::slice::from_ref(played)));
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let pace = Pace { rooms: 20, per_second: 12.0, window: 50 };
    let options = Options { pace, talk: Duration::from_secs(30), scale: 1.0, idle_sockets: 5_000 };
    let seed = u64::from(std::process::id());
    let mut arguments = Arguments { rows: ALL.to_vec(), options, seed, target_acked: 0, report: None };
    while let Some(name) = given.next() {
        if name == "--short" {
            arguments.shorten();
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        arguments.set(&name, &value)?;
    }
    Ok(arguments)
}

impl Arguments {
    fn shorten(&mut self) {
        self.rows.retain(|row| row.is_short);
        self.options.talk = Duration::from_secs(6);
        self.options.scale = 0.25;
        self.options.pace.rooms = 8;
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<u32>().map_err(|_| format!("{name} needs a number, not {value}"));
        match name {
            "--rows" => self.rows = chosen(value)?,
            "--seconds-per-row" => self.options.talk = Duration::from_secs(number()?.into()),
            "--rooms" => self.options.pace.rooms = number()? as usize,
            "--rate" => self.options.pace.per_second = f64::from(number()?),
            "--window" => self.options.pace.window = number()? as usize,
            "--idle-sockets" => self.options.idle_sockets = number()? as usize,
            "--target-acked" => self.target_acked = number()? as usize,
            "--seed" => self.seed = number()?.into(),
            "--report" => self.report = Some(value.into()),
            _ => return Err(format!("{name} is not known")),
        }
        Ok(())
    }
}

fn chosen(ids: &str) -> Result<Vec<Row>, String> {
    let find = |id: &str| {
        ALL.iter()
            .find(|row| row.id == id)
            .copied()
            .ok_or_else(|| format!("there is no row {id}"))
    };
    ids.split(',').map(find).collect()
}
