use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use nalgebra::Point3;
use parry3d_f64::math::{Pose as ParryPose, Rotation, Vector};
use parry3d_f64::query::intersection_test;
use parry3d_f64::shape::SharedShape;
use parry3d_f64::transformation::try_convex_hull;
use praxis_geometry::{Pose, Shape, TriangleMesh};
use praxis_robot::Robot;

/// The collision solids of all links, to ask which of them touch.
pub struct Solids {
    by_link: Vec<Vec<(SharedShape, ParryPose)>>,
}

impl Solids {
    /// Those of a robot, meshes by their convex hulls: what physics engines collide. A mesh without
    /// volume has no hull and is left out.
    pub fn of(robot: &Robot) -> Self {
        Self::with_meshes(robot, |mesh| SharedShape::convex_hull(&points_of(mesh)))
    }

    /// Those of a robot, meshes by their surfaces as they are. A mesh without triangles is left out.
    pub fn surfaces_of(robot: &Robot) -> Self {
        Self::with_meshes(robot, |mesh| {
            SharedShape::trimesh(points_of(mesh), mesh.triangles.clone()).ok()
        })
    }

    fn with_meshes(robot: &Robot, of_mesh: impl Fn(&TriangleMesh) -> Option<SharedShape>) -> Self {
        let solid = |(shape, link_from_solid): &(Shape, Pose)| {
            let pose = theirs(link_from_solid);
            Some(match shape {
                Shape::Sphere { radius_m } => (SharedShape::ball(*radius_m), pose),
                Shape::Box { half_extents_m: h } => (SharedShape::cuboid(h.x, h.y, h.z), pose),
                Shape::Capsule { radius_m, length_m } => {
                    (SharedShape::capsule_z(0.5 * length_m, *radius_m), pose)
                }
                Shape::Cylinder { radius_m, length_m } => {
                    // Theirs stand along y.
                    let upright = ParryPose::rotation(Vector::new(FRAC_PI_2, 0.0, 0.0));
                    (SharedShape::cylinder(0.5 * length_m, *radius_m), pose * upright)
                }
                Shape::Mesh(mesh) => (of_mesh(mesh)?, pose),
            })
        };
        let of_link = |solids: &[(Shape, Pose)]| solids.iter().filter_map(solid).collect();
        Self { by_link: robot.links().iter().map(|link| of_link(&link.collision)).collect() }
    }

    /// Whether the solids of two links touch (surfaces: cross), the links' poses given.
    pub fn touch(&self, a: usize, b: usize, poses: &[Pose]) -> bool {
        let a_from_b = theirs(&poses[a].inv_mul(&poses[b]));
        self.by_link[a].iter().any(|(one, at)| {
            self.by_link[b].iter().any(|(other, there)| {
                // Every pair of these kinds is supported.
                intersection_test(at, &**one, &(a_from_b * *there), &**other)
                    .is_ok_and(|result| result.intersecting)
            })
        })
    }
}

/// Solids with the convex hull in place of each mesh that has one.
pub fn hulls(solids: &[(Shape, Pose)]) -> Vec<(Shape, Pose)> {
    let hull = |mesh: &TriangleMesh| {
        let (points, triangles) = try_convex_hull(&points_of(mesh)).ok()?;
        let vertices = points.iter().map(|p| Point3::new(p.x, p.y, p.z)).collect();
        Some(Shape::Mesh(Arc::new(TriangleMesh { vertices, triangles })))
    };
    let convex = |shape: &Shape| match shape {
        Shape::Mesh(mesh) => hull(mesh).unwrap_or_else(|| shape.clone()),
        other => other.clone(),
    };
    solids.iter().map(|(shape, pose)| (convex(shape), *pose)).collect()
}

fn points_of(mesh: &TriangleMesh) -> Vec<Vector> {
    mesh.vertices.iter().map(|p| Vector::new(p.x, p.y, p.z)).collect()
}

fn theirs(pose: &Pose) -> ParryPose {
    let (t, q) = (pose.translation.vector, pose.rotation);
    ParryPose {
        translation: Vector::new(t.x, t.y, t.z),
        rotation: Rotation::from_xyzw(q.i, q.j, q.k, q.w),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_touch_where_their_solids_do() {
        let robot = |gap: f64| {
            let urdf = format!(
                r#"<robot name="r"><link name="a"><collision><geometry><cylinder radius="0.1" length="1"/></geometry></collision></link>
                <link name="b"><collision><geometry><box size="0.2 0.2 0.2"/></geometry></collision></link>
                <joint name="j" type="fixed"><parent link="a"/><child link="b"/><origin xyz="0 0 {gap}"/></joint></robot>"#
            );
            Robot::from_strings(&urdf, None).unwrap()
        };
        for (apart_m, touch) in [(0.59, true), (0.61, false)] {
            let robot = robot(apart_m);
            let poses = crate::states::link_poses(&robot, &robot.neutral());
            assert_eq!(Solids::of(&robot).touch(0, 1, &poses), touch, "{apart_m}");
        }
    }
}
