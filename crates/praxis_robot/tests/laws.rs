//! Laws of kinematics and dynamics, each held against a formulation of its own: poses against
//! products of plain matrices, torques against Lagrange's equations by finite differences.

use nalgebra::{Matrix3, Matrix4, Vector3};
use praxis_robot::{EARTH_GRAVITY, Motion, Robot, RobotOptions, Touch};
use proptest::prelude::*;

/// A branched tree with every kind of joint, slanted axes, a mimic and uneven inertia.
fn tree() -> String {
    let inertial = |m: f64, x: f64, y: f64, z: f64| {
        format!(
            "<inertial><origin xyz='{x} {y} {z}' rpy='0.3 -0.2 0.5'/><mass value='{m}'/>\
             <inertia ixx='{}' ixy='0.001' ixz='-0.002' iyy='{}' iyz='0.003' izz='{}'/></inertial>",
            0.02 * m,
            0.03 * m,
            0.025 * m
        )
    };
    let link = |name: &str, inertial: String| format!("<link name='{name}'>{inertial}</link>");
    let joint = |name: &str, kind: &str, ends: [&str; 2], origin: &str, rest: &str| {
        format!(
            "<joint name='{name}' type='{kind}'><parent link='{}'/><child link='{}'/>\
             <origin {origin}/>{rest}</joint>",
            ends[0], ends[1]
        )
    };
    let limit = "<limit lower='-3' upper='3' velocity='1' effort='9'/>";
    [
        "<robot name='tree'>".to_owned(),
        link("base", inertial(5.0, 0.0, 0.0, 0.0)),
        link("a", inertial(2.0, 0.1, -0.05, 0.02)),
        link("b", inertial(1.5, 0.0, 0.12, 0.07)),
        link("c", inertial(0.7, 0.03, 0.0, -0.1)),
        link("d", inertial(0.4, -0.02, 0.05, 0.0)),
        link("e", inertial(0.3, 0.0, 0.0, 0.09)),
        link("tool", String::new()),
        joint(
            "ja",
            "continuous",
            ["base", "a"],
            "xyz='0 0.1 0.3' rpy='0.1 0.2 0.3'",
            "<axis xyz='0 0.6 0.8'/>",
        ),
        joint(
            "jb",
            "revolute",
            ["a", "b"],
            "xyz='0.3 0 0' rpy='-0.7 0 0.4'",
            &format!("<axis xyz='1 0 0'/>{limit}"),
        ),
        joint(
            "jc",
            "prismatic",
            ["b", "c"],
            "xyz='0 0.2 0.1' rpy='0 0.9 0'",
            &format!("<axis xyz='0.8 0 -0.6'/>{limit}"),
        ),
        joint(
            "jd",
            "revolute",
            ["b", "d"],
            "xyz='0 -0.2 0.1' rpy='0.5 0 0'",
            &format!(
                "<axis xyz='0 0 1'/>{limit}<mimic joint='jb' multiplier='-0.5' offset='0.2'/>"
            ),
        ),
        joint(
            "je",
            "revolute",
            ["d", "e"],
            "xyz='0.1 0 0.1'",
            &format!("<axis xyz='0 1 0'/>{limit}"),
        ),
        joint("jt", "fixed", ["e", "tool"], "xyz='0 0 0.2' rpy='0 1 0'", ""),
        "</robot>".to_owned(),
    ]
    .concat()
}

const JOINTS: usize = 4;

fn robot() -> Robot {
    Robot::from_strings(&tree(), None).unwrap()
}

/// Rodrigues' formula, written out.
fn turned(axis: Vector3<f64>, angle: f64) -> Matrix3<f64> {
    let k = Matrix3::new(0.0, -axis.z, axis.y, axis.z, 0.0, -axis.x, -axis.y, axis.x, 0.0);
    Matrix3::identity() + k * angle.sin() + k * k * (1.0 - angle.cos())
}

