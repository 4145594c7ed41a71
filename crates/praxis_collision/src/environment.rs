use crate::cloud_contact::meet_cloud;
use crate::frames::moving_point;
use crate::kernel::{Block, Outcome, SLACK_M, Workspace, freshen, part_bit};
use crate::lanes::{
    Lanes, Row, Triple, WIDTH, cross, dot, everywhere, length, load, minus, plus, store,
};
use crate::model::{Ball, Model, Part};

/// Places the bounding ball of a part, once a block.
#[inline(always)]
pub(crate) fn place<L: Lanes>(part: &Part, index: usize, work: &mut Workspace) {
    if !std::mem::replace(&mut work.placed[index], true) {
        let [centre, velocity] = moving_point::<L>(&work.frames[part.frame], &part.bounding.centre);
        store(centre, &mut work.boundings[index]);
        store(velocity, &mut work.velocities[index]);
    }
}

/// Looks whether a part touches solids or points, and how much of each piece is free of them.
#[inline(always)]
pub(crate) fn meet_environment<L: Lanes>(
    model: &Model,
    index: usize,
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let part = &model.parts[index];
    place::<L>(part, index, work);
    let centre: Triple<L> = load(&work.boundings[index]);
    let half = L::load(&block.half);
    let bend = half * L::splat(0.5 * work.sweep.of(index).bend);
    let speed = length::<L>(load(&work.velocities[index])) + bend;
    let reach = half.mul_add(speed, L::splat(part.bounding.radius + SLACK_M));
    find_near(model, part, centre, reach, block.lanes, &mut work.near);
    let cloud = model.cloud.as_deref().filter(|_| part.meets_cloud);
    if work.near.is_empty() && cloud.is_none() && part.surfaces.is_empty() {
        return;
    }
    // A ball beside the bounding ball's centre moves by the turning of the part, too.
    let turning: Triple<L> = load(&work.frames[part.frame].spin);
    let speed = length(turning).mul_add(L::splat(part.spread), speed);
    if !work.near.is_empty() {
        freshen::<L>(part, index, work);
        let clearance = clearance::<L>(model, part, block.lanes, work, out);
        if out.hits != 0 {
            return;
        }
        let margin = half.mul_add(speed, L::splat(SLACK_M));
        if clearance.below(margin) & block.lanes != 0
            && meet_balls::<L>(model, index, margin, bend, block, work, out)
        {
            out.near_parts |= part_bit(index);
        }
    }
    if let Some(cloud) = cloud {
        meet_cloud(cloud, part, index, [reach, speed, bend], block, work, out);
    }
    if !part.surfaces.is_empty() && out.hits == 0 {
        meet_surfaces(model, index, [speed, reach], block, work, out);
    }
}

/// Least distance between the part's balls and the solids near to it.
#[inline(always)]
fn clearance<L: Lanes>(
    model: &Model,
    part: &Part,
    lanes: u32,
    work: &Workspace,
    out: &mut Outcome,
) -> L {
    let mut clearance = L::splat(f32::INFINITY);
    let centres = &work.centres[part.first..part.first + part.spheres.len()];
    for &solid in &work.near {
        let solid = &model.solids[solid].1;
        clearance = clearance.min(solid.least_distance(&part.spheres, centres));
        out.hits |= clearance.below(L::splat(0.0)) & lanes;
        if out.hits != 0 {
            break;
        }
    }
    clearance
}

/// Looks at the balls that may touch a solid within the margin; whether some piece is not all free.
///
/// A convex solid lies behind the plane through its nearest point, so that a ball comes nearer by
/// no more than its velocity towards that point says, but for the bend.
#[inline(always)]
fn meet_balls<L: Lanes>(
    model: &Model,
    index: usize,
    margin: L,
    bend: L,
    block: &Block<'_>,
    work: &Workspace,
    out: &mut Outcome,
) -> bool {
    let part = &model.parts[index];
    let (half, lanes) = (L::load(&block.half), block.lanes);
    let mut near = false;
    for &solid in &work.near {
        let solid = &model.solids[solid].1;
        for (ball, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
            let at: Triple<L> = load(rows);
            let touch = L::splat(ball.radius + solid.rounding);
            let wide = touch + margin;
            let way = solid.way_to(at);
            let squared = dot(way, way);
            if squared.below(wide * wide) & lanes == 0 {
                continue;
            }
            let distance = squared.sqrt();
            let towards = dot(way, velocity::<L>(part, index, at, work)).abs();
            let speed = towards / distance.max(L::splat(1e-6)) + bend;
            near |= out.keep(distance - touch, speed, half, lanes);
        }
    }
    near
}

