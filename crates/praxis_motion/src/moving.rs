//! Motions that begin while the robot moves, and motions that end it.

use std::sync::Arc;
use std::time::Instant;

use praxis_collision::Scene;
use praxis_planning::{BOUNDS_TOLERANCE, JointSpace, SimplifyConfig};
use praxis_trajectory::{
    DirectMotion, JointLimits, JointSample, Trajectory, TrajectoryError, brake, brake_along,
    first_blocked_chord, join, least_duration_s,
};

use crate::arm::Arm;
use crate::error::MotionError;
use crate::planner::{Motion, MotionPlanner};
use crate::request::MotionRequest;
use crate::search::Search;

/// Motions that were not planned through free space are looked at so often before all of them is
/// checked: most of those that touch something are found out at once.
const FIRST_LOOK_S: f64 = 0.02;
const LOOKS_AT_ONCE: usize = 8;
/// So often their positions are held against the joints' bounds.
const BOUNDS_STEP_S: f64 = 0.004;
/// Moments on a running motion at which a brake is tried.
const DELAYS_TRIED: usize = 50;
/// Rounds of shortening while an arm in motion waits for the path.
const ROUNDS_IN_MOTION: u32 = 2;
/// Places of the planned motion that a moving start tries to join.
const JOINTS_TRIED: usize = 8;

impl MotionPlanner {
    /// Plans from a moving state: the group's joints are at `moving` when the motion begins, all
    /// others as in the request's start.
    ///
    /// A motion from where the shortest brake would end is planned; the state then joins it as
    /// early as it can by a motion that is free and within limits, or brakes first where nothing
    /// else is. Position, velocity and acceleration never jump.
    pub fn plan_moving(
        &mut self,
        request: &MotionRequest<'_>,
        moving: &JointSample,
        scene: &Scene,
    ) -> Result<Motion, MotionError> {
        let robot = Arc::clone(self.robot());
        let (mut arm, limits) = self.arm_moving(&robot, request, moving, scene)?;
        let stop = free_brake(&mut arm, moving, &limits)?;
        self.plan_joined(&mut arm, request, moving, &stop, &limits)
    }

    /// Plans a motion that takes over from a running one of the request's group, at `at_s` on it.
    ///
    /// As [`MotionPlanner::plan_moving`], but where the shortest brake would touch something the
    /// motion goes on along the running one until a brake is free.
    pub fn plan_taking_over(
        &mut self,
        request: &MotionRequest<'_>,
        running: &Trajectory,
        at_s: f64,
        scene: &Scene,
    ) -> Result<Motion, MotionError> {
        let robot = Arc::clone(self.robot());
        let moving = running.sample(at_s);
        let (mut arm, limits) = self.arm_moving(&robot, request, &moving, scene)?;
        let stop = safest_brake(&mut arm, running, at_s, &limits)?;
        self.plan_joined(&mut arm, request, &moving, &stop, &limits)
    }

    /// From where `stop` ends to the goal, joined by the moving state as early as it can.
    fn plan_joined(
        &mut self,
        arm: &mut Arm<'_>,
        request: &MotionRequest<'_>,
        moving: &JointSample,
        stop: &Trajectory,
        limits: &JointLimits,
    ) -> Result<Motion, MotionError> {
        let mut start = request.start.clone();
        put(&mut start, arm.group(), stop.last_position());
        arm.restart(stop.last_position());
        let from_rest = MotionRequest { start, ..request.clone() };
        let shortening =
            SimplifyConfig { max_rounds: ROUNDS_IN_MOTION, ..self.config.simplify.clone() };
        let mut motion =
            self.plan_on(arm, Search::Quick, &from_rest, &shortening, Instant::now())?;
        arm.restart(&moving.position);
        // It stays nearer to what was checked than the chords of the checks do.
        motion.trajectory = soonest(arm, moving, stop, &motion.trajectory, limits)?.thinned();
        Ok(motion)
    }

    /// The shortest stop found of a running motion of the request's group, at `at_s` on it: each
    /// joint as fast as it can where that touches nothing; otherwise slowed down along the motion,
    /// or on along it until such a brake is free. The rest of the motion is the last resort.
    pub fn safe_brake(
        &self,
        request: &MotionRequest<'_>,
        running: &Trajectory,
        at_s: f64,
        scene: &Scene,
    ) -> Result<Trajectory, MotionError> {
        let robot = Arc::clone(self.robot());
        let (mut arm, limits) = self.arm_moving(&robot, request, &running.sample(at_s), scene)?;
        safest_brake(&mut arm, running, at_s, &limits)
    }

