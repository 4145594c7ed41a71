use crate::kernel::Outcome;
use crate::lanes::{Row, WIDTH};

/// A piece along which nothing moves farther than this is as good as one configuration, metres.
const STANDSTILL_M: f32 = 2e-6;
/// Most pieces that what is left on one side of a middle is cut into.
const MOST_CUTS: f32 = 2.0;

/// A piece of an edge: its middle and half its length (in edge lengths), and what may touch there.
#[derive(Clone, Copy, Debug)]
struct Piece {
    middle: f32,
    half: f32,
    parts: u64,
    pairs: u128,
}

/// The pieces of an edge that are not proven free yet, the long ones first.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    queue: Vec<Piece>,
    next: usize,
}

/// Pieces to look at together.
pub(crate) struct Taken {
    pub(crate) middle: Row,
    pub(crate) half: Row,
    pub(crate) lanes: u32,
    /// What may touch in any of them.
    pub(crate) parts: u64,
    pub(crate) pairs: u128,
}

impl Pieces {
    /// A whole edge in `count` pieces.
    pub(crate) fn start(&mut self, count: usize) {
        self.queue.clear();
        self.next = 0;
        let half = 0.5 / count as f32;
        for k in 0..count {
            let middle = (2 * k + 1) as f32 * half;
            self.queue.push(Piece { middle, half, parts: u64::MAX, pairs: u128::MAX });
        }
    }

    /// The next pieces, up to `count`; nothing if all of the edge is free.
    pub(crate) fn take(&mut self, count: usize) -> Option<Taken> {
        let pieces = &self.queue[self.next..];
        let pieces = &pieces[..pieces.len().min(count)];
        let last = pieces.last()?;
        let (mut middle, mut half) = (Row([last.middle; WIDTH]), Row([last.half; WIDTH]));
        let (mut parts, mut pairs) = (0, 0);
        for (lane, piece) in pieces.iter().enumerate() {
            (middle.0[lane], half.0[lane]) = (piece.middle, piece.half);
            parts |= piece.parts;
            pairs |= piece.pairs;
        }
        self.next += pieces.len();
        let lanes = ((1_u64 << pieces.len()) - 1) as u32;
        Some(Taken { middle, half, lanes, parts, pairs })
    }

    /// Queues what a look left unproven: both sides of what is free around each middle.
    /// No two things move against each other by more than `fastest_m` along the edge.
    pub(crate) fn cut(&mut self, taken: &Taken, outcome: &Outcome, fastest_m: f32) {
        if outcome.near_parts == 0 && outcome.near_pairs == 0 {
            return;
        }
        let least_half = STANDSTILL_M / fastest_m.max(STANDSTILL_M);
        for lane in 0..taken.lanes.count_ones() as usize {
            let (middle, half) = (taken.middle.0[lane], taken.half.0[lane]);
            let free = outcome.free.0[lane];
            if free >= half || half < least_half {
                continue;
            }
            let left = half - free;
            let cuts = (0.5 * left / free.max(1e-9)).ceil().clamp(1.0, MOST_CUTS);
            let (parts, pairs) = (outcome.near_parts, outcome.near_pairs);
            let half_cut = 0.5 * left / cuts;
            for k in 0..cuts as usize {
                let away = free + (2 * k + 1) as f32 * half_cut;
                for middle in [middle - away, middle + away] {
                    self.queue.push(Piece { middle, half: half_cut, parts, pairs });
                }
            }
        }
    }
}
