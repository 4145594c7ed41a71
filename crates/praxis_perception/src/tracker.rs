//! Many objects over time: who is who, who is new, who is gone.

use praxis_geometry::Stamp;
use praxis_network::Card;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assignment::assign;
use crate::object::SeenObject;
use crate::track::Track;

/// When a thing becomes an object and when it is given up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerConfig {
    /// Told from so many sightings on.
    #[schemars(range(min = 1, max = 100))]
    pub birth_hits: u32,
    /// Given up after its place was seen without it so often in a row.
    #[schemars(range(min = 1, max = 1000))]
    pub death_misses: u32,
    /// Given up after depth alone showed it so often in a row.
    #[schemars(range(min = 1, max = 100000))]
    pub death_unnamed: u32,
    /// A sighting farther off than this is another object, metres.
    #[schemars(range(min = 0.001, max = 5.0))]
    pub gate_m: f64,
    /// How far an object may have been nudged after a second, metres.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub drift_m: f64,
    /// How far an object may have been turned after a second, radians.
    #[schemars(range(min = 0.0, max = 3.2))]
    pub drift_rad: f64,
    /// What another class costs in the assignment, metres.
    #[schemars(range(min = 0.0, max = 5.0))]
    pub class_penalty_m: f64,
    /// A stamp earlier than the last one by more than this starts anew (a simulator was restarted),
    /// seconds.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub restart_s: f64,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            birth_hits: 3,
            death_misses: 4,
            death_unnamed: 45,
            gate_m: 0.05,
            drift_m: 0.002,
            drift_rad: 0.02,
            class_penalty_m: 0.03,
            restart_s: 0.5,
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

/// Many objects over time.
#[derive(Clone, Debug)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    next_id: u64,
    last_stamp: Option<Stamp>,
}

impl Tracker {
    /// A tracker that knows nothing yet; ids count from 1.
    pub fn new(config: TrackerConfig) -> Self {
        Self { config, tracks: Vec::new(), next_id: 1, last_stamp: None }
    }

    /// Everything that has been seen often enough.
    pub fn objects(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.hits >= self.config.birth_hits)
    }

    /// Forgets everything; ids go on counting.
    pub fn clear(&mut self) {
        self.tracks.clear();
        self.last_stamp = None;
    }

    /// Takes in one frame; false when it is older than the last one and was ignored.
    ///
    /// `look` says what the frame shows at the place of a track that was not detected.
    pub fn update(
        &mut self,
        stamp: Stamp,
        seen: &[SeenObject],
        card: &Card,
        look: impl Fn(&Track) -> Place,
    ) -> bool {
        let elapsed_s = match self.last_stamp.map(|last| stamp.seconds_since(last)) {
            None => 0.0,
            Some(elapsed) if elapsed < -self.config.restart_s => {
                self.clear();
                0.0
            }
            Some(elapsed) if elapsed <= 0.0 => return false,
            Some(elapsed) => elapsed,
        };
        self.last_stamp = Some(stamp);
        let TrackerConfig { drift_m, drift_rad, .. } = self.config;
        for track in &mut self.tracks {
            track.predict(elapsed_s, drift_m * drift_m, drift_rad * drift_rad);
        }

        let partner = assign(&self.costs(seen));
        let mut taken = vec![false; seen.len()];
        for (track, partner) in self.tracks.iter_mut().zip(&partner) {
            if let Some(index) = *partner {
                taken[index] = true;
                track.correct(&seen[index], stamp, card);
            } else {
                note_absence(track, look(track));
            }
        }
        self.bury();
        for (object, _) in seen.iter().zip(&taken).filter(|(_, taken)| !**taken) {
            self.tracks.push(Track::born(self.next_id, object, stamp, card.classes.len()));
            self.next_id += 1;
        }
        true
    }

    fn costs(&self, seen: &[SeenObject]) -> Vec<Vec<f64>> {
        let cost = |track: &Track, object: &SeenObject| {
            let offset = object.centre_m - track.centre_m;
            let sigma = track.position_variance_m2.sqrt() + object.position_sigma_m;
            if offset.xy().norm() > self.config.gate_m + 2.0 * sigma {
                return f64::INFINITY;
            }
            let other = if track.class == object.class { 0.0 } else { self.config.class_penalty_m };
            offset.norm() + other
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
