use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{bring, environment, places};

/// Crates that need ROS, ONNX Runtime or MuJoCo.
pub const ROS_CRATES: &[&str] = &[
    "praxis_inference",
    "praxis_sim",
    "praxis_ros",
    "praxis_perception_node",
    "praxis_planning_node",
    "praxis_control_node",
    "praxis_task_node",
    "praxis_sim_node",
];
/// The nodes, and the command for users.
const PROGRAMS: &[&str] = &[
    "praxis_cli",
    "praxis_perception_node",
    "praxis_planning_node",
    "praxis_control_node",
    "praxis_task_node",
    "praxis_sim_node",
];

/// Cargo with the environment of the nodes and a target folder of its own.
pub fn cargo() -> Result<Command> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .envs(environment::variables()?)
        .env("CARGO_TARGET_DIR", places::target())
        .current_dir(places::root());
    Ok(cargo)
}

/// Builds the five nodes and the command `praxis`.
pub fn nodes() -> Result<()> {
    let mut cargo = cargo()?;
    cargo.args(["build", "--release", "--quiet"]);
    for program in PROGRAMS {
        cargo.args(["--package", program]);
    }
    if !places::target().join("release/sim_node").exists() {
        eprintln!("building the nodes (the first time takes some minutes) …");
    }
    bring::must(&mut cargo, "the message above says where the build failed")
}

/// Builds the runtime's example, which `test_runtime` starts.
pub fn minimal_node() -> Result<()> {
    let mut cargo = cargo()?;
    cargo.args(["build", "--release", "--quiet", "--package", "praxis_ros", "--examples"]);
    bring::must(&mut cargo, "the message above says where the build failed")
}

/// Builds the example that looks at a picture with any network, and the one that draws a mug.
pub fn picture_examples() -> Result<()> {
    let mut cargo = cargo()?;
    cargo.args(["build", "--release", "--quiet", "--package", "praxis_inference"]);
    cargo.args(["--package", "praxis_render", "--example", "detect"]);
    bring::must(cargo.args(["--example", "mug"]), "the message above says where the build failed")
}

/// A built executable.
pub fn executable(name: &str) -> PathBuf {
    places::target().join("release").join(name)
}
