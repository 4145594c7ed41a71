//! The sorting task against a table too simple to be wrong: objects are a list, motions always
//! arrive unless the test says otherwise.

use std::collections::VecDeque;

use nalgebra::{Point3, Vector2, Vector3};
use praxis_geometry::Pose;
use praxis_task::{
    Bin, Grip, HeldObject, ReachConfig, ReachTask, SeenObject, SkillError, Skills, SortConfig,
    SortTask, TaskError,
};

#[derive(Default)]
struct Table {
    objects: Vec<SeenObject>,
    tool: Pose,
    in_fingers: Option<(SeenObject, Pose)>,
    attached: Option<HeldObject>,
    support_contact_allowed: bool,
    bin_contact_allowed: bool,
    /// Errors to give, one a motion; `None` lets the motion succeed.
    motion_errors: VecDeque<Option<SkillError>>,
    slippery: u32,
    cancel_after_motions: Option<u32>,
    motions: u32,
}

impl Table {
    fn motion(&mut self, target: &Pose) -> Result<(), SkillError> {
        if self.is_cancelled() {
            return Err(SkillError::Cancelled);
        }
        self.motions += 1;
        if let Some(Some(error)) = self.motion_errors.pop_front() {
            return Err(error);
        }
        self.tool = *target;
        Ok(())
    }
}

impl Skills for Table {
    fn is_cancelled(&self) -> bool {
        self.cancel_after_motions.is_some_and(|limit| self.motions >= limit)
    }
    fn announce(&mut self, _step: &str) {}
    fn pause(&mut self, _seconds: f64) -> Result<(), SkillError> {
        if self.is_cancelled() { Err(SkillError::Cancelled) } else { Ok(()) }
    }
    fn look(&mut self) -> Result<Vec<SeenObject>, SkillError> {
        Ok(self.objects.clone())
    }
    fn move_to_state(&mut self, _state: &str) -> Result<(), SkillError> {
        self.motion(&Pose::translation(0.3, 0.0, 0.5))
    }
    fn move_to_pose(&mut self, world_from_tool: &Pose, _what: &str) -> Result<(), SkillError> {
        assert!(world_from_tool.translation.z > 0.08, "free motions stay above the objects");
        self.motion(world_from_tool)
    }
    fn move_straight(&mut self, world_from_tool: &Pose, _what: &str) -> Result<(), SkillError> {
        let sideways = world_from_tool.translation.vector.xy() - self.tool.translation.vector.xy();
        assert!(sideways.norm() < 1e-9, "straight motions are vertical");
        self.motion(world_from_tool)
    }
    fn grip(&mut self, opening_m: f64, _max_force_n: f64) -> Result<Grip, SkillError> {
        if opening_m > 0.05 {
            if let Some((mut object, tool_from_object)) = self.in_fingers.take() {
                let world_from_object = self.tool * tool_from_object;
                object.centre_in_world = world_from_object.translation.vector.into();
                assert!(object.centre_in_world.z - 0.5 * object.size_m.z < 0.03, "no long falls");
                object.centre_in_world.z = 0.5 * object.size_m.z + 0.005;
                self.objects.push(object);
            }
            return Ok(Grip { opening_m, stalled: false });
        }
        let tool = self.tool.translation.vector.xy();
        let below =
            self.objects.iter().position(|o| (o.centre_in_world.xy().coords - tool).norm() < 0.01);
        let Some(index) = below else { return Ok(Grip { opening_m: 0.0, stalled: false }) };
        if self.slippery > 0 {
            self.slippery -= 1;
            return Ok(Grip { opening_m: 0.0, stalled: false });
        }
        let object = self.objects.remove(index);
        let world_from_object = Pose::translation(
            object.centre_in_world.x,
            object.centre_in_world.y,
            object.centre_in_world.z,
        );
        self.in_fingers = Some((object, self.tool.inverse() * world_from_object));
        Ok(Grip { opening_m: 0.04, stalled: true })
    }
    fn opening_m(&mut self) -> Result<f64, SkillError> {
        Ok(if self.in_fingers.is_some() { 0.04 } else { 0.0 })
    }
    fn set_obstacles(&mut self, _objects: &[SeenObject]) -> Result<(), SkillError> {
        Ok(())
    }
    fn held(&mut self) -> Result<Option<HeldObject>, SkillError> {
        Ok(self.attached.clone())
    }
    fn attach(&mut self, object: &SeenObject, tool: &Pose) -> Result<(), SkillError> {
        let centre = object.centre_in_world;
        self.attached = Some(HeldObject {
            class: object.class.clone(),
            tool_from_object: tool.inverse() * Pose::translation(centre.x, centre.y, centre.z),
            size_m: object.size_m,
        });
        Ok(())
    }
    fn detach(&mut self) -> Result<(), SkillError> {
        self.attached = None;
        Ok(())
    }
    fn allow_bin_contact(&mut self, _bin: &str, allowed: bool) -> Result<(), SkillError> {
        self.bin_contact_allowed = allowed;
        Ok(())
    }
    fn allow_support_contact(&mut self, allowed: bool) -> Result<(), SkillError> {
        self.support_contact_allowed = allowed;
        Ok(())
    }
}

fn object(id: &str, class: &str, x: f64, y: f64) -> SeenObject {
    SeenObject {
        id: id.into(),
        class: class.into(),
        score: 0.9,
        centre_in_world: Point3::new(x, y, 0.025),
        yaw_rad: 0.4,
        size_m: Vector3::new(0.05, 0.04, 0.05),
    }
}

