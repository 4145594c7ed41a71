use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape};

use crate::lanes::{Lanes, Row, Triple, dot, everywhere, length, load, minus, scaled, times_plus};
use crate::model::Ball;

/// A box whose axis has no larger horizontal part than this counts as upright.
const MOST_LEAN: f32 = 1e-6;

/// A solid of the scene: everything within `rounding` of a core that is a point, a segment, a box
/// or a cylinder. Lengths in metres, root frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Solid {
    pub(crate) core: Core,
    pub(crate) rounding: f32,
    pub(crate) low: [f32; 3],
    pub(crate) high: [f32; 3],
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Core {
    Point([f32; 3]),
    /// One end, the way to the other, one over its squared length.
    Segment([f32; 3], [f32; 3], f32),
    /// Centre, axes, half extents.
    Box([f32; 3], [[f32; 3]; 3], [f32; 3]),
    /// The same, the last axis upright.
    Upright([f32; 3], [[f32; 3]; 3], [f32; 3]),
    /// Centre, axis, radius, half length.
    Cylinder([f32; 3], [f32; 3], f32, f32),
}

impl Solid {
    pub(crate) fn sphere(centre: Point3<f64>, radius_m: f64) -> Self {
        Self::bounded(Core::Point(single(centre.coords)), radius_m as f32)
    }

    /// Nothing for a mesh.
    pub(crate) fn new(shape: &Shape, root_from_solid: &Pose) -> Option<Self> {
        let centre = root_from_solid.translation.vector;
        let axes = root_from_solid.rotation.to_rotation_matrix();
        let axis = |i: usize| axes.matrix().column(i).into_owned();
        Some(match *shape {
            Shape::Sphere { radius_m } => Self::sphere(centre.into(), radius_m),
            Shape::Capsule { radius_m, length_m } => {
                let way = axis(2) * length_m;
                let inverse = (1.0 / way.norm_squared()) as f32;
                let core = Core::Segment(single(centre - 0.5 * way), single(way), inverse);
                Self::bounded(core, radius_m as f32)
            }
            Shape::Box { half_extents_m } => {
                let (axes, half) = ([0, 1, 2].map(|i| single(axis(i))), single(half_extents_m));
                Self::bounded(box_core(single(centre), axes, half), 0.0)
            }
            Shape::Cylinder { radius_m, length_m } => {
                let (radius, half) = (radius_m as f32, (0.5 * length_m) as f32);
                let core = Core::Cylinder(single(centre), single(axis(2)), radius, half);
                Self::bounded(core, 0.0)
            }
            Shape::Mesh(_) => return None,
        })
    }

    fn bounded(core: Core, rounding: f32) -> Self {
        let (centre, reach): ([f32; 3], [f32; 3]) = match &core {
            Core::Point(centre) => (*centre, [0.0; 3]),
            Core::Segment(end, way, _) => (
                std::array::from_fn(|i| end[i] + 0.5 * way[i]),
                std::array::from_fn(|i| 0.5 * way[i].abs()),
            ),
            Core::Box(centre, axes, half) | Core::Upright(centre, axes, half) => {
                (*centre, std::array::from_fn(|i| (0..3).map(|k| axes[k][i].abs() * half[k]).sum()))
            }
            Core::Cylinder(centre, axis, radius, half) => (
                *centre,
                std::array::from_fn(|i| {
                    axis[i].abs() * half + radius * (1.0 - axis[i] * axis[i]).max(0.0).sqrt()
                }),
            ),
        };
        // A little wider, for the rounding of single precision.
        let margin = rounding + 1e-5;
        Self {
            core,
            rounding,
            low: std::array::from_fn(|i| centre[i] - reach[i] - margin),
            high: std::array::from_fn(|i| centre[i] + reach[i] + margin),
        }
    }

    /// Squared distance of points to the core, 0 inside.
    #[inline(always)]
    pub(crate) fn squared_distance<L: Lanes>(&self, at: Triple<L>) -> L {
        match &self.core {
            Core::Point(centre) => to_point(at, centre),
            Core::Segment(end, way, inverse) => to_segment(at, end, way, *inverse),
            Core::Box(centre, axes, half) => to_box(at, centre, axes, half),
            Core::Upright(centre, axes, half) => to_upright_box(at, centre, axes, half),
            Core::Cylinder(centre, axis, radius, half) => {
                to_cylinder(at, centre, axis, *radius, *half)
            }
        }
    }

