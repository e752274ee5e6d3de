//! `make faults`: plays the rows of the fault matrix, says what it does, keeps the results, writes the report, and fails if
//! anything does not hold or takes too long.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to people")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use futures_util::stream::{self, StreamExt as _};
use rookery_tests::dirs;
use rookery_tests::faults::machine::Machine;
use rookery_tests::faults::plan::{Done, Play, Wanted, each, full, named, plays};
use rookery_tests::faults::report::{line, markdown};
use rookery_tests::faults::results::{Entry, Make, Results, Verdict};
use rookery_tests::faults::rows::Row;
use rookery_tests::faults::rows::table::{ALL, BROKEN};
use rookery_tests::faults::run::{Options, play};
use rookery_tests::faults::sources;
use rookery_tests::faults::time_left::TimeLeft;
use tokio::process::Command;

/// Thousands of sockets, of both sides' clients.
const OPEN_FILES_MIN: u64 = 12_000;

/// Plays rows of the fault matrix against real processes; `make faults` builds what it takes and calls this.
#[derive(Debug, Parser)]
#[command(name = "rookery-faults")]
struct Arguments {
    /// Only these rows, apart by commas; F05 means F05a and F05b.
    #[arg(long, value_name = "ROWS", value_parser = chosen, conflicts_with_all = ["plan", "short", "broken"])]
    rows: Option<Chosen>,
    /// So many plays of each row.
    #[arg(long, value_name = "N", default_value_t = 1)]
    plays: usize,
    /// Every row as often as a release asks for: F13 60 times, rows with a failover 20 times, all others 3 times.
    #[arg(long, conflicts_with_all = ["plays", "short", "broken"])]
    plan: Option<Plan>,
    /// Decides everything that is random; printed, and a new one for each run unless it is given. A single play of a single
    /// row has this seed itself; an odd seed slows the database.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Each play is added to this file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// What the file of results has of the same sources, build and pace is not played again.
    #[arg(long, requires = "results")]
    resume: bool,
    /// Where the report is written, from all results.
    #[arg(long, value_name = "FILE", requires = "results")]
    report: Option<PathBuf>,
    /// So many plays at the same time, each in a process of its own. More than the machine has room for are slow.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "results", value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// The few rows that `make test` plays, as it plays them.
    #[arg(long, conflicts_with_all = ["results", "broken"])]
    short: bool,
    /// A product that acks too early; this has to fail.
    #[arg(long, conflicts_with = "results")]
    broken: bool,
    /// Seconds of talk around the fault.
    #[arg(long, value_name = "N")]
    seconds_per_row: Option<u64>,
    /// Rooms with three clients each.
    #[arg(long, value_name = "N")]
    rooms: Option<usize>,
    /// New messages a second of one client.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Messages of one client that may wait for an ack.
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// Idle sockets of the rows that drop them.
    #[arg(long, value_name = "N")]
    idle_sockets: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Plan {
    /// What a release asks for.
    Full,
}

/// Rows by their names.
#[derive(Clone, Debug)]
struct Chosen(Vec<Row>);

/// What was asked for, and what came of it so far.
struct Run {
    options: Options,
    make: Make,
    machine: Machine,
    results: Option<Results>,
    report: Option<PathBuf>,
    logs: Option<PathBuf>,
    is_good: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Err(error) = check_open_files(&limits) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool, String> {
    let base = arguments.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let mut run = Run::prepare(arguments)?;
    println!("Seed {base}\n{}\n{}", run.machine, run.options);
    let wanted = arguments.wanted();
    let counted = |row: &Row| if arguments.resume { run.done(row) } else { Done::default() };
    let plays = plays(&wanted, counted, base);
    // What was found before is a part of this run.
    run.is_good = !arguments.resume || run.are_good(&wanted);
    let all: usize = wanted.iter().map(|(_, plays)| plays).sum();
    let before = all.saturating_sub(plays.len());
    if arguments.jobs > 1 {
        run.side_by_side(&plays, before, arguments).await?;
    } else {
        run.all(&plays, before).await?;
    }
    Ok(run.is_good)
}

impl Run {
    fn prepare(arguments: &Arguments) -> Result<Self, String> {
        let (machine, options) = (Machine::here(), arguments.options());
        let make = Make {
            sources: sources::digest().unwrap_or_default(),
            commit: machine.commit().to_owned(),
            build: machine.build().to_owned(),
            pace: options.to_string(),
        };
        let open = |path: &PathBuf| Results::open(path).map_err(|error| format!("{}: {error}", path.display()));
        let results = arguments.results.as_ref().map(open).transpose()?;
        // Logs of plays that were not good lie beside the results.
        let logs = arguments
            .results
            .as_ref()
            .and_then(|path| path.parent())
            .map(|folder| folder.join("faults-logs"));
        Ok(Self { options, make, machine, results, report: arguments.report.clone(), logs, is_good: true })
    }

