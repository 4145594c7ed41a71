use crate::cloud::PointCloud;
use crate::environment::velocity;
use crate::kernel::{Block, Outcome, SLACK_M, Workspace, freshen, part_bit};
use crate::lanes::{Lanes, Row, Triple, length, load};
use crate::model::Part;

/// A bound on a clearance that is less than this share of what a piece needs is held against the
/// points.
const TOO_LOOSE: f32 = 0.25;
/// How much farther than the bound the points are looked at, metres.
const FARTHER_M: f32 = 0.005;

/// Looks whether a part touches measured points, and how much of each piece is free of them. Within
/// `reach` of its bounding ball is all that matters; `bend` bounds what velocities miss.
#[inline(always)]
pub(crate) fn meet_cloud<L: Lanes>(
    cloud: &PointCloud,
    part: &Part,
    index: usize,
    [reach, bend]: [L; 2],
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let lanes = near_lanes(cloud, &load(&work.boundings[index]), reach, block.lanes);
    if lanes == 0 {
        return;
    }
    freshen::<L>(part, index, work);
    let half = L::load(&block.half);
    for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
        let at: Triple<L> = load(rows);
        let speed = length(velocity::<L>(part, index, at, work)) + bend;
        let margin = half.mul_add(speed, L::splat(SLACK_M));
        let radius = L::splat(ball.radius);
        let mut clearance = cloud.near_distance(&at, radius + margin) - radius;
        if clearance.below(margin) & lanes == 0 {
            continue;
        }
        let mut loose = clearance.below(margin * L::splat(TOO_LOOSE)) & lanes;
        if loose != 0 {
            let (mut clearances, mut margins) = (Row::ZERO, Row::ZERO);
            clearance.store(&mut clearances);
            margin.store(&mut margins);
            let mut lane = deepest(&clearances, loose);
            while loose != 0 {
                loose &= !(1 << lane);
                let centre = [rows[0].0[lane], rows[1].0[lane], rows[2].0[lane]];
                let most = margins.0[lane].min(clearances.0[lane].max(0.0) + FARTHER_M);
                let exact = cloud.clearance::<L>(centre, ball.radius, most);
                if exact < 0.0 {
                    out.hits |= 1 << lane;
                    return;
                }
                clearances.0[lane] = exact;
                lane = loose.trailing_zeros() as usize;
            }
            clearance = L::load(&clearances);
        }
        if out.keep(clearance, speed, half, lanes) {
            out.near_parts |= part_bit(index);
        }
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
    let lanes = near_lanes(cloud, &load(&work.boundings[index]), reach, lanes);
    if lanes == 0 {
        return 0;
    }
    freshen::<L>(part, index, work);
    let mut hits = 0;
    for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
        let radius = L::splat(ball.radius);
        let distance = cloud.near_distance::<L>(&load(rows), radius);
        let mut open = distance.below(radius) & lanes & !hits;
        while open != 0 {
            let lane = open.trailing_zeros();
            open &= open - 1;
            let centre = [0, 1, 2].map(|i| rows[i].0[lane as usize]);
            hits |= u32::from(cloud.clearance::<L>(centre, ball.radius, 0.0) < 0.0) << lane;
        }
    }
    hits
}

/// The lanes in which some point may be within reach of a place.
#[inline(always)]
fn near_lanes<L: Lanes>(cloud: &PointCloud, at: &Triple<L>, reach: L, lanes: u32) -> u32 {
    let near = cloud.far_distance(at).below(reach) & lanes;
    if near == 0 {
        return 0;
    }
    near & cloud.near_distance(at, reach).below(reach)
}
