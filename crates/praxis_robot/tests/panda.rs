//! The Panda of the benchmark, when it is there, and a two-joint arm worked out by hand.

use std::path::PathBuf;

use nalgebra::{Point3, Vector3};
use praxis_robot::{IkRequest, Robot, RobotError};
use proptest::prelude::*;

const ARM: &str = r#"<robot name="arm">
  <link name="base"/><link name="upper"/><link name="fore"/><link name="tool"/><link name="finger"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
    <origin xyz="0 0 1"/><axis xyz="0 0 1"/><limit lower="-3" upper="3" velocity="2" effort="10"/></joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="fore"/>
    <origin xyz="1 0 0"/><axis xyz="0 0 1"/><limit lower="-2" upper="2" velocity="2" effort="10"/></joint>
  <joint name="wrist" type="fixed"><parent link="fore"/><child link="tool"/><origin xyz="1 0 0"/></joint>
  <joint name="grip" type="prismatic"><parent link="tool"/><child link="finger"/>
    <axis xyz="0 1 0"/><limit lower="0" upper="0.04" velocity="1" effort="5"/></joint>
</robot>"#;
const GROUPS: &str = r#"<robot name="arm"><group name="arm"><chain base_link="base" tip_link="tool"/></group>
  <group_state name="bent" group="arm"><joint name="elbow" value="1.5"/></group_state></robot>"#;

#[test]
fn forward_kinematics_as_on_paper() {
    let robot = Robot::from_strings(ARM, Some(GROUPS)).unwrap();
    let tool = robot.link_index("tool").unwrap();
    let quarter = std::f64::consts::FRAC_PI_2;
    let pose = robot.link_pose(tool, &[quarter, -quarter, 0.0]);
    assert!((Point3::from(pose.translation.vector) - Point3::new(1.0, 1.0, 1.0)).norm() < 1e-12);
    let group = robot.group("arm").unwrap();
    assert_eq!(group.joints, [0, 1]);
    assert_eq!(group.states, [("bent".to_owned(), vec![(1, 1.5)])]);
}

#[test]
fn broken_descriptions_say_where_and_why() {
    let wrong = ARM.replace("lower=\"-3\"", "lower=\"x\"");
    let text = Robot::from_strings(&wrong, None).unwrap_err().to_string();
    assert!(text.contains("line 4") && text.contains("finite number"), "{text}");
    let missing = ARM.replace("<link name=\"fore\"/>", "");
    let text = Robot::from_strings(&missing, None).unwrap_err().to_string();
    assert!(text.contains("'fore', which is missing"), "{text}");
    let error =
        Robot::from_strings("<robot><link name='a'/><link name='b'/></robot>", None).unwrap_err();
    assert!(matches!(error, RobotError::NotATree { .. }));
    assert!(Robot::from_strings("not xml", None).is_err());
}

fn panda() -> Option<Robot> {
    let bench = std::env::var_os("PRAXIS_BENCH_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bench"),
        PathBuf::from,
    );
    let urdf = std::fs::read_to_string(bench.join("panda_spherized.urdf")).ok();
    let srdf = std::fs::read_to_string(bench.join("panda.srdf")).ok();
    let (Some(urdf), Some(srdf)) = (urdf, srdf) else {
        eprintln!("skipped: no panda_spherized.urdf in {}", bench.display());
        return None;
    };
    Some(Robot::from_strings(&urdf, Some(&srdf)).unwrap())
}

#[test]
fn spheres_and_pairs_of_the_benchmark_are_taken_as_they_are() {
    let Some(robot) = panda() else { return };
    assert_eq!(robot.spheres().len(), 59);
    let solid = |link: usize| robot.spheres().iter().any(|sphere| sphere.link == link);
    let pairs = (0..robot.links().len())
        .flat_map(|a| (0..a).map(move |b| (a, b)))
        .filter(|&(a, b)| solid(a) && solid(b) && robot.pair_is_checked(a, b))
        .count();
    assert_eq!(pairs, 21);
}

#[test]
fn most_reachable_poses_are_solved_from_a_few_seeds() {
    let Some(robot) = panda() else { return };
    let group = &robot.groups()[0];
    let mut solved = 0;
    let mut random = 12_345_u64;
    let mut draw = || {
        let mut q = robot.neutral();
        for &joint in &group.joints {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
            let limits = &robot.joints()[joint];
            q[joint] = limits.lower + share * (limits.upper - limits.lower);
        }
        q
    };
    for _ in 0..100 {
        let goal = robot.link_pose(group.tip_link, &draw());
        let found = (0..20).find_map(|_| {
            let seed = draw();
            robot
                .solve_ik(&IkRequest {
                    joints: &group.joints,
                    link: group.tip_link,
                    root_from_link: &goal,
                    seed: &seed,
                    bounds: None,
                    max_iterations: 100,
                })
                .ok()
        });
        if let Some(q) = found {
            let here = robot.link_pose(group.tip_link, &q);
            assert!((here.translation.vector - goal.translation.vector).norm() < 1e-6);
            assert!(here.rotation.angle_to(&goal.rotation) < 1e-6);
            for &joint in &group.joints {
                let limits = &robot.joints()[joint];
                assert!(q[joint] >= limits.lower && q[joint] <= limits.upper);
            }
            solved += 1;
        }
    }
    assert!(solved >= 99, "{solved} of 100");
}

proptest! {
    #[test]
    fn the_jacobian_is_the_derivative_of_the_pose(a in -2.9..2.9_f64, b in -1.9..1.9_f64, c in 0.0..0.04_f64) {
        let robot = Robot::from_strings(ARM, None).unwrap();
        let finger = robot.link_index("finger").unwrap();
        let q = [a, b, c];
        let jacobian = robot.jacobian(&[0, 1, 2], finger, &q);
        let here = robot.link_pose(finger, &q);
        for joint in 0..3 {
            let mut moved = q;
            moved[joint] += 1e-6;
            let there = robot.link_pose(finger, &moved);
            let linear: Vector3<f64> = (there.translation.vector - here.translation.vector) / 1e-6;
            let angular = (there.rotation * here.rotation.inverse()).scaled_axis() / 1e-6;
            prop_assert!((linear - jacobian.fixed_view::<3, 1>(0, joint)).norm() < 1e-5);
            prop_assert!((angular - jacobian.fixed_view::<3, 1>(3, joint)).norm() < 1e-5);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Robot::from_strings(&text, Some(&text));
        let cut = ARM.len() * text.len() / 201;
        if ARM.is_char_boundary(cut) {
            let _ = Robot::from_strings(&ARM[..cut], None);
        }
    }
}