    fn arm_moving<'a>(
        &self,
        robot: &'a praxis_robot::Robot,
        request: &MotionRequest<'a>,
        moving: &JointSample,
        scene: &'a Scene,
    ) -> Result<(Arm<'a>, JointLimits), MotionError> {
        let mut state = request.start.clone();
        let group = robot.group(&request.group).map(|group| group.joints.clone());
        let group = group.unwrap_or_default();
        moving.check(group.len())?;
        put(&mut state, &group, &moving.position);
        let arm = Arm::new(robot, scene, &request.group, &state, self.limits())?
            .constrained(&request.constraints)?
            .cancelled_by(request.cancel);
        // A stop needs what the robot can do, not what a request would like it to do.
        let limits = self.limits_of(arm.joint_names(), 1.0, 1.0)?;
        Ok((arm, limits))
    }
}

/// See [`MotionPlanner::safe_brake`]; where no stop is free, why the very first is not.
fn safest_brake(
    arm: &mut Arm<'_>,
    running: &Trajectory,
    at_s: f64,
    limits: &JointLimits,
) -> Result<Trajectory, MotionError> {
    let rest = running.tail(at_s)?;
    let blocked = match free_brake(arm, &rest.sample(0.0), limits) {
        Ok(stop) => return Ok(join(&rest, 0.0, &stop, limits)?),
        Err(MotionError::Cancelled) => return Err(MotionError::Cancelled),
        Err(blocked) => blocked,
    };
    // On along the motion, but not into what is in its way.
    let free_s = match first_blocked_look(arm, &rest) {
        Some((look, _)) => (look as f64 - 1.0) * FIRST_LOOK_S,
        None => rest.duration_s(),
    };
    let delays_s = (1..=DELAYS_TRIED).map(|k| rest.duration_s() * k as f64 / DELAYS_TRIED as f64);
    for on_s in delays_s.take_while(|on_s| *on_s <= free_s) {
        let Ok(stop) = free_brake(arm, &rest.sample(on_s), limits) else { continue };
        let along = brake_along(running, at_s, limits)?;
        let is_sooner = along.duration_s() < on_s + stop.duration_s();
        if is_sooner && first_trouble(arm, &along, limits).is_none() {
            return Ok(along);
        }
        // Between the looks the motion may have grazed something.
        let joined = join(&rest, on_s, &stop, limits)?;
        return if first_trouble(arm, &joined, limits).is_none() {
            Ok(joined)
        } else {
            Err(blocked)
        };
    }
    if first_trouble(arm, &rest, limits).is_none() { Ok(rest) } else { Err(blocked) }
}

/// The shortest stop, each joint on its own, if it is free and within bounds.
fn free_brake(
    arm: &mut Arm<'_>,
    moving: &JointSample,
    limits: &JointLimits,
) -> Result<Trajectory, MotionError> {
    let stop = brake(arm.joint_names().to_vec(), moving, limits)?;
    if arm.is_cancelled() {
        return Err(MotionError::Cancelled);
    }
    match first_trouble(arm, &stop, limits) {
        None => Ok(stop),
        Some(Trouble::OutOfBounds { joint, position, excess }) => {
            let (min, max) = arm.bounds_of(joint);
            let joint = arm.joint_names()[joint].clone();
            Err(MotionError::StartOutOfLimits { joint, position, excess, min, max })
        }
        Some(Trouble::Blocked { from, to }) => {
            Err(MotionError::StartInCollision(arm.touching_along(&from, &to)))
        }
    }
}

fn put(state: &mut [f64], group: &[usize], q: &[f64]) {
    for (&joint, &value) in group.iter().zip(q) {
        if let Some(entry) = state.get_mut(joint) {
            *entry = value;
        }
    }
}

/// A place of a planned motion that a moving state may join.
struct Joining<'a> {
    at_s: f64,
    to: &'a JointSample,
    /// When all would be over; as long as the way is not worked out, no sooner than this.
    over_s: f64,
    way: Option<DirectMotion<'a>>,
}

