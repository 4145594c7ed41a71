use std::collections::HashMap;

use nalgebra::{Translation3, Vector3};
use praxis_geometry::Pose;

use crate::bin::Bin;
use crate::error::{SkillError, TaskError};
use crate::grasp::{Grasp, GraspConfig, grasps_for, tool_down};
use crate::object::SeenObject;
use crate::report::{FailedAttempt, SortReport};
use crate::skills::{HeldObject, Skills};

/// How the table is sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct SortConfig {
    /// Named state of the arm in which the camera sees the whole table.
    pub look_state: String,
    /// Height of the straight approach and retreat, metres.
    pub approach_m: f64,
    /// Free fall of an object when it is released, metres.
    pub release_height_m: f64,
    /// Distance between places in a bin, metres.
    pub slot_pitch_m: f64,
    /// Force with which objects are held, newtons.
    pub grip_force_n: f64,
    /// Openings below this mean that nothing is between the fingers, metres.
    pub empty_opening_m: f64,
    /// How often one object is tried.
    pub tries_per_object: u32,
    /// How many failures in a row end the task.
    pub max_failures_in_row: u32,
    /// Looks without an object before the table counts as sorted.
    pub confirming_looks: u32,
    /// Pause after a failure, seconds.
    pub retry_pause_s: f64,
    /// What the gripper can do.
    pub grasp: GraspConfig,
}

impl Default for SortConfig {
    fn default() -> Self {
        Self {
            look_state: "ready".to_owned(),
            approach_m: 0.10,
            release_height_m: 0.015,
            slot_pitch_m: 0.085,
            grip_force_n: 40.0,
            empty_opening_m: 0.006,
            tries_per_object: 4,
            max_failures_in_row: 12,
            confirming_looks: 3,
            retry_pause_s: 1.0,
            grasp: GraspConfig::default(),
        }
    }
}

/// Sorts what lies on the table into the bins, until a look shows that nothing is left.
///
/// The task keeps no plan that could go stale: each round looks again and decides anew, so it
/// can be started at any moment, with an object in the hand or half of the table sorted.
pub struct SortTask {
    config: SortConfig,
    bins: Vec<Bin>,
    /// What is in the hand, and how.
    holding: Option<HeldObject>,
    /// Where placed objects should lie, for those that the camera cannot see.
    placed: Vec<SeenObject>,
    /// What else stood on the table at the last look.
    others: Vec<SeenObject>,
    failures_of: HashMap<String, Vec<String>>,
    report: SortReport,
}

enum Round {
    Placed,
    NothingLeft,
    NoTriesLeft(TaskError),
}

impl SortTask {
    /// A task that puts each class into the bin that names it.
    pub fn new(config: SortConfig, bins: Vec<Bin>) -> Self {
        Self {
            config,
            bins,
            holding: None,
            placed: Vec::new(),
            others: Vec::new(),
            failures_of: HashMap::new(),
            report: SortReport::default(),
        }
    }

    /// Runs until the table is sorted, the task is cancelled or it gives up.
    pub fn run(mut self, skills: &mut dyn Skills) -> (SortReport, Result<(), TaskError>) {
        let mut failures_in_row = 0;
        let result = loop {
            match self.round(skills) {
                Ok(Round::Placed) => failures_in_row = 0,
                Ok(Round::NothingLeft) => break Ok(()),
                Ok(Round::NoTriesLeft(error)) => break Err(error),
                Err(SkillError::Cancelled) => break Err(TaskError::Cancelled),
                Err(error) => {
                    failures_in_row += 1;
                    let last = error.to_string();
                    skills.announce(&format!("trying again: {last}"));
                    if failures_in_row >= self.config.max_failures_in_row {
                        break Err(TaskError::GaveUp { failures: failures_in_row, last });
                    }
                    if skills.pause(self.config.retry_pause_s).is_err() {
                        break Err(TaskError::Cancelled);
                    }
                }
            }
        };
        self.report.error = result.as_ref().err().map(ToString::to_string);
        (self.report, result)
    }

