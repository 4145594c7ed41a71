//! The following task against a belt too simple to be wrong: one object, a camera that tells late,
//! a tool that goes as it is led a moment later.

use std::collections::VecDeque;

use nalgebra::{Point3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_task::{
    FollowConfig, FollowSkills, FollowTask, Grip, HeldObject, SeenObject, SkillError, Skills,
    TaskError,
};

const STEP_S: f64 = 0.005;
const VIEW_EVERY_S: f64 = 1.0 / 15.0;
const VIEW_LATE_S: f64 = 0.06;
const LEAD_LATE_S: f64 = 0.03;
const MOTION_S: f64 = 1.5;
const GRIP_S: f64 = 0.4;

struct Belt {
    now_s: f64,
    y_m: f64,
    /// Speed of the object from a moment on.
    speeds: Vec<(f64, f64)>,
    views: VecDeque<(f64, SeenObject)>,
    tool: Pose,
    led: VecDeque<(f64, Vector3<f64>)>,
    grip: Option<(f64, Result<Grip, SkillError>)>,
    in_hand: bool,
    /// How far the tool was from the object when the fingers had closed.
    off_m: Option<f64>,
    attached: Option<HeldObject>,
    cancelled: bool,
}

fn belt(speeds: &[(f64, f64)]) -> Belt {
    Belt {
        now_s: 1.7e9,
        y_m: -0.4,
        speeds: speeds.iter().map(|(since_s, mps)| (1.7e9 + since_s, *mps)).collect(),
        views: VecDeque::new(),
        tool: Pose::translation(0.3, 0.0, 0.5),
        led: VecDeque::new(),
        grip: None,
        in_hand: false,
        off_m: None,
        attached: None,
        cancelled: false,
    }
}

impl Belt {
    fn object(&self) -> SeenObject {
        SeenObject {
            id: "7".into(),
            class: "cross".into(),
            score: 0.9,
            centre_in_world: Point3::new(0.5, self.y_m, 0.025),
            yaw_rad: 0.4,
            size_m: Vector3::new(0.05, 0.05, 0.05),
        }
    }

    fn pass(&mut self, seconds: f64) {
        for _ in 0..(seconds / STEP_S).round() as usize {
            let before_s = self.now_s;
            self.now_s += STEP_S;
            let speed = self.speeds.iter().rev().find(|(since_s, _)| *since_s <= self.now_s);
            let velocity = Vector3::y() * speed.map_or(0.0, |(_, mps)| *mps);
            if (before_s / VIEW_EVERY_S).floor() < (self.now_s / VIEW_EVERY_S).floor() {
                let object = self.object();
                self.views.push_back((self.now_s, object));
            }
            let due = self.led.iter().take_while(|(at_s, _)| at_s + LEAD_LATE_S <= self.now_s);
            let due = due.count();
            self.led.drain(..due.saturating_sub(1));
            let led = self.led.front().filter(|(at_s, _)| at_s + LEAD_LATE_S <= self.now_s);
            // Without a word for a tenth of a second it stands.
            let led = led.filter(|(at_s, _)| self.now_s - at_s < 0.13);
            let led = led.map_or(Vector3::zeros(), |(_, linear)| *linear);
            self.tool = Translation3::from(STEP_S * led) * self.tool;
            if !self.in_hand {
                self.y_m += STEP_S * velocity.y;
            }
        }
    }

    fn motion(&mut self, target: &Pose) -> Result<(), SkillError> {
        if self.cancelled {
            return Err(SkillError::Cancelled);
        }
        self.pass(MOTION_S);
        self.tool = *target;
        Ok(())
    }
}

impl Skills for Belt {
    fn is_cancelled(&self) -> bool {
        self.cancelled
    }
    fn announce(&mut self, step: &str) {
        println!("{:.2} s: {step}", self.now_s - 1.7e9);
    }
    fn pause(&mut self, seconds: f64) -> Result<(), SkillError> {
        self.pass(seconds);
        if self.cancelled { Err(SkillError::Cancelled) } else { Ok(()) }
    }
    fn look(&mut self) -> Result<Vec<SeenObject>, SkillError> {
        unreachable!("a table at rest is looked at, this one is watched")
    }
    fn move_to_state(&mut self, _state: &str) -> Result<(), SkillError> {
        self.motion(&Pose::translation(0.3, 0.0, 0.5))
    }
    fn move_to_pose(&mut self, world_from_tool: &Pose, _what: &str) -> Result<(), SkillError> {
        self.motion(world_from_tool)
    }
    fn move_straight(&mut self, _tool: &Pose, _what: &str) -> Result<(), SkillError> {
        unreachable!("a straight way leads to where the object was")
    }
    fn grip(&mut self, opening_m: f64, _max_force_n: f64) -> Result<Grip, SkillError> {
        self.pass(GRIP_S);
        self.in_hand = false;
        Ok(Grip { opening_m, stalled: false })
    }
    fn opening_m(&mut self) -> Result<f64, SkillError> {
        Ok(if self.in_hand { 0.02 } else { 0.0 })
    }
    fn set_obstacles(&mut self, _objects: &[SeenObject]) -> Result<(), SkillError> {
        Ok(())
    }
    fn held(&mut self) -> Result<Option<HeldObject>, SkillError> {
        Ok(self.attached.clone())
    }
    fn attach(&mut self, object: &SeenObject, tool: &Pose) -> Result<(), SkillError> {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), object.yaw_rad);
        let upright = Pose::from_parts(object.centre_in_world.into(), turn);
        self.attached = Some(HeldObject {
            class: object.class.clone(),
            tool_from_object: tool.inverse() * upright,
            size_m: object.size_m,
        });
        Ok(())
    }
    fn detach(&mut self) -> Result<(), SkillError> {
        Ok(())
    }
    fn allow_support_contact(&mut self, _allowed: bool) -> Result<(), SkillError> {
        Ok(())
    }
    fn allow_bin_contact(&mut self, _bin: &str, _allowed: bool) -> Result<(), SkillError> {
        Ok(())
    }
}