/// Velocity of a point that moves with a part.
#[inline(always)]
pub(crate) fn velocity<L: Lanes>(
    part: &Part,
    index: usize,
    at: Triple<L>,
    work: &Workspace,
) -> Triple<L> {
    let offset = minus(at, load(&work.boundings[index]));
    let turned = cross(load(&work.frames[part.frame].spin), offset);
    plus(turned, load(&work.velocities[index]))
}

/// Obstacles that come within reach of a part's bounding ball in some lane.
#[inline(always)]
pub(crate) fn find_near<L: Lanes>(
    model: &Model,
    part: &Part,
    centre: Triple<L>,
    reach: L,
    lanes: u32,
    near: &mut Vec<usize>,
) {
    near.clear();
    if part.obstacles.solids.is_empty() {
        return;
    }
    // One box around the ball in all lanes, against as many obstacles' boxes as there are lanes.
    let [x, y, z] = centre;
    let low = [(x - reach).least(), (y - reach).least(), (z - reach).least()];
    let high = [(x + reach).greatest(), (y + reach).greatest(), (z + reach).greatest()];
    let (low, high) = (everywhere::<L>(&low), everywhere::<L>(&high));
    let boxes = &part.obstacles;
    for first in (0..boxes.solids.len()).step_by(L::COUNT) {
        let mut bits = L::ALL;
        for i in 0..3 {
            bits &= L::load_from(&boxes.low[i][first..]).below(high[i]);
            bits &= low[i].below(L::load_from(&boxes.high[i][first..]));
        }
        while bits != 0 {
            let index = boxes.solids[first + bits.trailing_zeros() as usize];
            bits &= bits - 1;
            let solid = &model.solids[index].1;
            let wide = reach + L::splat(solid.rounding);
            if solid.squared_distance(centre).below(wide * wide) & lanes != 0 {
                near.push(index);
            }
        }
    }
}

/// Surfaces of triangles, ball by ball and lane by lane.
#[inline(always)]
fn meet_surfaces<L: Lanes>(
    model: &Model,
    index: usize,
    [speed, reach]: [L; 2],
    block: &Block<'_>,
    work: &mut Workspace,
    out: &mut Outcome,
) {
    let part = &model.parts[index];
    let (half, lanes) = (L::load(&block.half), block.lanes);
    let (mut margins, mut reaches) = (Row::ZERO, Row::ZERO);
    half.mul_add(speed, L::splat(2.0 * SLACK_M)).store(&mut margins);
    reach.store(&mut reaches);
    let at = |rows: &[Row; 3], lane: usize| [0, 1, 2].map(|i| rows[i].0[lane]);
    for &surface in &part.surfaces {
        let surface = &model.surfaces[surface].1;
        let is_near = |&lane: &usize| {
            surface.distance_below(at(&work.boundings[index], lane), reaches.0[lane]).is_some()
        };
        let near = (0..L::COUNT)
            .filter(|lane| lanes >> lane & 1 == 1)
            .filter(is_near)
            .fold(0_u32, |bits, lane| bits | 1 << lane);
        if near == 0 {
            continue;
        }
        freshen::<L>(part, index, work);
        for (Ball { radius, .. }, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
            let mut clearance = Row([f32::INFINITY; WIDTH]);
            for lane in (0..L::COUNT).filter(|&lane| near >> lane & 1 == 1) {
                if let Some(distance) =
                    surface.distance_below(at(rows, lane), radius + margins.0[lane])
                {
                    clearance.0[lane] = distance - radius;
                }
            }
            let clearance = L::load(&clearance);
            out.hits |= clearance.below(L::splat(0.0)) & lanes;
            if out.hits != 0 {
                return;
            }
            // A distance changes no faster than its point moves.
            if out.keep(clearance, speed, half, lanes) {
                out.near_parts |= part_bit(index);
            }
        }
    }
}
