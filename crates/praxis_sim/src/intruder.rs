//! A box that is thrust into the way of an arm that goes to and fro.

use std::collections::BTreeMap;

use nalgebra::{UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_world::{ObjectInstance, Part};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Radians or metres per second: faster is moving.
const MOVING_PER_S: f64 = 0.02;
/// Spacing of the recorded way, seconds.
const RECORD_STEP_S: f64 = 0.01;

/// How the box is thrust.
#[derive(Clone, Debug, PartialEq)]
pub struct IntruderConfig {
    /// Edge lengths of the box, metres.
    pub size_m: Vector3<f64>,
    /// How fast it comes and goes, metres per second: drawn anew from one of these ranges for every
    /// thrust, each as often as the others.
    pub speeds_mps: Vec<[f64; 2]>,
    /// How far outside of the way it waits, metres.
    pub away_m: f64,
    /// Time left when it is in place until the arm, going on, would be within `reach_m` of it, seconds:
    /// the braking time, the way of one frame period, and 100 ms.
    pub lead_s: f64,
    /// How far hand and box reach from their middles together, metres.
    pub reach_m: f64,
    /// It leaves when the arm has arrived, or after this, seconds.
    pub stays_s: f64,
    /// The place lies between these shares of the recorded way's duration.
    pub share: [f64; 2],
    /// How far beside the tool's way its middle lies at most, metres.
    pub beside_m: f64,
    /// Within this distance of the goal the arm may slow down to rest, metres.
    pub arriving_m: f64,
    /// Thrusts after which the run is done; none: it comes as long as there are motions.
    pub thrusts: Option<usize>,
}

impl Default for IntruderConfig {
    fn default() -> Self {
        Self {
            size_m: Vector3::repeat(0.08),
            speeds_mps: vec![[2.5, 2.5]],
            away_m: 0.35,
            lead_s: 0.45,
            reach_m: 0.17,
            stays_s: 6.0,
            share: [0.5, 0.8],
            beside_m: 0.03,
            arriving_m: 0.08,
            thrusts: None,
        }
    }
}

impl IntruderConfig {
    /// A forearm that people reach into the way, slowly (0.3 to 0.8 m/s) or quickly (1.6 to 2.4 m/s).
    pub fn people() -> Self {
        Self {
            size_m: Vector3::new(0.09, 0.09, 0.30),
            speeds_mps: vec![[0.3, 0.8], [1.6, 2.4]],
            away_m: 0.45,
            reach_m: 0.25,
            ..Self::default()
        }
    }
}

/// What came of the thrusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thrusts {
    /// Thrusts whose motion has ended.
    pub ended: usize,
    /// Those of them in which the arm did not come to rest on its way.
    pub passed_without_stop: usize,
}

/// What the intruder sees at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub now_s: f64,
    pub tool_in_world: Vector3<f64>,
    /// Speed of the fastest joint.
    pub speed: f64,
    /// Poses reached so far.
    pub reached: usize,
    /// Where the tool is to go now, if anywhere.
    pub goal_in_world: Option<Vector3<f64>>,
}

/// The way of one motion: times since it began, and places of the tool.
type Way = Vec<(f64, Vector3<f64>)>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Outside; comes at a moment of the motion, if it is to come.
    Away { comes_s: Option<f64> },
    /// On its way in.
    Coming,
    /// In place since a moment.
    There { since_s: f64 },
    /// On its way out.
    Going,
}

/// Waits outside, learns the ways of the arm, and is thrust into one at a random moment.
#[derive(Clone, Debug)]
pub(crate) struct Intruder {
    config: IntruderConfig,
    random: ChaCha8Rng,
    /// Recorded ways by where they lead from (even or odd poses).
    ways: BTreeMap<usize, Way>,
    recording: Way,
    /// Number of the motion that is watched, and when it began.
    motion: Option<(usize, f64)>,
    phase: Phase,
    /// How fast it is this time.
    speed_mps: f64,
    /// Middle of the box when it is in place, and when it waits.
    place: [Vector3<f64>; 2],
    at: Vector3<f64>,
    thrust: bool,
    stopped: bool,
    thrusts: Thrusts,
}

/// Where it waits before it knows any way: far below the floor.
const NOWHERE: Vector3<f64> = Vector3::new(0.0, 0.0, -5.0);

impl Intruder {
    pub fn new(config: IntruderConfig, seed: u64) -> Self {
        Self {
            config,
            random: ChaCha8Rng::seed_from_u64(seed),
            ways: BTreeMap::new(),
            recording: Way::new(),
            motion: None,
            phase: Phase::Away { comes_s: None },
            speed_mps: 0.0,
            place: [NOWHERE; 2],
            at: NOWHERE,
            thrust: false,
            stopped: false,
            thrusts: Thrusts::default(),
        }
    }

