//! What the three programs say about settings that cannot be used, what they pass over, and how they print: seen by
//! whoever starts them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rookery_tests::process::{Process, Spec};
use rookery_tests::{dirs, ports, readme, tools};

const PROGRAMS: [&str; 3] = ["rookery", "rookery-gateway", "rookery-api"];
/// Settings that take any text.
const TEXTS: [&str; 13] = [
    "issuer",
    "data_dir",
    "keys_dir",
    "signing_key",
    "node_name",
    "mongo_database",
    "files_dir",
    "uploads_dir",
    "scan_command",
    "s3_bucket",
    "s3_region",
    "s3_access_key_id",
    "s3_secret_access_key",
];
/// Neither a number, nor a word, nor an address.
const NONSENSE: &str = "-1?";

/// A program with everything that it needs.
fn complete(program: &str, dir: &Path) -> Vec<(String, String)> {
    let path = |name: &str| dir.join(name).display().to_string();
    let settings = match program {
        "rookery" => vec![("DATA_DIR", path("data"))],
        "rookery-bench" => Vec::new(),
        "rookery-gateway" => vec![
            ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
            ("API_URL", "http://127.0.0.1:1".to_owned()),
            ("INTERNAL_SECRET", "0123456789abcdef".to_owned()),
        ],
        _ => vec![
            ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
            ("MONGO_URL", "mongodb://127.0.0.1:1".to_owned()),
            ("INTERNAL_SECRET", "0123456789abcdef".to_owned()),
            ("KEYS_DIR", keys(dir)),
        ],
    };
    settings.into_iter().map(|(name, value)| (format!("ROOKERY_{name}"), value)).collect()
}

fn keys(dir: &Path) -> String {
    let keys = dir.join("keys").display().to_string();
    rookery_tests::process::run(&tools::binary("rookery-api"), &["keygen", "--out", &keys], dir);
    keys
}

fn spec(program: &str, args: &[&str], env: &[(&str, &str)], dir: PathBuf) -> Spec {
    let mut settings = complete(program, &dir);
    for (name, value) in env {
        settings.retain(|(known, _)| known != name);
        settings.push(((*name).to_owned(), (*value).to_owned()));
    }
    let args = args.iter().map(|&arg| arg.to_owned()).collect();
    Spec { name: program.to_owned(), program: tools::binary(program), args, env: settings, dir }
}

fn run(program: &str, args: &[&str], env: &[(&str, &str)]) -> Output {
    spec(program, args, env, dirs::fresh("settings")).command().output().unwrap()
}

/// What a program that does not start says, and its code.
fn refused(program: &str, args: &[&str], env: &[(&str, &str)]) -> (String, Option<i32>) {
    let output = run(program, args, env);
    assert!(!output.status.success(), "{program} {args:?} {env:?} starts");
    assert!(!output.stderr.is_empty(), "{program} says nothing");
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

/// The keys of a program, and which are secrets, as the documents list them.
fn documented(program: &str) -> Vec<(String, bool)> {
    let page = readme::file("docs/configuration.md");
    let section = page.split("\n## ").find(|part| part.starts_with(&format!("`{program}`\n"))).unwrap();
    section
        .lines()
        .filter_map(|line| {
            let key = line.strip_prefix("| `")?.split('`').next()?;
            Some((key.to_owned(), line.contains("Secret: ")))
        })
        .collect()
}

#[test]
fn a_wrong_value_is_told_with_its_setting_and_what_is_allowed_all_at_once() {
    for program in PROGRAMS {
        let keys = documented(program);
        assert!(keys.len() > 15, "{keys:?}");
        let names: Vec<String> = keys.iter().map(|(key, _)| format!("ROOKERY_{}", key.to_uppercase())).collect();
        let env: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), NONSENSE)).collect();
        let (told, code) = refused(program, &["config"], &env);
        assert_eq!(code, Some(2), "{told}");
        for ((key, secret), name) in keys.iter().zip(&names) {
            if TEXTS.contains(&key.as_str()) {
                continue;
            }
            let value = if *secret { "(hidden)".to_owned() } else { format!("{NONSENSE:?}") };
            let start = format!("  {name}={value}: ");
            let line = told.lines().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{program} says nothing of {name}:\n{told}"));
            let explains = ["must ", " is neither ", " is not "].iter().any(|word| line.contains(word));
            assert!(explains, "what is allowed? {line}");
        }
    }
}

