//! The middleware without a wait set: every reader rings a bell when something arrives, and the
//! thread that spins takes what has arrived and sleeps again.
//!
//! r2r brings the messages and the bindings. Its node is not used: each of its rounds builds a wait
//! set anew and asks the graph about every publisher and client, which costs more than the
//! messages of an idle robot, and its queues hold ten messages and drop the newest. Here the queue
//! is the middleware's, as deep as the QoS says, and is emptied whenever it rings.
//!
//! Handles are closed when the node ends, whoever still holds one: a publisher of a thread that
//! outlives its node then says [`RosError::Closed`](crate::RosError::Closed).
#![allow(unsafe_code)]

mod bell;
mod client;
mod node_handle;
mod overrides;
mod publisher;
mod service;
mod subscription;

pub(crate) use self::bell::{Bell, Pending, Urgency};
pub(crate) use self::client::{Answer, RawClient};
pub(crate) use self::node_handle::NodeHandle;
pub(crate) use self::overrides::ParameterOverride;
pub(crate) use self::publisher::RawPublisher;
pub(crate) use self::service::RawService;
pub use self::service::ServiceRequest;
pub(crate) use self::subscription::RawSubscription;

/// What a node serves on the thread that spins.
pub(crate) trait Reader {
    /// Takes what has arrived and hands it on. Not everything may be taken at once, so that a flood
    /// on one topic does not hold up the others: the rest is pending again.
    fn serve(&mut self);
    /// Set whenever something arrives.
    fn pending(&self) -> &Pending;
}

/// How many messages one reader hands on before the others have their turn.
const MOST_AT_ONCE: usize = 64;

/// Owns a handle of rcl and may be sent between threads.
struct Owned<T>(Box<T>);

// SAFETY: handles of rcl are not bound to a thread. Every use of one here goes through a lock, or
// is a call that rcl documents as thread-safe.
unsafe impl<T> Send for Owned<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Owned<T> {}
