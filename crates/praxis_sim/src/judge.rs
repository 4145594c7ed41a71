use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use praxis_world::{Bin, FixedBox, ObjectInstance};

use crate::command::TimedTarget;
use crate::intruder::Thrusts;
use crate::limit_judge::{LimitJudge, Violation};
use crate::limits::JointLimits;
use crate::physics::{Contact, Owner};
use crate::pick_judge::{PickGoal, PickJudge};
use crate::reach_judge::{ReachGoals, ReachJudge};
use crate::touch::{FixedRole, ObjectState, TouchJudge};

/// An object slower than this is at rest, metres a second.
const OBJECT_AT_REST_M_PER_S: f64 = 0.01;
/// A joint slower than this is at rest, radians (or metres) a second.
const JOINT_AT_REST_PER_S: f64 = 0.01;
/// All placed and everything at rest for this long is done, seconds.
const DONE_AFTER_S: f64 = 1.0;

/// So many contacts and violations are told one by one; all are counted.
const TOLD: usize = 100;

/// The ground truth of a run so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Simulated seconds.
    pub sim_time_s: f64,
    /// Objects at rest inside their bins, not touched by the robot; or poses reached; or thrusts that
    /// the arm got past to its goal; or 1 when an object that is to be picked is held up.
    pub placed: usize,
    /// All objects, or all poses to reach, or all thrusts to get past.
    pub total: usize,
    /// What came of thrusts of a box into the arm's way, where there are any.
    pub thrusts: Option<Thrusts>,
    /// Forbidden contacts so far; one pair counts once until it parts for 0.2 s.
    pub forbidden_contacts: usize,
    /// Limits passed so far; one joint and kind counts once until it keeps the limit for 0.2 s.
    pub limit_violations: usize,
    /// All placed, the gripper free and the arm at rest for 1 s; or at rest after the last thrust.
    pub done: bool,
    /// Done, with no forbidden contact and no limit violation.
    pub success: bool,
    /// Each forbidden contact, the first hundred: who and when.
    pub contacts: Vec<String>,
    /// Each limit passed, the first hundred: what, by how much and when.
    pub violations: Vec<String>,
    /// Some joint of the arm moves.
    pub arm_moving: bool,
    /// The object in the fingers.
    pub held: Option<String>,
    /// The objects at rest in their bins.
    pub placed_ids: Vec<String>,
}

/// What one step looks like to the judge.
pub(crate) struct Observation<'a> {
    pub(crate) now_s: f64,
    pub(crate) contacts: &'a [Contact],
    pub(crate) world_from_tool: Pose,
    pub(crate) object_poses: &'a [Pose],
    /// Linear and angular.
    pub(crate) object_velocities: &'a [[Vector3<f64>; 2]],
    /// Arm first, then fingers.
    pub(crate) positions: &'a [f64],
    pub(crate) velocities: &'a [f64],
}

/// Watches a run from outside the graph and keeps count.
pub(crate) struct Judge {
    touch: TouchJudge,
    limits: LimitJudge,
    arm_joints: usize,
    link_names: Vec<String>,
    fixed_names: Vec<String>,
    bins: Vec<Bin>,
    objects: Vec<ObjectInstance>,
    resting_since_s: Option<f64>,
    reach: Option<ReachJudge>,
    pick: Option<PickJudge>,
    /// Thrusts after which all is done, where those count.
    thrusts: Option<usize>,
    truth: Truth,
}

impl Judge {
    pub(crate) fn new(
        link_names: Vec<String>,
        finger_links: Vec<usize>,
        arm_joints: usize,
        joints: Vec<(String, JointLimits)>,
        fixed: &[FixedBox],
        bins: &[Bin],
        objects: &[ObjectInstance],
    ) -> Self {
        let roles = fixed.iter().map(|fixed| FixedRole::of(fixed, bins)).collect();
        Self {
            touch: TouchJudge::new(finger_links, roles),
            limits: LimitJudge::new(joints),
            arm_joints,
            link_names,
            fixed_names: fixed.iter().map(|fixed| fixed.id.clone()).collect(),
            bins: bins.to_vec(),
            objects: objects.to_vec(),
            resting_since_s: None,
            reach: None,
            pick: None,
            thrusts: None,
            truth: Truth { total: objects.len(), ..Truth::default() },
        }
    }

    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// From now on the poses count, not the objects.
    pub(crate) fn set_goals(&mut self, goals: ReachGoals) {
        let reach = ReachJudge::new(goals);
        self.truth.total = self.thrusts.unwrap_or(reach.total());
        self.reach = Some(reach);
    }

    /// From now on thrusts count, not the poses that are reached.
    pub(crate) fn count_thrusts(&mut self, total: usize) {
        self.truth.total = total;
        self.thrusts = Some(total);
    }

    /// Poses reached so far.
    pub(crate) fn reached(&self) -> usize {
        self.reach.as_ref().map_or(0, ReachJudge::reached)
    }

    /// From now on an object that is held up counts.
    pub(crate) fn set_pick(&mut self, goal: PickGoal) {
        self.truth.total = 1;
        self.pick = Some(PickJudge::new(goal));
    }

