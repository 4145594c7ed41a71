use nalgebra::{Translation3, Vector3};
use praxis_geometry::Pose;
use serde::Serialize;

use crate::error::{SkillError, TaskError};
use crate::grasp::{Grasp, GraspConfig, grasps_for};
use crate::moving::MovingObject;
use crate::object::SeenObject;
use crate::report::FailedAttempt;
use crate::skills::{FollowSkills, Grip};

/// How an object is picked that does not wait.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowConfig {
    /// Named state of the arm in which the camera sees the whole table.
    pub look_state: String,
    /// Picks happen within these ranges of x and y, metres.
    pub area_m: [[f64; 2]; 2],
    /// Height above the grasp at which the arm meets the object, metres.
    pub approach_m: f64,
    /// How far ahead the object is met, seconds: a plan and a motion.
    pub meet_after_s: f64,
    /// From meeting to grasp it may take so long, seconds.
    pub pursuit_s: f64,
    /// How quickly what is left of the way is made up for, 1/s.
    pub gain_per_s: f64,
    /// Fastest way of making up for it, beside the object's own velocity, metres per second.
    pub catch_up_mps: f64,
    /// The tool goes down at this speed, metres per second.
    pub descend_mps: f64,
    /// It goes down only while it is so near to being above the object, metres.
    pub above_m: f64,
    /// The fingers close when the tool is so near to the grasp, metres.
    pub at_grasp_m: f64,
    /// Lower than this above the grasp the hand hides the object: the camera is not believed, metres.
    pub hides_m: f64,
    /// Not seen for so long it is lost, seconds.
    pub unseen_s: f64,
    /// How high and how fast it is lifted, metres and metres per second.
    pub lift_m: f64,
    /// See `lift_m`.
    pub lift_mps: f64,
    /// Time between two corrections, seconds.
    pub period_s: f64,
    /// Force with which objects are held, newtons.
    pub grip_force_n: f64,
    /// Openings below this mean that nothing is between the fingers, metres.
    pub empty_opening_m: f64,
    /// How often it is tried.
    pub tries: u32,
    /// Pause after a failure, seconds.
    pub retry_pause_s: f64,
    /// Without an object to follow for so long it gives up, seconds.
    pub patience_s: f64,
    /// What the gripper can do.
    pub grasp: GraspConfig,
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self {
            look_state: "ready".to_owned(),
            area_m: [[-10.0, 10.0]; 2],
            approach_m: 0.10,
            meet_after_s: 2.0,
            pursuit_s: 6.0,
            gain_per_s: 4.0,
            catch_up_mps: 0.20,
            descend_mps: 0.10,
            above_m: 0.008,
            at_grasp_m: 0.004,
            hides_m: 0.06,
            unseen_s: 2.5,
            lift_m: 0.12,
            lift_mps: 0.12,
            period_s: 0.02,
            grip_force_n: 40.0,
            empty_opening_m: 0.006,
            tries: 8,
            retry_pause_s: 0.5,
            patience_s: 60.0,
            grasp: GraspConfig::default(),
        }
    }
}

/// What a following task has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FollowReport {
    /// Class of the object in the hand.
    pub picked: Option<String>,
    /// Attempts that failed.
    pub failed_attempts: Vec<FailedAttempt>,
    /// Why the task ended early; absent if an object was picked.
    pub error: Option<String>,
}

/// Picks one object that moves: meets it where it is going to be, goes along with it, takes it in
/// motion and lifts it. Where the object goes otherwise than expected the tool follows.
pub struct FollowTask {
    config: FollowConfig,
}

impl FollowTask {
    /// A task with these settings.
    pub fn new(config: FollowConfig) -> Self {
        Self { config }
    }

    /// Runs until an object is lifted, the task is cancelled or it gives up.
    pub fn run(self, skills: &mut dyn FollowSkills) -> (FollowReport, Result<(), TaskError>) {
        let mut report = FollowReport::default();
        let result = self.pick_any(skills, &mut report);
        report.error = result.as_ref().err().map(ToString::to_string);
        (report, result)
    }

    fn pick_any(
        &self,
        skills: &mut dyn FollowSkills,
        report: &mut FollowReport,
    ) -> Result<(), TaskError> {
        let mut failures = 0;
        loop {
            let error = match self.pick(skills) {
                Ok(class) => {
                    report.picked = Some(class);
                    return Ok(());
                }
                Err(error) => error,
            };
            if error == SkillError::Cancelled {
                return Err(TaskError::Cancelled);
            }
            failures += 1;
            let reason = error.to_string();
            skills.announce(&format!("trying again: {reason}"));
            let (class, step) = ("-".to_owned(), "pick".to_owned());
            report.failed_attempts.push(FailedAttempt { class, step, reason: reason.clone() });
            if failures >= self.config.tries {
                return Err(TaskError::GaveUp { failures, last: reason });
            }
            skills.pause(self.config.retry_pause_s).map_err(|_| TaskError::Cancelled)?;
        }
    }