    /// The way from the nearest point of the core, zero inside.
    #[inline(always)]
    pub(crate) fn way_to<L: Lanes>(&self, at: Triple<L>) -> Triple<L> {
        match &self.core {
            Core::Point(centre) => minus(at, everywhere(centre)),
            Core::Segment(end, way, inverse) => way_from_segment(at, end, way, *inverse),
            Core::Box(centre, axes, half) | Core::Upright(centre, axes, half) => {
                let offset = minus(at, everywhere(centre));
                let mut way = everywhere(&[0.0; 3]);
                for (axis, &half) in axes.iter().zip(half) {
                    let along = dot(offset, everywhere(axis));
                    let inside = along.max(L::splat(-half)).min(L::splat(half));
                    way = times_plus(everywhere(axis), along - inside, way);
                }
                way
            }
            Core::Cylinder(centre, axis, radius, half) => {
                let (offset, axis) = (minus(at, everywhere(centre)), everywhere(axis));
                let along = dot(offset, axis);
                let across = times_plus(axis, L::splat(0.0) - along, offset);
                let away = length(across).max(L::splat(1e-9));
                let out = (away - L::splat(*radius)).max(L::splat(0.0)) / away;
                let inside = along.max(L::splat(-half)).min(L::splat(*half));
                times_plus(across, out, scaled(axis, along - inside))
            }
        }
    }

    /// Least distance between any of the balls and the surface; negative in contact.
    #[inline(always)]
    pub(crate) fn least_distance<L: Lanes>(&self, balls: &[Ball], centres: &[[Row; 3]]) -> L {
        let mut least = L::splat(f32::INFINITY);
        let balls = balls.iter().zip(centres);
        // One loop a kind, so that the solid's numbers stay in registers.
        match &self.core {
            Core::Point(centre) => {
                for (ball, rows) in balls {
                    least = least.min(outside(to_point(load(rows), centre), ball));
                }
            }
            Core::Segment(end, way, inverse) => {
                for (ball, rows) in balls {
                    least = least.min(outside(to_segment(load(rows), end, way, *inverse), ball));
                }
            }
            Core::Box(centre, axes, half) => {
                for (ball, rows) in balls {
                    least = least.min(outside(to_box(load(rows), centre, axes, half), ball));
                }
            }
            Core::Upright(centre, axes, half) => {
                for (ball, rows) in balls {
                    least =
                        least.min(outside(to_upright_box(load(rows), centre, axes, half), ball));
                }
            }
            Core::Cylinder(centre, axis, radius, half) => {
                for (ball, rows) in balls {
                    let squared = to_cylinder(load(rows), centre, axis, *radius, *half);
                    least = least.min(outside(squared, ball));
                }
            }
        }
        least - L::splat(self.rounding)
    }

    /// Signed distance of a point to the surface (negative inside), and the nearest way out of it.
    pub(crate) fn distance_m(&self, at: Point3<f64>) -> (f64, Vector3<f64>) {
        let (outside, way) = match &self.core {
            Core::Point(centre) => straight(at - double(centre)),
            Core::Segment(end, way, inverse) => {
                let (offset, way) = (at - double(end), double(way).coords);
                let share = (offset.dot(&way) * f64::from(*inverse)).clamp(0.0, 1.0);
                straight(offset - way * share)
            }
            Core::Box(centre, axes, half) | Core::Upright(centre, axes, half) => {
                let offset = at - double(centre);
                let axes = axes.each_ref().map(|axis| double(axis).coords);
                let local = axes.map(|axis| offset.dot(&axis));
                let excess: [f64; 3] = std::array::from_fn(|i| local[i].abs() - f64::from(half[i]));
                let worst = (0..3).max_by(|&i, &j| excess[i].total_cmp(&excess[j])).unwrap_or(0);
                if excess[worst] <= 0.0 {
                    (excess[worst], axes[worst] * local[worst].signum())
                } else {
                    straight((0..3).map(|i| axes[i] * local[i].signum() * excess[i].max(0.0)).sum())
                }
            }
            Core::Cylinder(centre, axis, radius, half) => {
                let (offset, axis) = (at - double(centre), double(axis).coords);
                let along = offset.dot(&axis);
                let (out, outwards) = straight(offset - axis * along);
                let (out, beyond) = (out - f64::from(*radius), along.abs() - f64::from(*half));
                let upwards = axis * along.signum();
                if out.max(beyond) <= 0.0 {
                    if out > beyond { (out, outwards) } else { (beyond, upwards) }
                } else {
                    straight(outwards * out.max(0.0) + upwards * beyond.max(0.0))
                }
            }
        };
        (outside - f64::from(self.rounding), way)
    }
}

