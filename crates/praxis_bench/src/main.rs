//! Measures planning and inverse kinematics on one thread, beside their peers.
//!
//! In: a robot's URDF and SRDF, and problems in the format "vamp-mbm-problems/1". Out: tables, one
//! JSON object of figures, and the paths themselves, line by line. `cargo xtask bench` builds and
//! runs it, and brings the peers.

mod chart;
mod cloud;
mod comparison;
mod figures;
mod growth;
mod ik;
mod limits;
mod line;
mod motion_check;
mod obstacles;
mod path_check;
mod peers;
mod plain_checker;
mod planning;
mod problems;
mod report;
mod robots;
mod solver;
mod stopwatch;
mod summary;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures planning and inverse kinematics, beside their peers.
#[derive(Parser)]
#[command(name = "cargo xtask bench", version)]
struct Cli {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// Plans, shortens and times every valid problem of a file.
    Planning(planning::Options),
    /// Solves random reachable poses.
    Ik(ik::Options),
    /// Loads every robot description in a folder and plans between random free states.
    Robots(robots::Options),
    /// Draws how the time of edges grows with obstacles, points, links and joints.
    Growth(growth::Options),
}

fn main() -> Result<()> {
    match Cli::parse().subject {
        Subject::Planning(options) => planning::run(&options),
        Subject::Ik(options) => ik::run(&options),
        Subject::Robots(options) => robots::run(&options),
        Subject::Growth(options) => growth::run(&options),
    }
}
