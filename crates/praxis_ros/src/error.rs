/// Why the node runtime could not do something.
#[derive(Debug, thiserror::Error)]
pub enum RosError {
    /// ROS does not start: malformed `--ros-args`, or no middleware.
    #[error("ROS does not start; are --ros-args and the environment right? {reason}")]
    Arguments {
        /// What rcl said.
        reason: String,
    },
    /// Signal handlers could not be installed.
    #[error("cannot install signal handlers: {source}")]
    Signals {
        /// What the system said.
        source: std::io::Error,
    },
    /// The middleware refused.
    #[error("cannot {what}: {reason}")]
    Middleware {
        /// What was tried.
        what: String,
        /// What rcl said.
        reason: String,
    },
    /// The node has ended.
    #[error("the node has ended")]
    Closed,
    /// A server did not answer in time.
    #[error("'{server}' gave no answer within {waited_s:.1} s; is its node running and active?")]
    NoAnswer {
        /// Name of the service or action.
        server: String,
        /// How long was waited.
        waited_s: f64,
    },
    /// An action server does not take the goal.
    #[error("'{server}' rejected the goal; its log says why")]
    Rejected {
        /// Name of the action.
        server: String,
    },
    /// The wait was broken off because the node or the caller stops.
    #[error("stopped while waiting")]
    Stopped,
    /// A parameter is unusable.
    #[error("parameter '{name}': {reason}")]
    Parameter {
        /// Dotted name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}