#[test]
fn a_wrong_number_is_told_alike_from_environment_file_and_flag() {
    let allowed = "must be a whole number from 0 to 3600000";
    for program in PROGRAMS {
        let (told, _) = refused(program, &["config"], &[("ROOKERY_DRAIN_MS", "-1")]);
        assert!(told.contains(&format!("ROOKERY_DRAIN_MS=\"-1\": {allowed}")), "{told}");
        let (told, _) = refused(program, &["config", "--drain-ms", "-1"], &[]);
        assert!(told.contains(&format!("--drain-ms=\"-1\": {allowed}")), "{told}");
        let file = dirs::fresh("settings").join("rookery.toml");
        std::fs::write(&file, "drain_ms = -1").unwrap();
        let file = file.display().to_string();
        let (told, _) = refused(program, &["config", "--config", &file], &[]);
        assert!(told.contains(&format!("drain_ms=\"-1\" in {file}: {allowed}")), "{told}");
    }
}

#[test]
fn a_misspelled_setting_is_told_as_it_was_written_with_the_one_that_was_meant() {
    for program in PROGRAMS {
        let (told, code) = refused(program, &[], &[("ROOKERY_LISTN", "127.0.0.1:0"), ("ROOKERY_LOGFILTER", "info")]);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("ROOKERY_LISTN is not a setting; did you mean ROOKERY_LISTEN?"), "{told}");
        assert!(told.contains("ROOKERY_LOGFILTER is not a setting; did you mean ROOKERY_LOG_FILTER?"), "{told}");
        let (told, _) = refused(program, &["--listn", "127.0.0.1:0"], &[]);
        assert!(told.contains("'--listn'") && told.contains("'--listen'"), "{told}");
        let file = dirs::fresh("settings").join("rookery.toml");
        std::fs::write(&file, "listn = '127.0.0.1:0'").unwrap();
        let file = file.display().to_string();
        let (told, _) = refused(program, &["--config", &file], &[]);
        assert!(told.contains(&format!("listn in {file} is not a setting; did you mean listen?")), "{told}");
    }
}

#[test]
fn variables_of_kubernetes_services_are_passed_over() {
    let mut links = Vec::new();
    for service in ["ROOKERY", "ROOKERY_GATEWAY", "ROOKERY_API", "ROOKERY_REDIS"] {
        let variables = [
            ("SERVICE_HOST", "10.96.7.7"),
            ("SERVICE_PORT", "8080"),
            ("SERVICE_PORT_HTTP", "8080"),
            ("PORT", "tcp://10.96.7.7:8080"),
            ("PORT_8080_TCP", "tcp://10.96.7.7:8080"),
            ("PORT_8080_TCP_PROTO", "tcp"),
            ("PORT_8080_TCP_PORT", "8080"),
            ("PORT_8080_TCP_ADDR", "10.96.7.7"),
        ];
        links.extend(variables.map(|(rest, value)| (format!("{service}_{rest}"), value)));
    }
    let links: Vec<(&str, &str)> = links.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    for program in PROGRAMS {
        let output = run(program, &["config"], &links);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        // A setting that somebody means is an error still.
        let (told, _) = refused(program, &["config"], &[("ROOKERY_PORT", "9000")]);
        assert!(told.contains("ROOKERY_PORT is not a setting"), "{told}");
    }
}

#[test]
fn no_setting_has_the_name_of_a_variable_of_kubernetes() {
    for (key, _) in PROGRAMS.iter().flat_map(|program| documented(program)) {
        let words: Vec<&str> = key.split('_').collect();
        assert!(!words.contains(&"port") && !words.contains(&"service"), "{key} may be hidden by a Service");
    }
}

#[test]
fn addresses_that_are_taken_and_a_folder_that_cannot_be_are_told_together() {
    let taken = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [public, internal] = taken.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
    for program in PROGRAMS {
        let env = [("ROOKERY_LISTEN", public.as_str())];
        let (told, code) = refused(program, &["--internal-listen", &internal], &env);
        assert_eq!(code, Some(1), "{told}");
        for (name, address) in [("ROOKERY_LISTEN", &public), ("--internal-listen", &internal)] {
            let line = format!("{name}=\"{address}\": something listens on {address} already; choose another port");
            assert!(told.contains(&line), "{line} in {told}");
        }
    }
    // Nobody, not even the superuser, makes a folder below a device.
    let env = [("ROOKERY_LISTEN", public.as_str()), ("ROOKERY_DATA_DIR", "/dev/null/data")];
    let (told, _) = refused("rookery", &[], &env);
    let folder = "ROOKERY_DATA_DIR=\"/dev/null/data\": the folder /dev/null/data cannot be made: ";
    assert!(told.contains(folder) && told.contains(&public), "{told}");
}

