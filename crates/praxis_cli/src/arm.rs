use anyhow::{Context, Result, bail};
use praxis_robot::{JointKind, Motion, Robot};

/// Names of joints and links that grip.
const GRIPS: [&str; 8] =
    ["finger", "gripper", "jaw", "knuckle", "thumb", "claw", "hand_e_slider", "robotiq"];
/// Names of links that stand for the tool, best first.
const TOOLS: [&str; 8] =
    ["tcp", "tool0", "gripper_frame", "end_effector", "tool", "ee", "flange", "hand"];

/// The joints that reach and the joints that grip.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Name of the planning group.
    pub group: String,
    /// The link that the chain hangs on.
    pub base_link: String,
    /// The link that is brought to poses.
    pub tool_link: String,
    /// Indices of the joints in between, base first.
    pub joints: Vec<usize>,
    /// Names of the joints of a parallel gripper, the commanded one first; empty without one.
    pub fingers: Vec<String>,
    /// Joints that are neither: they are held where they stand.
    pub parked: Vec<String>,
}

impl Arm {
    /// The chain to `tip`, or the longest one of the robot that does not grip. A group of the
    /// SRDF, if it has one, goes before guessing.
    pub fn choose(robot: &Robot, tip: Option<&str>) -> Result<Self> {
        let (group, tool) = match tip {
            Some(name) => ("arm".to_owned(), robot.link_index(name)?),
            None => match longest_group(robot) {
                Some((name, tip)) => (name, tip),
                None => ("arm".to_owned(), guess_tip(robot)?),
            },
        };
        let joints: Vec<usize> = chain(robot, tool)
            .into_iter()
            .filter(|&(_, link)| !grips(robot, link))
            .map(|(j, _)| j)
            .collect();
        if joints.is_empty() {
            bail!(
                "no joint leads to link '{}'; name another one by --tip",
                robot.links()[tool].name
            );
        }
        let first = chain(robot, tool)[0].1;
        let base = robot.links()[first].parent.context("the first joint hangs on nothing")?;
        let fingers = fingers(robot, tool);
        let is_left = |index: &usize| {
            let name = &robot.joints()[*index].name;
            !joints.contains(index) && !fingers.contains(name)
        };
        let parked = (0..robot.joints().len())
            .filter(is_left)
            .map(|index| robot.joints()[index].name.clone())
            .collect();
        Ok(Self {
            group,
            base_link: robot.links()[base].name.clone(),
            tool_link: robot.links()[tool].name.clone(),
            joints,
            fingers,
            parked,
        })
    }

    /// Names of the joints, base first.
    pub fn joint_names(&self, robot: &Robot) -> Vec<String> {
        self.joints.iter().map(|&joint| robot.joints()[joint].name.clone()).collect()
    }
}

/// The joints from the root to a link, each with the link that it moves. Copies are left out.
fn chain(robot: &Robot, link: usize) -> Vec<(usize, usize)> {
    let mut joints = Vec::new();
    let mut here = Some(link);
    while let Some(index) = here {
        let body = &robot.links()[index];
        if let Motion::Turn { variable, .. } | Motion::Slide { variable, .. } = body.motion
            && first_moved(robot, variable.index) == Some(index)
        {
            joints.push((variable.index, index));
        }
        here = body.parent;
    }
    joints.reverse();
    joints
}

fn first_moved(robot: &Robot, joint: usize) -> Option<usize> {
    robot.moving_links(joint).next().map(|(link, _)| link)
}

/// Whether the joint above a link grips: by its name or the link's.
fn grips(robot: &Robot, link: usize) -> bool {
    let joint = match robot.links()[link].motion {
        Motion::Turn { variable, .. } | Motion::Slide { variable, .. } => {
            robot.joints()[variable.index].name.to_lowercase()
        }
        Motion::Fixed => return false,
    };
    let link = robot.links()[link].name.to_lowercase();
    // A link 'gripper' that carries the jaw turns with the wrist: then the joint's name tells.
    GRIPS.iter().any(|word| joint.contains(word) || (link.contains(word) && word != &"gripper"))
}

