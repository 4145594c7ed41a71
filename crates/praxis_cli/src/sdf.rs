use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use nalgebra::Vector3;
use praxis_geometry::{Pose, Shape};
use praxis_world::{Colour, World};

/// Options of `sdf`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  praxis sdf models/worlds/sort_table.yaml --seed 7 --out table_7.sdf"
)]
pub struct Options {
    /// The world file.
    world: PathBuf,
    /// Seed of the objects' places.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// File to write; printed if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes or prints the world.
pub fn run(options: &Options) -> Result<()> {
    let world = World::read(&options.world)?;
    let text = sdf(&world, options.seed)?;
    match &options.out {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

/// The world for gz-sim: what stands fixed, what lies about, the RGB-D camera, sensors and contacts.
pub fn sdf(world: &World, seed: u64) -> Result<String> {
    let mut text = format!(
        r#"<?xml version="1.0"?>
<!-- Written by `praxis sdf` from the world file '{0}', seed {seed}; change that and write anew. -->
<sdf version="1.9">
  <world name="{0}">
    <physics name="1ms" type="ode"><max_step_size>0.001</max_step_size><real_time_factor>1.0</real_time_factor></physics>
    <plugin filename="gz-sim-physics-system" name="gz::sim::systems::Physics"/>
    <plugin filename="gz-sim-user-commands-system" name="gz::sim::systems::UserCommands"/>
    <plugin filename="gz-sim-scene-broadcaster-system" name="gz::sim::systems::SceneBroadcaster"/>
    <plugin filename="gz-sim-contact-system" name="gz::sim::systems::Contact"/>
    <plugin filename="gz-sim-sensors-system" name="gz::sim::systems::Sensors"><render_engine>ogre2</render_engine></plugin>
    <gravity>0 0 -9.81</gravity>
    <light name="sun" type="directional">
      <pose>0 0 5 0 0 0</pose>
      <diffuse>0.9 0.9 0.9 1</diffuse>
      <direction>-0.35 0.45 -1.0</direction>
    </light>
"#,
        world.name
    );
    for fixed in world.fixed_boxes() {
        let size = spaced(&fixed.size_m);
        let geometry = format!("<box><size>{size}</size></box>");
        let solid = solid("solid", &geometry, &Pose::identity(), fixed.colour);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "    <model name=\"{}\">\n      <static>true</static>\n      {}\n      <link name=\"link\">\n{solid}      \
             </link>\n    </model>",
            fixed.id,
            pose_tag(&fixed.world_from_box)
        );
    }
    for object in world.layout(seed)? {
        let mut solids = String::new();
        for (number, part) in object.parts.iter().enumerate() {
            let geometry = match &part.shape {
                Shape::Box { half_extents_m } => {
                    format!("<box><size>{}</size></box>", spaced(&(2.0 * half_extents_m)))
                }
                Shape::Cylinder { radius_m, length_m } => format!(
                    "<cylinder><radius>{radius_m:.5}</radius><length>{length_m:.5}</length></cylinder>"
                ),
                other => anyhow::bail!(
                    "object {} has a part {other:?}, which no world file describes",
                    object.id
                ),
            };
            solids +=
                &solid(&format!("part_{number}"), &geometry, &part.object_from_part, object.colour);
        }
        // About its centre, as of a box of the same size.
        let square = object.size_m.component_mul(&object.size_m);
        let moment = (square.sum() * Vector3::repeat(1.0) - square) * (object.mass_kg / 12.0);
        let _ = writeln!(
            text,
            "    <model name=\"{}\">\n      {}\n      <link name=\"link\">\n        <inertial><mass>{:.4}</mass>\
             <inertia><ixx>{:.3e}</ixx><iyy>{:.3e}</iyy><izz>{:.3e}</izz><ixy>0</ixy><ixz>0</ixz><iyz>0</iyz></inertia>\
             </inertial>\n{solids}        <sensor name=\"contact\" type=\"contact\"><contact><collision>part_0\
             </collision></contact></sensor>\n      </link>\n    </model>",
            object.id,
            pose_tag(&object.world_from_object),
            object.mass_kg,
            moment.x,
            moment.y,
            moment.z
        );
    }
    text += &camera(world);
    Ok(text + "  </world>\n</sdf>\n")
}

fn camera(world: &World) -> String {
    let camera = &world.camera;
    let lens = camera.intrinsics;
    let fov_rad = 2.0 * (0.5 * f64::from(lens.width_px) / lens.fx_px).atan();
    let [near, far] = camera.depth_range_m;
    format!(
        r#"    <model name="{frame}">
      <static>true</static>
      {pose}
      <link name="link">
        <sensor name="rgbd" type="rgbd_camera">
          <topic>camera</topic>
          <gz_frame_id>{optical}</gz_frame_id>
          <update_rate>{rate}</update_rate>
          <camera>
            <horizontal_fov>{fov_rad:.4}</horizontal_fov>
            <image><width>{w}</width><height>{h}</height><format>R8G8B8</format></image>
            <clip><near>{near}</near><far>{far}</far></clip>
          </camera>
        </sensor>
      </link>
    </model>
"#,
        frame = camera.frame,
        pose = pose_tag(&camera.world_from_camera),
        optical = camera.optical_frame,
        rate = camera.rate_hz,
        w = lens.width_px,
        h = lens.height_px,
    )
}

fn solid(name: &str, geometry: &str, pose: &Pose, colour: Colour) -> String {
    let pose = pose_tag(pose);
    let [r, g, b] = colour;
    format!(
        "        <collision name=\"{name}\">{pose}<geometry>{geometry}</geometry><surface><friction><ode><mu>0.9</mu>\
         <mu2>0.9</mu2></ode></friction></surface></collision>\n        <visual name=\"{name}_seen\">{pose}<geometry>{geometry}\
         </geometry><material><ambient>{r:.3} {g:.3} {b:.3} 1</ambient><diffuse>{r:.3} {g:.3} {b:.3} 1</diffuse>\
         </material></visual>\n"
    )
}

fn pose_tag(pose: &Pose) -> String {
    let (roll, pitch, yaw) = pose.rotation.euler_angles();
    format!("<pose>{} {roll:.5} {pitch:.5} {yaw:.5}</pose>", spaced(&pose.translation.vector))
}

fn spaced(v: &Vector3<f64>) -> String {
    format!("{:.5} {:.5} {:.5}", v.x, v.y, v.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdf_of_the_repository_is_what_its_world_file_says() {
        let worlds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/worlds");
        let world = World::read(worlds.join("sort_table.yaml")).unwrap();
        let written = std::fs::read_to_string(worlds.join("sort_table.sdf")).unwrap();
        let now = sdf(&world, 1).unwrap();
        assert!(
            written == now,
            "write it anew: praxis sdf models/worlds/sort_table.yaml --out models/worlds/sort_table.sdf"
        );
        let document = roxmltree::Document::parse(&now).unwrap();
        let models = document.descendants().filter(|node| node.has_tag_name("model")).count();
        assert_eq!(models, world.fixed_boxes().len() + world.layout(1).unwrap().len() + 1);
    }

    #[test]
    fn gazebo_is_told_the_place_of_the_camera_that_its_world_has() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let camera = World::read(root.join("models/worlds/sort_table.yaml")).unwrap().camera;
        let launch = std::fs::read_to_string(root.join("launch/gazebo.yaml")).unwrap();
        let launch: serde_json::Value = serde_saphyr::from_str(&launch).unwrap();
        let nodes = launch["more_nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["name"] == "camera_in_world").unwrap();
        let words: Vec<&str> =
            node["arguments"].as_array().unwrap().iter().filter_map(|w| w.as_str()).collect();
        assert_eq!(words[..4], ["--frame-id", "world", "--child-frame-id", &camera.frame]);
        let value = |key: &str| -> f64 {
            words[1 + words.iter().position(|word| *word == key).unwrap()].parse().unwrap()
        };
        let (roll, pitch, yaw) = camera.world_from_camera.rotation.euler_angles();
        let at = camera.world_from_camera.translation;
        for (key, is) in [
            ("--x", at.x),
            ("--y", at.y),
            ("--z", at.z),
            ("--roll", roll),
            ("--pitch", pitch),
            ("--yaw", yaw),
        ] {
            assert!((value(key) - is).abs() < 1e-5, "{key} is {is}");
        }
    }
}
