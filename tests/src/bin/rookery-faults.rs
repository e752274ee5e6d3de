//! `make faults`: plays the rows of the fault matrix, says what it does, writes the report, and fails if anything does
//! not hold.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to people")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rookery_tests::faults::machine::Machine;
use rookery_tests::faults::report::{failures, line, markdown, total};
use rookery_tests::faults::rows::table::{ALL, BROKEN};
use rookery_tests::faults::rows::{Fault, Row};
use rookery_tests::faults::run::{Options, Played, play};

const USAGE: &str = "rookery-faults [--short] [--rows F01,F03] [--broken] [--seconds-per-row N] [--rooms N] [--rate N]
               [--window N] [--idle-sockets N] [--target-acked N] [--minutes N] [--seed N] [--report FILE]";
/// Thousands of sockets, of both sides' clients.
const OPEN_FILES_MIN: u64 = 12_000;

/// What was asked for.
struct Arguments {
    rows: Vec<Row>,
    options: Options,
    seed: u64,
    target_acked: usize,
    most: Duration,
    report: Option<PathBuf>,
}

/// What was played so far, and the report of it.
struct Run {
    played: Vec<Played>,
    begin: Instant,
    machine: Machine,
    arguments: Arguments,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Ok(arguments) => {
            let run = Run { played: Vec::new(), begin: Instant::now(), machine: Machine::here(), arguments };
            run.all().await.unwrap_or_else(|error| {
                eprintln!("the report cannot be written: {error}");
                ExitCode::FAILURE
            })
        }
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

impl Run {
    async fn all(mut self) -> std::io::Result<ExitCode> {
        let (rows, seed) = (self.arguments.rows.clone(), self.arguments.seed);
        println!("{}\nSeed {seed}: {} rows", self.machine, rows.len());
        for (index, row) in (0..).zip(&rows) {
            self.one(*row, seed + index).await?;
        }
        // What is missing is played as pairs, each time others.
        let pairs = ALL.iter().filter(|row| row.fault == Fault::Pair).copied();
        for (number, row) in (100..).zip(pairs.cycle()) {
            if self.has_enough() {
                break;
            }
            self.one(row, seed + number).await?;
        }
        let (total, wanted) = (total(&self.played), self.arguments.target_acked);
        println!("{} acked, {wanted} wanted; {:.0} s: {total:?}", total.acked, self.begin.elapsed().as_secs_f64());
        let is_good = self.played.iter().all(Played::is_good);
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn has_enough(&self) -> bool {
        let is_enough = total(&self.played).acked >= self.arguments.target_acked;
        is_enough || self.begin.elapsed() > self.arguments.most || !self.played.iter().all(Played::is_good)
    }

    async fn one(&mut self, row: Row, seed: u64) -> std::io::Result<()> {
        let begin = Instant::now();
        println!("{} {}", row.id, row.title);
        let played = play(row, seed, self.arguments.options).await;
        tell(&played, begin.elapsed());
        self.played.push(played);
        // After each row, so that a run that is ended early leaves what it found.
        let text = markdown(&self.played, self.arguments.seed, self.arguments.options, &self.machine);
        keep(self.arguments.report.as_deref(), &text)
    }
}

fn keep(report: Option<&Path>, text: &str) -> std::io::Result<()> {
    report.map_or(Ok(()), |file| std::fs::write(file, text))
}

fn tell(played: &Played, took: Duration) {
    if let Ok(outcome) = &played.outcome {
        let per_second = outcome.findings.acked as u64 * 1_000 / outcome.talk_ms.max(1);
        println!(
            "  {:.0} s, {per_second} acked/s, {} clients, {} connections, {} jumps; during the fault nothing shown for {} ms, nothing acked for {} ms",
            took.as_secs_f64(),
            outcome.clients,
            outcome.connections,
            outcome.findings.jumps,
            outcome.shown.longest_pause_ms(outcome.fault),
            outcome.acked.longest_pause_ms(outcome.fault),
        );
    }
    print!("  {}{}", line(played), failures(std::slice::from_ref(played)));
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        rows: ALL.to_vec(),
        options: Options::LONG,
        seed: u64::from(std::process::id()),
        target_acked: 0,
        most: Duration::from_mins(40),
        report: None,
    };
    while let Some(name) = given.next() {
        match name.as_str() {
            "--short" => {
                arguments.rows.retain(|row| row.is_short);
                arguments.options = Options::SHORT;
            }
            "--broken" => arguments.rows = vec![BROKEN],
            _ => {
                let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
                arguments.set(&name, &value)?;
            }
        }
    }
    check_open_files(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default())?;
    Ok(arguments)
}

fn check_open_files(limits: &str) -> Result<(), String> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < OPEN_FILES_MIN => {
            Err(format!("{soft} open files are too few for thousands of sockets: ulimit -Sn {OPEN_FILES_MIN}"))
        }
        Some(_) | None => Ok(()),
    }
}

impl Arguments {
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
            "--minutes" => self.most = Duration::from_mins(number()?.into()),
            "--seed" => self.seed = number()?.into(),
            "--report" => self.report = Some(value.into()),
            _ => return Err(format!("{name} is not known")),
        }
        Ok(())
    }
}

/// The rows that were named; `F05` names all that begin so.
fn chosen(names: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for name in names.split(',') {
        let before = rows.len();
        let is_meant = |row: &&Row| row.id == name || row.id.trim_end_matches(char::is_lowercase) == name;
        rows.extend(ALL.iter().filter(is_meant).copied());
        if rows.len() == before {
            return Err(format!("there is no row {name}"));
        }
    }
    Ok(rows)
}
