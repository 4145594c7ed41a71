//! The planning node: MoveIt's `move_group` surface on Praxis planners.
//!
//! `node.rs` listens and speaks, `execution.rs` carries motions out, `pipeline.rs` decides,
//! `world.rs` keeps the planning scene, `messages.rs` converts moveit_msgs,
//! `markers.rs` draws for people.

mod error;
mod execution;
mod markers;
mod messages;
mod node;
mod obstacles;
mod parameters;
mod pipeline;
mod recheck;
mod requests;
mod scene;
mod scene_changes;
mod shared;
mod takeovers;
mod world;

fn main() -> anyhow::Result<()> {
    node::run()
}