impl FollowSkills for Belt {
    fn now_s(&self) -> f64 {
        self.now_s
    }
    fn view_since(&mut self, since_s: f64) -> Option<(f64, Vec<SeenObject>)> {
        let told_s = self.now_s - VIEW_LATE_S;
        let (taken_s, object) = self.views.iter().rev().find(|(taken_s, _)| *taken_s <= told_s)?;
        (*taken_s > since_s).then(|| (*taken_s, vec![object.clone()]))
    }
    fn tool(&mut self) -> Result<Pose, SkillError> {
        Ok(self.tool)
    }
    fn lead(&mut self, linear_mps: &Vector3<f64>, _angular: &Vector3<f64>) {
        assert!(linear_mps.norm() < 0.5, "{linear_mps}");
        self.led.push_back((self.now_s, *linear_mps));
    }
    fn begin_grip(&mut self, _opening_m: f64, _max_force_n: f64) {
        let empty = Grip { opening_m: 0.0, stalled: false };
        self.grip = Some((self.now_s + GRIP_S, Ok(empty)));
    }
    fn grip_end(&mut self) -> Option<Result<Grip, SkillError>> {
        let (ends_s, _) = self.grip.as_ref()?;
        if *ends_s > self.now_s {
            return None;
        }
        self.grip = None;
        let off = self.tool.translation.vector.xy() - self.object().centre_in_world.xy().coords;
        self.off_m = Some(off.norm());
        self.in_hand = off.norm() < 0.01;
        let opening_m = if self.in_hand { 0.02 } else { 0.0 };
        Some(Ok(Grip { opening_m, stalled: self.in_hand }))
    }
}

fn config() -> FollowConfig {
    FollowConfig { area_m: [[0.3, 0.7], [-0.4, 0.4]], ..FollowConfig::default() }
}

fn follow(belt: &mut Belt) -> Result<(), TaskError> {
    let (report, result) = FollowTask::new(config()).run(belt);
    assert!(result.is_err() || report.failed_attempts.is_empty(), "{report:?}");
    result
}

#[test]
fn an_object_that_slides_at_five_centimetres_a_second_is_taken_in_its_middle() {
    let mut belt = belt(&[(0.0, 0.05)]);
    follow(&mut belt).unwrap();
    assert!(belt.in_hand && belt.off_m.unwrap() < 4e-3, "{:?}", belt.off_m);
    assert!(belt.tool.translation.z > 0.1, "it is lifted: {}", belt.tool.translation);
    let held = belt.attached.expect("the planner knows");
    assert!(held.tool_from_object.translation.vector.xy().norm() < 5e-3);
}

#[test]
fn one_that_changes_its_speed_on_the_way_is_followed() {
    // After watching it the arm is on its way for 1.5 s; then the object is faster, or stands.
    for speed in [0.08, 0.0] {
        let mut belt = belt(&[(0.0, 0.05), (3.0, speed)]);
        follow(&mut belt).unwrap();
        assert!(belt.in_hand && belt.off_m.unwrap() < 8e-3, "{speed}: {:?}", belt.off_m);
    }
}

#[test]
fn one_that_goes_another_way_under_the_hand_is_tried_again() {
    // It turns round while the hand hides it.
    let mut belt = belt(&[(0.0, 0.05), (5.2, -0.05), (9.0, 0.05)]);
    let (report, result) = FollowTask::new(config()).run(&mut belt);
    result.unwrap();
    assert!(belt.in_hand, "{report:?}");
}

#[test]
fn a_cancel_ends_it_and_an_empty_belt_is_told() {
    let mut cancelled = belt(&[(0.0, 0.05)]);
    cancelled.cancelled = true;
    assert_eq!(follow(&mut cancelled), Err(TaskError::Cancelled));
    let mut away = belt(&[(0.0, 0.05)]);
    away.y_m = 1.0;
    let once = FollowConfig { tries: 1, ..config() };
    let error = FollowTask::new(once).run(&mut away).1.unwrap_err().to_string();
    assert!(error.contains("none came into reach"), "{error}");
}