    /// What came of the thrusts so far.
    pub(crate) fn set_thrusts(&mut self, thrusts: Thrusts) {
        self.truth.thrusts = Some(thrusts);
    }

    /// Index of the object in the fingers.
    pub(crate) fn held(&self) -> Option<usize> {
        self.touch.held()
    }

    /// A new command stream begins.
    pub(crate) fn stream_restarted(&mut self) {
        self.limits.restart();
    }

    pub(crate) fn command(&mut self, now_s: f64, command: &TimedTarget) {
        let violations = self.limits.command(now_s, command);
        self.note(violations);
    }

    pub(crate) fn observe(&mut self, seen: &Observation<'_>) {
        let violations = self.limits.state(seen.now_s, seen.positions, seen.velocities);
        self.note(violations);

        let states: Vec<ObjectState> = self
            .objects
            .iter()
            .zip(seen.object_poses.iter().zip(seen.object_velocities))
            .map(|(object, (pose, velocity))| ObjectState {
                world_from_object: *pose,
                velocity_m_per_s: velocity[0],
                bin: self.bins.iter().position(|bin| bin.class == object.class),
            })
            .collect();
        let begun = self.touch.observe(seen.now_s, seen.contacts, &seen.world_from_tool, &states);
        for [a, b] in begun {
            self.truth.forbidden_contacts += 1;
            let text = format!("{} – {} at {:.3} s", self.name(a), self.name(b), seen.now_s);
            if self.truth.contacts.len() < TOLD {
                self.truth.contacts.push(text);
            }
        }
        self.count_placed(seen);
        self.decide(seen);
    }

    fn count_placed(&mut self, seen: &Observation<'_>) {
        let robot_touches = |object: usize| {
            seen.contacts.iter().any(|contact| {
                matches!(contact.between,
                    [Owner::Link(_), Owner::Object(o)] | [Owner::Object(o), Owner::Link(_)] if o == object)
            })
        };
        self.truth.placed_ids.clear();
        for (index, object) in self.objects.iter().enumerate() {
            let centre = Point3::from(seen.object_poses[index].translation.vector);
            let [linear, angular] = seen.object_velocities[index];
            let at_rest = linear.norm() < OBJECT_AT_REST_M_PER_S
                && angular.norm() * object.size_m.norm() < 2.0 * OBJECT_AT_REST_M_PER_S;
            // As high as the object can stand on the floor, lying or upright, or on another one.
            let height_m = 2.0 * object.size_m.max();
            let inside = self
                .bins
                .iter()
                .any(|bin| bin.class == object.class && bin.contains(&centre, height_m));
            if inside && at_rest && !robot_touches(index) {
                self.truth.placed_ids.push(object.id.clone());
            }
        }
        self.truth.placed = self.truth.placed_ids.len();
    }

    fn decide(&mut self, seen: &Observation<'_>) {
        let truth = &mut self.truth;
        truth.sim_time_s = seen.now_s;
        truth.held = self.touch.held().map(|object| self.objects[object].id.clone());
        truth.arm_moving = seen.velocities[..self.arm_joints]
            .iter()
            .any(|velocity| velocity.abs() > JOINT_AT_REST_PER_S);
        if let Some(reach) = &mut self.reach {
            truth.placed = reach.observe(&seen.world_from_tool, !truth.arm_moving);
        }
        if self.thrusts.is_some() {
            truth.placed = truth.thrusts.map_or(0, |thrusts| thrusts.ended);
        }
        let mut is_held_right = truth.held.is_none();
        if let Some(pick) = &mut self.pick {
            let lowest_m = |object: usize| {
                let pose = &seen.object_poses[object];
                pose.translation.z - 0.5 * upright_extent_m(pose, &self.objects[object].size_m)
            };
            truth.placed = pick.observe(seen.now_s, self.touch.held().map(lowest_m));
            is_held_right = truth.placed == 1;
        }
        let at_rest = truth.placed == truth.total && is_held_right && !truth.arm_moving;
        if !at_rest {
            self.resting_since_s = None;
        }
        let since_s = *self.resting_since_s.get_or_insert(seen.now_s);
        // The arm that has got past its last thrust goes on to its next pose.
        let after_s = if self.thrusts.is_some() { 0.0 } else { DONE_AFTER_S };
        truth.done = at_rest && seen.now_s - since_s >= after_s;
        truth.success = truth.done && truth.forbidden_contacts == 0 && truth.limit_violations == 0;
    }

    fn note(&mut self, violations: Vec<Violation>) {
        self.truth.limit_violations += violations.len();
        let room = TOLD.saturating_sub(self.truth.violations.len());
        self.truth.violations.extend(violations.iter().take(room).map(Violation::to_string));
    }

    fn name(&self, owner: Owner) -> &str {
        match owner {
            Owner::Link(link) => &self.link_names[link],
            Owner::Fixed(fixed) => &self.fixed_names[fixed],
            Owner::Object(object) => &self.objects[object].id,
        }
    }
}

/// How high a box of this size is when it is turned so.
fn upright_extent_m(pose: &Pose, size_m: &Vector3<f64>) -> f64 {
    let turned = pose.rotation.to_rotation_matrix();
    turned.matrix().row(2).transpose().abs().dot(size_m)
}
