//! The node runtime: everything a node says to ROS 2 and hears from it.
//!
//! A node's `main` creates a [`Node`], declares its parameters from one serde struct, creates
//! publishers, subscriptions, services and actions, registers its lifecycle and spins:
//!
//! ```no_run
//! # use praxis_ros::{Node, Transitions, logging};
//! # #[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # struct Config {}
//! # struct Talker;
//! # impl Transitions for Talker {}
//! # fn main() -> anyhow::Result<()> {
//! let mut node = Node::create("talker")?;
//! logging::start(&mut node)?;
//! let (config, common) = node.parameters::<Config>("talker", &[])?;
//! let clock = node.clock(common.use_sim_time)?;
//! let state = node.lifecycle("talker", &clock, common.autostart, Talker)?;
//! node.spin();
//! # Ok(()) }
//! ```
//!
//! Callbacks run on the thread that spins and must not wait. Long work belongs into a thread of
//! the node's own, which may publish, answer services and goals, and call services and actions
//! ([`Client`], [`ActionClient`]: the calling thread waits).
//! `examples/minimal_node.rs` shows all of it in one file.
//!
//! A stop (SIGINT, SIGTERM, the shutdown transition) deactivates the node and ends
//! [`Node::spin`]; threads of the node's own see it in [`StopFlag`]. A panic in any thread does
//! the same and ends the process with exit code 101.
//! What a node decides is not found here: see the algorithm crates and each node's `pipeline.rs`.

mod action_client;
mod action_server;
mod client;
mod clock;
pub mod convert;
mod diagnostics;
mod error;
mod lifecycle;
pub mod logging;
mod memory;
mod node;
mod panics;
mod parameters;
mod priority;
mod raw;
mod rcl;
pub mod tf;
pub mod topics;

pub use r2r;

pub use self::action_client::{ActionClient, Begun, GoalEnd};
pub use self::action_server::GoalHandle;
pub use self::client::Client;
pub use self::clock::Clock;
pub use self::diagnostics::{Diagnostics, Latency, Level};
pub use self::error::RosError;
pub use self::lifecycle::{State, StateHandle, Transitions};
pub use self::node::{Node, Publisher, StopFlag};
pub use self::parameters::{CommonParameters, Parameters};
pub use self::priority::{
    AtOnce, RealTime, all_go_at_once, at_once, go_along, go_at_once, go_first,
};
pub use self::rcl::ServiceRequest;
