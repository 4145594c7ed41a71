//! The texts of a configuration.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use praxis_robot::Robot;

use crate::arm::Arm;
use crate::limits::Limit;
use crate::pairs::{Pairs, Spheres};

/// Where the files of a configuration are, as they name each other.
pub struct Paths {
    /// URDF.
    pub urdf: String,
    /// SRDF.
    pub srdf: String,
    /// Joint limits.
    pub limits: String,
    /// World with obstacles.
    pub world: String,
}

/// The SRDF: group, home, gripper, pairs that may touch, spheres that are not the usual ones.
pub fn srdf(robot: &Robot, arm: &Arm, home: &[f64], pairs: &Pairs) -> String {
    let Arm { group, base_link, tool_link, .. } = arm;
    let root = robot.root_link();
    let mut text = format!(
        "<?xml version=\"1.0\"?>\n<!-- What MoveIt and Praxis must know of the robot beside its URDF; written by \
         `praxis new-robot`. -->\n<robot name=\"{}\">\n  <virtual_joint name=\"virtual_joint\" \
         type=\"fixed\" parent_frame=\"world\" child_link=\"{root}\"/>\n\n  <group name=\"{group}\">\n    \
         <chain base_link=\"{base_link}\" tip_link=\"{tool_link}\"/>\n  </group>\n",
        robot.name()
    );
    // Writing to a string cannot fail.
    if let Some(finger) = arm.fingers.first() {
        let _ =
            writeln!(text, "  <group name=\"hand\">\n    <joint name=\"{finger}\"/>\n  </group>");
        let _ = writeln!(
            text,
            "  <end_effector name=\"hand\" parent_link=\"{tool_link}\" group=\"hand\" parent_group=\"{group}\"/>"
        );
    }
    let _ = writeln!(text, "\n  <group_state name=\"home\" group=\"{group}\">");
    for (name, position) in arm.joint_names(robot).iter().zip(home) {
        let _ = writeln!(text, "    <joint name=\"{name}\" value=\"{position:.4}\"/>");
    }
    let _ = writeln!(text, "  </group_state>\n");
    let name = |link: usize| &robot.links()[link].name;
    for pair in &pairs.allowed {
        let _ = writeln!(
            text,
            "  <!-- {} -->\n  <disable_collisions link1=\"{}\" link2=\"{}\" reason=\"Default\"/>",
            pair.why.text(),
            name(pair.first),
            name(pair.second)
        );
    }
    // Pairs that a given SRDF allows, and neighbours, for tools that do not work them out.
    for a in 0..robot.links().len() {
        for b in a + 1..robot.links().len() {
            let solid = |link: usize| !robot.links()[link].collision.is_empty();
            if solid(a) && solid(b) && !robot.pair_is_checked(a, b) {
                let _ = writeln!(
                    text,
                    "  <disable_collisions link1=\"{}\" link2=\"{}\" reason=\"Adjacent\"/>",
                    name(a),
                    name(b)
                );
            }
        }
    }
    for tight in &pairs.tight {
        let comment = format!("stick out by at most {:.0} mm", 1000.0 * tight.excess_m);
        text += &spheres(name(tight.link), &comment, &tight.spheres);
    }
    // What a given SRDF tells is kept.
    for link in (0..robot.links().len()).filter(|&link| robot.spheres_are_told(link)) {
        let of_link = robot.spheres().iter().filter(|sphere| sphere.link == link);
        let told: Spheres = of_link.map(|sphere| (sphere.centre, sphere.radius_m)).collect();
        text += &spheres(name(link), "as they were told", &told);
    }
    text + "</robot>\n"
}

