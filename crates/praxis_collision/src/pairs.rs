use crate::environment::{place, velocity};
use crate::kernel::{Block, Outcome, SLACK_M, Workspace, freshen, pair_bit};
use crate::lanes::{Lanes, Triple, cross, dot, length, load, minus};
use crate::model::{Model, PartPair};

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
    let bound = work.sweep.between(pair.first, pair.second, pair.shared);
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
    freshen::<L>(a, pair.first, work);
    freshen::<L>(b, pair.second, work);
    let margin = half.mul_add(speed + turning, L::splat(SLACK_M));
    let bend = half * L::splat(0.5 * bound.bend);
    if meet_balls::<L>(model, pair, margin, bend, block, work, out) {
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

/// Looks at the balls of two parts that may be within the margin of each other; whether some piece
/// is not all free of contacts between them.
///
/// Two points nearest to each other at first come nearer by no more than their velocities along
/// the line between them say, but for the bend.
#[inline(always)]
fn meet_balls<L: Lanes>(
    model: &Model,
    pair: &PartPair,
    margin: L,
    bend: L,
    block: &Block<'_>,
    work: &Workspace,
    out: &mut Outcome,
) -> bool {
    let (a, b) = (&model.parts[pair.first], &model.parts[pair.second]);
    let (half, lanes) = (L::load(&block.half), block.lanes);
    let around_b: Triple<L> = load(&work.boundings[pair.second]);
    let mut near = false;
    for (ball, rows) in a.spheres.iter().zip(&work.centres[a.first..]) {
        let at: Triple<L> = load(rows);
        let way = minus(at, around_b);
        let wide = margin + L::splat(ball.own_radius + b.bounding.own_radius);
        if dot(way, way).below(wide * wide) & lanes == 0 {
            continue;
        }
        for (other, rows) in b.spheres.iter().zip(&work.centres[b.first..]) {
            let other_at: Triple<L> = load(rows);
            let way = minus(at, other_at);
            let squared = dot(way, way);
            let touch = L::splat(ball.own_radius + other.own_radius);
            let wide = touch + margin;
            if squared.below(wide * wide) & lanes == 0 {
                continue;
            }
            let distance = squared.sqrt();
            out.hits |= distance.below(touch) & lanes;
            let own = velocity::<L>(a, pair.first, at, work);
            let against = minus(own, velocity::<L>(b, pair.second, other_at, work));
            let speed = dot(way, against).abs() / distance.max(L::splat(1e-6)) + bend;
            near |= out.keep(distance - touch, speed, half, lanes);
        }
    }
    near
}
