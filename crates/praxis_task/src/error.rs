/// Why one skill did not do what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SkillError {
    /// Somebody cancelled the task.
    #[error("cancelled")]
    Cancelled,
    /// A server did not answer in time.
    #[error("{server} gave no answer within {waited_s:.1} s; is its node running and active?")]
    NoAnswer {
        /// The action, service or topic.
        server: String,
        /// How long was waited.
        waited_s: f64,
    },
    /// The planner found no motion.
    #[error("no motion to {target}: {reason}")]
    NoMotion {
        /// Where the motion should have gone.
        target: String,
        /// What the planner said.
        reason: String,
    },
    /// A straight motion is only partly possible.
    #[error("only {:.0} % of the straight motion {target} is possible: {reason}", fraction * 100.0)]
    PartialMotion {
        /// Where the motion should have gone.
        target: String,
        /// Share of the motion that is possible, 0 to 1.
        fraction: f64,
        /// What the planner said.
        reason: String,
    },
    /// A motion was started and did not end where it should.
    #[error("motion to {target} was not completed: {reason}")]
    NotExecuted {
        /// Where the motion should have gone.
        target: String,
        /// What the controller said.
        reason: String,
    },
    /// A request was refused.
    #[error("{server} refused: {reason}")]
    Refused {
        /// The action, service or topic.
        server: String,
        /// Why.
        reason: String,
    },
}

/// Why a sorting task ended without a sorted table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// Somebody cancelled the task.
    #[error("cancelled")]
    Cancelled,
    /// The same trouble came back too often.
    #[error("gave up after {failures} failures in a row; the last: {last}")]
    GaveUp {
        /// How many in a row.
        failures: u32,
        /// What went wrong last.
        last: String,
    },
    /// Objects are left that could not be picked or placed.
    #[error("{count} objects are left on the table: {reasons}")]
    ObjectsLeft {
        /// How many.
        count: usize,
        /// One reason an object.
        reasons: String,
    },
}
