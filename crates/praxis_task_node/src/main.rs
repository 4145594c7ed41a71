//! The task node: sorts the table. It is a plain client of MoveIt's interface, of the gripper's
//! action and of perception; what it decides stands in `praxis_task`.

mod clients;
mod following;
mod messages;
mod node;
mod parameters;
mod pipeline;
mod scene;
mod seen;

fn main() -> anyhow::Result<()> {
    node::run()
}
