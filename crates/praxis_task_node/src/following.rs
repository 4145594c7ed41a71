//! Going along with a moving object: views, forward kinematics, servo twists, and a gripper that
//! closes meanwhile.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

use nalgebra::Vector3;
use praxis_geometry::Pose;
use praxis_ros::convert::{FromMsg, ToMsg};
use praxis_ros::r2r::control_msgs::action::GripperCommand;
use praxis_ros::r2r::geometry_msgs::msg::TwistStamped;
use praxis_ros::r2r::moveit_msgs::srv::GetPositionFK;
use praxis_ros::{GoalEnd, RosError};
use praxis_task::{FollowSkills, Grip, SeenObject, SkillError};

use crate::clients::RosSkills;

/// A gripper motion under way.
pub struct Gripping {
    opening_m: f64,
    ended: Receiver<Result<(GoalEnd, GripperCommand::Result), RosError>>,
}

impl FollowSkills for RosSkills {
    fn now_s(&self) -> f64 {
        self.clock.now().as_secs_f64()
    }

    fn view_since(&mut self, since_s: f64) -> Option<(f64, Vec<SeenObject>)> {
        let (taken, objects) = self.seen.objects()?;
        let taken_s = taken.as_secs_f64();
        (taken_s > since_s).then_some((taken_s, objects))
    }

    fn tool(&mut self) -> Result<Pose, SkillError> {
        let link = &self.parameters.tool_link;
        let mut request = GetPositionFK::Request {
            fk_link_names: vec![link.clone()],
            ..GetPositionFK::Request::default()
        };
        request.header.frame_id = self.parameters.planning_frame.clone();
        request.robot_state.is_diff = true;
        let answer = self
            .kinematics
            .call_unless(&request, self.answer_timeout(), &self.stops())
            .map_err(|error| self.skill_error(error))?;
        let refused = |reason: String| SkillError::Refused { server: "compute_fk".into(), reason };
        let pose = answer.pose_stamped.first().ok_or_else(|| {
            let code = &answer.error_code;
            refused(format!("no pose of '{link}': {} (code {})", code.message, code.val))
        })?;
        Pose::from_msg(&pose.pose).map_err(|error| refused(error.to_string()))
    }

    fn lead(&mut self, linear_mps: &Vector3<f64>, angular_rad_per_s: &Vector3<f64>) {
        let mut twist = TwistStamped::default();
        twist.header.frame_id = self.parameters.planning_frame.clone();
        twist.header.stamp = self.clock.now().to_msg();
        twist.twist.linear = linear_mps.to_msg();
        twist.twist.angular = angular_rad_per_s.to_msg();
        self.twists.publish(&twist);
    }

    fn begin_grip(&mut self, opening_m: f64, max_force_n: f64) {
        let (gripper, goal) = (self.gripper.clone(), self.grip_goal(opening_m, max_force_n));
        let (answer, motion) = (self.answer_timeout(), self.motion_timeout());
        let stops = self.stops();
        let (tell, ended) = channel();
        std::thread::spawn(move || {
            // Nobody listens any more only when the task has given up.
            let _ = tell.send(gripper.run(goal, answer, motion, &stops));
        });
        self.gripping = Some(Gripping { opening_m, ended });
    }

    fn grip_end(&mut self) -> Option<Result<Grip, SkillError>> {
        let Gripping { opening_m, ended } = self.gripping.as_ref()?;
        let (opening_m, ended) = (*opening_m, ended.try_recv());
        match ended {
            Err(TryRecvError::Empty) => None,
            Ok(ended) => {
                self.gripping = None;
                Some(self.grip_of(opening_m, ended))
            }
            Err(TryRecvError::Disconnected) => {
                self.gripping = None;
                let reason = "the thread that waits for it ended".to_owned();
                Some(Err(SkillError::NotExecuted { target: "gripper".to_owned(), reason }))
            }
        }
    }
}
