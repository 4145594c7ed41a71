use nalgebra::Vector3;
use praxis_geometry::Pose;

use crate::error::SkillError;
use crate::object::SeenObject;

/// What the gripper felt when it had closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grip {
    /// Opening between the fingers, metres.
    pub opening_m: f64,
    /// The fingers stopped before the goal: something is between them.
    pub stalled: bool,
}

/// An object that the planning scene says is attached to the hand.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldObject {
    /// Class of the object.
    pub class: String,
    /// Pose of its centre in the tool frame.
    pub tool_from_object: Pose,
    /// Full edge lengths, metres.
    pub size_m: Vector3<f64>,
}

/// What a robot can do, one blocking call at a time. Every call returns early with
/// [`SkillError::Cancelled`] once the task is cancelled.
pub trait Skills {
    /// Has somebody cancelled the task?
    fn is_cancelled(&self) -> bool;
    /// Tells people what happens now.
    fn announce(&mut self, step: &str);
    /// Waits a moment, e.g. before trying again.
    fn pause(&mut self, seconds: f64) -> Result<(), SkillError>;
    /// Objects in a frame that was taken after this call.
    fn look(&mut self) -> Result<Vec<SeenObject>, SkillError>;
    /// Brings the arm to a named state of the robot description, collision-free.
    fn move_to_state(&mut self, state: &str) -> Result<(), SkillError>;
    /// Brings the tool to a pose, collision-free.
    fn move_to_pose(&mut self, world_from_tool: &Pose, what: &str) -> Result<(), SkillError>;
    /// Brings the tool to a pose on a straight line, collision-free.
    fn move_straight(&mut self, world_from_tool: &Pose, what: &str) -> Result<(), SkillError>;
    /// Opens or closes the gripper.
    fn grip(&mut self, opening_m: f64, max_force_n: f64) -> Result<Grip, SkillError>;
    /// Opening of the gripper now, metres.
    fn opening_m(&mut self) -> Result<f64, SkillError>;
    /// Makes the planner's world hold exactly these objects, beside what is fixed.
    fn set_obstacles(&mut self, objects: &[SeenObject]) -> Result<(), SkillError>;
    /// The object the planner takes to be in the hand.
    fn held(&mut self) -> Result<Option<HeldObject>, SkillError>;
    /// Lets the planner know that the object is in the hand now.
    fn attach(&mut self, object: &SeenObject, world_from_tool: &Pose) -> Result<(), SkillError>;
    /// Lets the planner know that the hand is empty.
    fn detach(&mut self) -> Result<(), SkillError>;
    /// Lets the fingers come close to what supports the object, or forbids it again.
    fn allow_support_contact(&mut self, allowed: bool) -> Result<(), SkillError>;
    /// Lets what is held come close to the walls and the floor of a bin, or forbids it again.
    fn allow_bin_contact(&mut self, bin: &str, allowed: bool) -> Result<(), SkillError>;
}

/// What going along with a moving object needs beside [`Skills`]; nothing here waits.
pub trait FollowSkills: Skills {
    /// Seconds on the clock of the views.
    fn now_s(&self) -> f64;
    /// The newest view of the objects and when it was taken, if that was after `since_s`.
    fn view_since(&mut self, since_s: f64) -> Option<(f64, Vec<SeenObject>)>;
    /// Pose of the tool now.
    fn tool(&mut self) -> Result<Pose, SkillError>;
    /// Has the tool go on with a velocity (m/s) and a turning (rad/s) in the axes of the world; it
    /// comes to rest when nothing follows.
    fn lead(&mut self, linear_mps: &Vector3<f64>, angular_rad_per_s: &Vector3<f64>);
    /// Begins to open or close the gripper.
    fn begin_grip(&mut self, opening_m: f64, max_force_n: f64);
    /// What came of it, once it has ended.
    fn grip_end(&mut self) -> Option<Result<Grip, SkillError>>;
}
