//! Many objects over time, seen by any number of detectors: who is who, who is new, who is gone.

use std::collections::VecDeque;

use praxis_geometry::{Pose, Stamp};
use praxis_network::Card;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assignment::assign;
use crate::object::SeenObject;
use crate::sighting::{Carried, Sighting};
use crate::track::Track;

/// How objects move of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MotionModel {
    /// They stand until somebody moves them: things on a table.
    #[default]
    Static,
    /// They go on as they go: vehicles, people.
    ConstantVelocity,
}

/// When a thing becomes an object and when it is given up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerConfig {
    /// How objects move of themselves: `static` or `constant_velocity`.
    pub motion: MotionModel,
    /// Told from so many sightings on.
    #[schemars(range(min = 1, max = 100))]
    pub birth_hits: u32,
    /// Given up after its place was seen without it so often in a row.
    #[schemars(range(min = 1, max = 1000))]
    pub death_misses: u32,
    /// Given up after depth alone showed it so often in a row.
    #[schemars(range(min = 1, max = 100000))]
    pub death_unnamed: u32,
    /// A standing object may have been moved so far between two sightings, metres.
    #[schemars(range(min = 0.001, max = 5.0))]
    pub gate_m: f64,
    /// A moving object's sighting lies within so many standard deviations.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub gate_sigmas: f64,
    /// How far an object may have been nudged after a second, metres.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub drift_m: f64,
    /// How far an object may have been turned after a second, radians.
    #[schemars(range(min = 0.0, max = 3.2))]
    pub drift_rad: f64,
    /// How strongly a moving object speeds up, brakes and turns, m/s².
    #[schemars(range(min = 0.0, max = 50.0))]
    pub acceleration_mps2: f64,
    /// How fast a moving object may be when it is first seen, m/s.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub birth_speed_mps: f64,
    /// What another class costs in the assignment, metres.
    #[schemars(range(min = 0.0, max = 5.0))]
    pub class_penalty_m: f64,
    /// Frames so late are still worked in at their place in time, seconds.
    #[schemars(range(min = 0.0, max = 5.0))]
    pub history_s: f64,
    /// A stamp earlier than the last one by more than this starts anew (a simulator was restarted),
    /// seconds.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub restart_s: f64,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            motion: MotionModel::Static,
            birth_hits: 3,
            death_misses: 4,
            death_unnamed: 45,
            gate_m: 0.05,
            gate_sigmas: 4.0,
            drift_m: 0.002,
            drift_rad: 0.02,
            acceleration_mps2: 2.0,
            birth_speed_mps: 15.0,
            class_penalty_m: 0.03,
            history_s: 0.5,
            restart_s: 2.0,
        }
    }
}

/// What the frame shows where a track was not detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Out of view or behind something.
    Hidden,
    /// Something of its height stands there.
    Occupied,
    /// It is in view and empty.
    Empty,
}

/// What became of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was the newest.
    InOrder,
    /// It came late and was worked in at its place in time.
    Late,
    /// It was older than what is remembered, and was left out.
    TooLate,
    /// Its clock was set back: everything older was forgotten.
    Restarted,
}

/// One frame of one detector.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    /// When it was taken.
    pub stamp: Stamp,
    /// What was seen.
    pub seen: Vec<Sighting>,
    /// What the robot held at that moment.
    pub carried: Vec<Carried>,
}

/// A frame that may have to be gone through again.
#[derive(Clone, Debug)]
struct Remembered {
    frame: Sightings,
    /// Ids under which sightings of this frame were born; they keep them.
    born: Vec<Option<u64>>,
    /// What the frame showed at the places of the tracks that it did not see.
    places: Vec<(u64, Place)>,
    /// The tracks before it.
    before: Vec<Track>,
}

/// Many objects over time, in one common frame.
#[derive(Clone, Debug)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    next_id: u64,
    history: VecDeque<Remembered>,
    /// Nothing before this can be worked in any more.
    horizon: Option<Stamp>,
}

impl Tracker {
    /// A tracker that knows nothing yet; ids count from 1.
    pub fn new(config: TrackerConfig) -> Self {
        Self { config, tracks: Vec::new(), next_id: 1, history: VecDeque::new(), horizon: None }
    }

