//! The control node: it follows trajectories, holds or brakes, and always answers the driver.
//!
//! Four threads: one spins and hears ROS; the control loop steps the
//! [`Controller`](praxis_control::Controller) on the steady clock and waits for nobody; the
//! publishing thread says to ROS what the loop left in a wait-free slot; the monitor's thread looks
//! ahead of motions and tells the loop through another.

mod begins;
mod commands;
mod control_loop;
#[cfg(test)]
mod fuzz;
mod goals;
mod gripper;
mod intake;
mod limits;
mod measuring;
mod messages;
mod node;
mod parameters;
mod publishing;
mod realtime;
mod safety_markers;
mod servoing;
mod shared;
mod surroundings;
mod watching;

fn main() -> anyhow::Result<()> {
    node::run()
}
