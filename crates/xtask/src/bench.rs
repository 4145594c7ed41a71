use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::{bench_control, bench_e2e, bench_perception, places, setup};

/// What is measured.
#[derive(Subcommand)]
pub enum Subject {
    /// Paths and motions for benchmark problems.
    #[command(disable_help_flag = true)]
    Planning(Options),
    /// Inverse kinematics of random reachable poses.
    #[command(disable_help_flag = true)]
    Ik(Options),
    /// From frame to objects through the running node; detections and objects in drawn tables whose
    /// truth is known.
    Perception(bench_perception::Options),
    /// Periods of the control loop at 1 kHz beside a loop that only sleeps.
    Control(bench_control::Options),
    /// From a frame to the first command of the motion that was planned for what it shows, in the
    /// reflex scenario.
    E2e(bench_e2e::Options),
    /// How the time of edges grows with obstacles, points, links and joints, as a chart.
    #[command(disable_help_flag = true)]
    Growth(Options),
}

/// What is handed on to the measuring program.
#[derive(Args)]
pub struct Options {
    /// Options of the measurement; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the measuring program for speed and runs it; the peers come first if any is named.
pub fn run(subject: &Subject) -> Result<ExitCode> {
    let (name, Options { arguments }) = match subject {
        Subject::Planning(options) => ("planning", options),
        Subject::Ik(options) => ("ik", options),
        Subject::Perception(options) => return bench_perception::run(options),
        Subject::Control(options) => return bench_control::run(options),
        Subject::E2e(options) => return bench_e2e::run(options),
        Subject::Growth(options) => ("growth", options),
    };
    if names_peers(arguments) {
        setup::peers()?;
    }
    let status = program()
        .arg(name)
        .args(arguments)
        .status()
        .context("cannot run cargo for the benchmark")?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The measuring program, for its arguments to be added; paths in them are the caller's.
pub fn program() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["run", "--release", "--quiet", "--package", "praxis_bench"])
        .arg("--manifest-path")
        .arg(places::root().join("Cargo.toml"))
        .arg("--")
        .env("PRAXIS_PEER_PYTHON", places::peers().join("bin/python"));
    cargo
}

fn names_peers(arguments: &[String]) -> bool {
    arguments.iter().any(|word| word == "--peer" || word.starts_with("--peer="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_come_only_when_they_are_named() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(names_peers(&words("--cloud --peer roboplan,toppra")));
        assert!(names_peers(&words("--peer=vamp")));
        assert!(!names_peers(&words("--lines peer.json")));
    }
}