/// Spheres that stand for a link, as MoveIt's SRDFs tell them.
fn spheres(link: &str, comment: &str, spheres: &Spheres) -> String {
    let mut text =
        format!("\n  <!-- {comment} -->\n  <link_sphere_approximation link=\"{link}\">\n");
    if spheres.is_empty() {
        text += "    <sphere center=\"0 0 0\" radius=\"0\"/>\n";
    }
    for (centre, radius_m) in spheres {
        // Rounded to hundredths of a millimetre, the radius up by as much as the centre may be off.
        let [x, y, z] = [centre.x, centre.y, centre.z];
        let _ = writeln!(
            text,
            "    <sphere center=\"{x:.5} {y:.5} {z:.5}\" radius=\"{:.5}\"/>",
            radius_m + 1.5e-5
        );
    }
    text + "  </link_sphere_approximation>\n"
}

/// Joint limits in MoveIt's format.
pub fn joint_limits(limits: &[Limit]) -> String {
    let mut text = "# Limits in force, one place for planning, control and the judge (MoveIt's format); estimated by \
         `praxis new-robot`:\n# speed from the description, acceleration from its torques and masses, jerk 50 x \
         acceleration. Put the data sheet's here.\njoint_limits:\n"
        .to_owned();
    for Limit { joint, velocity, acceleration, jerk, why } in limits {
        let _ = writeln!(
            text,
            "  {joint}: {{has_velocity_limits: true, max_velocity: {velocity:.4}, has_acceleration_limits: true, \
             max_acceleration: {acceleration:.4}, has_jerk_limits: true, max_jerk: {jerk:.3}}}   # {why}"
        );
    }
    text
}

/// `control.yaml`.
pub fn control(robot: &Robot, arm: &Arm, paths: &Paths) -> String {
    let mut text = head(
        "The control node",
        &[
            ("robot_description_file", paths.urdf.clone()),
            ("robot_description_semantic_file", paths.srdf.clone()),
            ("joints", list(&arm.joint_names(robot))),
            ("joint_limits_file", paths.limits.clone()),
        ],
    );
    let _ = writeln!(text, "    servo:\n      link: {}", arm.tool_link);
    text += "    stale_after_s: 0.2   # a simulator on the same machine may be held up; a real driver is not\n";
    if let Some(finger) = arm.fingers.first() {
        let joint = robot.joints().iter().find(|joint| joint.name == *finger);
        let (low, high) = joint.map_or((0.0, 0.04), |joint| (joint.lower.max(0.0), joint.upper));
        let _ = write!(
            text,
            "    gripper:\n      joint: {finger}\n      min_position_m: {low}\n      max_position_m: {high}\n"
        );
    }
    text
}

/// `planning.yaml`.
pub fn planning(paths: &Paths) -> String {
    head(
        "The planning node",
        &[
            ("robot_description_file", paths.urdf.clone()),
            ("robot_description_semantic_file", paths.srdf.clone()),
            ("joint_limits_file", paths.limits.clone()),
            ("scene_file", paths.world.clone()),
        ],
    ) + "    # Well below what the limits allow, until somebody has watched it move.\n    \
          default_velocity_scaling: 0.5\n    default_acceleration_scaling: 0.5\n"
}

/// `sim.yaml`.
pub fn sim(robot: &Robot, arm: &Arm, home: &[f64], paths: &Paths) -> String {
    let positions: Vec<String> = home.iter().map(|position| format!("{position:.4}")).collect();
    let finger = robot.joints().iter().find(|joint| Some(&joint.name) == arm.fingers.first());
    let open_m = finger.map_or(0.0, |joint| 0.9 * joint.upper.max(0.0));
    head(
        "The robot as the simulator drives it",
        &[
            ("robot_description_file", paths.urdf.clone()),
            ("robot_description_semantic_file", paths.srdf.clone()),
            ("joint_limits_file", paths.limits.clone()),
            ("world_file", paths.world.clone()),
            ("arm_joints", list(&arm.joint_names(robot))),
            // ROS parameter files cannot say an empty list.
            (
                "finger_joints",
                if arm.fingers.is_empty() { "[\"\"]".to_owned() } else { list(&arm.fingers) },
            ),
            ("tool_link", arm.tool_link.clone()),
            ("start_positions_rad", format!("[{}]", positions.join(", "))),
            ("start_finger_m", format!("{open_m:.4}")),
        ],
    )
}