    /// The box as an object of the layout.
    pub fn object(&self) -> ObjectInstance {
        let shape = Shape::Box { half_extents_m: 0.5 * self.config.size_m };
        ObjectInstance {
            id: "intruder".to_owned(),
            class: "intruder".to_owned(),
            parts: vec![Part { shape, object_from_part: Pose::identity() }],
            size_m: self.config.size_m,
            world_from_object: self.pose(),
            colour: [0.85, 0.30, 0.15],
            mass_kg: 1.0,
        }
    }

    pub fn pose(&self) -> Pose {
        Pose::from_parts(self.at.into(), UnitQuaternion::identity())
    }

    pub fn thrusts(&self) -> Thrusts {
        self.thrusts
    }

    /// One step; the pose is where the box is afterwards.
    pub fn step(&mut self, seen: &Sight, step_s: f64) {
        self.follow_motion(seen);
        self.phase = match self.phase {
            Phase::Away { comes_s: Some(comes_s) } if self.motion_s(seen) >= comes_s => {
                self.thrust = true;
                Phase::Coming
            }
            Phase::Coming => match self.go_to(self.place[0], step_s) {
                true => Phase::There { since_s: seen.now_s },
                false => Phase::Coming,
            },
            Phase::There { since_s } if seen.now_s - since_s > self.config.stays_s => Phase::Going,
            Phase::Going => match self.go_to(self.place[1], step_s) {
                true => Phase::Away { comes_s: None },
                false => Phase::Going,
            },
            phase => phase,
        };
        let is_there = matches!(self.phase, Phase::There { .. });
        let left_m = seen.goal_in_world.map_or(0.0, |goal| (goal - seen.tool_in_world).norm());
        if is_there && seen.speed < MOVING_PER_S && left_m > self.config.arriving_m {
            self.stopped = true;
        }
    }

    fn motion_s(&self, seen: &Sight) -> f64 {
        self.motion.map_or(f64::NEG_INFINITY, |(_, began_s)| seen.now_s - began_s)
    }

    /// Notices where motions begin and end, and learns the ways that nothing disturbs.
    fn follow_motion(&mut self, seen: &Sight) {
        match self.motion {
            None if seen.speed > MOVING_PER_S => {
                self.motion = Some((seen.reached, seen.now_s));
                self.recording.clear();
                let is_wanted = self.config.thrusts.is_none_or(|most| self.thrusts.ended < most);
                let known = self.ways.get(&(seen.reached % 2)).filter(|_| is_wanted).cloned();
                if let (Phase::Away { .. }, Some(way)) = (self.phase, known) {
                    self.phase = Phase::Away { comes_s: self.plan(&way) };
                }
            }
            Some((number, _)) if seen.reached > number => self.end_motion(number),
            Some((_, began_s)) => {
                let time_s = seen.now_s - began_s;
                if self.recording.last().is_none_or(|last| time_s - last.0 >= RECORD_STEP_S) {
                    self.recording.push((time_s, seen.tool_in_world));
                }
            }
            None => {}
        }
    }

    fn end_motion(&mut self, number: usize) {
        self.motion = None;
        // The first motion does not come from a pose of the course.
        if !self.thrust && number > 0 {
            self.ways.insert(number % 2, std::mem::take(&mut self.recording));
        }
        if std::mem::take(&mut self.thrust) {
            self.thrusts.ended += 1;
            self.thrusts.passed_without_stop += usize::from(!self.stopped);
        }
        self.stopped = false;
        self.phase = match self.phase {
            Phase::Coming | Phase::There { .. } => Phase::Going,
            Phase::Away { .. } => Phase::Away { comes_s: None },
            Phase::Going => Phase::Going,
        };
    }

    /// Chooses place and moment; none if the way leaves no time.
    fn plan(&mut self, way: &Way) -> Option<f64> {
        let config = &self.config;
        let duration_s = way.last()?.0;
        let at_s = duration_s * self.random.random_range(config.share[0]..=config.share[1]);
        let tool = way.iter().find(|(time_s, _)| *time_s >= at_s)?.1;
        let beside = |random: &mut ChaCha8Rng| random.random_range(-1.0..=1.0) * config.beside_m;
        let offset = Vector3::from_fn(|_, _| beside(&mut self.random));
        let place = tool + offset;
        // It comes from outside, level, and leaves the same way.
        let outwards = Vector3::new(place.x, place.y, 0.0).try_normalize(1e-3)?;
        let outside = place + config.away_m * outwards;
        let near = |at: &Vector3<f64>| (at - place).norm() < config.reach_m;
        let near_s = way.iter().find(|(_, at)| near(at))?.0;
        let kind = self.random.random_range(0..config.speeds_mps.len());
        let [slowest, fastest] = *config.speeds_mps.get(kind)?;
        let speed_mps = self.random.random_range(slowest..=fastest);
        let latest_s = near_s - config.lead_s - config.away_m / speed_mps;
        // One that comes slowly begins before the arm does.
        let earliest_s = if latest_s < 0.1 * duration_s { 0.0 } else { 0.1 * duration_s };
        if latest_s < earliest_s {
            return None;
        }
        self.speed_mps = speed_mps;
        self.place = [place, outside];
        self.at = outside;
        Some(self.random.random_range(earliest_s..=latest_s))
    }

