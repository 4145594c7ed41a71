use crate::environment::place;
use crate::kernel::{Block, Outcome, SLACK_M, Workspace, freshen, pair_bit};
use crate::lanes::{Lanes, Triple, cross, dot, length, load, minus};
use crate::model::{Model, Part, PartPair};

/// Looks whether two parts touch, and how much of each piece is free of that.
#[inline(always)]
pub(crate) fn meet_each_other<L: Lanes>(
    model: &Model,
    index: usize,
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let pair = &model.pairs[index];
    let (a, b) = (&model.parts[pair.first], &model.parts[pair.second]);
    place::<L>(a, pair.first, work);
    place::<L>(b, pair.second, work);
    let bound = block.sweep.between(pair.first, pair.second, pair.shared);
    let half = L::load(&block.half);
    let radii = L::splat(a.bounding.own_radius + b.bounding.own_radius + SLACK_M);
    let way = minus(load::<L>(&work.boundings[pair.second]), load(&work.boundings[pair.first]));
    let squared = dot(way, way);
    let wide = half.mul_add(L::splat(bound.speed), radii);
    if squared.below(wide * wide) & block.lanes == 0 {
        return;
    }
    let [speed, turning] = relative_speed::<L>(model, pair, way, work);
    let speed = half.mul_add(L::splat(0.5 * bound.bend), speed);
    let wide = half.mul_add(speed, radii);
    if squared.below(wide * wide) & block.lanes == 0 {
        return;
    }
    let speed = speed + turning;
    let margin = half.mul_add(speed, L::splat(SLACK_M));
    freshen::<L>(a, pair.first, work);
    freshen::<L>(b, pair.second, work);
    let clearance = clearance::<L>(a, b, &work.boundings[pair.second], margin, block.lanes, work);
    out.hits |= clearance.below(L::splat(0.0)) & block.lanes;
    if out.hits == 0 && out.keep(clearance, speed, half, block.lanes) {
        out.near_pairs |= pair_bit(index);
    }
}

/// Speed of the bounding balls' centres against each other in the frame that carries both parts,
/// and what turning adds to it for the balls beside them.
#[inline(always)]
fn relative_speed<L: Lanes>(
    model: &Model,
    pair: &PartPair,
    way: Triple<L>,
    work: &Workspace,
) -> [L; 2] {
    let (a, b) = (&model.parts[pair.first], &model.parts[pair.second]);
    let velocity =
        minus(load::<L>(&work.velocities[pair.second]), load(&work.velocities[pair.first]));
    let common: Triple<L> = load(&work.frames[pair.shared].spin);
    let speed = length(minus(velocity, cross(common, way)));
    let mut turning = L::splat(0.0);
    for part in [a, b] {
        if part.frame != pair.shared {
            let spin = minus(load(&work.frames[part.frame].spin), common);
            turning = length(spin).mul_add(L::splat(part.spread), turning);
        }
    }
    [speed, turning]
}

/// Least distance between balls of two parts, where it may be below the margin.
#[inline(always)]
fn clearance<L: Lanes>(
    a: &Part,
    b: &Part,
    around_b: &[crate::lanes::Row; 3],
    margin: L,
    lanes: u32,
    work: &Workspace,
) -> L {
    let mut clearance = L::splat(f32::INFINITY);
    let around_b: Triple<L> = load(around_b);
    for (ball, rows) in a.spheres.iter().zip(&work.centres[a.first..]) {
        let at: Triple<L> = load(rows);
        let way = minus(at, around_b);
        let wide = margin + L::splat(ball.own_radius + b.bounding.own_radius);
        if dot(way, way).below(wide * wide) & lanes == 0 {
            continue;
        }
        for (other, rows) in b.spheres.iter().zip(&work.centres[b.first..]) {
            let way = minus(at, load(rows));
            let squared = dot(way, way);
            let touch = L::splat(ball.own_radius + other.own_radius);
            let wide = touch + margin;
            if squared.below(wide * wide) & lanes != 0 {
                clearance = clearance.min(squared.sqrt() - touch);
            }
        }
    }
    clearance
}
