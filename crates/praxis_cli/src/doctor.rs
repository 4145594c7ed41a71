use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use praxis_collision::Checker;
use praxis_trajectory::LimitsFile;
use praxis_world::World;

use crate::files::{Configuration, parameters};
use crate::obstacles::scene_of;

/// Options of `doctor`.
#[derive(Args)]
#[command(after_help = "\
Checks that every joint and link that is named is described, that each joint has limits of speed, acceleration
and jerk, and that nothing touches at the start. Exit code 0: nothing is wrong.

Examples:
  praxis doctor panda        (in the repository, or in share/praxis)
  praxis doctor my_arm")]
pub struct Options {
    /// Which robot: a folder of `config/`, or the path of any other configuration.
    robot: String,
}

/// Checks files, names, limits and the pose to start from; exit code 0 means nothing is wrong.
pub fn run(options: &Options) -> Result<ExitCode> {
    let configuration = Configuration::read(&options.robot)?;
    let (robot, folder) = (&configuration.robot, &configuration.folder);
    let mut wrong = 0;
    let mut check = |what: String, holds: bool, cure: &str| {
        if holds {
            println!("ok     {what}");
        } else {
            println!("WRONG  {what}\n       cure: {cure}");
            wrong += 1;
        }
    };
    let spheres = robot.spheres().len();
    check(
        format!("{} is read: {spheres} spheres cover it", robot.name()),
        spheres > 0,
        "give its links <collision>",
    );
    let known = configuration.joints.iter().all(|name| robot.joint_index(name).is_ok());
    check(
        "every driven joint is described".to_owned(),
        known,
        "names under joints: in control.yaml",
    );
    let tool = &configuration.tool_link;
    check(
        format!("tool link '{tool}' is described"),
        robot.link_index(tool).is_ok(),
        "tool_link: in sim.yaml",
    );
    let count = configuration.home.len();
    let fits = count == configuration.joints.len();
    check(
        format!("{count} start positions, one a joint"),
        fits,
        "start_positions_rad: in sim.yaml",
    );

    let planning = parameters(folder, "planning.yaml")?;
    let file = planning["joint_limits_file"]
        .as_str()
        .context("planning.yaml gives no joint_limits_file")?;
    let limits = LimitsFile::parse(
        &std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?,
    )?;
    for name in &configuration.joints {
        let limit = limits.joint(name);
        let whole =
            limit.velocity.is_some() && limit.acceleration.is_some() && limit.jerk.is_some();
        check(format!("{name} has limits of speed, acceleration and jerk"), whole, file);
    }
    if known && fits {
        let world = World::read(&configuration.world)?;
        let joints: Vec<usize> = configuration
            .joints
            .iter()
            .map(|name| robot.joint_index(name))
            .collect::<Result<_, _>>()?;
        let scene = scene_of(&world.fixed_boxes(), 0.0)?;
        let mut checker = Checker::new(robot, &scene, &joints, &configuration.home_state()?)?;
        let contact = checker.first_contact(&configuration.home);
        let what = match &contact {
            None => format!("nothing touches at the start among '{}'", world.name),
            Some(contact) => format!("{} touches {} at the start", contact.first, contact.second),
        };
        check(what, contact.is_none(), "another start, or disable_collisions in the SRDF");
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