    fn entries(&self) -> &[Entry] {
        self.results.as_ref().map_or(&[], Results::entries)
    }

    fn done(&self, row: &Row) -> Done {
        self.results
            .as_ref()
            .map_or_else(Done::default, |results| results.done(row.id, &self.make))
    }

    /// Whether all plays of these rows that count were good.
    fn are_good(&self, wanted: &[Wanted]) -> bool {
        let counts =
            |entry: &&Entry| entry.make.is_like(&self.make) && wanted.iter().any(|(row, _)| row.id == entry.row);
        self.entries().iter().filter(counts).all(|entry| entry.verdict == Verdict::Holds)
    }

    async fn all(&mut self, plays: &[Play], before: usize) -> Result<(), String> {
        let (all, begin) = (before + plays.len(), Instant::now());
        let mut time_left = TimeLeft::new(self.entries());
        println!("{} plays, {before} of them are done already; {}", all, time_left.words(plays));
        for (number, one) in (1..).zip(plays) {
            let took = self.one(*one).await?;
            time_left.learn(&one.row, took);
            println!(
                "  {:.0} s; {} of {all} plays, {}",
                took.as_secs_f64(),
                before + number,
                time_left.words(&plays[number..])
            );
        }
        if plays.is_empty() {
            self.write_report()?;
        }
        println!("{}; {:.0} s", self.words(), begin.elapsed().as_secs_f64());
        Ok(())
    }

    /// The same, several at once: each play is a process that leaves its results in a file of its own.
    async fn side_by_side(&mut self, plays: &[Play], before: usize, arguments: &Arguments) -> Result<(), String> {
        let (all, begin) = (before + plays.len(), Instant::now());
        println!("{all} plays, {before} of them are done already, {} at a time", arguments.jobs);
        // Where the results are: logs of plays that were not good lie there, too.
        let folder = arguments.results.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let mut played = stream::iter(plays)
            .map(|play| alone(play, folder, arguments))
            .buffer_unordered(usize::from(arguments.jobs));
        for number in before + 1.. {
            let Some(results) = played.next().await else { break };
            let (text, entry) = results?;
            println!("{text}  {number} of {all} plays; {:.0} s", begin.elapsed().as_secs_f64());
            self.is_good &= entry.verdict == Verdict::Holds;
            self.keep(entry)?;
        }
        self.write_report()?;
        println!("{}; {:.0} s", self.words(), begin.elapsed().as_secs_f64());
        Ok(())
    }

    const fn words(&self) -> &'static str {
        if self.is_good { "everything holds" } else { "NOT everything holds in time" }
    }

    /// Notes a play. The report is written after each, so that a run that is ended early leaves what it found.
    fn keep(&mut self, entry: Entry) -> Result<(), String> {
        if let Some(results) = &mut self.results {
            results.add(entry).map_err(|error| format!("the results cannot be written: {error}"))?;
        }
        self.write_report()
    }

    async fn one(&mut self, one: Play) -> Result<Duration, String> {
        let begin = Instant::now();
        let played = play(one, self.options).await;
        let (took, verdict, remarks) = (begin.elapsed(), played.verdict(), played.remarks());
        println!("{}\n  {}", line(&played), played.phases);
        for line in remarks.iter().flat_map(|remark| remark.lines()) {
            println!("    {line}");
        }
        self.is_good &= verdict == Verdict::Holds;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (row, figures, make) = (one.row.id.to_owned(), played.figures(), self.make.clone());
        let entry = Entry { row, seed: one.seed, slowed: one.slowed, verdict, make, took_ms, figures, remarks };
        self.keep(entry)?;
        self.clear(one, verdict)
            .map_err(|error| format!("the folders of a play cannot be removed: {error}"))?;
        Ok(took)
    }

