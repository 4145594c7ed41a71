use praxis_robot::Robot;

use crate::edge::{Pieces, Taken};
use crate::error::CollisionError;
use crate::instructions::{Instructions, Kernel};
use crate::kernel::{Block, Outcome, Workspace};
use crate::lanes::Row;
use crate::model::Model;
use crate::nearest::{Contact, Nearest, SignedDistance, Twin};
use crate::scene::Scene;

/// Configurations looked at along one edge before it counts as not free: more are needed only
/// where it grazes something.
const MAX_LOOKS: usize = 9600;

/// Answers whether configurations and edges of some joints of a robot are free in a scene; built
/// once a query, all other joints stay as they are.
///
/// Configurations touch if a sphere of a link or held object, moved by these joints, overlaps an
/// object, a measured point, or a sphere of another part that it may not touch. What these joints
/// cannot move (a base on its table) is told by [`Checker::fixed_contact`] and blocks nothing.
#[derive(Debug)]
pub struct Checker<'a> {
    model: Model,
    twin: Twin<'a>,
    work: Workspace,
    outcome: Outcome,
    kernel: Kernel,
    /// For each frame, its joint where the edge starts and how far it moves.
    start: Vec<f32>,
    way: Vec<f32>,
    /// For each frame, its joint in configurations that have nothing to do with each other.
    standing: Vec<Row>,
    pieces: Pieces,
    blocks: u64,
}

impl<'a> Checker<'a> {
    /// Prepares questions about `joints` (indices of [`Robot::joints`]) with the rest of the robot
    /// at `state` (all joints).
    pub fn new(
        robot: &'a Robot,
        scene: &'a Scene,
        joints: &[usize],
        state: &[f64],
    ) -> Result<Self, CollisionError> {
        let model = Model::new(robot, scene, joints, state)?;
        Ok(Self {
            work: Workspace::new(&model),
            outcome: Outcome::NEW,
            kernel: Instructions::best().kernel(),
            start: vec![0.0; model.frames.len()],
            way: vec![0.0; model.frames.len()],
            standing: vec![Row::ZERO; model.frames.len()],
            pieces: Pieces::default(),
            blocks: 0,
            twin: Twin::new(robot, scene, joints, state),
            model,
        })
    }

    /// The same questions answered with these instructions, which the processor must have:
    /// [`Instructions::available`] lists them. The plain ones are the twin of all others.
    #[must_use]
    pub fn with_instructions(mut self, instructions: Instructions) -> Self {
        self.kernel = instructions.kernel();
        self
    }

    /// The instructions that answer: the best that the processor has, if not told otherwise.
    pub fn instructions(&self) -> Instructions {
        self.kernel.instructions
    }

    /// How many blocks of configurations have been looked at so far: what a query's time goes to.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether the joints may stand at `q` (in the order given to [`Checker::new`]). A vector of
    /// another length, or with a value that is not finite, is not free.
    pub fn is_free(&mut self, q: &[f64]) -> bool {
        q.len() == self.model.variables && self.free_among(q) == 1
    }

    /// Which of up to 32 configurations, one after the other in `qs`, are free: a bit each, the
    /// first one's lowest. 8 or 16 are looked at for about the price of one.
    ///
    /// # Panics
    /// If `qs` holds more, or its last configuration is not whole.
    pub fn free_among(&mut self, qs: &[f64]) -> u32 {
        let dim = self.model.variables;
        if dim == 0 {
            return 0;
        }
        assert!(qs.len().is_multiple_of(dim) && qs.len() <= 32 * dim, "not up to 32 of {dim}");
        let mut free = 0;
        for (block, qs) in qs.chunks(self.kernel.lanes * dim).enumerate() {
            let mut sound = 0;
            for (lane, q) in qs.chunks_exact(dim).enumerate() {
                sound |= u32::from(q.iter().all(|value| value.is_finite())) << lane;
                for (row, frame) in self.standing.iter_mut().zip(&self.model.frames) {
                    row.0[lane] = q[frame.variable] as f32 * frame.multiplier + frame.offset;
                }
            }
            self.blocks += 1;
            let hits = (self.kernel.standing)(&self.model, &self.standing, sound, &mut self.work);
            free |= (sound & !hits) << (block * self.kernel.lanes);
        }
        free
    }