    /// One try; the class of the object that is in the hand now.
    fn pick(&self, skills: &mut dyn FollowSkills) -> Result<String, SkillError> {
        skills.allow_support_contact(false)?;
        skills.set_obstacles(&[])?;
        skills.move_to_state(&self.config.look_state)?;
        skills.grip(self.config.grasp.max_opening_m, self.config.grip_force_n)?;
        let (mut moving, grasp) = self.meet(skills)?;
        skills.allow_support_contact(true)?;
        let grip = self.pursue(skills, &mut moving, &grasp);
        let picked = grip.and_then(|grip| self.lift(skills, &moving, &grasp, &grip));
        if picked.is_err() {
            // Nobody leads the tool any more: it stands.
            skills.lead(&Vector3::zeros(), &Vector3::zeros());
        }
        picked
    }

    /// Watches until an object is going to be in reach, and brings the tool above the place where
    /// it is then.
    fn meet(&self, skills: &mut dyn FollowSkills) -> Result<(MovingObject, Pose), SkillError> {
        let moving = self.watch(skills)?;
        let arrival_s = skills.now_s() + self.config.meet_after_s;
        let Some(there) = moving.expected(arrival_s) else {
            return Err(self.lost(&moving));
        };
        skills.announce(&format!("meeting {} {}", there.class, there.id));
        let mut last = SkillError::NoMotion {
            target: format!("{} {}", there.class, there.id),
            reason: "no side of it fits between the fingers".to_owned(),
        };
        for Grasp { world_from_tool, .. } in grasps_for(&there, &self.config.grasp) {
            let above = Translation3::from(Vector3::z() * self.config.approach_m) * world_from_tool;
            match skills.move_to_pose(&above, &format!("above {} {}", there.class, there.id)) {
                Ok(()) => {
                    let there_from_tool = there.centre_in_world.coords;
                    let grasp = Translation3::from(-there_from_tool) * world_from_tool;
                    return Ok((moving, grasp));
                }
                Err(error @ SkillError::NoMotion { .. }) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The first object of which it is known where it will be when the arm can be there, if that is
    /// within the area for long enough.
    fn watch(&self, skills: &mut dyn FollowSkills) -> Result<MovingObject, SkillError> {
        let FollowConfig { meet_after_s, pursuit_s, patience_s, period_s, .. } = self.config;
        let begun_s = skills.now_s();
        let mut known: Vec<MovingObject> = Vec::new();
        let mut last_s = begun_s;
        while skills.now_s() - begun_s < patience_s {
            skills.pause(period_s)?;
            let Some((taken_s, objects)) = skills.view_since(last_s) else { continue };
            last_s = taken_s;
            note(&mut known, taken_s, objects);
            let now_s = skills.now_s();
            let stays = |moving: &&MovingObject| {
                [meet_after_s, meet_after_s + 0.5 * pursuit_s].iter().all(|ahead_s| {
                    let there = moving.expected(now_s + ahead_s);
                    there.is_some_and(|there| {
                        self.is_within(&there) && !grasps_for(&there, &self.config.grasp).is_empty()
                    })
                })
            };
            if let Some(moving) = known.iter().find(stays) {
                return Ok(moving.clone());
            }
        }
        Err(SkillError::NoMotion {
            target: "an object".to_owned(),
            reason: format!("none came into reach within {patience_s:.0} s"),
        })
    }

    fn is_within(&self, object: &SeenObject) -> bool {
        let place = object.centre_in_world;
        let within = |value: f64, [low, high]: [f64; 2]| (low..=high).contains(&value);
        within(place.x, self.config.area_m[0]) && within(place.y, self.config.area_m[1])
    }

    /// Goes along with the object and down to it, and closes the fingers when the tool is there.
    fn pursue(
        &self,
        skills: &mut dyn FollowSkills,
        moving: &mut MovingObject,
        grasp: &Pose,
    ) -> Result<Grip, SkillError> {
        let FollowConfig { hides_m, unseen_s, pursuit_s, .. } = self.config;
        let begun_s = skills.now_s();
        let mut closing = false;
        loop {
            skills.pause(self.config.period_s)?;
            let tool = skills.tool()?;
            let now_s = skills.now_s();
            let course = moving
                .at(now_s)
                .map(|(place, velocity)| (Translation3::from(place.coords) * grasp, velocity));
            let height_m = |goal: &Pose| tool.translation.z - goal.translation.z;
            let is_hidden = course.as_ref().is_some_and(|(goal, _)| height_m(goal) < hides_m);
            if !is_hidden
                && let Some((taken_s, objects)) = skills.view_since(moving.last_s())
                && let Some(object) = objects.into_iter().find(|object| object.id == moving.id())
            {
                moving.see(taken_s, object);
            }
            if !closing && now_s - moving.last_s() > unseen_s {
                return Err(self.failed(moving, format!("it was not seen for {unseen_s:.1} s")));
            }
            if !closing && now_s - begun_s > pursuit_s {
                let reason = format!("the tool was not there after {pursuit_s:.1} s");
                return Err(self.failed(moving, reason));
            }
            let Some((goal, velocity)) = course else {
                // It was pushed: the tool stands until it is known how it goes on.
                skills.lead(&Vector3::zeros(), &Vector3::zeros());
                continue;
            };
            let left = goal.translation.vector - tool.translation.vector;
            self.go_along(skills, &tool, &goal, &velocity);
            if closing {
                if let Some(grip) = skills.grip_end() {
                    return grip;
                }
            } else if left.norm() < self.config.at_grasp_m {
                skills.begin_grip(0.0, self.config.grip_force_n);
                closing = true;
            }
        }
    }

    /// The object's velocity, and what makes up for the rest of the way; down only above the object.
    fn go_along(
        &self,
        skills: &mut dyn FollowSkills,
        tool: &Pose,
        goal: &Pose,
        velocity: &Vector3<f64>,
    ) {
        let FollowConfig { gain_per_s, catch_up_mps, descend_mps, above_m, .. } = self.config;
        let left = goal.translation.vector - tool.translation.vector;
        let sideways = Vector3::new(left.x, left.y, 0.0);
        let mut linear = velocity + (gain_per_s * sideways).cap_magnitude(catch_up_mps);
        let is_above = sideways.norm() < above_m;
        let fall = (gain_per_s * left.z).clamp(-descend_mps, descend_mps);
        // Beside the object the tool does not go down.
        linear.z = if is_above || left.z > 0.0 { fall } else { 0.0 };
        let turn = (goal.rotation * tool.rotation.inverse()).scaled_axis();
        skills.lead(&linear, &(gain_per_s * turn));
    }

    fn lift(
        &self,
        skills: &mut dyn FollowSkills,
        moving: &MovingObject,
        grasp: &Pose,
        grip: &Grip,
    ) -> Result<String, SkillError> {
        let FollowConfig { lift_m, lift_mps, period_s, empty_opening_m, .. } = self.config;
        let begun = skills.tool()?;
        let begun_s = skills.now_s();
        let risen = |tool: &Pose| tool.translation.z - begun.translation.z;
        while risen(&skills.tool()?) < lift_m {
            if skills.now_s() - begun_s > 3.0 * lift_m / lift_mps {
                break;
            }
            skills.lead(&(Vector3::z() * lift_mps), &Vector3::zeros());
            skills.pause(period_s)?;
        }
        skills.lead(&Vector3::zeros(), &Vector3::zeros());
        if grip.opening_m < empty_opening_m || skills.opening_m()? < empty_opening_m {
            let reason = format!("the fingers closed to {:.3} m on nothing", grip.opening_m);
            return Err(self.failed(moving, reason));
        }
        let Some(held) = moving.expected(begun_s) else { return Err(self.lost(moving)) };
        // Where it was between the fingers when they closed it still is.
        let world_from_tool = Translation3::from(held.centre_in_world.coords) * grasp;
        skills.attach(&held, &world_from_tool)?;
        skills.allow_support_contact(false)?;
        skills.announce(&format!("{} {} is in the hand", held.class, held.id));
        Ok(held.class)
    }

    fn failed(&self, moving: &MovingObject, reason: String) -> SkillError {
        SkillError::NotExecuted { target: format!("grasp of {}", moving.id()), reason }
    }

    fn lost(&self, moving: &MovingObject) -> SkillError {
        self.failed(moving, "it is not known any more how it moves".to_owned())
    }
}

/// Takes a view into what is known; what it does not show is forgotten.
fn note(known: &mut Vec<MovingObject>, taken_s: f64, objects: Vec<SeenObject>) {
    known.retain(|moving| objects.iter().any(|object| object.id == moving.id()));
    for object in objects {
        match known.iter_mut().find(|moving| moving.id() == object.id) {
            Some(moving) => moving.see(taken_s, object),
            None => known.push(MovingObject::new(taken_s, object)),
        }
    }
}