/// A box, its upright axis last if it has one.
fn box_core(centre: [f32; 3], axes: [[f32; 3]; 3], half: [f32; 3]) -> Core {
    let leans = |axis: &[f32; 3]| axis[0].hypot(axis[1]) > MOST_LEAN;
    match axes.iter().position(|axis| !leans(axis)) {
        Some(up) => {
            let order = [(up + 1) % 3, (up + 2) % 3, up];
            Core::Upright(centre, order.map(|i| axes[i]), order.map(|i| half[i]))
        }
        None => Core::Box(centre, axes, half),
    }
}

/// Distance of a ball's surface whose centre has this squared distance.
#[inline(always)]
fn outside<L: Lanes>(squared: L, ball: &Ball) -> L {
    squared.sqrt() - L::splat(ball.radius)
}

#[inline(always)]
fn to_point<L: Lanes>(at: Triple<L>, centre: &[f32; 3]) -> L {
    let offset = minus(at, everywhere(centre));
    dot(offset, offset)
}

#[inline(always)]
fn to_segment<L: Lanes>(at: Triple<L>, end: &[f32; 3], way: &[f32; 3], inverse: f32) -> L {
    let way = way_from_segment(at, end, way, inverse);
    dot(way, way)
}

#[inline(always)]
fn way_from_segment<L: Lanes>(
    at: Triple<L>,
    end: &[f32; 3],
    way: &[f32; 3],
    inverse: f32,
) -> Triple<L> {
    let zero = L::splat(0.0);
    let (offset, way) = (minus(at, everywhere(end)), everywhere(way));
    let share = dot(offset, way) * L::splat(inverse);
    let back = zero - share.max(zero).min(L::splat(1.0));
    times_plus(way, back, offset)
}

#[inline(always)]
fn to_box<L: Lanes>(at: Triple<L>, centre: &[f32; 3], axes: &[[f32; 3]; 3], half: &[f32; 3]) -> L {
    let offset = minus(at, everywhere(centre));
    let x = beyond(dot(offset, everywhere(&axes[0])), half[0]);
    let y = beyond(dot(offset, everywhere(&axes[1])), half[1]);
    let z = beyond(dot(offset, everywhere(&axes[2])), half[2]);
    dot([x, y, z], [x, y, z])
}

#[inline(always)]
fn to_upright_box<L: Lanes>(
    at: Triple<L>,
    centre: &[f32; 3],
    [x_axis, y_axis, _]: &[[f32; 3]; 3],
    half: &[f32; 3],
) -> L {
    let [x, y, z] = minus(at, everywhere(centre));
    let along_x = x.mul_add(L::splat(x_axis[0]), y * L::splat(x_axis[1]));
    let along_y = x.mul_add(L::splat(y_axis[0]), y * L::splat(y_axis[1]));
    let out = [beyond(along_x, half[0]), beyond(along_y, half[1]), beyond(z, half[2])];
    dot(out, out)
}

/// How far a coordinate lies outside of ± `half`.
#[inline(always)]
fn beyond<L: Lanes>(coordinate: L, half: f32) -> L {
    (coordinate.abs() - L::splat(half)).max(L::splat(0.0))
}

#[inline(always)]
fn to_cylinder<L: Lanes>(
    at: Triple<L>,
    centre: &[f32; 3],
    axis: &[f32; 3],
    radius: f32,
    half: f32,
) -> L {
    let zero = L::splat(0.0);
    let (offset, axis) = (minus(at, everywhere(centre)), everywhere(axis));
    let along = dot(offset, axis);
    let across = times_plus(axis, zero - along, offset);
    let out = (length(across) - L::splat(radius)).max(zero);
    let over = beyond(along, half);
    out.mul_add(out, over * over)
}

fn straight(offset: Vector3<f64>) -> (f64, Vector3<f64>) {
    let length = offset.norm();
    (length, if length > 1e-12 { offset / length } else { Vector3::z() })
}

fn single(v: Vector3<f64>) -> [f32; 3] {
    [v.x as f32, v.y as f32, v.z as f32]
}

fn double(v: &[f32; 3]) -> Point3<f64> {
    Point3::new(f64::from(v[0]), f64::from(v[1]), f64::from(v[2]))
}
