use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use praxis_world::World;

use crate::files::Configuration;
use crate::picture;

/// Options of `view`.
#[derive(Args)]
#[command(after_help = "Example:\n  praxis view my_arm --out my_arm.png")]
pub struct Options {
    /// Which robot: a folder of `config/`, or the path of any other configuration.
    robot: String,
    /// The picture.
    #[arg(long, value_name = "FILE", default_value = "view.png")]
    out: PathBuf,
}

/// Draws it at home.
pub fn run(options: &Options) -> Result<()> {
    let configuration = Configuration::read(&options.robot)?;
    let world = World::read(&configuration.world)?;
    let state = configuration.home_state()?;
    picture::draw(&configuration.robot, &state, &world.fixed_boxes(), &options.out)?;
    println!("{}", options.out.display());
    Ok(())
}
