//! Pick, place, sort, reach, follow: a sequence of goals that can be cancelled and explains itself.
//!
//! In: [`Skills`], what a robot can do one call at a time (look, move, grip), and the [`Bin`]s
//! with the class that belongs into each. Out: a [`SortReport`] with what was placed and,
//! for every object that was not, why.
//! Planning, execution and perception are left to whoever implements [`Skills`].

mod bin;
mod error;
mod follow;
mod grasp;
mod moving;
mod object;
mod reach;
mod report;
mod skills;
mod sort;

pub use self::bin::{Bin, BinSlot};
pub use self::error::{SkillError, TaskError};
pub use self::follow::{FollowConfig, FollowReport, FollowTask};
pub use self::grasp::{Grasp, GraspConfig, grasps_for};
pub use self::moving::MovingObject;
pub use self::object::{Footprint, SeenObject};
pub use self::reach::{ReachConfig, ReachReport, ReachTask};
pub use self::report::{FailedAttempt, SortReport};
pub use self::skills::{FollowSkills, Grip, HeldObject, Skills};
pub use self::sort::{SortConfig, SortTask};
