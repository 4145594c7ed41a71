use crate::lanes::{Lanes, WIDTH};
use crate::model::{Model, Part};

/// How far things can move along an edge at most: bounds that hold for every configuration.
///
/// A point at x(t), t from 0 to 1 along the edge, has |x'| ≤ speed and |x''| ≤ bend. For joints
/// i (nearer to the root) and j, the second derivative of x by both is no longer than the lever of
/// j, so bend = Σ lever_j |d_j| (|d_j| + 2 Σ_{i above j} |d_i|); slides turn nothing.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    /// Parts, rounded up to whole rows of lanes.
    room: usize,
    /// For each frame, the lever on each part; zero for parts that it does not carry.
    levers: Vec<f32>,
    /// For each frame, how far it and all that carry it turn.
    turned: Vec<f32>,
    /// For each frame, what each part moves due to the joints beyond that frame.
    speeds: Vec<f32>,
    bends: Vec<f32>,
}

/// Bounds on first and second derivative, metres for each unit of the edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bound {
    pub(crate) speed: f32,
    pub(crate) bend: f32,
}

impl Sweep {
    pub(crate) fn new(model: &Model) -> Self {
        let (frames, room) = (model.frames.len(), model.parts.len().next_multiple_of(WIDTH));
        let mut levers = vec![0.0; frames * room];
        for (index, part) in model.parts.iter().enumerate() {
            for &(frame, lever) in &part.levers {
                levers[frame * room + index] = lever;
            }
        }
        let bounds = vec![0.0; frames * room];
        Self { room, levers, turned: vec![0.0; frames], speeds: bounds.clone(), bends: bounds }
    }

    /// For an edge along which each frame's joint moves by `way`.
    #[inline(always)]
    pub(crate) fn measure<L: Lanes>(&mut self, model: &Model, way: &[f32]) {
        for (index, frame) in model.frames.iter().enumerate().skip(1) {
            let own = if frame.turns { way[index].abs() } else { 0.0 };
            self.turned[index] = self.turned[frame.parent] + own;
        }
        // The frames that carry a part are numbered from the root: all beyond one come after it.
        for (index, frame) in model.frames.iter().enumerate().skip(1).rev() {
            let rate = way[index].abs();
            let bend = L::splat(rate * (self.turned[index] + self.turned[frame.parent]));
            let rate = L::splat(rate);
            let (before, here) = ((index - 1) * self.room, index * self.room);
            for part in (0..model.parts.len()).step_by(L::COUNT) {
                let lever = L::load_from(&self.levers[here + part..]);
                let speed = lever.mul_add(rate, L::load_from(&self.speeds[here + part..]));
                let bend = lever.mul_add(bend, L::load_from(&self.bends[here + part..]));
                speed.store_to(&mut self.speeds[before + part..]);
                bend.store_to(&mut self.bends[before + part..]);
            }
        }
    }

    /// How a part moves.
    pub(crate) fn of(&self, part: usize) -> Bound {
        Bound { speed: self.speeds[part], bend: self.bends[part] }
    }

    /// How two parts move against each other, in the last frame that carries both.
    pub(crate) fn between(&self, first: usize, second: usize, shared: usize) -> Bound {
        let (a, b) = (shared * self.room + first, shared * self.room + second);
        Bound { speed: self.speeds[a] + self.speeds[b], bend: self.bends[a] + self.bends[b] }
    }

    /// Metres that any two things move against each other at most.
    pub(crate) fn fastest_m(&self) -> f32 {
        2.0 * self.speeds[..self.room].iter().copied().fold(0.0, f32::max)
    }
}

/// The last frame that carries both parts.
pub(crate) fn shared_frame(a: &Part, b: &Part) -> usize {
    let carries = |part: &Part, frame: usize| {
        part.frame == frame || part.levers.iter().any(|(carrier, _)| *carrier == frame)
    };
    let candidates = [a.frame].into_iter().chain(a.levers.iter().map(|(frame, _)| *frame));
    candidates.filter(|&frame| carries(b, frame)).max().unwrap_or(0)
}