/// The motion onto `planned` that is over first: joining it at some place, or after the brake.
fn soonest(
    arm: &mut Arm<'_>,
    moving: &JointSample,
    stop: &Trajectory,
    planned: &Trajectory,
    limits: &JointLimits,
) -> Result<Trajectory, MotionError> {
    let places_s =
        (1..=JOINTS_TRIED).map(|k| planned.duration_s() * k as f64 / JOINTS_TRIED as f64);
    let places: Vec<_> = places_s.map(|at_s| (at_s, planned.sample(at_s))).collect();
    let mut open: Vec<Joining<'_>> = Vec::with_capacity(places.len());
    for (at_s, to) in &places {
        let over_s = least_duration_s(moving, to, limits) + planned.duration_s() - at_s;
        open.push(Joining { at_s: *at_s, to, over_s, way: None });
    }
    let by_brake_s = stop.duration_s() + planned.duration_s();
    // Working out a way takes far longer than its bound: it is done as the bound comes to be least.
    while let Some(first) =
        (0..open.len()).min_by(|&a, &b| open[a].over_s.total_cmp(&open[b].over_s))
        && open[first].over_s < by_brake_s
    {
        let Joining { at_s, to, way, .. } = &open[first];
        let Some(way) = way else {
            match DirectMotion::new(moving, to, limits) {
                Ok(way) => {
                    open[first].over_s = way.duration_s() + planned.duration_s() - at_s;
                    open[first].way = Some(way);
                }
                // Other places can be joined all the same.
                Err(TrajectoryError::Unreachable { .. }) => drop(open.swap_remove(first)),
                Err(error) => return Err(error.into()),
            }
            continue;
        };
        let bridge = way.trajectory(arm.joint_names().to_vec())?;
        if first_trouble(arm, &bridge, limits).is_none() {
            return Ok(bridge.followed_by(&planned.tail(*at_s)?)?);
        }
        open.swap_remove(first);
    }
    Ok(stop.followed_by(planned)?)
}

/// Why a motion cannot be driven.
enum Trouble {
    OutOfBounds { joint: usize, position: f64, excess: f64 },
    Blocked { from: Vec<f64>, to: Vec<f64> },
}

/// The first thing in the way of a motion that was not planned through free space.
fn first_trouble(arm: &mut Arm<'_>, motion: &Trajectory, limits: &JointLimits) -> Option<Trouble> {
    if let Some((_, here)) = first_blocked_look(arm, motion) {
        return Some(Trouble::Blocked { from: here.clone(), to: here });
    }
    let (mut cursor, mut sample) = (0, JointSample::zeros(motion.dim()));
    let steps = (motion.duration_s() / BOUNDS_STEP_S).ceil().max(1.0) as usize;
    for step in 0..=steps {
        let time_s = motion.duration_s() * step as f64 / steps as f64;
        motion.sample_into(time_s, &mut cursor, &mut sample);
        for (joint, &position) in sample.position.iter().enumerate() {
            let (min, max) = arm.bounds_of(joint);
            let excess = (min - position).max(position - max);
            if excess > BOUNDS_TOLERANCE {
                return Some(Trouble::OutOfBounds { joint, position, excess });
            }
        }
    }
    let blocked = first_blocked_chord(motion, limits, |from, to| arm.edge_is_free(from, to));
    blocked.map(|[from, to]| Trouble::Blocked { from, to })
}

/// The first of the looks at a motion, [`FIRST_LOOK_S`] apart without its ends, that is not free, and
/// its configuration.
fn first_blocked_look(arm: &mut Arm<'_>, motion: &Trajectory) -> Option<(usize, Vec<f64>)> {
    let looks = (motion.duration_s() / FIRST_LOOK_S).ceil() as usize;
    let (mut cursor, mut sample) = (0, JointSample::zeros(motion.dim()));
    let mut states = Vec::with_capacity(LOOKS_AT_ONCE * motion.dim());
    for first in (1..looks).step_by(LOOKS_AT_ONCE) {
        states.clear();
        for look in first..looks.min(first + LOOKS_AT_ONCE) {
            motion.sample_into(look as f64 * FIRST_LOOK_S, &mut cursor, &mut sample);
            states.extend(&sample.position);
        }
        let free = arm.free_among(&states);
        let mut each = states.chunks_exact(motion.dim()).enumerate();
        if let Some((lane, here)) = each.find(|(lane, _)| free >> lane & 1 == 0) {
            return Some((first + lane, here.to_vec()));
        }
    }
    None
}