    fn write_report(&self) -> Result<(), String> {
        let Some(path) = &self.report else { return Ok(()) };
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let text = markdown(self.entries(), &before, &self.machine.to_string());
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn clear(&self, one: Play, verdict: Verdict) -> std::io::Result<()> {
        let name = format!("{}-{}", one.row.id, one.seed);
        let kept: Option<PathBuf> = self.logs.as_ref().map(|logs| logs.join(name));
        dirs::clear(kept.as_deref().filter(|_| verdict != Verdict::Holds).map(Path::new))
    }
}

/// Plays one play in a process of its own: what it printed of it, and its line of the results.
async fn alone(play: &Play, folder: &Path, arguments: &Arguments) -> Result<(String, Entry), String> {
    let name = format!("{}-{}", play.row.id, play.seed);
    let file = folder.join(format!("faults-{name}.jsonl"));
    let remove = || match std::fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", file.display())),
        Ok(()) | Err(_) => Ok(()),
    };
    // A run that was ended may have left one.
    remove()?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["--rows", play.row.id, "--seed", &play.seed.to_string(), "--results"])
        .arg(&file)
        .args(arguments.pace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = output.await.map_err(|error| format!("{name} cannot be played: {error}"))?;
    let results = Results::open(&file).map_err(|error| format!("{name} left no results: {error}"))?;
    remove()?;
    let Some(entry) = results.entries().first().cloned() else {
        return Err(format!("{name} left no results: {}", String::from_utf8_lossy(&output.stderr)));
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    // Before that it tells the machine, behind it what is left to do.
    let lines = printed.lines().skip_while(|line| !line.starts_with(play.row.id));
    let lines = lines.take_while(|line| !line.ends_with(" left"));
    Ok((lines.fold(String::new(), |text, line| text + line + "\n"), entry))
}

impl Arguments {
    /// The options that say how everybody talks.
    fn pace(&self) -> Vec<String> {
        let options = [
            ("--seconds-per-row", self.seconds_per_row.map(|value| value.to_string())),
            ("--rooms", self.rooms.map(|value| value.to_string())),
            ("--rate", self.rate.map(|value| value.to_string())),
            ("--window", self.window.map(|value| value.to_string())),
            ("--idle-sockets", self.idle_sockets.map(|value| value.to_string())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
        given.flatten().collect()
    }

    fn wanted(&self) -> Vec<Wanted> {
        let short = || ALL.iter().filter(|row| row.is_short).copied().collect::<Vec<_>>();
        match (&self.plan, &self.rows) {
            (Some(Plan::Full), _) => full(),
            (None, Some(Chosen(rows))) => each(rows, self.plays),
            (None, None) if self.short => each(&short(), self.plays),
            (None, None) if self.broken => each(&[BROKEN], self.plays),
            (None, None) => each(ALL, self.plays),
        }
    }

    fn options(&self) -> Options {
        let mut options = if self.short { Options::SHORT } else { Options::LONG };
        let pace = &mut options.pace;
        pace.rooms = self.rooms.unwrap_or(pace.rooms);
        pace.per_second = self.rate.map_or(pace.per_second, f64::from);
        pace.window = self.window.unwrap_or(pace.window);
        options.talk = self.seconds_per_row.map_or(options.talk, Duration::from_secs);
        options.idle_sockets = self.idle_sockets.unwrap_or(options.idle_sockets);
        options
    }
}

fn chosen(names: &str) -> Result<Chosen, String> {
    named(names).map(Chosen)
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent_and_help_names_each() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        for name in ["--rows", "--plays", "--plan", "--seed", "--results", "--resume", "--report", "--short"] {
            assert!(help.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_asked_for_is_what_is_played() {
        let wanted =
            |given: &[&str]| Arguments::try_parse_from([&["rookery-faults"], given].concat()).unwrap().wanted();
        assert_eq!(wanted(&[]).len(), ALL.len());
        let rows: Vec<_> = wanted(&["--rows", "F11,F13", "--plays", "20"]);
        assert_eq!(
            rows.iter().map(|(row, plays)| (row.id, *plays)).collect::<Vec<_>>(),
            [("F11a", 20), ("F11b", 20), ("F13", 20)]
        );
        assert_eq!(wanted(&["--plan", "full"]).len(), ALL.len());
        assert!(Arguments::try_parse_from(["rookery-faults", "--rows", "F99"]).is_err());
        assert!(Arguments::try_parse_from(["rookery-faults", "--resume"]).is_err());
    }

    #[test]
    fn too_few_open_files_are_named() {
        let limits =
            |soft: u64| format!("Max open files            {soft}                 1048576              files\n");
        assert!(check_open_files(&limits(1_024)).unwrap_err().contains("1024"));
        assert!(check_open_files(&limits(OPEN_FILES_MIN)).is_ok());
    }
}
