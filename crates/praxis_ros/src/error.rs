/// Why the node runtime could not do something.
#[derive(Debug, thiserror::Error)]
pub enum RosError {
    /// The ROS arguments on the command line are malformed.
    #[error("the --ros-args on the command line are malformed; see the message above")]
    Arguments,
    /// Signal handlers could not be installed.
    #[error("cannot install signal handlers: {source}")]
    Signals {
        /// What the system said.
        source: std::io::Error,
    },
    /// The middleware refused.
    #[error("cannot {what}: {source}")]
    Middleware {
        /// What was tried.
        what: String,
        /// What r2r said.
        source: r2r::Error,
    },
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

impl RosError {
    pub(crate) fn r2r(what: impl Into<String>, source: r2r::Error) -> Self {
        Self::Middleware { what: what.into(), source }
    }
}