#[test]
fn a_folder_of_keys_that_is_not_there_is_told_with_its_setting() {
    let (told, _) = refused("rookery-api", &["--keys-dir", "/nowhere/keys", "--listen", "127.0.0.1:0"], &[]);
    assert!(told.contains("--keys-dir=\"/nowhere/keys\": /nowhere/keys: No such file or directory"), "{told}");
}

#[tokio::test]
async fn host_names_are_addresses_too() {
    let port = ports::free();
    let listen = format!("localhost:{port}");
    let env = [("ROOKERY_LISTEN", listen.as_str()), ("ROOKERY_INTERNAL_LISTEN", "localhost:0")];
    for program in PROGRAMS {
        let server = Process::prepare(spec(program, &[], &env, dirs::fresh("settings")));
        server.start();
        server
            .until("answers under its name", async || reqwest::get(format!("http://{listen}/nothing")).await.is_ok())
            .await;
    }
}

#[tokio::test]
async fn the_internal_address_follows_so_that_servers_stand_side_by_side() {
    for program in PROGRAMS {
        let shown = run(program, &["config", "--listen", "0.0.0.0:9000"], &[]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("internal_listen = \"127.0.0.1:10000\"  # default"), "{shown}");
    }
    let mut servers = Vec::new();
    for _ in 0..2 {
        // Any port, so the internal one is any, too, and told.
        let server = Process::prepare(spec("rookery", &["--listen", "127.0.0.1:0"], &[], dirs::fresh("settings")));
        server.start();
        server.until("tells where it is", async || server.log().contains("/)")).await;
        servers.push(server);
    }
    for server in &servers {
        let log = server.log();
        let internal = log.split("metrics on ").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
        assert_eq!(reqwest::get(format!("{internal}ready")).await.unwrap().status(), 200, "{log}");
    }
}

#[test]
fn flags_may_follow_a_subcommand() {
    for program in PROGRAMS {
        for args in [["--issuer", "me", "config"], ["config", "--issuer", "me"]] {
            let output = run(program, &args, &[]);
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(shown.contains("issuer = \"me\"  # flag"), "{program} {args:?}: {shown}");
        }
    }
}

#[test]
fn every_program_and_subcommand_has_help() {
    for program in PROGRAMS.into_iter().chain(["rookery-bench"]) {
        let help = helped(program, &["--help"]);
        for subcommand in subcommands(&help).into_iter().filter(|name| name != "help") {
            helped(program, &[&subcommand, "--help"]);
        }
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_a_quiet_end() {
    for program in PROGRAMS {
        let printing: &[&[&str]] = match program {
            "rookery" => &[
                &["limits"],
                &["settings"],
                &["asyncapi"],
                &["asyncapi-socketio"],
                &["typescript"],
                &["config"],
                &["--help"],
                &["--version"],
            ],
            "rookery-api" => &[&["openapi"], &["config"], &["keygen", "--out", "more"], &["user", "--help"]],
            _ => &[&["config"], &["--help"], &["--version"]],
        };
        for args in printing {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command: Command = spec(program, args, &[], dirs::fresh("settings")).command();
            let output = command.stdout(writer).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && told.is_empty(), "{program} {args:?}: {} {told}", output.status);
        }
    }
}

#[test]
fn output_that_is_lost_is_an_error_without_a_panic() {
    for (program, subcommand) in [("rookery", "limits"), ("rookery-api", "openapi"), ("rookery-gateway", "config")] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = spec(program, &[subcommand], &[], dirs::fresh("settings")).command();
        let output = command.stdout(full).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{program}: {told}");
        assert!(told.contains("No space left on device") && !told.contains("panicked"), "{program}: {told}");
    }
}

fn helped(program: &str, args: &[&str]) -> String {
    let output = run(program, args, &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("Usage:"), "{program} {args:?}: {}", output.status);
    text
}

/// The names below `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}