fn bins() -> Vec<Bin> {
    ["box", "cylinder", "cross"]
        .iter()
        .enumerate()
        .map(|(index, class)| Bin {
            id: format!("bin_{class}"),
            class: (*class).to_owned(),
            floor_centre_in_world: Point3::new(0.16 + 0.19 * index as f64, 0.42, 0.005),
            inner_size_m: Vector2::new(0.17, 0.17),
        })
        .collect()
}

fn table() -> Table {
    let classes = ["box", "cylinder", "cross"];
    let objects = (0..6)
        .map(|k| {
            object(
                &k.to_string(),
                classes[k % 3],
                0.4 + 0.1 * (k / 3) as f64,
                0.12 * (k % 3) as f64 - 0.2,
            )
        })
        .collect();
    Table { objects, ..Table::default() }
}

fn run(table: &mut Table) -> (praxis_task::SortReport, Result<(), TaskError>) {
    SortTask::new(SortConfig::default(), bins()).run(table)
}

fn assert_sorted(table: &Table) {
    assert_eq!(table.objects.len(), 6);
    for object in &table.objects {
        let bin = bins().into_iter().find(|bin| bin.class == object.class).unwrap();
        assert!(bin.is_below(&object.centre_in_world), "{} is not in {}", object.id, bin.id);
    }
    assert!(!table.bin_contact_allowed, "the exception for the bin is taken back");
    assert!(!table.support_contact_allowed, "the exception for the support is taken back");
}

#[test]
fn every_object_ends_in_its_bin() {
    let mut table = table();
    let (report, result) = run(&mut table);
    assert_eq!(result, Ok(()));
    assert_eq!(report.placed.len(), 6);
    assert_sorted(&table);
}

#[test]
fn missed_grasps_and_failed_motions_are_tried_again() {
    let mut table = table();
    table.slippery = 2;
    let failed = SkillError::NotExecuted { target: "x".into(), reason: "control restarted".into() };
    let mut errors = vec![None; 40];
    for index in [0, 4, 9, 17] {
        errors[index] = Some(failed.clone());
    }
    table.motion_errors = errors.into();
    let (report, result) = run(&mut table);
    assert_eq!(result, Ok(()), "{report:?}");
    assert_sorted(&table);
    assert!(!report.failed_attempts.is_empty());
}

#[test]
fn a_restarted_task_places_what_the_hand_still_holds() {
    let mut table = table();
    let held = table.objects[0].clone();
    table.tool = Pose::from_parts(
        nalgebra::Translation3::new(held.centre_in_world.x, held.centre_in_world.y, 0.03),
        nalgebra::UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI),
    );
    table.grip(0.0, 40.0).unwrap();
    let tool = table.tool;
    table.attach(&held, &tool).unwrap();
    let (report, result) = run(&mut table);
    assert_eq!(result, Ok(()));
    assert_eq!(report.placed[0], "box");
    assert_sorted(&table);
}

#[test]
fn cancelling_ends_the_task_at_once() {
    let mut table = table();
    table.cancel_after_motions = Some(3);
    let (_, result) = run(&mut table);
    assert_eq!(result, Err(TaskError::Cancelled));
    assert_eq!(table.motions, 3);
}

#[test]
fn an_object_that_never_fits_is_left_with_the_reason() {
    let mut table = table();
    table.objects.truncate(1);
    table.objects[0].size_m = Vector3::new(0.2, 0.2, 0.05);
    let (report, result) = run(&mut table);
    let Err(TaskError::ObjectsLeft { count, reasons }) = result else { panic!("{report:?}") };
    assert_eq!(count, 1);
    assert!(reasons.contains("no side of it fits between the fingers"), "{reasons}");
}

#[test]
fn endless_trouble_ends_with_the_last_reason() {
    let mut table = table();
    let dead = SkillError::NoAnswer { server: "move_action".into(), waited_s: 5.0 };
    table.motion_errors = vec![Some(dead); 100].into();
    let (report, result) = run(&mut table);
    assert!(matches!(result, Err(TaskError::GaveUp { failures: 12, .. })), "{result:?}");
    assert!(report.error.unwrap().contains("move_action gave no answer"));
}

#[test]
fn poses_are_reached_in_their_order_and_failed_motions_tried_again() {
    let poses: Vec<Pose> =
        (1..=5).map(|k| Pose::translation(0.1 * f64::from(k), 0.0, 0.3)).collect();
    let reach =
        |table: &mut Table| ReachTask::new(ReachConfig::default(), poses.clone()).run(table);
    let failed = SkillError::NoMotion { target: "x".into(), reason: "no path".into() };

    let errors = vec![None, Some(failed.clone()), None];
    let mut table = Table { motion_errors: errors.into(), ..Table::default() };
    let (report, result) = reach(&mut table);
    assert_eq!((result, report.reached, report.failed_attempts.len()), (Ok(()), 5, 1));
    assert_eq!(table.tool, poses[4]);

    let mut table = Table { motion_errors: vec![Some(failed); 40].into(), ..Table::default() };
    let (report, result) = reach(&mut table);
    assert_eq!(report.reached, 0);
    assert!(matches!(result, Err(TaskError::GaveUp { failures: 4, .. })), "{result:?}");

    let mut table = Table { cancel_after_motions: Some(2), ..Table::default() };
    let (report, result) = reach(&mut table);
    assert_eq!((result, report.reached), (Err(TaskError::Cancelled), 1));
}
