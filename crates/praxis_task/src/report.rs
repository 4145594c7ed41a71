use serde::Serialize;

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedAttempt {
    /// Class of the object, or `-` if no object was concerned.
    pub class: String,
    /// What was being done.
    pub step: String,
    /// Why it failed.
    pub reason: String,
}

/// What a sorting task has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SortReport {
    /// Classes of the objects placed, in order.
    pub placed: Vec<String>,
    /// Attempts that failed; an object may still have been placed later.
    pub failed_attempts: Vec<FailedAttempt>,
    /// Why the task ended early; absent if the table is sorted.
    pub error: Option<String>,
}