    /// Goes on; whether it has arrived.
    fn go_to(&mut self, target: Vector3<f64>, step_s: f64) -> bool {
        let left = target - self.at;
        let step_m = self.speed_mps * step_s;
        if left.norm() <= step_m {
            self.at = target;
            return true;
        }
        self.at += left.normalize() * step_m;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An arm that goes to and fro on a half circle in two seconds, and ends a motion at its ends.
    fn run(stands_at: Option<f64>, motions: usize) -> Intruder {
        run_with(IntruderConfig::default(), stands_at, motions).0
    }

    /// As [`run`], and how fast the box was in each motion in which it came.
    fn run_with(
        config: IntruderConfig,
        stands_at: Option<f64>,
        motions: usize,
    ) -> (Intruder, Vec<f64>) {
        let mut intruder = Intruder::new(config, 1);
        let mut speeds_mps = Vec::new();
        let (mut now_s, step_s) = (0.0, 0.002);
        for number in 0..motions {
            let mut share: f64 = 0.0;
            let mut stood_s = 0.0;
            while share < 1.0 {
                let is_there = matches!(intruder.phase, Phase::There { .. });
                let stands = stands_at.is_some_and(|at| is_there && share > at && stood_s < 0.5);
                if stands {
                    stood_s += step_s;
                } else {
                    share += step_s / 2.0;
                }
                let towards = if number % 2 == 0 { share } else { 1.0 - share };
                let turn = (towards - 0.5) * 3.0;
                let at = |turn: f64| Vector3::new(0.5 * turn.cos(), 0.5 * turn.sin(), 0.4);
                let end = if number % 2 == 0 { 1.5 } else { -1.5 };
                let sight = Sight {
                    now_s,
                    tool_in_world: at(turn),
                    speed: if stands { 0.0 } else { 1.5 },
                    reached: number,
                    goal_in_world: Some(at(end)),
                };
                intruder.step(&sight, step_s);
                now_s += step_s;
            }
            if intruder.thrust {
                speeds_mps.push(intruder.speed_mps);
            }
            for _ in 0..300 {
                let tool = if number % 2 == 0 { 1.5f64 } else { -1.5 };
                let tool_in_world = Vector3::new(0.5 * tool.cos(), 0.5 * tool.sin(), 0.4);
                let reached = number + 1;
                let sight =
                    Sight { now_s, tool_in_world, speed: 0.0, reached, goal_in_world: None };
                intruder.step(&sight, step_s);
                now_s += step_s;
            }
        }
        (intruder, speeds_mps)
    }

    #[test]
    fn people_come_slowly_and_quickly_and_as_often() {
        let (intruder, speeds_mps) = run_with(IntruderConfig::people(), None, 43);
        let slow = speeds_mps.iter().filter(|&&mps| (0.3..=0.8).contains(&mps)).count();
        let fast = speeds_mps.iter().filter(|&&mps| (1.6..=2.4).contains(&mps)).count();
        assert_eq!((slow + fast, intruder.thrusts().ended), (speeds_mps.len(), speeds_mps.len()));
        assert!(slow >= 3 && fast >= 8, "{speeds_mps:?}");
    }

    #[test]
    fn it_learns_both_ways_before_it_comes() {
        assert_eq!(run(None, 3).thrusts(), Thrusts::default());
        let later = run(None, 10).thrusts();
        assert!(later.ended >= 5, "{later:?}");
        assert_eq!(later.passed_without_stop, later.ended);
    }

    #[test]
    fn it_comes_as_often_as_it_is_to() {
        let config = IntruderConfig { thrusts: Some(3), ..IntruderConfig::default() };
        let (intruder, speeds_mps) = run_with(config, None, 20);
        assert_eq!((intruder.thrusts().ended, speeds_mps.len()), (3, 3));
    }

    #[test]
    fn an_arm_that_stands_on_its_way_has_not_passed() {
        let thrusts = run(Some(0.3), 10).thrusts();
        assert!(thrusts.ended >= 5 && thrusts.passed_without_stop == 0, "{thrusts:?}");
    }
}
