//! What a physics step costs: `step_cost URDF WORLD`.
//!
//! The robot holds still among the objects of seed 1 for ten simulated seconds.

use std::path::PathBuf;
use std::time::Instant;

use praxis_sim::{RobotDescription, SimConfig, Simulator};
use praxis_trajectory::LimitsFile;
use praxis_world::World;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(urdf), Some(world)) = (arguments.next(), arguments.next()) else {
        return Err("usage: step_cost URDF WORLD".into());
    };
    let robot = RobotDescription::read(&urdf, None)?;
    let world = World::read(world)?;
    let mut simulator =
        Simulator::new(&robot, &LimitsFile::default(), &world, SimConfig::default())?;
    let steps = 10_000;
    let begin = Instant::now();
    for _ in 0..steps {
        simulator.step();
    }
    let wall_s = begin.elapsed().as_secs_f64();
    println!(
        "{:.1} us a step, {:.1} times real time",
        1e6 * wall_s / f64::from(steps),
        simulator.time_s() / wall_s
    );
    Ok(())
}
