use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::environment::{Ros, which_ros};
use crate::launch_table::LaunchTable;
use crate::places;

/// Checks machine, set-up and configuration. Exit code 0 means nothing is wrong.
pub fn run() -> Result<ExitCode> {
    let mut wrong = 0;
    let mut check = |what: &str, holds: bool, cure: &str| {
        if holds {
            println!("ok     {what}");
        } else {
            println!("WRONG  {what}\n       cure: {cure}");
            wrong += 1;
        }
    };
    for (program, cure) in [
        ("gcc", "sudo apt install build-essential"),
        ("g++", "sudo apt install build-essential"),
        ("python3", "sudo apt install python3 python3-venv python3-dev"),
    ] {
        let found =
            Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
        check(&format!("{program} is installed"), found, cure);
    }
    let shared_memory = Path::new("/dev/shm").is_dir();
    check("/dev/shm is there, for camera frames", shared_memory, "mount -t tmpfs tmpfs /dev/shm");
    match which_ros() {
        Ros::Sourced => println!("ok     a sourced ROS 2 is used"),
        Ros::Private => {
            let there = places::venv().join("lib/librcl.so").exists();
            check("the private ROS 2 is there", there, "cargo xtask setup");
            let messages = places::overlay().join("share/moveit_msgs/package.xml").exists();
            check("its message packages are there", messages, "cargo xtask setup");
        }
    }
    for library in ["libonnxruntime.so", "libmujoco.so"] {
        let there = places::libraries().join(library).exists();
        check(&format!("{library} is there"), there, "cargo xtask setup");
    }
    let robot = places::ros().join("robots/panda/panda.urdf").exists();
    check("the Panda's description is there", robot, "cargo xtask setup");
    let network = places::root().join("models/networks/tabletop/model.onnx").exists();
    check("the network is there", network, "git checkout -- models/networks");
    for entry in std::fs::read_dir(places::root().join("launch"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let table = LaunchTable::read(&path);
            let cure = table.as_ref().err().map(|e| format!("{e:#}")).unwrap_or_default();
            check(&format!("{} can be read", path.display()), table.is_ok(), &cure);
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
