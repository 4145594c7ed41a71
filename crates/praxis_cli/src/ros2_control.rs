use std::fmt::Write;

use clap::ValueEnum;

/// What stands behind ros2_control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hardware {
    /// `mock_components`: states follow commands.
    Mock,
    /// `gz_ros2_control` in Gazebo.
    Gazebo,
    /// `topic_based_ros2_control`: commands and states on the topics that Praxis uses.
    Topic,
}

/// Proportional gain of Gazebo's position controller, 1/s: a joint closes a tenth of the way in
/// one millisecond step, which follows 500 Hz commands without ringing.
const GAZEBO_GAIN: f64 = 100.0;

/// The `<ros2_control>` element, and for Gazebo its plugin; `controllers` is the file for that.
pub fn tags(hardware: Hardware, joints: &[(String, f64)], controllers: &str) -> String {
    let plugin = match hardware {
        Hardware::Mock => "mock_components/GenericSystem",
        Hardware::Gazebo => "gz_ros2_control/GazeboSimSystem",
        Hardware::Topic => "topic_based_ros2_control/TopicBasedSystem",
    };
    let mut text = format!(
        "  <ros2_control name=\"praxis\" type=\"system\">\n    <hardware>\n      <plugin>{plugin}</plugin>\n"
    );
    match hardware {
        Hardware::Mock => text += "      <param name=\"calculate_dynamics\">true</param>\n",
        Hardware::Gazebo => {
            let _ = writeln!(
                text,
                "      <param name=\"position_proportional_gain\">{GAZEBO_GAIN}</param>"
            );
        }
        Hardware::Topic => {
            text += "      <param name=\"joint_commands_topic\">joint_commands</param>\n      \
                     <param name=\"joint_states_topic\">joint_states</param>\n";
        }
    }
    text += "    </hardware>\n";
    for (joint, start) in joints {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "    <joint name=\"{joint}\">\n      <command_interface name=\"position\"/>\n      \
             <state_interface name=\"position\">\n        <param name=\"initial_value\">{start:.4}</param>\n      \
             </state_interface>\n      <state_interface name=\"velocity\"/>\n    </joint>\n"
        );
    }
    text += "  </ros2_control>\n";
    if hardware == Hardware::Gazebo {
        let _ = write!(
            text,
            "  <gazebo>\n    <plugin filename=\"gz_ros2_control-system\" \
             name=\"gz_ros2_control::GazeboSimROS2ControlPlugin\">\n      \
             <parameters>{controllers}</parameters>\n    </plugin>\n  </gazebo>\n"
        );
    }
    text
}

/// `controllers.yaml`: the stock controllers that MoveIt users expect, for ros2_control.
pub fn controllers(joints: &[String], finger: Option<&String>) -> String {
    let list = joints.join(", ");
    let mut text = "# Controllers of ros2_control for this robot; written by `praxis new-robot`.\ncontroller_manager:\n  \
         ros__parameters:\n    update_rate: 500\n    joint_state_broadcaster:\n      type: \
         joint_state_broadcaster/JointStateBroadcaster\n    arm_controller:\n      type: \
         joint_trajectory_controller/JointTrajectoryController\n"
        .to_owned();
    if finger.is_some() {
        text += "    gripper_action_controller:\n      type: position_controllers/GripperActionController\n";
    }
    let _ = write!(
        text,
        "\narm_controller:\n  ros__parameters:\n    joints: [{list}]\n    command_interfaces: [position]\n    \
         state_interfaces: [position, velocity]\n"
    );
    if let Some(finger) = finger {
        let _ = write!(
            text,
            "\ngripper_action_controller:\n  ros__parameters:\n    joint: {finger}\n    allow_stalling: true\n"
        );
    }
    text
}

/// A URDF with the tags before its end, in place of any `<ros2_control>` that it brings along.
pub fn with_tags(urdf: &str, tags: &str) -> Option<String> {
    let document = roxmltree::Document::parse(urdf).ok()?;
    let others =
        document.root_element().children().filter(|node| node.has_tag_name("ros2_control"));
    let mut text = urdf.to_owned();
    for range in others.map(|node| node.range()).collect::<Vec<_>>().into_iter().rev() {
        text.replace_range(range, "");
    }
    let end = text.rfind("</robot>")?;
    text.insert_str(end, &format!("\n{tags}"));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stand_inside_the_robot_and_name_every_joint() {
        let joints = [("a".to_owned(), 0.5), ("b".to_owned(), 0.0)];
        for hardware in [Hardware::Mock, Hardware::Gazebo, Hardware::Topic] {
            let text =
                with_tags("<robot name=\"r\"></robot>\n", &tags(hardware, &joints, "c.yaml"));
            let text = text.unwrap();
            let document = roxmltree::Document::parse(&text).unwrap();
            let control = document
                .root_element()
                .children()
                .find(|n| n.has_tag_name("ros2_control"))
                .unwrap();
            assert_eq!(control.children().filter(|n| n.has_tag_name("joint")).count(), 2);
            assert_eq!(text.contains("c.yaml"), hardware == Hardware::Gazebo);
        }
        assert!(with_tags("<robot/>", "").is_none());
    }
}
