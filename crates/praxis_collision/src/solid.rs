use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape};

use crate::lanes::{Lanes, Triple, dot, everywhere, minus, times_plus};

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
                let axes = [0, 1, 2].map(|i| single(axis(i)));
                Self::bounded(Core::Box(single(centre), axes, single(half_extents_m)), 0.0)
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
            Core::Box(centre, axes, half) => {
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
        let zero = L::splat(0.0);
        match &self.core {
            Core::Point(centre) => {
                let offset = minus(at, everywhere(centre));
                dot(offset, offset)
            }
            Core::Segment(end, way, inverse) => {
                let (offset, way) = (minus(at, everywhere(end)), everywhere(way));
                let share = dot(offset, way) * L::splat(*inverse);
                let back = zero - share.max(zero).min(L::splat(1.0));
                let offset = times_plus(way, back, offset);
                dot(offset, offset)
            }
            Core::Box(centre, axes, half) => {
                let offset = minus(at, everywhere(centre));
                let x = (dot(offset, everywhere(&axes[0])).abs() - L::splat(half[0])).max(zero);
                let y = (dot(offset, everywhere(&axes[1])).abs() - L::splat(half[1])).max(zero);
                let z = (dot(offset, everywhere(&axes[2])).abs() - L::splat(half[2])).max(zero);
                dot([x, y, z], [x, y, z])
            }
            Core::Cylinder(centre, axis, radius, half) => {
                let (offset, axis) = (minus(at, everywhere(centre)), everywhere(axis));
                let along = dot(offset, axis);
                let across = times_plus(axis, zero - along, offset);
                let out = (dot(across, across).sqrt() - L::splat(*radius)).max(zero);
                let beyond = (along.abs() - L::splat(*half)).max(zero);
                out.mul_add(out, beyond * beyond)
            }
        }
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
            Core::Box(centre, axes, half) => {
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
