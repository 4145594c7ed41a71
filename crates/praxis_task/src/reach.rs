use praxis_geometry::Pose;
use serde::Serialize;

use crate::error::{SkillError, TaskError};
use crate::report::FailedAttempt;
use crate::skills::Skills;

/// How poses are reached.
#[derive(Clone, Debug, PartialEq)]
pub struct ReachConfig {
    /// How often one pose is tried.
    pub tries_per_pose: u32,
    /// How long the arm rests at a pose, seconds.
    pub rest_s: f64,
    /// Pause after a failure, seconds.
    pub retry_pause_s: f64,
}

impl Default for ReachConfig {
    fn default() -> Self {
        Self { tries_per_pose: 4, rest_s: 0.3, retry_pause_s: 1.0 }
    }
}

/// What a reaching task has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReachReport {
    /// How many poses were reached.
    pub reached: usize,
    /// Attempts that failed; the pose may still have been reached later.
    pub failed_attempts: Vec<FailedAttempt>,
    /// Why the task ended early; absent if every pose was reached.
    pub error: Option<String>,
}

/// Brings the tool to one pose after the other, in their order.
pub struct ReachTask {
    config: ReachConfig,
    world_from_tool: Vec<Pose>,
}

impl ReachTask {
    /// A task for these poses of the tool.
    pub fn new(config: ReachConfig, world_from_tool: Vec<Pose>) -> Self {
        Self { config, world_from_tool }
    }

    /// Runs until every pose was reached, one cannot be, or the task is cancelled.
    pub fn run(self, skills: &mut dyn Skills) -> (ReachReport, Result<(), TaskError>) {
        let mut report = ReachReport::default();
        let result = self.reach_all(skills, &mut report);
        report.error = result.as_ref().err().map(ToString::to_string);
        (report, result)
    }

    fn reach_all(
        &self,
        skills: &mut dyn Skills,
        report: &mut ReachReport,
    ) -> Result<(), TaskError> {
        let total = self.world_from_tool.len();
        for (index, pose) in self.world_from_tool.iter().enumerate() {
            let name = format!("pose {} of {total}", index + 1);
            let mut tries = 0;
            while let Err(error) = self.reach(skills, pose, &name) {
                tries += 1;
                if error == SkillError::Cancelled {
                    return Err(TaskError::Cancelled);
                }
                let reason = error.to_string();
                skills.announce(&format!("{name} was not reached: {reason}"));
                report.failed_attempts.push(FailedAttempt {
                    class: "-".to_owned(),
                    step: name.clone(),
                    reason: reason.clone(),
                });
                if tries >= self.config.tries_per_pose {
                    return Err(TaskError::GaveUp { failures: tries, last: reason });
                }
                skills.pause(self.config.retry_pause_s).map_err(|_| TaskError::Cancelled)?;
            }
            report.reached += 1;
        }
        Ok(())
    }

    fn reach(&self, skills: &mut dyn Skills, pose: &Pose, name: &str) -> Result<(), SkillError> {
        skills.announce(name);
        skills.move_to_pose(pose, name)?;
        skills.pause(self.config.rest_s)
    }
}