/// `task.yaml`.
pub fn task(arm: &Arm, paths: &Paths) -> String {
    let mut values = vec![
        ("robot_description_semantic_file", paths.srdf.clone()),
        ("group", arm.group.clone()),
        ("tool_link", arm.tool_link.clone()),
        ("look_state", "home".to_owned()),
    ];
    if !arm.fingers.is_empty() {
        values.push(("finger_joints", list(&arm.fingers)));
    }
    head("The task node", &values)
}

/// `perception.yaml`.
pub fn perception() -> String {
    head("The perception node", &[("network_folder", "models/networks/tabletop".to_owned())])
}

fn head(what: &str, values: &[(&str, String)]) -> String {
    let mut text = format!(
        "# {what}: what differs from the defaults; written by `praxis new-robot`.\n/**:\n  ros__parameters:\n"
    );
    for (name, value) in values {
        let _ = writeln!(text, "    {name}: {value}");
    }
    text
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

/// A configuration that was written before.
pub struct Configuration {
    /// Its folder.
    pub folder: PathBuf,
    /// The robot.
    pub robot: Robot,
    /// Its URDF.
    pub urdf: String,
    /// The joints that are driven.
    pub joints: Vec<String>,
    /// Where they start.
    pub home: Vec<f64>,
    /// The link that is brought to poses.
    pub tool_link: String,
    /// World with obstacles.
    pub world: PathBuf,
}

impl Configuration {
    /// Reads a folder; a name without a slash is one of `config/`.
    pub fn read(robot: &str) -> Result<Self> {
        let folder = match robot.contains('/') || Path::new(robot).is_dir() {
            true => PathBuf::from(robot),
            false => Path::new("config").join(robot),
        };
        let (sim, control) =
            (parameters(&folder, "sim.yaml")?, parameters(&folder, "control.yaml")?);
        let text = |name: &str| {
            let value = sim[name].as_str().filter(|text| !text.is_empty());
            value.map(PathBuf::from).with_context(|| format!("sim.yaml gives no {name}"))
        };
        let read = |path: PathBuf| {
            fs::read_to_string(&path).with_context(|| {
                format!(
                    "cannot read {}\n  cure: run this where the configuration's paths start (the \
                     repository, or share/praxis), after cargo xtask setup",
                    path.display()
                )
            })
        };
        let urdf = read(text("robot_description_file")?)?;
        let srdf = read(text("robot_description_semantic_file")?)?;
        let robot = Robot::from_strings(&urdf, Some(&srdf))?;
        let own = folder.join("reach.yaml");
        let strings = |value: &serde_json::Value| -> Vec<String> {
            let list = value.as_array().into_iter().flatten();
            list.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
        };
        let start = sim["start_positions_rad"].as_array().into_iter().flatten();
        Ok(Self {
            robot,
            urdf,
            joints: strings(&control["joints"]),
            home: start.filter_map(serde_json::Value::as_f64).collect(),
            tool_link: text("tool_link")?.display().to_string(),
            world: if own.is_file() { own } else { text("world_file")? },
            folder,
        })
    }

    /// Position of every joint at home.
    pub fn home_state(&self) -> Result<Vec<f64>> {
        let mut state = self.robot.neutral();
        for (name, position) in self.joints.iter().zip(&self.home) {
            state[self.robot.joint_index(name)?] = *position;
        }
        Ok(state)
    }
}

/// The parameters that a file of a configuration gives to every node.
pub fn parameters(folder: &Path, file: &str) -> Result<serde_json::Value> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "cannot read {}\n  cure: praxis new-robot URDF --out {}",
            path.display(),
            folder.display()
        )
    })?;
    let value: serde_json::Value = serde_saphyr::from_str(&text)
        .with_context(|| format!("{} is malformed", path.display()))?;
    Ok(value["/**"]["ros__parameters"].clone())
}
