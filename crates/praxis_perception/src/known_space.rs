//! Which parts of space have been seen to be free, apart from those that nobody has looked into.

use praxis_geometry::Stamp;

use crate::sight::{Gaze, Sight};

/// A coarse grid over everything within reach: when each cell was last seen through.
#[derive(Clone, Debug)]
pub(crate) struct KnownSpace {
    cell_m: f32,
    reach_m: f32,
    side: usize,
    /// Nanoseconds; never seen is the smallest there is.
    seen: Vec<i64>,
}

const NEVER: i64 = i64::MIN;
/// Cells along a side, so that memory and time are bounded whatever the reach.
const MAX_SIDE: f32 = 48.0;
/// A frame looks at one cell of so many, so that a whole look is spread over a few frames.
const SHARE: usize = 4;

impl KnownSpace {
    pub fn new(cell_m: f64, reach_m: f64) -> Self {
        let reach_m = reach_m as f32;
        let cell_m = (cell_m as f32).max(2.0 * reach_m / MAX_SIDE);
        let side = (2.0 * reach_m / cell_m).ceil() as usize;
        Self { cell_m, reach_m, side, seen: vec![NEVER; side.pow(3)] }
    }

    pub fn clear(&mut self) {
        self.seen.fill(NEVER);
    }

    /// Takes in one frame; `frame` is its number.
    pub fn look(&mut self, sight: &impl Sight, stamp: Stamp, frame: u64) {
        // The ball about the cell's middle that holds the whole cell.
        let radius = 0.87 * self.cell_m;
        // Scattered, so that sensors that take turns do not each see the same share.
        let phase = (frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SHARE;
        for index in (phase..self.seen.len()).step_by(SHARE) {
            let centre = self.centre(index);
            let distance2 = centre.iter().map(|at| at * at).sum::<f32>();
            if distance2 <= self.reach_m * self.reach_m
                && sight.gaze(centre, radius, 0.0) == Gaze::Through
            {
                self.seen[index] = self.seen[index].max(stamp.nanoseconds);
            }
        }
    }

    /// When the cell of a point was last seen through; none for never or out of reach.
    pub fn seen_at(&self, point: [f32; 3]) -> Option<Stamp> {
        let mut index = 0;
        for at in point {
            let cell = (at + self.reach_m) / self.cell_m;
            if !(cell >= 0.0 && (cell as usize) < self.side) {
                return None;
            }
            index = index * self.side + cell as usize;
        }
        let nanoseconds = self.seen[index];
        (nanoseconds != NEVER).then_some(Stamp { nanoseconds })
    }

    /// Middles of the cells within reach that were never seen through.
    pub fn unseen(&self) -> impl Iterator<Item = [f32; 3]> {
        let reach2 = self.reach_m * self.reach_m;
        (0..self.seen.len())
            .filter(|&index| self.seen[index] == NEVER)
            .map(|index| self.centre(index))
            .filter(move |centre| centre.iter().map(|at| at * at).sum::<f32>() <= reach2)
    }

    pub fn cell_m(&self) -> f32 {
        self.cell_m
    }

    fn centre(&self, index: usize) -> [f32; 3] {
        let (side, cell) = (self.side, self.cell_m);
        let at = [index / (side * side), index / side % side, index % side];
        at.map(|at| (at as f32 + 0.5) * cell - self.reach_m)
    }
}
