//! Surfaces of triangles: hulls, meshes, height fields; padding; distances and their gradients.
//! Each is held against something plainer.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::{Point3, Vector3};
use praxis_collision::{
    Checker, CollisionError, Instructions, PointCloud, Scene, SceneObject, Surface,
};
use praxis_geometry::{Pose, Shape, TriangleMesh};
use praxis_robot::Robot;
use proptest::prelude::*;

fn points(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Point3<f64>>> {
    prop::collection::vec(prop::array::uniform3(-1.0..1.0).prop_map(Point3::from), count)
}

fn box_mesh(half: [f64; 3]) -> TriangleMesh {
    let corner = |i: usize| {
        let sign = |bit: usize| if i & bit == 0 { -1.0 } else { 1.0 };
        Point3::new(sign(1) * half[0], sign(2) * half[1], sign(4) * half[2])
    };
    let sides =
        [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    TriangleMesh {
        vertices: (0..8).map(corner).collect(),
        triangles: sides.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect(),
    }
}

/// Signed distance to a box, worked out by hand.
fn to_box(at: &Point3<f64>, half: [f64; 3]) -> f64 {
    let out: [f64; 3] = std::array::from_fn(|i| at[i].abs() - half[i]);
    let outside = out.iter().map(|x| x.max(0.0).powi(2)).sum::<f64>().sqrt();
    outside + out.iter().copied().fold(f64::NEG_INFINITY, f64::max).min(0.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_box_of_triangles_is_that_box(
        half in prop::array::uniform3(0.05..0.6),
        at in prop::array::uniform3(-1.0..1.0).prop_map(Point3::from),
        inside_out in any::<bool>(),
    ) {
        let mut mesh = box_mesh(half);
        if inside_out {
            mesh.triangles.iter_mut().for_each(|triangle| triangle.swap(0, 1));
        }
        let surface = Surface::from_mesh(&mesh).unwrap();
        prop_assert!(surface.is_closed());
        let (distance, growing) = surface.signed_distance_m(at);
        prop_assert!((distance - to_box(&at, half)).abs() < 1e-12);
        // The direction is the one in which the distance grows.
        let ahead = to_box(&(at + growing * 1e-6), half);
        prop_assert!((ahead - distance - 1e-6).abs() < 1e-9, "{ahead} {distance}");
    }

    #[test]
    fn a_hull_holds_its_points_and_no_more(cloud in points(4..60), at in points(1..2)) {
        let Ok(hull) = Surface::convex_hull(&cloud) else { return Ok(()) };
        prop_assert!(hull.is_closed());
        for point in &cloud {
            prop_assert!(hull.signed_distance_m(*point).0 < 1e-9);
        }
        // What is outside is parted from all points by a plane across the way to it; what is
        // inside is not parted by any of many planes.
        let (distance, growing) = hull.signed_distance_m(at[0]);
        let farthest = |along: &Vector3<f64>| {
            cloud.iter().map(|p| along.dot(&p.coords)).fold(f64::NEG_INFINITY, f64::max)
        };
        if distance > 1e-9 {
            prop_assert!((growing.dot(&at[0].coords) - farthest(&growing) - distance).abs() < 1e-9);
        } else {
            for k in 0..100 {
                let angle = f64::from(k);
                let along = Vector3::new(angle.sin(), angle.cos(), (1.7 * angle).sin()).normalize();
                prop_assert!(along.dot(&at[0].coords) <= farthest(&along) + distance.max(0.0) + 1e-9);
            }
        }
    }

    #[test]
    fn a_height_field_is_solid_below_its_ground(
        heights in prop::collection::vec(0.1..0.5, 30),
        at in (-0.2..1.2, -0.2..1.0, -0.3..0.8),
    ) {
        // Six columns and five rows of cells of 0.2 m.
        let ground = Surface::height_field(0.2, 6, &heights, 0.0).unwrap();
        prop_assert!(ground.is_closed());
        let (distance, _) = ground.signed_distance_m(Point3::new(at.0, at.1, at.2));
        let over = at.0 >= 0.0 && at.0 < 1.0 && at.1 >= 0.0 && at.1 < 0.8;
        let inside = over && at.2 > 0.0 && at.2 < height_at(&heights, at.0 / 0.2, at.1 / 0.2);
        prop_assert!((distance < 0.0) == inside || distance.abs() < 1e-9, "{distance}");
    }
}

/// Height between the corners of a cell, on the triangle above or below its diagonal.
fn height_at(heights: &[f64], x: f64, y: f64) -> f64 {
    let (column, row) = (x.floor() as usize, y.floor() as usize);
    let (u, v) = (x.fract(), y.fract());
    let corner = |dx: usize, dy: usize| heights[(row + dy) * 6 + column + dx];
    let (low, high) = (corner(0, 0), corner(1, 1));
    let side = if u >= v { corner(1, 0) } else { corner(0, 1) };
    let (more, less) = (u.max(v), u.min(v));
    low + (side - low) * (more - less) + (high - low) * less
}

#[test]
fn what_is_no_surface_is_refused_with_the_reason() {
    let text =
        |result: Result<Surface, CollisionError>| result.map(|_| ()).unwrap_err().to_string();
    let flat: Vec<Point3<f64>> =
        (0..9).map(|k| Point3::new(f64::from(k % 3), f64::from(k / 3), 0.0)).collect();
    assert!(text(Surface::convex_hull(&flat)).contains("no hull"));
    assert!(text(Surface::convex_hull(&flat[..2])).contains("four points"));
    assert!(text(Surface::from_mesh(&TriangleMesh::default())).contains("no triangles"));
    let mut mesh = box_mesh([1.0; 3]);
    mesh.triangles[3][1] = 8;
    assert!(text(Surface::from_mesh(&mesh)).contains("vertex 8 of 8"));
    mesh.vertices[2].x = f64::NAN;
    assert!(text(Surface::from_mesh(&mesh)).contains("vertex 2 is"));
    assert!(text(Surface::height_field(0.1, 3, &[1.0; 5], 0.0)).contains("5 heights"));
    assert!(text(Surface::height_field(0.1, 2, &[1.0, 1.0, 0.0, 1.0], 0.5)).contains("height 2"));
    // Without a side there is no inside.
    let mut open = box_mesh([1.0; 3]);
    open.triangles.truncate(10);
    let open = Surface::from_mesh(&open).unwrap();
    assert!(!open.is_closed());
    assert!((open.signed_distance_m(Point3::new(0.5, 0.0, 0.0)).0 - 1.0).abs() < 1e-12);
}

/// A shoulder that turns and bends, an elbow, a slide; two balls on each link.
fn arm() -> Robot {
    let ball = |x: f64, r: f64| {
        format!(
            "<collision><origin xyz='{x} 0 0'/><geometry><sphere radius='{r}'/></geometry></collision>"
        )
    };
    let joint = |name: &str, kind: &str, ends: [&str; 2], x: f64, axis: &str| {
        format!(
            "<joint name='{name}' type='{kind}'><parent link='{}'/><child link='{}'/>\
             <origin xyz='{x} 0 0' rpy='0.2 0 0'/><axis xyz='{axis}'/>\
             <limit lower='-2' upper='2' velocity='1' effort='1'/></joint>",
            ends[0], ends[1]
        )
    };
    let urdf = [
        "<robot name='arm'><link name='base'/>".to_owned(),
        format!("<link name='turn'>{}</link>", ball(0.0, 0.05)),
        format!("<link name='upper'>{}{}</link>", ball(0.12, 0.05), ball(0.22, 0.05)),
        format!("<link name='fore'>{}{}</link>", ball(0.1, 0.04), ball(0.22, 0.03)),
        format!("<link name='tip'>{}</link>", ball(0.05, 0.03)),
        joint("a", "revolute", ["base", "turn"], 0.0, "0 0 1"),
        joint("b", "revolute", ["turn", "upper"], 0.05, "0 1 0"),
        joint("c", "revolute", ["upper", "fore"], 0.3, "0 1 0.3"),
        joint("d", "prismatic", ["fore", "tip"], 0.3, "1 0 0"),
        "</robot>".to_owned(),
    ]
    .concat();
    Robot::from_strings(&urdf, None).unwrap()
}

fn random(state: &mut u64, low: f64, high: f64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    low + (high - low) * (*state >> 11) as f64 / (1_u64 << 53) as f64
}

fn random_pose(state: &mut u64) -> Pose {
    let mut at = |most: f64| Vector3::from([0; 3].map(|_| random(state, -most, most)));
    Pose::from_parts(at(0.5).into(), nalgebra::UnitQuaternion::from_scaled_axis(at(2.0)))
}

/// Hulls, boxes of triangles, ground and a few plain solids.
fn scene(state: &mut u64) -> Scene {
    let mut scene = Scene::default();
    for k in 0..3 {
        let cloud: Vec<Point3<f64>> =
            (0..20).map(|_| Point3::from([0; 3].map(|_| random(state, -0.15, 0.15)))).collect();
        let hull = Arc::new(Surface::convex_hull(&cloud).unwrap());
        let pose = random_pose(state);
        scene.objects.push(SceneObject::from_surface(format!("hull {k}"), hull, &pose).unwrap());
    }
    let mesh = Shape::Mesh(Arc::new(box_mesh([0.1, 0.05, 0.2])));
    scene.objects.push(SceneObject::new("mesh", &[(mesh, random_pose(state))]).unwrap());
    let ball = Shape::Sphere { radius_m: 0.1 };
    scene.objects.push(SceneObject::new("ball", &[(ball, random_pose(state))]).unwrap());
    let heights: Vec<f64> = (0..100).map(|_| random(state, 0.1, 0.25)).collect();
    let ground = Arc::new(Surface::height_field(0.15, 10, &heights, 0.0).unwrap());
    let below = Pose::translation(-0.7, -0.7, -0.6);
    scene.objects.push(SceneObject::from_surface("ground", ground, &below).unwrap());
    scene
}

#[test]
fn edges_among_surfaces_called_free_are_free_at_every_fine_sample() {
    let (robot, mut state) = (arm(), 5);
    let (mut free, mut blocked, mut refused_though_free) = (0, 0, 0);
    for _ in 0..40 {
        let scene = scene(&mut state);
        let new = || Checker::new(&robot, &scene, &[0, 1, 2, 3], &robot.neutral()).unwrap();
        let (mut checker, mut plain) = (new(), new().with_instructions(Instructions::Plain));
        for _ in 0..12 {
            let start: [f64; 4] = std::array::from_fn(|_| random(&mut state, -1.5, 1.5));
            let reach = random(&mut state, 0.05, 1.2);
            let end = start.map(|value| value + reach * random(&mut state, -1.0, 1.0));
            let steps = (2.0 * reach * 300.0) as usize;
            let samples_free = (0..=steps).all(|k| {
                let share = k as f64 / steps as f64;
                let q: [f64; 4] = std::array::from_fn(|i| start[i] + share * (end[i] - start[i]));
                let clearance_m = checker.clearance_m(&q);
                let is_free = clearance_m >= 0.0;
                assert!(checker.is_free(&q) == is_free || clearance_m.abs() < 1e-5);
                is_free
            });
            let answer = checker.edge_is_free(&start, &end);
            assert_eq!(answer, plain.edge_is_free(&start, &end), "fast and plain kernel differ");
            assert!(!answer || samples_free, "{start:?} to {end:?} is called free");
            free += usize::from(answer);
            blocked += usize::from(!samples_free);
            refused_though_free += usize::from(!answer && samples_free);
        }
    }
    assert!(free > 50 && blocked > 50, "{free} free, {blocked} blocked");
    assert!(refused_though_free <= 2, "{refused_though_free} free edges are refused");
}

#[test]
fn the_gradient_is_the_slope_of_the_distance() {
    let (robot, mut state) = (arm(), 9);
    let (mut inside, mut outside, mut own, mut points) = (0, 0, 0, 0);
    for round in 0..30 {
        let mut scene = scene(&mut state);
        if round % 3 == 1 {
            scene.objects.clear();
        }
        if round % 3 == 2 {
            let at = [0.4, 0.1, 0.1].map(|x| x + 0.3 * round as f32 / 30.0);
            scene.objects.truncate(1);
            scene.cloud = Some(Arc::new(PointCloud::new(&[Point3::from(at)], 0.01)));
        }
        let mut checker = Checker::new(&robot, &scene, &[0, 1, 2, 3], &robot.neutral()).unwrap();
        for _ in 0..30 {
            let q: [f64; 4] = std::array::from_fn(|_| random(&mut state, -1.8, 1.8));
            let here = checker.signed_distance(&q).unwrap();
            let pair = |n: &praxis_collision::Nearest| (n.first.clone(), n.second.clone());
            assert_eq!(Some(&here.nearest), checker.nearest(&q).as_ref());
            let between = (here.nearest.position - here.nearest.other_position).norm();
            assert!((between - here.nearest.distance_m.abs()).abs() < 1e-6);
            let mut agree = true;
            for joint in 0..4 {
                let mut at = |by: f64| {
                    let mut q = q;
                    q[joint] += by;
                    checker.nearest(&q).unwrap()
                };
                let (low, high) = (at(-1e-4), at(1e-4));
                // Where another pair takes over there is a kink.
                let kink = pair(&low) != pair(&high) || pair(&low) != pair(&here.nearest);
                let slope = (high.distance_m - low.distance_m) / 2e-4;
                let left = (here.nearest.distance_m - low.distance_m) / 1e-4;
                let bent = (slope - left).abs() > 2e-3;
                if !kink && !bent {
                    assert!((slope - here.gradient[joint]).abs() < 3e-3, "{slope} {here:?}");
                } else {
                    agree = false;
                }
            }
            if agree {
                let d = here.nearest.distance_m;
                inside += usize::from(d < 0.0);
                outside += usize::from(d > 0.0);
                own += usize::from(here.nearest.second == "turn" || here.nearest.second == "upper");
                points += usize::from(here.nearest.second == "<octomap>");
            }
        }
    }
    assert!(inside > 50 && outside > 50 && points > 5, "{inside} {outside} {own} {points}");
}

#[test]
fn padding_of_one_link_counts_for_that_link() {
    let robot = arm();
    // Stretched out, the tip's ball ends at 0.05 + 0.3 + 0.3 + 0.05 + 0.03 m.
    let wall = Shape::Box { half_extents_m: Vector3::new(0.1, 0.5, 0.5) };
    let object =
        SceneObject::new("wall", &[(wall, Pose::translation(0.73 + 0.1 + 0.02, 0.0, 0.0))])
            .unwrap();
    let mut scene = Scene { objects: vec![object], ..Scene::default() };
    let clearance = |scene: &Scene| {
        let mut checker = Checker::new(&robot, scene, &[0, 1, 2, 3], &robot.neutral()).unwrap();
        let clearance_m = checker.clearance_m(&[0.0; 4]);
        assert_eq!(checker.is_free(&[0.0; 4]), clearance_m >= 0.0);
        clearance_m
    };
    assert!((clearance(&scene) - 0.02).abs() < 1e-6);
    scene.link_padding_m = BTreeMap::from([("tip".to_owned(), 0.03)]);
    assert!((clearance(&scene) + 0.01).abs() < 1e-6);
    // Instead of the padding of all, not on top of it.
    (scene.padding_m, scene.link_padding_m) = (0.03, BTreeMap::from([("tip".to_owned(), 0.0)]));
    assert!((clearance(&scene) - 0.02).abs() < 1e-6);
}
