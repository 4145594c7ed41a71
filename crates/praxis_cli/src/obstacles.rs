use std::f64::consts::TAU;
use std::fmt::Write;

use anyhow::Result;
use nalgebra::Vector3;
use praxis_collision::{Checker, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use praxis_world::{Colour, FixedBox};
use rand_chacha::ChaCha8Rng;

use crate::arm::Arm;
use crate::states::{link_poses, random_state};

/// Random states at which the reach is measured.
const LOOKS: usize = 500;
/// Room that the robot keeps to every obstacle at home, as a share of its reach.
const ROOM: f64 = 0.05;
/// Room between the floor and what turns above it on the spot, metres.
const CLEAR_M: f64 = 0.04;
const FLOOR: Colour = [0.62, 0.52, 0.42];
const POST: Colour = [0.75, 0.77, 0.80];
const BEAM: Colour = [0.45, 0.55, 0.65];

/// How far the tool gets from the root, metres.
pub fn reach_m(robot: &Robot, arm: &Arm, random: &mut ChaCha8Rng) -> Result<f64> {
    let tool = robot.link_index(&arm.tool_link)?;
    Ok((0..LOOKS)
        .map(|_| {
            let state = random_state(robot, &arm.joints, random);
            robot.link_pose(tool, &state).translation.vector.norm()
        })
        .fold(0.0, f64::max))
}

/// A floor below everything that cannot get out of its way.
pub fn floor(robot: &Robot, arm: &Arm, reach_m: f64) -> FixedBox {
    let poses = link_poses(robot, &robot.neutral());
    // What hangs before the second joint turns on the spot: it must clear the floor.
    let rigid =
        |link: usize| arm.joints.iter().filter(|&&joint| robot.moves(joint, link)).count() <= 1;
    let lowest_m = robot
        .spheres()
        .iter()
        .filter(|sphere| {
            rigid(sphere.link) && arm.joints.iter().any(|&j| robot.moves(j, sphere.link))
        })
        .map(|sphere| (poses[sphere.link] * sphere.centre).z - sphere.radius_m - CLEAR_M)
        .fold(0.0, f64::min);
    let size_m = Vector3::new(2.6 * reach_m, 2.6 * reach_m, 0.04);
    boxed("floor", size_m, Vector3::new(0.0, 0.0, lowest_m - 0.021), FLOOR)
}

/// Posts around the robot and beams above, sized by its reach; those are left out that the robot
/// at home comes near.
pub fn around(
    robot: &Robot,
    arm: &Arm,
    home: &[f64],
    reach_m: f64,
    floor_top_m: f64,
) -> Result<Vec<FixedBox>> {
    let mut boxes = Vec::new();
    for k in 0..6 {
        let angle = TAU * (f64::from(k) + 0.5) / 6.0;
        let height_m = reach_m * if k % 2 == 0 { 0.55 } else { 0.35 };
        let size_m = Vector3::new(0.09 * reach_m, 0.09 * reach_m, height_m);
        let away = 0.72 * reach_m;
        let centre =
            Vector3::new(away * angle.cos(), away * angle.sin(), floor_top_m + 0.5 * height_m);
        boxes.push(boxed(&format!("post_{}", k + 1), size_m, centre, POST));
    }
    for (k, y) in [-0.45, 0.45].into_iter().enumerate() {
        let size_m = Vector3::new(0.35 * reach_m, 0.06 * reach_m, 0.06 * reach_m);
        let centre = Vector3::new(0.5 * reach_m, y * reach_m, floor_top_m + 0.75 * reach_m);
        boxes.push(boxed(&format!("beam_{}", k + 1), size_m, centre, BEAM));
    }
    let mut kept = Vec::new();
    for candidate in boxes {
        let scene = scene_of(std::slice::from_ref(&candidate), ROOM * reach_m)?;
        if Checker::new(robot, &scene, &arm.joints, &robot.neutral())?.is_free(home) {
            kept.push(candidate);
        }
    }
    Ok(kept)
}

/// A scene of boxes with room around the robot.
pub fn scene_of(boxes: &[FixedBox], padding_m: f64) -> Result<Scene> {
    let objects = boxes
        .iter()
        .map(|fixed| {
            let shape = Shape::Box { half_extents_m: 0.5 * fixed.size_m };
            SceneObject::new(fixed.id.clone(), &[(shape, fixed.world_from_box)])
        })
        .collect::<Result<_, _>>()?;
    Ok(Scene { objects, padding_m, ..Scene::default() })
}

/// The text of a world file with these boxes and a camera that sees the robot.
pub fn world_yaml(robot: &str, boxes: &[FixedBox], reach_m: f64) -> String {
    let mut text = format!(
        "# What {robot} reaches around in the scenario `reach`; written by `praxis new-robot`, free to change.\n\
         # Frame: `world`, z up, the robot's root link stands at the origin. Metres and radians.\n\
         name: reach_{robot}\n\nfixed:\n"
    );
    for fixed in boxes {
        let list = |v: &Vector3<f64>| format!("[{:.4}, {:.4}, {:.4}]", v.x, v.y, v.z);
        let [r, g, b] = fixed.colour;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  - {{ id: {}, size_m: {}, xyz_m: {}, colour: [{r:.2}, {g:.2}, {b:.2}] }}",
            fixed.id,
            list(&fixed.size_m),
            list(&fixed.world_from_box.translation.vector),
        );
    }
    let eye = [1.5 * reach_m, -1.3 * reach_m, 1.3 * reach_m];
    let _ = write!(
        text,
        "\ncamera:\n  frame: camera_link\n  optical_frame: camera_color_optical_frame\n  \
         position_m: [{:.3}, {:.3}, {:.3}]\n  look_at_m: [0.0, 0.0, {:.3}]\n  width_px: 640\n  \
         height_px: 480\n  horizontal_fov_rad: 1.0\n  rate_hz: 15.0\n  depth_range_m: [0.2, {:.1}]\n",
        eye[0],
        eye[1],
        eye[2],
        0.3 * reach_m,
        (4.0 * reach_m).max(3.0),
    );
    text
}

fn boxed(id: &str, size_m: Vector3<f64>, centre: Vector3<f64>, colour: Colour) -> FixedBox {
    FixedBox {
        id: id.to_owned(),
        size_m,
        world_from_box: Pose::translation(centre.x, centre.y, centre.z),
        colour,
    }
}
