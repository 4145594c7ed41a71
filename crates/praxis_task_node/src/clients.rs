use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use praxis_geometry::Pose;
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::control_msgs::action::GripperCommand;
use praxis_ros::r2r::geometry_msgs::msg::TwistStamped;
use praxis_ros::r2r::moveit_msgs::action::{ExecuteTrajectory, MoveGroup};
use praxis_ros::r2r::moveit_msgs::msg::{Constraints, MotionPlanRequest, MoveItErrorCodes};
use praxis_ros::r2r::moveit_msgs::srv::{GetCartesianPath, GetPositionFK};
use praxis_ros::{
    ActionClient, Client, Clock, Diagnostics, GoalEnd, Level, Publisher, RosError, StopFlag,
};
use praxis_task::{Grip, HeldObject, SeenObject, SkillError, Skills};

use crate::following::Gripping;
use crate::messages::{self, HELD, MEASURED_POINTS, SEEN};
use crate::parameters::TaskParameters;
use crate::pipeline::NamedStates;
use crate::scene::{SceneClient, SceneError};
use crate::seen::Seen;

/// What the robot can do, by asking the other nodes.
pub struct RosSkills {
    pub parameters: TaskParameters,
    pub states: NamedStates,
    pub classes: Vec<String>,
    /// Ids of the walls and the floor of each bin in the planner's world.
    pub bin_parts: BTreeMap<String, Vec<String>>,
    pub clock: Clock,
    pub seen: Seen,
    pub cancel: Arc<AtomicBool>,
    pub stop: StopFlag,
    pub diagnostics: Diagnostics,
    pub scene: SceneClient,
    pub move_group: ActionClient<MoveGroup::Action>,
    pub execute: ActionClient<ExecuteTrajectory::Action>,
    pub cartesian: Client<GetCartesianPath::Service>,
    pub gripper: ActionClient<GripperCommand::Action>,
    pub kinematics: Client<GetPositionFK::Service>,
    pub twists: Publisher<TwistStamped>,
    /// A gripper motion under way.
    pub gripping: Option<Gripping>,
}

/// `MoveItErrorCodes`.
const SUCCESS: i32 = 1;
const CONTROL_FAILED: i32 = -4;
const TIMED_OUT: i32 = -6;
const PREEMPTED: i32 = -7;

impl RosSkills {
    pub(crate) fn answer_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.parameters.answer_timeout_s)
    }

    pub(crate) fn motion_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.parameters.motion_timeout_s)
    }

    pub(crate) fn stops(&self) -> impl Fn() -> bool + use<> {
        let (cancel, stop) = (self.cancel.clone(), self.stop.clone());
        move || cancel.load(Ordering::SeqCst) || stop.is_stopped()
    }

    /// Waits for the poses that the tool is to reach; `None` if the task is cancelled meanwhile.
    pub fn course(&self) -> Option<Vec<Pose>> {
        self.seen.course(&self.stops())
    }

    fn move_to(&self, goal: Constraints, target: &str) -> Result<(), SkillError> {
        let mut request = MotionPlanRequest {
            group_name: self.parameters.group.clone(),
            goal_constraints: vec![goal],
            allowed_planning_time: self.parameters.planning_time_s,
            num_planning_attempts: 1,
            ..MotionPlanRequest::default()
        };
        request.start_state.is_diff = true;
        let goal = MoveGroup::Goal { request, ..MoveGroup::Goal::default() };
        let (end, result) = self
            .move_group
            .run(goal, self.answer_timeout(), self.motion_timeout(), &self.stops())
            .map_err(|error| self.skill_error(error))?;
        self.judge(end, &result.error_code, target)
    }

    fn judge(&self, end: GoalEnd, code: &MoveItErrorCodes, target: &str) -> Result<(), SkillError> {
        if end == GoalEnd::Succeeded && code.val == SUCCESS {
            return Ok(());
        }
        if self.is_cancelled() {
            return Err(SkillError::Cancelled);
        }
        let reason = format!("{} (code {}, goal {end:?})", code.message, code.val);
        let target = target.to_owned();
        Err(match code.val {
            SUCCESS | CONTROL_FAILED | TIMED_OUT | PREEMPTED | 0 => {
                SkillError::NotExecuted { target, reason }
            }
            _ => SkillError::NoMotion { target, reason },
        })
    }

    pub(crate) fn skill_error(&self, error: RosError) -> SkillError {
        match error {
            RosError::Stopped => SkillError::Cancelled,
            RosError::NoAnswer { server, waited_s } => SkillError::NoAnswer { server, waited_s },
            other => SkillError::Refused { server: "ROS".to_owned(), reason: other.to_string() },
        }
    }

    pub(crate) fn grip_goal(&self, opening_m: f64, max_force_n: f64) -> GripperCommand::Goal {
        let mut goal = GripperCommand::Goal::default();
        // The command is the position of one finger.
        goal.command.position = opening_m / self.fingers();
        goal.command.max_effort = max_force_n;
        goal
    }

    fn fingers(&self) -> f64 {
        self.parameters.finger_joints.len().max(1) as f64
    }

    /// What came of a gripper motion.
    pub(crate) fn grip_of(
        &self,
        opening_m: f64,
        ended: Result<(GoalEnd, GripperCommand::Result), RosError>,
    ) -> Result<Grip, SkillError> {
        let (end, result) = ended.map_err(|error| self.skill_error(error))?;
        if self.is_cancelled() {
            return Err(SkillError::Cancelled);
        }
        if end != GoalEnd::Succeeded && !result.stalled && !result.reached_goal {
            return Err(SkillError::NotExecuted {
                target: format!("gripper opening {opening_m:.3} m"),
                reason: format!("the gripper's action ended {end:?}"),
            });
        }
        Ok(Grip { opening_m: self.fingers() * result.position, stalled: result.stalled })
    }

    fn scene_error(&self, error: SceneError) -> SkillError {
        match error {
            SceneError::Ros(error) => self.skill_error(error),
            SceneError::Refused => SkillError::Refused {
                server: "apply_planning_scene".to_owned(),
                reason: SceneError::Refused.to_string(),
            },
        }
    }
}

