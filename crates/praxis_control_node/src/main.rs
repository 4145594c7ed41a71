//! The control node: it follows trajectories, holds or brakes, and always answers the driver.
//!
//! Three threads: one spins and hears ROS; the control loop steps the
//! [`Controller`](praxis_control::Controller) on the steady clock and waits for nobody; the
//! publishing thread says to ROS what the loop left in a wait-free slot.

mod control_loop;
mod goals;
mod gripper;
mod intake;
mod limits;
mod messages;
mod node;
mod parameters;
mod publishing;
mod realtime;
mod shared;

fn main() -> anyhow::Result<()> {
    node::run()
}
