use crate::lanes::{
    Lanes, Row, Triple, WIDTH, dot, everywhere, load, minus, sin_cos, store, times_plus,
};
use crate::model::{Ball, Model, Part};

/// Up to 16 configurations, each standing for the piece of an edge around it.
pub(crate) struct Block<'a> {
    /// One row for each joint of the group.
    pub(crate) joints: &'a [Row],
    /// Half the length of each piece, in edge lengths.
    pub(crate) half: Row,
    /// Which lanes count.
    pub(crate) lanes: u32,
    /// Which parts meet the environment, a bit each (the last bit stands for all beyond).
    pub(crate) parts: u64,
    /// Which pairs meet, likewise.
    pub(crate) pairs: u128,
    /// Metres that each part, and each pair against each other, moves along the edge.
    pub(crate) part_speeds: &'a [f32],
    pub(crate) pair_speeds: &'a [f32],
}

/// What a block showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Lanes that touch. Once there is one, the rest of the answer is incomplete.
    pub(crate) hits: u32,
    /// For each part, the lanes whose piece is not proven free.
    pub(crate) near_parts: Vec<u32>,
    /// For each pair likewise.
    pub(crate) near_pairs: Vec<u32>,
    /// Which part or pair touched, for the order of the next block.
    pub(crate) hit_at: Option<usize>,
}

/// Buffers of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// Axes, then origin, of each frame.
    frames: Vec<[Row; 12]>,
    boundings: Vec<[Row; 3]>,
    centres: Vec<[Row; 3]>,
    fresh: Vec<bool>,
    near: Vec<usize>,
}

