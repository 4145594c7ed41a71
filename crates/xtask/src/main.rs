//! The command line of this repository: set-up, demo, tests, benchmarks, and the environment of
//! the nodes.

mod bench;
mod bench_control;
mod bench_e2e;
mod bench_perception;
mod beside;
mod bring;
mod build;
mod demo;
mod doctor;
mod domain;
mod environment;
mod faults;
mod figures_file;
mod frame_latency;
mod launch_table;
mod places;
mod processes;
mod quantiles;
mod setup;
mod stamp;
mod suites;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Praxis: see, plan and move, from one command.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Brings what is missing: ROS 2, message packages, ONNX Runtime, MuJoCo, the robot.
    Setup,
    /// Sets up and builds the nodes, no more.
    Build,
    /// Sets up, builds, launches all nodes with the simulator and judges by its ground truth.
    Demo(demo::Options),
    /// Sets up, then runs everything that CI runs; the last line says `N passed, N failed`.
    Test(suites::Options),
    /// Measures, on one thread and built for speed; peers run beside it if they are named.
    Bench {
        #[command(subcommand)]
        subject: bench::Subject,
    },
    /// Sorts tables while nodes die and hang, stops are asked for and broken messages arrive.
    Faults(faults::Options),
    /// Checks machine, set-up and configuration; each finding comes with its cure.
    Doctor,
    /// Runs a command with the environment of the nodes, in the domain of the running demo.
    Exec {
        /// The command and its arguments, after `--`.
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
        /// ROS domain; that of the running demo if not given.
        #[arg(long)]
        domain: Option<u8>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup => setup::run().map(|()| ExitCode::SUCCESS),
        Command::Build => setup::run().and_then(|()| build::nodes()).map(|()| ExitCode::SUCCESS),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => suites::run(&options),
        Command::Bench { subject } => bench::run(&subject),
        Command::Faults(options) => faults::run(&options),
        Command::Doctor => doctor::run(),
        Command::Exec { command, domain } => environment::exec(&command, domain),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
