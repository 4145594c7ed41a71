//! The perception node: camera frames in, tracked objects and obstacle points out.
//!
//! `node.rs` listens and speaks, `intake.rs` pairs colour with depth, `pipeline.rs` turns a frame
//! into objects, `worker.rs` does so in a thread of its own, newest frame first.

mod drawing;
mod intake;
mod messages;
mod node;
mod parameters;
mod pipeline;
mod robot;
mod worker;

fn main() -> anyhow::Result<()> {
    node::run()
}