    /// The settings in force.
    pub fn config(&self) -> &TrackerConfig {
        &self.config
    }

    /// Everything that has been seen often enough.
    pub fn objects(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.hits >= self.config.birth_hits)
    }

    /// What is to be expected at another moment, such as now.
    pub fn objects_at(&self, moment: Stamp) -> impl Iterator<Item = Track> {
        self.objects().map(move |track| track.at(moment, &self.config))
    }

    /// Forgets everything; ids go on counting.
    pub fn clear(&mut self) {
        self.tracks.clear();
        self.history.clear();
        self.horizon = None;
    }

    /// Takes in one frame of a camera; false when it is too old and was ignored.
    ///
    /// `look` says what the frame shows at the place of a track that was not detected.
    pub fn update(
        &mut self,
        stamp: Stamp,
        seen: &[SeenObject],
        card: &Card,
        look: impl Fn(&Track) -> Place,
    ) -> bool {
        let seen = seen.iter().map(Sighting::from).collect();
        self.take(Sightings { stamp, seen, carried: Vec::new() }, card, look) != Taken::TooLate
    }

    /// Takes in one frame of any detector, in whatever order the frames come.
    ///
    /// A late frame is worked in where it belongs: the tracks go back to that moment and all later
    /// frames are gone through again, so the outcome is that of frames in order. `look` says what
    /// the frame shows at the place of a track that was not detected.
    pub fn take(
        &mut self,
        mut frame: Sightings,
        card: &Card,
        look: impl Fn(&Track) -> Place,
    ) -> Taken {
        frame.seen.retain(is_sound);
        let newest = self.history.back().map(|last| last.frame.stamp);
        let late_s = newest.map_or(-1.0, |newest| newest.seconds_since(frame.stamp));
        let mut taken = Taken::InOrder;
        if late_s > self.config.restart_s {
            self.clear();
            taken = Taken::Restarted;
        } else if late_s > 0.0 {
            taken = Taken::Late;
        }
        if self.horizon.is_some_and(|horizon| frame.stamp < horizon) {
            return Taken::TooLate;
        }
        let stamp = frame.stamp;
        let at = self.history.partition_point(|known| known.frame.stamp <= stamp);
        let again: Vec<Remembered> = self.history.drain(at..).collect();
        if let Some(first) = again.first() {
            self.tracks.clone_from(&first.before);
        }
        let born = vec![None; frame.seen.len()];
        let new = Remembered { frame, born, places: Vec::new(), before: Vec::new() };
        self.go_through(new, card, &look);
        for old in again {
            let places = old.places.clone();
            let remembered = |track: &Track| {
                let known = places.iter().find(|(id, _)| *id == track.id);
                known.map_or(Place::Hidden, |(_, place)| *place)
            };
            self.go_through(old, card, &remembered);
        }
        self.forget_old();
        taken
    }

    fn forget_old(&mut self) {
        let Some(newest) = self.history.back().map(|last| last.frame.stamp) else { return };
        while self
            .history
            .front()
            .is_some_and(|first| newest.seconds_since(first.frame.stamp) > self.config.history_s)
        {
            self.horizon = self.history.pop_front().map(|first| first.frame.stamp);
        }
    }

    /// One frame after those before it.
    fn go_through(&mut self, mut entry: Remembered, card: &Card, look: &dyn Fn(&Track) -> Place) {
        entry.before.clone_from(&self.tracks);
        entry.places.clear();
        let stamp = entry.frame.stamp;
        for track in &mut self.tracks {
            track.predict(stamp, &self.config);
        }
        self.carry(&entry.frame.carried, stamp);
        let seen = &entry.frame.seen;
        let partner = assign(&self.costs(seen));
        let mut taken = vec![false; seen.len()];
        for (index, partner) in partner.iter().enumerate() {
            let Some(sighting) = *partner else {
                let track = &mut self.tracks[index];
                let place = if track.is_held() { Place::Hidden } else { look(track) };
                entry.places.push((track.id, place));
                note_absence(track, place);
                continue;
            };
            taken[sighting] = true;
            self.tracks[index].correct(&seen[sighting], stamp, card, &self.config);
            // What was told under an id before a late frame came keeps it.
            if let Some(told) = entry.born[sighting]
                && told < self.tracks[index].id
                && self.tracks.iter().all(|track| track.id != told)
            {
                self.tracks[index].id = told;
            }
        }
        self.bury();
        for (index, sighting) in seen.iter().enumerate().filter(|(index, _)| !taken[*index]) {
            let id = *entry.born[index].get_or_insert_with(|| {
                self.next_id += 1;
                self.next_id - 1
            });
            let classes = card.classes.len();
            self.tracks.push(Track::born(id, sighting, stamp, classes, &self.config));
        }
        self.history.push_back(entry);
    }

    /// Lets tracks follow what the hand holds; what is held no more is let go.
    fn carry(&mut self, carried: &[Carried], stamp: Stamp) {
        for track in &mut self.tracks {
            if let Some((key, _)) = track.hold
                && !carried.iter().any(|held| held.key == key)
            {
                track.release();
            }
        }
        for held in carried {
            let holds = |track: &Track| track.hold.is_some_and(|(key, _)| key == held.key);
            if !self.tracks.iter().any(holds) {
                self.take_hold(held);
            }
            if let Some(track) = self.tracks.iter_mut().find(|track| holds(track))
                && let Some((_, held_from_object)) = track.hold
            {
                track.follow(&(held.world_from_held * held_from_object), stamp);
            }
        }
    }

    /// The nearest track within reach of a held thing is that thing.
    fn take_hold(&mut self, held: &Carried) {
        let at = held.world_from_held.translation.vector;
        let gate = self.config.gate_m;
        let distance = |track: &Track| (track.centre_m - at).norm();
        let nearest = self
            .tracks
            .iter_mut()
            .filter(|track| track.hold.is_none() && distance(track) <= gate)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(track) = nearest {
            let held_from_object: Pose = held.world_from_held.inverse() * track.world_from_object();
            track.hold = Some((held.key, held_from_object));
        }
    }

    fn costs(&self, seen: &[Sighting]) -> Vec<Vec<f64>> {
        let config = &self.config;
        let cost = |track: &Track, object: &Sighting| {
            let offset = object.centre_m - track.centre_m;
            let apart = match config.motion {
                MotionModel::Static => {
                    let variance = |matrix: &nalgebra::Matrix3<f64>| matrix.trace() / 3.0;
                    let own = variance(&track.position_covariance_m2()).sqrt();
                    let sigma = own + variance(&object.covariance_m2).sqrt();
                    (offset.xy().norm() <= config.gate_m + 2.0 * sigma).then(|| offset.norm())
                }
                MotionModel::ConstantVelocity => {
                    let sigmas = track.mahalanobis2(object).sqrt();
                    let scale = config.gate_m / config.gate_sigmas;
                    (sigmas <= config.gate_sigmas).then_some(sigmas * scale)
                }
            };
            let other = if track.class == object.class { 0.0 } else { config.class_penalty_m };
            apart.map_or(f64::INFINITY, |apart| apart + other)
        };
        self.tracks
            .iter()
            .map(|track| seen.iter().map(|object| cost(track, object)).collect())
            .collect()
    }

    fn bury(&mut self) {
        let TrackerConfig { birth_hits, death_misses, death_unnamed, .. } = self.config;
        self.tracks.retain(|track| {
            // What was never told needs no second chance.
            let patience = if track.hits < birth_hits { 1 } else { death_misses };
            track.misses < patience && track.unnamed < death_unnamed
        });
    }
}

fn note_absence(track: &mut Track, place: Place) {
    match place {
        Place::Hidden => {}
        Place::Occupied => track.unnamed += 1,
        Place::Empty => track.misses += 1,
    }
}

/// Whether all of its numbers can be computed with.
fn is_sound(seen: &Sighting) -> bool {
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    let shape = seen.shape.is_none_or(|shape| {
        finite(shape.size_m.as_slice())
            && shape.yaw_rad.is_finite()
            && shape.yaw_variance_rad2.is_finite()
    });
    let velocity = seen
        .velocity
        .as_ref()
        .is_none_or(|(velocity, spread)| finite(velocity.as_slice()) && finite(spread.as_slice()));
    shape
        && velocity
        && seen.score.is_finite()
        && finite(seen.centre_m.as_slice())
        && finite(seen.covariance_m2.as_slice())
}