    /// The first of `count` configurations in a row that is not free: its place, and it. `put` adds
    /// the configuration of a place to a list; it is asked for some that come after the first.
    pub fn first_blocked(
        &mut self,
        count: usize,
        mut put: impl FnMut(usize, &mut Vec<f64>),
    ) -> Option<(usize, Vec<f64>)> {
        let dim = self.model.variables;
        let mut qs = Vec::with_capacity(self.kernel.lanes * dim);
        for first in (0..count).step_by(self.kernel.lanes) {
            qs.clear();
            let places = first..count.min(first + self.kernel.lanes);
            places.clone().for_each(|place| put(place, &mut qs));
            let free = self.free_among(&qs).trailing_ones() as usize;
            if free < places.len() {
                return Some((first + free, qs[free * dim..(free + 1) * dim].to_vec()));
            }
        }
        None
    }

    /// Whether the straight line from `a` to `b` is free, in between too: it is cut into pieces
    /// until none of them can touch anything, by how far each part moves in it at most. What is
    /// free but cannot be proven so (grazing over a long way) counts as not free.
    pub fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        if !self.is_sound(a) || !self.is_sound(b) {
            return false;
        }
        for (index, frame) in self.model.frames.iter().enumerate().skip(1) {
            let (from, to) = (a[frame.variable], b[frame.variable]);
            self.start[index] = from as f32 * frame.multiplier + frame.offset;
            self.way[index] = (to - from) as f32 * frame.multiplier;
        }
        self.pieces.start(self.kernel.lanes);
        for look in 0..MAX_LOOKS / self.kernel.lanes {
            let Some(taken) = self.pieces.take(self.kernel.lanes) else { return true };
            self.look(&taken, look == 0);
            if self.outcome.hits != 0 {
                return false;
            }
            self.pieces.cut(&taken, &self.outcome, self.work.sweep.fastest_m());
        }
        false
    }

    fn is_sound(&self, q: &[f64]) -> bool {
        q.len() == self.model.variables && q.iter().all(|value| value.is_finite())
    }

    /// The deepest contact at `q`, if any.
    pub fn first_contact(&mut self, q: &[f64]) -> Option<Contact> {
        let nearest = self.twin.nearest(&self.model, q, false)?;
        (nearest.distance_m < 0.0).then(|| nearest.into_contact())
    }

    /// The deepest contact of what these joints do not move with the scene, if any.
    pub fn fixed_contact(&mut self) -> Option<Contact> {
        let q = self.twin.standing();
        let nearest = self.twin.nearest(&self.model, &q, true)?;
        (nearest.distance_m < 0.0).then(|| nearest.into_contact())
    }

    /// The nearest pair at `q`; nothing if there is nothing to touch or `q` has the wrong length.
    pub fn nearest(&mut self, q: &[f64]) -> Option<Nearest> {
        self.twin.nearest(&self.model, q, false)
    }

    /// The nearest pair at `q`, its distance (negative in contact) and how that changes with the
    /// joints: the way out of a contact, or away from what is near.
    pub fn signed_distance(&mut self, q: &[f64]) -> Option<SignedDistance> {
        self.twin.signed_distance(&self.model, q)
    }

    /// Distance to the nearest thing that must not be touched, metres; negative in contact,
    /// infinite if there is nothing to touch, NaN if `q` has the wrong length.
    pub fn clearance_m(&mut self, q: &[f64]) -> f64 {
        if q.len() != self.model.variables {
            return f64::NAN;
        }
        self.nearest(q).map_or(f64::INFINITY, |nearest| nearest.distance_m)
    }

    fn look(&mut self, taken: &Taken, is_first: bool) {
        let block = Block {
            start: &self.start,
            way: &self.way,
            middle: taken.middle,
            half: taken.half,
            lanes: taken.lanes,
            parts: taken.parts,
            pairs: taken.pairs,
            is_first,
        };
        self.blocks += 1;
        (self.kernel.check)(&self.model, &block, &mut self.work, &mut self.outcome);
        if let Some(part) = self.outcome.hit_at {
            // What touched is looked at one place earlier next time.
            if let Some(place) = self.model.order.iter().position(|&p| p == part)
                && place > 0
            {
                self.model.order.swap(place, place - 1);
            }
        }
    }
}