/// Poses as products of 4x4 matrices from the root down to each link.
fn poses_by_matrices(robot: &Robot, q: &[f64]) -> Vec<Matrix4<f64>> {
    let mut poses: Vec<Matrix4<f64>> = Vec::new();
    for link in robot.links() {
        let mut step = link.parent_from_joint.to_homogeneous();
        let mut moved = Matrix4::identity();
        match link.motion {
            Motion::Turn { axis, variable } => {
                let angle = variable.multiplier * q[variable.index] + variable.offset;
                moved.fixed_view_mut::<3, 3>(0, 0).copy_from(&turned(axis.into_inner(), angle));
            }
            Motion::Slide { axis, variable } => {
                let way = variable.multiplier * q[variable.index] + variable.offset;
                moved.fixed_view_mut::<3, 1>(0, 3).copy_from(&(axis.into_inner() * way));
            }
            Motion::Fixed => {}
        }
        step *= moved;
        poses.push(link.parent.map_or(step, |parent| poses[parent] * step));
    }
    poses
}

/// Kinetic energy of all bodies, from where they are a moment before and after.
fn kinetic_energy(robot: &Robot, q: &[f64], velocity: &[f64]) -> f64 {
    const H: f64 = 1e-5;
    let at = |sign: f64| {
        let q: Vec<f64> = q.iter().zip(velocity).map(|(q, v)| q + sign * H * v).collect();
        poses_by_matrices(robot, &q)
    };
    let (before, here, after) = (at(-1.0), at(0.0), at(1.0));
    let mut energy = 0.0;
    for (k, link) in robot.links().iter().enumerate() {
        let centre = link.inertia.centre.to_homogeneous();
        let speed = (after[k] * centre - before[k] * centre) / (2.0 * H);
        energy += 0.5 * link.inertia.mass_kg * speed.norm_squared();
        let rotation = |pose: &Matrix4<f64>| pose.fixed_view::<3, 3>(0, 0).into_owned();
        let change = (rotation(&after[k]) - rotation(&before[k])) / (2.0 * H);
        let spin = change * rotation(&here[k]).transpose();
        let spin = Vector3::new(spin[(2, 1)], spin[(0, 2)], spin[(1, 0)]);
        let in_link = rotation(&here[k]).transpose() * spin;
        energy += 0.5 * in_link.dot(&(link.inertia.about_centre * in_link));
    }
    energy
}

fn potential_energy(robot: &Robot, q: &[f64]) -> f64 {
    let height = |(pose, link): (&Matrix4<f64>, &praxis_robot::Link)| {
        -link.inertia.mass_kg * EARTH_GRAVITY[2] * (pose * link.inertia.centre.to_homogeneous()).z
    };
    poses_by_matrices(robot, q).iter().zip(robot.links()).map(height).sum()
}

fn moved(q: &[f64], joint: usize, by: f64) -> Vec<f64> {
    let mut q = q.to_vec();
    q[joint] += by;
    q
}

fn state(most: f64) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-most..most, JOINTS)
}