impl Skills for RosSkills {
    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::SeqCst) || self.stop.is_stopped()
    }

    fn announce(&mut self, step: &str) {
        tracing::info!("{step}");
        self.diagnostics.report("task", Level::Ok, step);
    }

    fn pause(&mut self, seconds: f64) -> Result<(), SkillError> {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            if self.is_cancelled() {
                return Err(SkillError::Cancelled);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn look(&mut self) -> Result<Vec<SeenObject>, SkillError> {
        /// An empty table is believed when it has been seen so often: a tracker that has just begun
        /// tells nothing yet.
        const EMPTY_VIEWS: usize = 3;
        let settle = Duration::from_secs_f64(self.parameters.settle_s);
        let timeout = Duration::from_secs_f64(self.parameters.look_timeout_s);
        let mut settled = self.clock.now() + settle;
        let mut views = 0;
        loop {
            let view = self.seen.objects_since(settled, timeout, &self.stops());
            let Some((taken, objects)) = view else {
                return Err(if self.is_cancelled() {
                    SkillError::Cancelled
                } else {
                    SkillError::NoAnswer {
                        server: "perception/objects".to_owned(),
                        waited_s: timeout.as_secs_f64(),
                    }
                });
            };
            views += 1;
            if !objects.is_empty() || views == EMPTY_VIEWS {
                return Ok(objects);
            }
            settled = taken + settle;
        }
    }

    fn move_to_state(&mut self, state: &str) -> Result<(), SkillError> {
        let joints = self.states.positions(state).map_err(|error| SkillError::Refused {
            server: "task".to_owned(),
            reason: error.to_string(),
        })?;
        self.move_to(messages::joint_goal(&joints), &format!("state '{state}'"))
    }

    fn move_to_pose(&mut self, world_from_tool: &Pose, what: &str) -> Result<(), SkillError> {
        let TaskParameters { tool_link, planning_frame, .. } = &self.parameters;
        self.move_to(messages::pose_goal(tool_link, planning_frame, world_from_tool), what)
    }

    fn move_straight(&mut self, world_from_tool: &Pose, what: &str) -> Result<(), SkillError> {
        const WHOLE: f64 = 0.999;
        let mut request = GetCartesianPath::Request {
            group_name: self.parameters.group.clone(),
            link_name: self.parameters.tool_link.clone(),
            waypoints: vec![world_from_tool.to_msg()],
            max_step: 0.005,
            revolute_jump_threshold: 0.3,
            avoid_collisions: true,
            max_velocity_scaling_factor: self.parameters.straight_velocity_scaling,
            max_acceleration_scaling_factor: self.parameters.straight_acceleration_scaling,
            ..GetCartesianPath::Request::default()
        };
        request.header.frame_id = self.parameters.planning_frame.clone();
        request.start_state.is_diff = true;
        let answer = self
            .cartesian
            .call_unless(&request, self.answer_timeout(), &self.stops())
            .map_err(|error| self.skill_error(error))?;
        let target = what.to_owned();
        if answer.error_code.val != SUCCESS || answer.fraction < WHOLE {
            let reason = format!("{} (code {})", answer.error_code.message, answer.error_code.val);
            return Err(SkillError::PartialMotion { target, fraction: answer.fraction, reason });
        }
        let goal = ExecuteTrajectory::Goal { trajectory: answer.solution, ..Default::default() };
        let (end, result) = self
            .execute
            .run(goal, self.answer_timeout(), self.motion_timeout(), &self.stops())
            .map_err(|error| self.skill_error(error))?;
        match self.judge(end, &result.error_code, what) {
            Err(SkillError::NoMotion { target, reason }) => {
                Err(SkillError::NotExecuted { target, reason })
            }
            other => other,
        }
    }

    fn grip(&mut self, opening_m: f64, max_force_n: f64) -> Result<Grip, SkillError> {
        let goal = self.grip_goal(opening_m, max_force_n);
        let ended =
            self.gripper.run(goal, self.answer_timeout(), self.motion_timeout(), &self.stops());
        self.grip_of(opening_m, ended)
    }

    fn opening_m(&mut self) -> Result<f64, SkillError> {
        let timeout = self.answer_timeout();
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(opening_m) = self.seen.sum_of(&self.parameters.finger_joints) {
                return Ok(opening_m);
            }
            if Instant::now() > deadline {
                let server = "joint_states of the fingers".to_owned();
                return Err(SkillError::NoAnswer { server, waited_s: timeout.as_secs_f64() });
            }
            self.pause(0.01)?;
        }
    }

    fn set_obstacles(&mut self, objects: &[SeenObject]) -> Result<(), SkillError> {
        let stop = self.stops();
        let TaskParameters { planning_frame, obstacle_padding_m, .. } = &self.parameters;
        let mut changes: Vec<_> = self
            .scene
            .object_ids(&stop)
            .map_err(|error| self.scene_error(error))?
            .iter()
            .filter(|id| id.starts_with(SEEN))
            .filter(|id| objects.iter().all(|object| id[SEEN.len()..] != object.id))
            .map(|id| messages::removal(id))
            .collect();
        changes.extend(
            objects.iter().map(|o| messages::obstacle(o, planning_frame, *obstacle_padding_m)),
        );
        self.scene.change_objects(changes, &stop).map_err(|error| self.scene_error(error))
    }

    fn held(&mut self) -> Result<Option<HeldObject>, SkillError> {
        let attached =
            self.scene.attached(&self.stops()).map_err(|error| self.scene_error(error))?;
        Ok(attached.iter().find_map(|object| messages::held_of(object, &self.parameters.tool_link)))
    }

    fn attach(&mut self, object: &SeenObject, world_from_tool: &Pose) -> Result<(), SkillError> {
        let held = HeldObject {
            class: object.class.clone(),
            tool_from_object: world_from_tool.inverse() * messages::upright(object),
            size_m: object.size_m,
        };
        let TaskParameters { tool_link, touch_links, .. } = &self.parameters;
        let message =
            messages::attached(&held, tool_link, touch_links, self.parameters.held_padding_m);
        self.scene
            .change_attached(vec![message], &self.stops())
            .map_err(|error| self.scene_error(error))
    }

    fn detach(&mut self) -> Result<(), SkillError> {
        let stop = self.stops();
        let attached = self.scene.attached(&stop).map_err(|error| self.scene_error(error))?;
        let ours: Vec<_> =
            attached.into_iter().filter(|object| object.object.id.starts_with(HELD)).collect();
        if ours.is_empty() {
            return Ok(());
        }
        let detached = ours
            .into_iter()
            .map(|mut object| {
                object.object.operation = messages::REMOVE;
                object
            })
            .collect();
        self.scene.change_attached(detached, &stop).map_err(|error| self.scene_error(error))?;
        // What is let go of stands in the world under its own name; it is seen anew instead.
        let ids = self.scene.object_ids(&stop).map_err(|error| self.scene_error(error))?;
        let let_go = ids.iter().filter(|id| id.starts_with(HELD));
        let removed: Vec<_> = let_go.map(|id| messages::removal(id)).collect();
        if removed.is_empty() {
            return Ok(());
        }
        self.scene.change_objects(removed, &stop).map_err(|error| self.scene_error(error))
    }

    fn allow_support_contact(&mut self, allowed: bool) -> Result<(), SkillError> {
        let mut others = self.parameters.touch_links.clone();
        others.extend(self.classes.iter().map(|class| format!("{HELD}{class}")));
        self.scene
            .allow(&[&self.parameters.support, MEASURED_POINTS], &others, allowed, &self.stops())
            .map_err(|error| self.scene_error(error))
    }

    fn allow_bin_contact(&mut self, bin: &str, allowed: bool) -> Result<(), SkillError> {
        let held: Vec<String> = self.classes.iter().map(|class| format!("{HELD}{class}")).collect();
        let stop = self.stops();
        let parts = self.bin_parts.get(bin).into_iter().flatten().map(String::as_str);
        let parts: Vec<&str> = parts.collect();
        let mut near = self.parameters.touch_links.clone();
        near.extend(held.iter().cloned());
        let told = self.scene.allow(&parts, &held, allowed, &stop);
        told.and_then(|()| self.scene.allow(&[MEASURED_POINTS], &near, allowed, &stop))
            .map_err(|error| self.scene_error(error))
    }
}