    /// Places what is in the hand, or else looks, picks one object and places it.
    fn round(&mut self, skills: &mut dyn Skills) -> Result<Round, SkillError> {
        if self.has_something_in_hand(skills)? {
            return self.place(skills).map(|()| Round::Placed);
        }
        skills.allow_support_contact(false)?;
        skills.move_to_state(&self.config.look_state)?;

        let Some((target, others)) = self.choose(skills)? else {
            return Ok(Round::NothingLeft);
        };
        if !self.is_graspable(&target) {
            self.note_failure(&target, "pick", &self.fits_nowhere(&target));
        }
        if self.is_hopeless(&target) {
            return Ok(Round::NoTriesLeft(self.objects_left(&others)));
        }
        self.others = others.clone();
        if let Err(error) = self.pick(skills, &target, &others) {
            if error != SkillError::Cancelled {
                self.note_failure(&target, "pick", &error);
            }
            return Err(error);
        }
        self.place(skills).map(|()| Round::Placed)
    }

    /// After a restart of this node the planner still knows what is held; after a restart of the
    /// planner this task does. Either way the fingers have the last word.
    fn has_something_in_hand(&mut self, skills: &mut dyn Skills) -> Result<bool, SkillError> {
        let known_to_planner = skills.held()?;
        if self.holding.is_none() {
            self.holding = known_to_planner.clone();
        }
        if self.holding.is_none() {
            return Ok(false);
        }
        if skills.opening_m()? < self.config.empty_opening_m {
            skills.announce("the object has slipped out of the hand");
            self.holding = None;
            skills.detach()?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Looks and picks the object to take next: fewest failures first, then the most room around.
    /// That nothing is left, or nothing that can be taken, counts if several looks say so.
    fn choose(
        &mut self,
        skills: &mut dyn Skills,
    ) -> Result<Option<(SeenObject, Vec<SeenObject>)>, SkillError> {
        let mut left = None;
        for _ in 0..self.config.confirming_looks.max(1) {
            let seen = skills.look()?;
            let (in_bins, on_table): (Vec<_>, Vec<_>) = seen
                .into_iter()
                .partition(|object| self.bins.iter().any(|b| b.is_around(&object.centre_in_world)));
            self.remember_placed(in_bins);

            let sortable = on_table.iter().filter(|object| self.bin_of(&object.class).is_some());
            let room_m = |object: &SeenObject| {
                on_table
                    .iter()
                    .filter(|other| other.id != object.id)
                    .map(|other| object.distance_m(other))
                    .fold(f64::INFINITY, f64::min)
            };
            let target = sortable.min_by(|a, b| {
                let hopeless = self.is_hopeless(a).cmp(&self.is_hopeless(b));
                let tries = self.tries_of(a).cmp(&self.tries_of(b));
                hopeless.then(tries).then(room_m(b).total_cmp(&room_m(a)))
            });
            left = target.cloned().map(|target| {
                let others = on_table.into_iter().filter(|other| other.id != target.id).collect();
                (target, others)
            });
            if left.as_ref().is_some_and(|(target, _)| !self.is_hopeless(target)) {
                break;
            }
        }
        Ok(left)
    }

    fn pick(
        &mut self,
        skills: &mut dyn Skills,
        target: &SeenObject,
        others: &[SeenObject],
    ) -> Result<(), SkillError> {
        skills.announce(&format!("picking {} {}", target.class, target.id));
        skills.grip(self.config.grasp.max_opening_m, self.config.grip_force_n)?;

        let mut last = self.fits_nowhere(target);
        for grasp in grasps_for(target, &self.config.grasp) {
            match self.try_grasp(skills, target, others, &grasp) {
                Ok(()) => return Ok(()),
                Err(error @ (SkillError::NoMotion { .. } | SkillError::PartialMotion { .. })) => {
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn try_grasp(
        &mut self,
        skills: &mut dyn Skills,
        target: &SeenObject,
        others: &[SeenObject],
        grasp: &Grasp,
    ) -> Result<(), SkillError> {
        let above = raised(&grasp.world_from_tool, self.config.approach_m);
        let name = format!("{} {}", target.class, target.id);

        let mut everything = self.with_placed(others);
        everything.push(target.clone());
        skills.set_obstacles(&everything)?;
        skills.move_to_pose(&above, &format!("above {name}"))?;

        skills.set_obstacles(&self.with_placed(others))?;
        skills.allow_support_contact(true)?;
        skills.move_straight(&grasp.world_from_tool, &format!("down to {name}"))?;
        let grip = skills.grip(0.0, self.config.grip_force_n)?;
        if grip.opening_m < self.config.empty_opening_m {
            let missed = SkillError::NotExecuted {
                target: format!("grasp of {name}"),
                reason: format!("the fingers closed to {:.3} m on nothing", grip.opening_m),
            };
            skills.move_straight(&above, &format!("back from {name}"))?;
            return Err(missed);
        }

        let tool_from_object = grasp.world_from_tool.inverse() * upright(target);
        self.holding = Some(HeldObject {
            class: target.class.clone(),
            tool_from_object,
            size_m: target.size_m,
        });
        skills.attach(target, &grasp.world_from_tool)?;
        skills.move_straight(&above, &format!("lift {name}"))?;
        skills.allow_support_contact(false)
    }

    fn place(&mut self, skills: &mut dyn Skills) -> Result<(), SkillError> {
        let Some(held) = self.holding.clone() else { return Ok(()) };
        let Some(bin) = self.bin_of(&held.class).cloned() else {
            return Err(SkillError::Refused {
                server: "task".to_owned(),
                reason: format!("no bin is given for class '{}'", held.class),
            });
        };
        skills.announce(&format!("placing {} into {}", held.class, bin.id));
        // What lies in the bin is kept apart by the places; the held object comes close to it.
        skills.set_obstacles(&self.others)?;
        skills.allow_bin_contact(&bin.id, true)?;
        if skills.held()?.is_none() {
            // The planner was restarted since: tell it again.
            let object = self.held_as_seen(&held, &Pose::identity());
            skills.attach(&object, &Pose::identity())?;
        }

        let inside: Vec<SeenObject> =
            self.placed.iter().filter(|o| bin.is_below(&o.centre_in_world)).cloned().collect();
        let slot = bin.emptiest_slot(self.config.slot_pitch_m, &inside);
        let object_above_tool_m = object_bottom_below_tool_m(&held);
        let release_height_m =
            slot.support_in_world.z + self.config.release_height_m + object_above_tool_m;

        let mut last = None;
        for yaw_rad in place_headings() {
            let release = Pose::from_parts(
                Translation3::new(
                    slot.support_in_world.x,
                    slot.support_in_world.y,
                    release_height_m,
                ),
                tool_down(yaw_rad),
            );
            match self.release_at(skills, &release, &bin) {
                Ok(()) => {
                    skills.allow_bin_contact(&bin.id, false)?;
                    self.placed.push(self.held_as_seen(&held, &release));
                    self.report.placed.push(held.class.clone());
                    self.holding = None;
                    return Ok(());
                }
                Err(error @ (SkillError::NoMotion { .. } | SkillError::PartialMotion { .. })) => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let error = last.unwrap_or(SkillError::Cancelled);
        self.report.failed_attempts.push(FailedAttempt {
            class: held.class,
            step: format!("place into {}", bin.id),
            reason: error.to_string(),
        });
        Err(error)
    }

    fn release_at(
        &mut self,
        skills: &mut dyn Skills,
        release: &Pose,
        bin: &Bin,
    ) -> Result<(), SkillError> {
        let above = raised(release, self.config.approach_m);
        skills.move_to_pose(&above, &format!("above {}", bin.id))?;
        skills.move_straight(release, &format!("down into {}", bin.id))?;
        skills.grip(self.config.grasp.max_opening_m, self.config.grip_force_n)?;
        skills.detach()?;
        // The object lies in the bin now, whatever happens to the retreat: the next round moves
        // the arm away.
        if let Err(error) = skills.move_straight(&above, &format!("up from {}", bin.id)) {
            if error == SkillError::Cancelled {
                return Err(error);
            }
            skills.announce(&format!("retreat from {} failed: {error}", bin.id));
        }
        Ok(())
    }

    fn held_as_seen(&self, held: &HeldObject, world_from_tool: &Pose) -> SeenObject {
        let world_from_object = world_from_tool * held.tool_from_object;
        SeenObject {
            id: format!("placed_{}", self.report.placed.len()),
            class: held.class.clone(),
            score: 1.0,
            centre_in_world: world_from_object.translation.vector.into(),
            yaw_rad: praxis_geometry::yaw_rad(&world_from_object),
            size_m: held.size_m,
        }
    }

    /// What the camera sees in the bins replaces what was assumed nearby.
    fn remember_placed(&mut self, seen: Vec<SeenObject>) {
        const SAME_PLACE_M: f64 = 0.05;
        self.placed.retain(|assumed| seen.iter().all(|s| s.distance_m(assumed) > SAME_PLACE_M));
        self.placed.retain(|kept| kept.id.starts_with("placed_"));
        self.placed.extend(seen);
    }

    fn with_placed(&self, others: &[SeenObject]) -> Vec<SeenObject> {
        others.iter().chain(&self.placed).cloned().collect()
    }

    fn bin_of(&self, class: &str) -> Option<&Bin> {
        self.bins.iter().find(|bin| bin.class == class)
    }

    fn is_graspable(&self, object: &SeenObject) -> bool {
        !grasps_for(object, &self.config.grasp).is_empty()
    }

    /// Whether another try would be in vain.
    fn is_hopeless(&self, object: &SeenObject) -> bool {
        self.tries_of(object) >= self.config.tries_per_object || !self.is_graspable(object)
    }

    fn fits_nowhere(&self, object: &SeenObject) -> SkillError {
        SkillError::NoMotion {
            target: format!("{} {}", object.class, object.id),
            reason: format!(
                "no side of it fits between the fingers (size {:.3} x {:.3} m, opening {:.3} m)",
                object.size_m.x, object.size_m.y, self.config.grasp.max_opening_m
            ),
        }
    }

    fn tries_of(&self, object: &SeenObject) -> u32 {
        self.failures_of.get(&object.id).map_or(0, |reasons| reasons.len() as u32)
    }

    fn note_failure(&mut self, object: &SeenObject, step: &str, error: &SkillError) {
        let reason = error.to_string();
        self.failures_of.entry(object.id.clone()).or_default().push(reason.clone());
        self.report.failed_attempts.push(FailedAttempt {
            class: object.class.clone(),
            step: step.to_owned(),
            reason,
        });
    }

    fn objects_left(&self, others: &[SeenObject]) -> TaskError {
        let reasons: Vec<&str> =
            self.failures_of.values().filter_map(|list| list.last()).map(String::as_str).collect();
        TaskError::ObjectsLeft { count: others.len() + 1, reasons: reasons.join("; ") }
    }
}

/// The fingers close along the bin's y axis, so they open beside the row of places, not into it.
fn place_headings() -> [f64; 2] {
    [0.0, std::f64::consts::PI]
}

fn object_bottom_below_tool_m(held: &HeldObject) -> f64 {
    // The tool's z axis points down.
    held.tool_from_object.translation.z + 0.5 * held.size_m.z
}

fn raised(pose: &Pose, height_m: f64) -> Pose {
    Translation3::from(Vector3::new(0.0, 0.0, height_m)) * pose
}

fn upright(object: &SeenObject) -> Pose {
    let centre = object.centre_in_world;
    praxis_geometry::pose_from_xyz_rpy([centre.x, centre.y, centre.z], [0.0, 0.0, object.yaw_rad])
}