fn longest_group(robot: &Robot) -> Option<(String, usize)> {
    let group = robot.groups().iter().max_by_key(|group| group.joints.len())?;
    (group.joints.len() >= 3).then(|| (group.name.clone(), group.tip_link))
}

/// The link with the most joints that do not grip above it; of those, the one named like a tool,
/// else the last.
fn guess_tip(robot: &Robot) -> Result<usize> {
    let reaches = |link: usize| -> Option<usize> {
        let joints = chain(robot, link);
        let last_grips = joints.iter().any(|&(_, moved)| grips(robot, moved));
        (!last_grips).then_some(joints.len())
    };
    let most = (0..robot.links().len()).filter_map(reaches).max().unwrap_or(0);
    if most < 2 {
        bail!("no link has two joints above it: this is no arm");
    }
    let rank = |link: usize| {
        let name = robot.links()[link].name.to_lowercase();
        TOOLS.iter().position(|word| name.contains(word)).unwrap_or(TOOLS.len())
    };
    let ends = (0..robot.links().len()).filter(|&link| reaches(link) == Some(most));
    ends.min_by_key(|&link| (rank(link), std::cmp::Reverse(link))).context("no link at all")
}

/// Sliding joints below the tool's last joint that grip: the ones that a parallel gripper has.
fn fingers(robot: &Robot, tool: usize) -> Vec<String> {
    let last = chain(robot, tool).last().map(|&(_, link)| link);
    let hangs_on = |mut link: usize| {
        while let Some(parent) = robot.links()[link].parent {
            if Some(parent) == last {
                return true;
            }
            link = parent;
        }
        false
    };
    let mut driven = Vec::new();
    for (index, joint) in robot.joints().iter().enumerate() {
        let Some(link) = first_moved(robot, index) else { continue };
        if joint.kind == JointKind::Prismatic && grips(robot, link) && hangs_on(link) {
            driven.push(joint.name.clone());
            let copies = robot.mimics().iter().filter(|mimic| mimic.of == index);
            driven.extend(copies.map(|mimic| mimic.name.clone()));
        }
    }
    driven
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRIPPER_ARM: &str = r#"<robot name="r">
        <link name="base"/><link name="upper"/><link name="lower"/><link name="wrist"/>
        <link name="tool0"/><link name="left"/><link name="right"/>
        <joint name="a" type="revolute"><parent link="base"/><child link="upper"/><limit lower="-1" upper="1" velocity="1" effort="1"/></joint>
        <joint name="b" type="revolute"><parent link="upper"/><child link="lower"/><limit lower="-1" upper="1" velocity="1" effort="1"/></joint>
        <joint name="c" type="continuous"><parent link="lower"/><child link="wrist"/></joint>
        <joint name="t" type="fixed"><parent link="wrist"/><child link="tool0"/></joint>
        <joint name="finger_1" type="prismatic"><parent link="wrist"/><child link="left"/><limit lower="0" upper="0.04" velocity="1" effort="1"/></joint>
        <joint name="finger_2" type="prismatic"><parent link="wrist"/><child link="right"/><mimic joint="finger_1"/><limit lower="0" upper="0.04" velocity="1" effort="1"/></joint>
    </robot>"#;

    #[test]
    fn the_longest_chain_that_does_not_grip_is_the_arm() {
        let robot = Robot::from_strings(GRIPPER_ARM, None).unwrap();
        let arm = Arm::choose(&robot, None).unwrap();
        assert_eq!(arm.joint_names(&robot), ["a", "b", "c"]);
        assert_eq!((arm.base_link.as_str(), arm.tool_link.as_str()), ("base", "tool0"));
        assert_eq!(arm.fingers, ["finger_1", "finger_2"]);
        assert!(arm.parked.is_empty());
    }

    #[test]
    fn a_tip_may_be_named_and_leaves_the_rest_parked() {
        let robot = Robot::from_strings(GRIPPER_ARM, None).unwrap();
        let arm = Arm::choose(&robot, Some("lower")).unwrap();
        assert_eq!(arm.joint_names(&robot), ["a", "b"]);
        assert_eq!(arm.parked, ["c"]);
        assert!(Arm::choose(&robot, Some("nowhere")).is_err());
    }
}
