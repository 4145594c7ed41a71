use crate::environment::meet_environment;
use crate::frames::{FrameRows, move_frames, point};
use crate::lanes::{Lanes, Row, store};
use crate::model::{Model, Part};
use crate::pairs::meet_each_other;
use crate::sweep::Sweep;

/// What distances are taken to be wrong by, for the rounding of single precision, metres.
pub(crate) const SLACK_M: f32 = 1e-6;

/// Configurations side by side, each standing for the piece of an edge around it.
pub(crate) struct Block<'a> {
    /// For each frame, its joint where the edge starts, and how far it moves along the edge.
    pub(crate) start: &'a [f32],
    pub(crate) way: &'a [f32],
    /// Where the pieces are and half their lengths, in edge lengths.
    pub(crate) middle: Row,
    pub(crate) half: Row,
    /// Which lanes count.
    pub(crate) lanes: u32,
    /// Which parts meet the environment, a bit each (the last bit stands for all beyond).
    pub(crate) parts: u64,
    /// Which pairs meet, likewise.
    pub(crate) pairs: u128,
    /// Whether it is the first of its edge.
    pub(crate) is_first: bool,
}

/// What a block showed.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Lanes that touch. Once there is one, the rest of the answer is incomplete.
    pub(crate) hits: u32,
    /// Half the length around each middle that is free, in edge lengths; all of it if it is no
    /// less than that of the piece.
    pub(crate) free: Row,
    /// Parts and pairs for which some piece is not all free.
    pub(crate) near_parts: u64,
    pub(crate) near_pairs: u128,
    /// Which part touched, for the order of the next block.
    pub(crate) hit_at: Option<usize>,
}

impl Outcome {
    pub(crate) const NEW: Self =
        Self { hits: 0, free: Row::ZERO, near_parts: 0, near_pairs: 0, hit_at: None };

    /// Takes down how far things with this clearance and speed are free; whether some piece is
    /// longer than that.
    #[inline(always)]
    pub(crate) fn keep<L: Lanes>(&mut self, clearance: L, speed: L, half: L, lanes: u32) -> bool {
        let margin = clearance - L::splat(SLACK_M);
        if margin.below(half * speed) & lanes == 0 {
            return false;
        }
        // What stands still and is not free by the slack counts as not free.
        let free = (margin / speed.max(L::splat(1e-9))).max(L::splat(0.0));
        L::load(&self.free).min(free).store(&mut self.free);
        true
    }
}

/// Buffers of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) frames: Vec<FrameRows>,
    /// Centre of each part's bounding ball, its velocity, and whether they are up to date.
    pub(crate) boundings: Vec<[Row; 3]>,
    pub(crate) velocities: Vec<[Row; 3]>,
    pub(crate) placed: Vec<bool>,
    /// Centres of all balls, and for each part whether they are up to date.
    pub(crate) centres: Vec<[Row; 3]>,
    pub(crate) fresh: Vec<bool>,
    /// Obstacles near to a part.
    pub(crate) near: Vec<usize>,
    /// Bounds on the motion along the edge.
    pub(crate) sweep: Sweep,
}

impl Workspace {
    pub(crate) fn new(model: &Model) -> Self {
        let parts = model.parts.len();
        Self {
            frames: vec![FrameRows::root(); model.frames.len()],
            boundings: vec![[Row::ZERO; 3]; parts],
            velocities: vec![[Row::ZERO; 3]; parts],
            placed: vec![false; parts],
            centres: vec![[Row::ZERO; 3]; model.parts.iter().map(|p| p.spheres.len()).sum()],
            fresh: vec![false; parts],
            near: Vec::with_capacity(model.solids.len()),
            sweep: Sweep::new(model),
        }
    }
}

/// Bit of a part in [`Block::parts`].
pub(crate) fn part_bit(part: usize) -> u64 {
    1 << part.min(63)
}

/// Bit of a pair in [`Block::pairs`].
pub(crate) fn pair_bit(pair: usize) -> u128 {
    1 << pair.min(127)
}

/// Looks at a block: which lanes touch, and how much of each piece is free.
#[inline(always)]
pub(crate) fn check<L: Lanes>(
    model: &Model,
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    *out = Outcome { free: block.half, ..Outcome::NEW };
    work.placed.fill(false);
    work.fresh.fill(false);
    if block.is_first {
        work.sweep.measure::<L>(model, block.way);
    }
    move_frames::<L>(model, block, work);
    for &index in &model.order {
        if block.parts & part_bit(index) != 0 {
            meet_environment::<L>(model, index, block, work, out);
            if out.hits != 0 {
                out.hit_at = Some(index);
                return;
            }
        }
    }
    let mut pairs = block.pairs;
    while pairs != 0 {
        let first = pairs.trailing_zeros() as usize;
        pairs &= pairs - 1;
        let last = if first == 127 { model.pairs.len() } else { first + 1 };
        for index in first..last.min(model.pairs.len()) {
            meet_each_other::<L>(model, index, block, work, out);
            if out.hits != 0 {
                return;
            }
        }
        if last >= model.pairs.len() {
            return;
        }
    }
}

/// Computes the ball centres of a part, once a block.
#[inline(always)]
pub(crate) fn freshen<L: Lanes>(part: &Part, index: usize, work: &mut Workspace) {
    if std::mem::replace(&mut work.fresh[index], true) {
        return;
    }
    let frame = &work.frames[part.frame];
    for (ball, rows) in part.spheres.iter().zip(&mut work.centres[part.first..]) {
        store(point::<L>(frame, &ball.centre), rows);
    }
}
