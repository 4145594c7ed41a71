use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::files::{Configuration, parameters};
use crate::ros2_control::{Hardware, tags, with_tags};

/// Options of `urdf`.
#[derive(Args)]
#[command(after_help = "Example:\n  praxis urdf my_arm --control topic > my_arm_control.urdf")]
pub struct Options {
    /// Which robot: a folder of `config/`, or the path of any other configuration.
    robot: String,
    /// What stands behind ros2_control.
    #[arg(long, value_name = "HARDWARE", value_enum)]
    control: Hardware,
    /// File to write; printed if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes or prints it.
pub fn run(options: &Options) -> Result<()> {
    let configuration = Configuration::read(&options.robot)?;
    let text = tagged(&configuration, options.control)?;
    match &options.out {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

/// The configuration's URDF with tags for its arm and the joint of its gripper.
pub fn tagged(configuration: &Configuration, hardware: Hardware) -> Result<String> {
    let mut joints: Vec<(String, f64)> =
        configuration.joints.iter().cloned().zip(configuration.home.iter().copied()).collect();
    let sim = parameters(&configuration.folder, "sim.yaml")?;
    if let Some(finger) = sim["finger_joints"][0].as_str().filter(|name| !name.is_empty()) {
        joints.push((finger.to_owned(), sim["start_finger_m"].as_f64().unwrap_or(0.0)));
    }
    let controllers = std::path::absolute(configuration.folder.join("controllers.yaml"))?;
    with_tags(&configuration.urdf, &tags(hardware, &joints, &controllers.to_string_lossy()))
        .context("the URDF does not end with </robot>")
}
