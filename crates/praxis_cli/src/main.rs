//! The command `praxis`: what users need beside the nodes. It needs no ROS and no repository.
//!
//! A verb is one file with its `Options` and `run`; it is named in [`Verb`] and called in `main`.

mod arm;
mod calibrate;
mod completions;
mod description;
mod doctor;
mod files;
mod home;
mod limits;
mod looks;
mod man;
mod new_robot;
mod obstacles;
mod pairs;
mod perceive;
mod picture;
mod report;
mod ros2_control;
mod sdf;
mod solids;
mod states;
mod urdf;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Praxis for your robot: configurations, pictures, checks.
#[derive(Parser)]
#[command(
    name = "praxis",
    version,
    after_help = "\
`praxis help VERB` tells all about one of them.

From a URDF to a moving robot:
  praxis new-robot my_arm.urdf --out my_arm
  praxis doctor my_arm
  ros2 launch praxis reach.launch.py robot:=$PWD/my_arm"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes a working configuration for a robot from its URDF.
    NewRobot(new_robot::Options),
    /// Draws a configured robot among its obstacles.
    View(view::Options),
    /// Checks a configuration; each finding comes with its cure.
    Doctor(doctor::Options),
    /// Prints a robot's URDF with ros2_control tags for mock, Gazebo or topic-based hardware.
    Urdf(urdf::Options),
    /// Writes a world file as SDF, for Gazebo.
    Sdf(sdf::Options),
    /// Looks at a recording as perception does and tells the objects and what each stage took.
    Perceive(perceive::Options),
    /// Finds where a camera is mounted from a recording of the robot and a checkerboard.
    Calibrate(calibrate::Options),
    /// Prints the completion script of a shell.
    Completions(completions::Options),
    /// Writes the manual pages.
    Man(man::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::NewRobot(options) => new_robot::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::View(options) => view::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Doctor(options) => doctor::run(&options),
        Verb::Urdf(options) => urdf::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Sdf(options) => sdf::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Perceive(options) => perceive::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Calibrate(options) => calibrate::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Man(options) => man::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::Completions(options) => {
            completions::run(&options);
            Ok(ExitCode::SUCCESS)
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
