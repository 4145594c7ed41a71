use crate::cloud::{MovingBall, PointCloud};
use crate::environment::velocity;
use crate::kernel::{Block, Outcome, SLACK_M, Workspace, freshen, part_bit};
use crate::lanes::{Lanes, Row, Triple, length, load, store};
use crate::model::Part;

/// A bound that leaves less than this share of a ball's way free is held against the points.
const TOO_LOOSE: f32 = 0.5;
/// Balls that go farther than this are held against points for this much of their way, metres:
/// long ways have too many points around them.
const LONGEST_WAY_M: f32 = 0.02;

/// Looks whether a part touches measured points, and how much of each piece is free of them. Within
/// `reach` of its bounding ball is all that matters; no ball moves faster than `speed`, of which
/// `bend` bounds what velocities miss.
#[inline(always)]
pub(crate) fn meet_cloud<L: Lanes>(
    cloud: &PointCloud,
    part: &Part,
    index: usize,
    [reach, speed, bend]: [L; 3],
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let (lanes, around) = near_lanes(cloud, &load(&work.boundings[index]), reach, block.lanes);
    if lanes == 0 {
        return;
    }
    freshen::<L>(part, index, work);
    let half = L::load(&block.half);
    let margin = half.mul_add(speed, L::splat(SLACK_M));
    for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
        // What is far from the bounding ball's centre is far from balls near to that.
        if around.below(margin + L::splat(ball.outermost)) & lanes == 0 {
            continue;
        }
        let at: Triple<L> = load(rows);
        let velocity = velocity::<L>(part, index, at, work);
        let speed = length(velocity) + bend;
        let slack = L::splat(ball.radius + SLACK_M);
        let needed = half.mul_add(speed, slack);
        let distance = cloud.distance(&at, needed);
        let near = distance.below(needed) & lanes;
        if near == 0 {
            continue;
        }
        // Where something else sets a nearer end to what is free, points matter no more than that.
        let known = L::load(&out.free);
        let mut open = distance.below(known.mul_add(speed * L::splat(TOO_LOOSE), slack)) & near;
        let bound = ((distance - slack) / speed.max(L::splat(1e-9))).max(L::splat(0.0));
        if near & !open != 0 {
            keep(known.min(bound), near & !open, &mut out.free);
            out.near_parts |= part_bit(index);
        }
        if open == 0 {
            continue;
        }
        let mut ways = [Row::ZERO; 3];
        store([velocity[0] * half, velocity[1] * half, velocity[2] * half], &mut ways);
        let [mut needs, mut bends, mut distances] = [Row::ZERO; 3];
        needed.store(&mut needs);
        (half * bend).store(&mut bends);
        distance.store(&mut distances);
        let mut lane = deepest(&distances, open);
        while open != 0 {
            open &= !(1 << lane);
            let whole = (LONGEST_WAY_M / (needs.0[lane] - ball.radius)).min(1.0);
            let moving = MovingBall {
                centre: [rows[0].0[lane], rows[1].0[lane], rows[2].0[lane]],
                way: [ways[0].0[lane], ways[1].0[lane], ways[2].0[lane]].map(|x| x * whole),
                radius_m: ball.radius,
                bend_m: bends.0[lane] * whole * whole,
            };
            let Some(share) = cloud.free_share::<L>(&moving) else {
                out.hits |= 1 << lane;
                return;
            };
            if share * whole < 1.0 {
                let free = &mut out.free.0[lane];
                *free = free.min(share * whole * block.half.0[lane]);
                out.near_parts |= part_bit(index);
            }
            lane = open.trailing_zeros() as usize;
        }
    }
}

/// Takes some lanes over into a row.
#[inline(always)]
fn keep<L: Lanes>(values: L, lanes: u32, row: &mut Row) {
    let mut all = Row::ZERO;
    values.store(&mut all);
    let mut left = lanes;
    while left != 0 {
        let lane = left.trailing_zeros() as usize;
        left &= left - 1;
        row.0[lane] = all.0[lane];
    }
}

/// Which of some lanes has the least value.
#[inline(always)]
fn deepest(values: &Row, lanes: u32) -> usize {
    let (mut best, mut left) = (lanes.trailing_zeros() as usize, lanes);
    while left != 0 {
        let lane = left.trailing_zeros() as usize;
        left &= left - 1;
        if values.0[lane] < values.0[best] {
            best = lane;
        }
    }
    best
}

/// The lanes in which a part touches measured points.
#[inline(always)]
pub(crate) fn touch_cloud<L: Lanes>(
    cloud: &PointCloud,
    part: &Part,
    index: usize,
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    let reach = L::splat(part.bounding.radius);
    let (lanes, around) = near_lanes(cloud, &load(&work.boundings[index]), reach, lanes);
    if lanes == 0 {
        return 0;
    }
    freshen::<L>(part, index, work);
    let mut hits = 0;
    for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
        if around.below(L::splat(ball.outermost)) & lanes & !hits == 0 {
            continue;
        }
        let radius = L::splat(ball.radius);
        let distance = cloud.distance::<L>(&load(rows), radius);
        let mut open = distance.below(radius) & lanes & !hits;
        while open != 0 {
            let lane = open.trailing_zeros();
            open &= open - 1;
            let centre = [0, 1, 2].map(|i| rows[i].0[lane as usize]);
            hits |= u32::from(cloud.touches::<L>(centre, ball.radius)) << lane;
        }
    }
    hits
}

/// The lanes in which some point may be within reach of a place, and how far points are from there
/// at least.
#[inline(always)]
fn near_lanes<L: Lanes>(cloud: &PointCloud, at: &Triple<L>, reach: L, lanes: u32) -> (u32, L) {
    let far = cloud.far_distance(at);
    let near = far.below(reach) & lanes;
    if near == 0 {
        return (0, far);
    }
    let distance = far.max(cloud.near_distance(at));
    (near & distance.below(reach), distance)
}
