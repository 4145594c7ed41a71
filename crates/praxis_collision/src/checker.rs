use std::collections::VecDeque;

use praxis_robot::Robot;

use crate::error::CollisionError;
use crate::kernel::{Block, Outcome, Workspace, check, pair_bit, part_bit};
use crate::lanes::{Plain, Row, WIDTH};
use crate::model::Model;
use crate::nearest::{Contact, Nearest, Twin};
use crate::scene::Scene;

/// A piece whose motion is below this is as good as one configuration, metres.
const STANDSTILL_M: f32 = 2e-6;
/// Looks at one edge before it counts as not free: more are needed only where it grazes something.
const MAX_BLOCKS: u32 = 600;
/// Into how many pieces one is cut that is not proven free.
const CUTS: u8 = 4;

type Kernel = fn(&Model, &Block<'_>, &mut Workspace, &mut Outcome);

/// A piece of an edge: its middle and half its length (in edge lengths), and what may touch there.
#[derive(Clone, Copy, Debug)]
struct Piece {
    middle: f32,
    half: f32,
    parts: u64,
    pairs: u128,
}

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
    rows: Vec<Row>,
    speeds: (Vec<f32>, Vec<f32>),
    pieces: VecDeque<Piece>,
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
            outcome: Outcome {
                near_parts: vec![0; model.parts.len()],
                near_pairs: vec![0; model.pairs.len()],
                ..Outcome::default()
            },
            kernel: fastest_kernel(),
            rows: vec![Row::ZERO; joints.len()],
            speeds: (vec![0.0; model.parts.len()], vec![0.0; model.pairs.len()]),
            pieces: VecDeque::new(),
            blocks: 0,
            twin: Twin::new(robot, scene, joints, state),
            model,
        })
    }

    /// The same questions answered by the plain kernel: the twin that the fast ones are held to.
    #[must_use]
    pub fn without_vector_instructions(mut self) -> Self {
        self.kernel = check::<Plain>;
        self
    }

    /// How many blocks of configurations have been looked at so far: what a query's time goes to.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether the joints may stand at `q` (in the order given to [`Checker::new`]). A vector of
    /// another length, or with a value that is not finite, is not free.
    pub fn is_free(&mut self, q: &[f64]) -> bool {
        self.all_free(&[q])
    }

    /// Whether up to 16 configurations are all free, for about the price of one.
    pub fn all_free(&mut self, qs: &[&[f64]]) -> bool {
        let sound = |q: &[f64]| q.len() == self.model.variables && q.iter().all(|v| v.is_finite());
        if qs.is_empty() || qs.len() > WIDTH || !qs.iter().all(|q| sound(q)) {
            return false;
        }
        for (joint, row) in self.rows.iter_mut().enumerate() {
            for lane in 0..WIDTH {
                row.0[lane] = qs[lane.min(qs.len() - 1)][joint] as f32;
            }
        }
        self.speeds.0.fill(0.0);
        self.speeds.1.fill(0.0);
        let lanes = ((1_u64 << qs.len()) - 1) as u32;
        self.look(Row::ZERO, lanes, u64::MAX, u128::MAX);
        self.outcome.hits == 0
    }

    /// Whether the straight line from `a` to `b` is free, in between too: it is cut into pieces
    /// until none of them can touch anything, by how far each part moves in it at most. What is
    /// free but cannot be proven so (grazing over a long way) counts as not free.
    pub fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        let sound = |q: &[f64]| q.len() == self.model.variables && q.iter().all(|v| v.is_finite());
        if !sound(a) || !sound(b) {
            return false;
        }
        let way: Vec<f32> = a.iter().zip(b).map(|(a, b)| (b - a) as f32).collect();
        let speed =
            |weights: &[f32]| weights.iter().zip(&way).map(|(w, d)| w * d.abs()).sum::<f32>();
        for (speed_m, part) in self.speeds.0.iter_mut().zip(&self.model.parts) {
            *speed_m = speed(&part.weights);
        }
        for (speed_m, pair) in self.speeds.1.iter_mut().zip(&self.model.pairs) {
            *speed_m = speed(&pair.weights);
        }
        self.pieces.clear();
        let half = 0.5 / WIDTH as f32;
        for k in 0..WIDTH {
            let middle = (2 * k + 1) as f32 * half;
            self.pieces.push_back(Piece { middle, half, parts: u64::MAX, pairs: u128::MAX });
        }
        for _ in 0..MAX_BLOCKS {
            let count = self.pieces.len().min(WIDTH);
            if count == 0 {
                return true;
            }
            let mut taken = [self.pieces[0]; WIDTH];
            for (slot, piece) in taken.iter_mut().zip(self.pieces.drain(..count)) {
                *slot = piece;
            }
            for ((row, from), way) in self.rows.iter_mut().zip(a).zip(&way) {
                *row = Row(taken.map(|piece| piece.middle.mul_add(*way, *from as f32)));
            }
            let lanes = ((1_u64 << count) - 1) as u32;
            let parts = taken.iter().fold(0, |bits, piece| bits | piece.parts);
            let pairs = taken.iter().fold(0, |bits, piece| bits | piece.pairs);
            self.look(Row(taken.map(|piece| piece.half)), lanes, parts, pairs);
            if self.outcome.hits != 0 {
                return false;
            }
            self.cut(&taken[..count]);
        }
        false
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

    /// Distance to the nearest thing that must not be touched, metres; negative in contact,
    /// infinite if there is nothing to touch, NaN if `q` has the wrong length.
    pub fn clearance_m(&mut self, q: &[f64]) -> f64 {
        if q.len() != self.model.variables {
            return f64::NAN;
        }
        self.nearest(q).map_or(f64::INFINITY, |nearest| nearest.distance_m)
    }

    fn look(&mut self, half: Row, lanes: u32, parts: u64, pairs: u128) {
        let block = Block {
            joints: &self.rows,
            half,
            lanes,
            parts,
            pairs,
            part_speeds: &self.speeds.0,
            pair_speeds: &self.speeds.1,
        };
        self.blocks += 1;
        (self.kernel)(&self.model, &block, &mut self.work, &mut self.outcome);
        if let Some(part) = self.outcome.hit_at {
            // What touched is looked at one place earlier next time.
            if let Some(place) = self.model.order.iter().position(|&p| p == part)
                && place > 0
            {
                self.model.order.swap(place, place - 1);
            }
        }
    }

    /// Queues the pieces of what the last look left unproven.
    fn cut(&mut self, looked_at: &[Piece]) {
        for (lane, piece) in looked_at.iter().enumerate() {
            let (mut parts, mut pairs, mut fastest) = (0, 0, 0.0_f32);
            for (part, near) in self.outcome.near_parts.iter().enumerate() {
                if near >> lane & 1 == 1 && piece.parts & part_bit(part) != 0 {
                    parts |= part_bit(part);
                    fastest = fastest.max(self.speeds.0[part]);
                }
            }
            for (pair, near) in self.outcome.near_pairs.iter().enumerate() {
                if near >> lane & 1 == 1 && piece.pairs & pair_bit(pair) != 0 {
                    pairs |= pair_bit(pair);
                    fastest = fastest.max(self.speeds.1[pair]);
                }
            }
            if (parts | u64::from(pairs != 0)) == 0 || piece.half * fastest < STANDSTILL_M {
                continue;
            }
            let half = piece.half / f32::from(CUTS);
            for k in 0..CUTS {
                let middle = piece.middle - piece.half + f32::from(2 * k + 1) * half;
                self.pieces.push_back(Piece { middle, half, parts, pairs });
            }
        }
    }
}

/// The kernel for this processor.
fn fastest_kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    {
        if crate::x86::has_avx512() {
            return crate::x86::on_avx512;
        }
        if crate::x86::has_avx2() {
            return crate::x86::on_avx2;
        }
    }
    check::<Plain>
}