proptest! {
    #[test]
    fn poses_are_products_of_matrices(q in state(3.0)) {
        let robot = robot();
        let (mut poses, by_matrices) = (Vec::new(), poses_by_matrices(&robot, &q));
        robot.link_poses(&q, &mut poses);
        for (link, matrix) in by_matrices.iter().enumerate() {
            prop_assert!((poses[link].to_homogeneous() - matrix).norm() < 1e-12);
            prop_assert!((robot.link_pose(link, &q).to_homogeneous() - matrix).norm() < 1e-12);
        }
    }

    #[test]
    fn jacobians_are_derivatives_of_all_links(q in state(3.0)) {
        let robot = robot();
        let joints: Vec<usize> = (0..JOINTS).collect();
        for link in 0..robot.links().len() {
            let jacobian = robot.jacobian(&joints, link, &q);
            for joint in 0..JOINTS {
                let [back, ahead] = [-1e-6, 1e-6].map(|by| robot.link_pose(link, &moved(&q, joint, by)));
                let linear = (ahead.translation.vector - back.translation.vector) / 2e-6;
                let angular = (ahead.rotation * back.rotation.inverse()).scaled_axis() / 2e-6;
                prop_assert!((linear - jacobian.fixed_view::<3, 1>(0, joint)).norm() < 1e-8);
                prop_assert!((angular - jacobian.fixed_view::<3, 1>(3, joint)).norm() < 1e-8);
            }
        }
    }

    #[test]
    fn the_mass_matrix_gives_the_kinetic_energy(q in state(3.0), v in state(2.0)) {
        let robot = robot();
        let matrix = robot.mass_matrix(&q);
        let v_column = nalgebra::DVector::from_column_slice(&v);
        let energy = 0.5 * (v_column.transpose() * &matrix * &v_column)[0];
        let expected = kinetic_energy(&robot, &q, &v);
        prop_assert!((energy - expected).abs() < 1e-6 * (1.0 + expected), "{energy} {expected}");
        prop_assert!((&matrix - matrix.transpose()).norm() < 1e-12);
        prop_assert!(matrix.cholesky().is_some());
    }

    #[test]
    fn holding_torques_are_the_slope_of_the_potential_energy(q in state(3.0)) {
        let robot = robot();
        let torques = robot.gravity_torques(&q, EARTH_GRAVITY);
        for joint in 0..JOINTS {
            let [low, high] = [-1e-5, 1e-5].map(|by| potential_energy(&robot, &moved(&q, joint, by)));
            prop_assert!((torques[joint] - (high - low) / 2e-5).abs() < 1e-6);
        }
    }

    #[test]
    fn torques_obey_lagrange(q in state(3.0), v in state(2.0), a in state(4.0)) {
        let robot = robot();
        let torques = robot.inverse_dynamics(&q, &v, &a, EARTH_GRAVITY);
        let (v, a) = (nalgebra::DVector::from(v), nalgebra::DVector::from(a));
        const H: f64 = 1e-5;
        let along = |sign: f64| -> Vec<f64> { q.iter().zip(v.iter()).map(|(q, v)| q + sign * H * v).collect() };
        let change = (robot.mass_matrix(&along(1.0)) - robot.mass_matrix(&along(-1.0))) / (2.0 * H);
        let inertial = robot.mass_matrix(&q) * &a + change * &v;
        for joint in 0..JOINTS {
            let lagrangian = |by: f64| {
                let q = moved(&q, joint, by);
                0.5 * (v.transpose() * robot.mass_matrix(&q) * &v)[0] - potential_energy(&robot, &q)
            };
            let slope = (lagrangian(H) - lagrangian(-H)) / (2.0 * H);
            let expected = inertial[joint] - slope;
            prop_assert!((torques[joint] - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{joint}: {} {expected}", torques[joint]);
        }
    }
}

#[test]
fn a_hanging_rod_is_held_by_half_its_weight_times_its_length() {
    let urdf = "<robot name='rod'><link name='base'/><link name='rod'><inertial>\
        <origin xyz='0.5 0 0'/><mass value='2'/>\
        <inertia ixx='0' ixy='0' ixz='0' iyy='0.1' iyz='0' izz='0.1'/></inertial></link>\
        <joint name='hinge' type='continuous'><parent link='base'/><child link='rod'/>\
        <axis xyz='0 -1 0'/></joint></robot>";
    let robot = Robot::from_strings(urdf, None).unwrap();
    let torque = robot.gravity_torques(&[0.0], EARTH_GRAVITY)[0];
    assert!((torque - 2.0 * 9.80665 * 0.5).abs() < 1e-12);
    // m l² / 4 + I
    assert!((robot.mass_matrix(&[0.3])[(0, 0)] - 0.6).abs() < 1e-12);
}

#[test]
fn a_planar_and_a_floating_base_are_variables_when_asked_for() {
    let moving = RobotOptions { moving_base: true, sphere_cache: None };
    let load = |kind: &str, options: &RobotOptions| {
        let srdf = format!(
            "<robot name='tree'><virtual_joint name='base_joint' type='{kind}' \
             parent_frame='odom' child_link='base'/>\
             <group name='body'><joint name='base_joint'/><joint name='ja'/></group></robot>"
        );
        Robot::load(&tree(), Some(&srdf), options).unwrap()
    };
    let planar = load("planar", &moving);
    let names: Vec<&str> = planar.joints()[..3].iter().map(|joint| joint.name.as_str()).collect();
    assert_eq!(names, ["base_joint/x", "base_joint/y", "base_joint/theta"]);
    assert_eq!(planar.root_link(), "odom");
    assert_eq!(planar.group("body").unwrap().joints, [0, 1, 2, 3]);
    let base = planar.link_index("base").unwrap();
    let pose = planar.link_pose(base, &[1.0, 2.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
    assert!((pose.translation.vector - Vector3::new(1.0, 2.0, 0.0)).norm() < 1e-12);
    assert!((pose.rotation.scaled_axis() - Vector3::z() * 0.5).norm() < 1e-12);

    let floating = load("floating", &moving);
    assert_eq!(floating.joints().len(), 6 + JOINTS);
    let mut q = vec![0.0; 6 + JOINTS];
    q[..6].copy_from_slice(&[1.0, 2.0, 3.0, 0.3, 0.2, 0.1]);
    let pose = floating.link_pose(floating.link_index("base").unwrap(), &q);
    assert!((pose.translation.vector - Vector3::new(1.0, 2.0, 3.0)).norm() < 1e-12);
    let (roll, pitch, yaw) = pose.rotation.euler_angles();
    assert!((Vector3::new(roll, pitch, yaw) - Vector3::new(0.1, 0.2, 0.3)).norm() < 1e-12);
    // Without asking the base stands still.
    assert_eq!(load("floating", &RobotOptions::default()).joints().len(), JOINTS);
    let elsewhere = "<robot name='tree'><virtual_joint name='v' type='planar' \
                     parent_frame='odom' child_link='a'/></robot>";
    let error = Robot::load(&tree(), Some(elsewhere), &moving).unwrap_err().to_string();
    assert!(error.contains("the root link is 'base'"), "{error}");
}

#[test]
fn a_planar_joint_moves_across_its_axis() {
    let urdf = "<robot name='table'><link name='base'/><link name='top'/>\
        <joint name='table' type='planar'><parent link='base'/><child link='top'/>\
        <origin xyz='0 0 1'/><axis xyz='1 0 0'/></joint></robot>";
    let robot = Robot::from_strings(urdf, None).unwrap();
    let top = robot.link_index("top").unwrap();
    let here = robot.link_pose(top, &[0.0, 0.0, 0.0]).translation.vector;
    let there = robot.link_pose(top, &[0.3, -0.2, 0.7]).translation.vector;
    assert!(
        (there - here).x.abs() < 1e-12 && ((there - here).norm() - 0.13_f64.sqrt()).abs() < 1e-12
    );
}

#[test]
fn passive_joints_belong_to_no_group() {
    let srdf = "<robot name='tree'><passive_joint name='jb'/>\
                <group name='arm'><chain base_link='base' tip_link='c'/></group></robot>";
    let robot = Robot::from_strings(&tree(), Some(srdf)).unwrap();
    assert!(robot.is_passive(1) && !robot.is_passive(0));
    assert_eq!(robot.group("arm").unwrap().joints, [0, 2]);
}

#[test]
fn sampling_finds_pairs_that_always_and_never_touch() {
    let ball = |x: f64, r: f64| {
        format!(
            "<collision><origin xyz='{x} 0 0'/><geometry><sphere radius='{r}'/></geometry></collision>"
        )
    };
    let joint = |name: &str, parent: &str, child: &str| {
        format!(
            "<joint name='{name}' type='revolute'><parent link='{parent}'/><child link='{child}'/>\
             <origin xyz='0.3 0 0'/><axis xyz='0 0 1'/>\
             <limit lower='-3' upper='3' velocity='1'/></joint>"
        )
    };
    // base - a - b - c: a and c meet when the elbow folds, base and c too; base never meets "far".
    let urdf = format!(
        "<robot name='r'><link name='base'>{}</link><link name='a'>{}</link><link name='b'>{}</link>\
         <link name='c'>{}</link><link name='far'>{}</link><link name='collar'>{}</link>{}{}{}\
         <joint name='f' type='fixed'><parent link='base'/><child link='far'/><origin xyz='0 0 5'/></joint>\
         <joint name='g' type='fixed'><parent link='a'/><child link='collar'/></joint></robot>",
        ball(0.0, 0.1),
        ball(0.15, 0.05),
        ball(0.15, 0.05),
        ball(0.15, 0.1),
        ball(0.0, 0.1),
        ball(0.3, 0.12),
        joint("j1", "base", "a"),
        joint("j2", "a", "b"),
        joint("j3", "b", "c")
    );
    let mut robot = Robot::from_strings(&urdf, None).unwrap();
    let of = |robot: &Robot, name: &str| robot.link_index(name).unwrap();
    let (base, a, b, c) = (of(&robot, "base"), of(&robot, "a"), of(&robot, "b"), of(&robot, "c"));
    let (far, collar) = (of(&robot, "far"), of(&robot, "collar"));
    let pairs = robot.pairs_by_sampling(3000, 1);
    let touch = |x: usize, y: usize| {
        let is_it = |p: &&praxis_robot::SampledPair| (p.first, p.second) == (x.min(y), x.max(y));
        pairs.iter().find(is_it).map(|pair| pair.touch)
    };
    assert_eq!(touch(far, c), Some(Touch::Never));
    assert_eq!(touch(far, a), Some(Touch::Never));
    assert_eq!((touch(base, c), touch(a, c)), (None, None));
    assert_eq!(touch(a, b), None, "neighbours are not checked anyway");
    // The ball on a's end sits on the joint of b.
    assert_eq!(touch(collar, b), Some(Touch::Always));
    assert_eq!(pairs, robot.pairs_by_sampling(3000, 1));
    for pair in &pairs {
        robot.allow_pair(pair.first, pair.second);
        assert!(!robot.pair_is_checked(pair.first, pair.second));
    }
}

#[test]
fn the_srdf_may_tell_the_spheres_of_a_link() {
    let urdf = "<robot name='r'>\
        <link name='a'><collision><geometry><box size='1 1 1'/></geometry></collision></link>\
        <link name='b'><collision><geometry><sphere radius='0.2'/></geometry></collision></link>\
        <joint name='j' type='continuous'><parent link='a'/><child link='b'/></joint></robot>";
    let spheres = |inside: &str| {
        let srdf = format!(
            "<robot name='r'><link_sphere_approximation link='a'>{inside}</link_sphere_approximation>\
             <link_sphere_approximation link='of another variant'/></robot>"
        );
        let robot = Robot::from_strings(urdf, Some(&srdf))?;
        let told: Vec<(usize, f64, f64)> =
            robot.spheres().iter().map(|s| (s.link, s.centre.z, s.radius_m)).collect();
        Ok::<_, praxis_robot::RobotError>(told)
    };
    let two = "<sphere center='0 0 1' radius='0.3'/><sphere center='0 0 2' radius='0.4'/>";
    assert_eq!(spheres(two).unwrap(), [(0, 1.0, 0.3), (0, 2.0, 0.4), (1, 0.0, 0.2)]);
    // One of radius 0 says that there are none.
    assert_eq!(spheres("<sphere center='0 0 0' radius='0'/>").unwrap(), [(1, 0.0, 0.2)]);
    for wrong in ["center='0 0' radius='1'", "center='0 0 0' radius='-1'", "center='0 0 0'"] {
        let error = spheres(&format!("<sphere {wrong}/>")).unwrap_err().to_string();
        assert!(error.contains("SRDF") && error.contains("sphere"), "{error}");
    }
}
