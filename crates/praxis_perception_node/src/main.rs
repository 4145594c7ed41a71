//! The perception node: camera frames in, tracked objects and obstacle points out.
//!
//! `node.rs` sets up, `eyes.rs` listens to a camera, `pipeline.rs` turns a frame
//! into objects, `worker.rs` does so in a thread of its own, newest frame first;
//! `obstacle_worker.rs` keeps the obstacle world in another, which waits for no network.

mod desk;
mod drawing;
mod eyes;
mod further_sensors;
mod held;
mod measuring;
mod messages;
mod mounts;
mod node;
mod obstacle_worker;
mod parameters;
mod pictures;
mod pipeline;
mod refusals;
mod robot;
mod sensor_frame;
mod turns;
mod waiting;
mod worker;

fn main() -> anyhow::Result<()> {
    node::run()
}
