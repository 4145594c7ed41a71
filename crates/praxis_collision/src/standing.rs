use crate::cloud_contact::touch_cloud;
use crate::environment::find_near;
use crate::frames::{point, stand_frames};
use crate::kernel::{Workspace, freshen};
use crate::lanes::{Lanes, Row, Triple, dot, load, minus, store};
use crate::model::{Ball, Model, Part, PartPair};

/// Which of the configurations side by side touch something, a bit each: unlike [`crate::kernel`]
/// it asks nothing of what is around them, and does not end before it knows it of all.
///
/// `joints` has for each frame the position of its joint.
#[inline(always)]
pub(crate) fn touching<L: Lanes>(
    model: &Model,
    joints: &[Row],
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    work.placed.fill(false);
    work.fresh.fill(false);
    stand_frames::<L>(model, joints, work);
    let mut free = lanes;
    for &index in &model.order {
        free &= !touch_environment::<L>(model, index, free, work);
        if free == 0 {
            return lanes;
        }
    }
    for pair in &model.pairs {
        free &= !touch_each_other::<L>(model, pair, free, work);
        if free == 0 {
            return lanes;
        }
    }
    lanes & !free
}

#[inline(always)]
fn place<L: Lanes>(part: &Part, index: usize, work: &mut Workspace) -> Triple<L> {
    if !std::mem::replace(&mut work.placed[index], true) {
        let centre = point::<L>(&work.frames[part.frame], &part.bounding.centre);
        store(centre, &mut work.boundings[index]);
    }
    load(&work.boundings[index])
}

/// The lanes in which a part touches solids or points.
#[inline(always)]
fn touch_environment<L: Lanes>(
    model: &Model,
    index: usize,
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    let part = &model.parts[index];
    let centre = place::<L>(part, index, work);
    find_near(model, part, centre, L::splat(part.bounding.radius), lanes, &mut work.near);
    let mut hits = 0;
    if !work.near.is_empty() {
        freshen::<L>(part, index, work);
        let centres = &work.centres[part.first..part.first + part.spheres.len()];
        for &solid in &work.near {
            let distance: L = model.solids[solid].1.least_distance(&part.spheres, centres);
            hits |= distance.below(L::splat(0.0)) & lanes;
            if hits == lanes {
                return hits;
            }
        }
    }
    if let Some(cloud) = model.cloud.as_deref().filter(|_| part.meets_cloud) {
        hits |= touch_cloud::<L>(cloud, part, index, lanes & !hits, work);
    }
    if !part.surfaces.is_empty() {
        hits |= touch_surfaces::<L>(model, index, lanes & !hits, work);
    }
    hits
}

#[inline(always)]
fn touch_surfaces<L: Lanes>(model: &Model, index: usize, lanes: u32, work: &mut Workspace) -> u32 {
    let part = &model.parts[index];
    let at = |rows: &[Row; 3], lane: usize| [0, 1, 2].map(|i| rows[i].0[lane]);
    let mut hits = 0;
    for &surface in &part.surfaces {
        let surface = &model.surfaces[surface].1;
        let bounding = &work.boundings[index];
        let is_near = |lane: usize| {
            surface.distance_below(at(bounding, lane), part.bounding.radius).is_some()
        };
        let left = lanes & !hits;
        let near = (0..L::COUNT).filter(|&lane| left >> lane & 1 == 1 && is_near(lane));
        let near = near.fold(0_u32, |bits, lane| bits | 1 << lane);
        if near == 0 {
            continue;
        }
        freshen::<L>(part, index, work);
        for (Ball { radius, .. }, rows) in part.spheres.iter().zip(&work.centres[part.first..]) {
            let left = near & !hits;
            for lane in (0..L::COUNT).filter(|&lane| left >> lane & 1 == 1) {
                let below = surface.distance_below(at(rows, lane), *radius);
                hits |= u32::from(below.is_some_and(|distance| distance < *radius)) << lane;
            }
        }
    }
    hits
}

/// The lanes in which two parts touch.
#[inline(always)]
fn touch_each_other<L: Lanes>(
    model: &Model,
    pair: &PartPair,
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    let (a, b) = (&model.parts[pair.first], &model.parts[pair.second]);
    let way = minus(place::<L>(b, pair.second, work), place::<L>(a, pair.first, work));
    let radii = L::splat(a.bounding.own_radius + b.bounding.own_radius);
    if dot(way, way).below(radii * radii) & lanes == 0 {
        return 0;
    }
    freshen::<L>(a, pair.first, work);
    freshen::<L>(b, pair.second, work);
    let around_b: Triple<L> = load(&work.boundings[pair.second]);
    let mut hits = 0;
    for (ball, rows) in a.spheres.iter().zip(&work.centres[a.first..]) {
        let at: Triple<L> = load(rows);
        let way = minus(at, around_b);
        let touch = L::splat(ball.own_radius + b.bounding.own_radius);
        if dot(way, way).below(touch * touch) & lanes == 0 {
            continue;
        }
        for (other, rows) in b.spheres.iter().zip(&work.centres[b.first..]) {
            let way = minus(at, load(rows));
            let touch = L::splat(ball.own_radius + other.own_radius);
            hits |= dot(way, way).below(touch * touch) & lanes;
        }
        if hits == lanes {
            break;
        }
    }
    hits
}