impl Workspace {
    pub(crate) fn new(model: &Model) -> Self {
        let one = Row([1.0; WIDTH]);
        let mut root = [Row::ZERO; 12];
        [root[0], root[4], root[8]] = [one; 3];
        let mut frames = vec![[Row::ZERO; 12]; model.frames.len()];
        frames[0] = root;
        Self {
            frames,
            boundings: vec![[Row::ZERO; 3]; model.parts.len()],
            centres: vec![[Row::ZERO; 3]; model.parts.iter().map(|p| p.spheres.len()).sum()],
            fresh: vec![false; model.parts.len()],
            near: Vec::with_capacity(model.solids.len()),
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

/// Looks at a block: which lanes touch, and which pieces may.
#[inline(always)]
pub(crate) fn check<L: Lanes>(
    model: &Model,
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    out.hits = 0;
    out.hit_at = None;
    out.near_parts.fill(0);
    out.near_pairs.fill(0);
    move_frames::<L>(model, block, work);
    let half = L::load(&block.half);
    for &index in &model.order {
        if block.parts & part_bit(index) != 0 {
            let margin = half.mul_add(L::splat(block.part_speeds[index]), L::splat(1e-6));
            meet_environment::<L>(model, index, margin, block.lanes, work, out);
            if out.hits != 0 {
                out.hit_at = Some(index);
                return;
            }
        }
    }
    for (index, pair) in model.pairs.iter().enumerate() {
        if block.pairs & pair_bit(index) != 0 {
            let margin = half.mul_add(L::splat(block.pair_speeds[index]), L::splat(1e-6));
            let parts = (pair.first, pair.second);
            out.near_pairs[index] =
                meet_each_other::<L>(model, parts, margin, block.lanes, work, out);
            if out.hits != 0 {
                return;
            }
        }
    }
}

#[inline(always)]
fn move_frames<L: Lanes>(model: &Model, block: &Block<'_>, work: &mut Workspace) {
    for (index, frame) in model.frames.iter().enumerate().skip(1) {
        let value = L::load(&block.joints[frame.variable])
            .mul_add(L::splat(frame.multiplier), L::splat(frame.offset));
        let [xs, ys, zs, parent_origin] = columns::<L>(&work.frames[frame.parent]);
        let [first, second, third] = &frame.rotation;
        let x = combine(xs, ys, zs, first[0], second[0], third[0]);
        let y = combine(xs, ys, zs, first[1], second[1], third[1]);
        let z = combine(xs, ys, zs, first[2], second[2], third[2]);
        let [a, b, c] = frame.translation;
        let origin = times_plus(xs, L::splat(a), parent_origin);
        let origin = times_plus(zs, L::splat(c), times_plus(ys, L::splat(b), origin));
        let rows = &mut work.frames[index];
        if frame.turns {
            let (sin, cos) = sin_cos(value);
            let back = L::splat(0.0) - sin;
            keep_column(times_plus(x, cos, scaled(y, sin)), 0, rows);
            keep_column(times_plus(y, cos, scaled(x, back)), 1, rows);
            keep_column(origin, 3, rows);
        } else {
            keep_column(x, 0, rows);
            keep_column(y, 1, rows);
            keep_column(times_plus(z, value, origin), 3, rows);
        }
        keep_column(z, 2, rows);
    }
    for (part, rows) in model.parts.iter().zip(&mut work.boundings) {
        store(point::<L>(&work.frames[part.frame], &part.bounding.centre), rows);
    }
    work.fresh.fill(false);
}

/// The axes of a frame and its origin.
#[inline(always)]
fn columns<L: Lanes>(frame: &[Row; 12]) -> [Triple<L>; 4] {
    [column(frame, 0), column(frame, 1), column(frame, 2), column(frame, 3)]
}

#[inline(always)]
fn column<L: Lanes>(frame: &[Row; 12], k: usize) -> Triple<L> {
    [L::load(&frame[3 * k]), L::load(&frame[3 * k + 1]), L::load(&frame[3 * k + 2])]
}

#[inline(always)]
fn keep_column<L: Lanes>(v: Triple<L>, k: usize, frame: &mut [Row; 12]) {
    v[0].store(&mut frame[3 * k]);
    v[1].store(&mut frame[3 * k + 1]);
    v[2].store(&mut frame[3 * k + 2]);
}

#[inline(always)]
fn scaled<L: Lanes>(v: Triple<L>, factor: L) -> Triple<L> {
    [v[0] * factor, v[1] * factor, v[2] * factor]
}

#[inline(always)]
fn combine<L: Lanes>(
    x: Triple<L>,
    y: Triple<L>,
    z: Triple<L>,
    a: f32,
    b: f32,
    c: f32,
) -> Triple<L> {
    times_plus(x, L::splat(a), times_plus(y, L::splat(b), scaled(z, L::splat(c))))
}

#[inline(always)]
fn point<L: Lanes>(frame: &[Row; 12], at: &[f32; 3]) -> Triple<L> {
    let [x, y, z, origin] = columns::<L>(frame);
    let at = everywhere::<L>(at);
    times_plus(x, at[0], times_plus(y, at[1], times_plus(z, at[2], origin)))
}

/// Computes the sphere centres of a part, once a block.
#[inline(always)]
fn freshen<L: Lanes>(part: &Part, index: usize, work: &mut Workspace) {
    if std::mem::replace(&mut work.fresh[index], true) {
        return;
    }
    let frame = &work.frames[part.frame];
    for (ball, rows) in part.spheres.iter().zip(&mut work.centres[part.first..]) {
        store(point::<L>(frame, &ball.centre), rows);
    }
}

#[inline(always)]
fn meet_environment<L: Lanes>(
    model: &Model,
    index: usize,
    margin: L,
    lanes: u32,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let part = &model.parts[index];
    let bounding: [L; 3] = load(&work.boundings[index]);
    let reach = margin + L::splat(part.bounding.radius);
    find_near(model, part, bounding, reach, lanes, &mut work.near);
    if !work.near.is_empty() {
        freshen::<L>(part, index, work);
        let mut near = 0;
        for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
            let at: [L; 3] = load(rows);
            for &solid in &work.near {
                let solid = &model.solids[solid].1;
                let squared = solid.squared_distance(at);
                let touch = L::splat(ball.radius + solid.rounding);
                let wide = touch + margin;
                near |= squared.below(wide * wide);
                out.hits |= squared.below(touch * touch) & lanes;
            }
            if out.hits != 0 {
                return;
            }
        }
        out.near_parts[index] = near & lanes;
    }
    if let Some(cloud) = model.cloud.as_deref().filter(|_| part.meets_cloud) {
        let [mut centre, mut margins] = [[Row::ZERO; 3], [Row::ZERO; 3]];
        store(bounding, &mut centre);
        store([margin, reach, reach], &mut margins);
        let at = |rows: &[Row; 3], lane: usize| [0, 1, 2].map(|i| rows[i].0[lane]);
        let unclear = (0..WIDTH)
            .filter(|&lane| lanes >> lane & 1 == 1)
            .filter(|&lane| !cloud.is_clear(at(&centre, lane), margins[1].0[lane]))
            .fold(0_u32, |bits, lane| bits | 1 << lane);
        if unclear == 0 {
            return;
        }
        freshen::<L>(part, index, work);
        for (Ball { radius, .. }, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
            for lane in (0..WIDTH).filter(|&lane| unclear >> lane & 1 == 1) {
                let at = at(rows, lane);
                if cloud.touches(at, *radius) {
                    out.hits |= 1 << lane;
                    return;
                }
                if cloud.touches(at, radius + margins[0].0[lane]) {
                    out.near_parts[index] |= 1 << lane;
                }
            }
        }
    }
}

/// Obstacles that come within reach of a part's bounding ball in some lane.
#[inline(always)]
fn find_near<L: Lanes>(
    model: &Model,
    part: &Part,
    centre: [L; 3],
    reach: L,
    lanes: u32,
    near: &mut Vec<usize>,
) {
    near.clear();
    if model.solids.is_empty() {
        return;
    }
    // One box around the ball in all lanes, against 16 obstacles' boxes at a time.
    let [x, y, z] = centre;
    let low = [(x - reach).least(), (y - reach).least(), (z - reach).least()];
    let high = [(x + reach).greatest(), (y + reach).greatest(), (z + reach).greatest()];
    let (low, high) = (everywhere::<L>(&low), everywhere::<L>(&high));
    for (group, &wanted) in part.obstacles.iter().enumerate() {
        if wanted == 0 {
            continue;
        }
        let (lows, highs) = (&model.boxes.low[group], &model.boxes.high[group]);
        let mut bits = wanted;
        for i in 0..3 {
            bits &= L::load(&lows[i]).below(high[i]) & low[i].below(L::load(&highs[i]));
        }
        while bits != 0 {
            let index = group * WIDTH + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let solid = &model.solids[index].1;
            let wide = reach + L::splat(solid.rounding);
            if solid.squared_distance(centre).below(wide * wide) & lanes != 0 {
                near.push(index);
            }
        }
    }
}

#[inline(always)]
fn squared_gap<L: Lanes>(a: &[L; 3], b: &[L; 3]) -> L {
    let way = minus(*a, *b);
    dot(way, way)
}

#[inline(always)]
fn meet_each_other<L: Lanes>(
    model: &Model,
    (first, second): (usize, usize),
    margin: L,
    lanes: u32,
    work: &mut Workspace,
    out: &mut Outcome,
) -> u32 {
    let (a, b) = (&model.parts[first], &model.parts[second]);
    let (around_a, around_b): ([L; 3], [L; 3]) =
        (load(&work.boundings[first]), load(&work.boundings[second]));
    let wide = margin + L::splat(a.bounding.radius + b.bounding.radius);
    if squared_gap(&around_a, &around_b).below(wide * wide) & lanes == 0 {
        return 0;
    }
    freshen::<L>(a, first, work);
    freshen::<L>(b, second, work);
    let mut near = 0;
    for (ball, rows) in a.spheres.iter().zip(&work.centres[a.first..]) {
        let at: [L; 3] = load(rows);
        let wide = margin + L::splat(ball.radius + b.bounding.radius);
        if squared_gap(&at, &around_b).below(wide * wide) & lanes == 0 {
            continue;
        }
        for (other, rows) in b.spheres.iter().zip(&work.centres[b.first..]) {
            let squared = squared_gap(&at, &load(rows));
            let touch = L::splat(ball.own_radius + other.own_radius);
            let wide = touch + margin;
            near |= squared.below(wide * wide);
            out.hits |= squared.below(touch * touch) & lanes;
        }
        if out.hits != 0 {
            return near & lanes;
        }
    }
    near & lanes
}
