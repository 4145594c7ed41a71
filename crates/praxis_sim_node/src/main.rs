//! The sim node: robot, driver and camera in a simulated world, and the judge that watches.
//!
//! It plays what a robot's bring-up does (joint states, transforms, camera topics, clock), takes
//! `joint_commands`, and appends the ground truth to a file. No topic carries the truth.

mod camera_loop;
mod config;
mod course;
mod drawing;
mod messages;
mod node;
mod pacing;
mod physics_loop;
mod pipeline;
mod state_publishing;
mod verdict;

fn main() -> anyhow::Result<()> {
    node::run()
}
