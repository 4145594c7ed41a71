use std::fmt::Write;

use praxis_robot::Robot;

use crate::arm::Arm;
use crate::limits::Limit;
use crate::pairs::Pairs;

/// What is told about a configuration.
pub struct Report<'a> {
    /// The robot.
    pub robot: &'a Robot,
    /// What moves and grips.
    pub arm: &'a Arm,
    /// Start.
    pub home: &'a [f64],
    /// Pairs that may touch, links with tighter spheres.
    pub pairs: &'a Pairs,
    /// Limits.
    pub limits: &'a [Limit],
    /// How far it reaches.
    pub reach_m: f64,
    /// Names of the obstacles.
    pub obstacles: Vec<&'a str>,
    /// What was changed in the description.
    pub changes: &'a [String],
    /// Folder or name for the commands.
    pub folder: &'a str,
}

impl Report<'_> {
    /// How many spheres the configured robot has.
    fn spheres(&self) -> usize {
        let tight = &self.pairs.tight;
        let usual = self.robot.spheres().iter();
        let usual = usual.filter(|sphere| tight.iter().all(|tight| tight.link != sphere.link));
        usual.count() + tight.iter().map(|tight| tight.spheres.len()).sum::<usize>()
    }

    /// As Markdown.
    pub fn text(&self) -> String {
        let Self { robot, arm, .. } = self;
        let mut text =
            format!("# {}\n\n![at home, among its obstacles](home.png)\n\n", robot.name());
        let mut say = |line: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let per_link = robot.links().iter().filter(|link| !link.collision.is_empty()).count();
        say(format!(
            "- Arm `{}`: {} joints from `{}` to `{}`, reach {:.2} m.",
            arm.group,
            arm.joints.len(),
            arm.base_link,
            arm.tool_link,
            self.reach_m
        ));
        say(match arm.fingers.first() {
            Some(finger) => {
                format!("- Gripper: `{finger}` is commanded; it has {} joints.", arm.fingers.len())
            }
            None => {
                "- Gripper: none with sliding fingers; others are held where they stand.".to_owned()
            }
        });
        if !arm.parked.is_empty() {
            say(format!("- Not driven: {}.", arm.parked.join(", ")));
        }
        let name = |link: usize| robot.links()[link].name.as_str();
        say(format!("- Spheres: {} cover {per_link} solid links.", self.spheres()));
        for tight in &self.pairs.tight {
            say(format!(
                "- `{}` has spheres of its own in robot.srdf, which stick out by at most {:.0} mm: the usual ones touch \
                 other links where its solids do not.",
                name(tight.link),
                1000.0 * tight.excess_m
            ));
        }
        for pair in &self.pairs.allowed {
            say(format!(
                "- `{}` and `{}` may touch: {}.",
                name(pair.first),
                name(pair.second),
                pair.why.text()
            ));
        }
        say(format!("- Obstacles of `reach`: {}.", self.obstacles.join(", ")));
        for change in self.changes {
            say(format!("- Description: {change}."));
        }
        say("\n| joint | home | speed | acceleration | jerk | bounded by |\n|---|---|---|---|---|---|".to_owned());
        for (limit, home) in self.limits.iter().zip(self.home) {
            say(format!(
                "| `{}` | {home:.3} | {:.2} | {:.2} | {:.0} | {} |",
                limit.joint, limit.velocity, limit.acceleration, limit.jerk, limit.why
            ));
        }
        say(format!(
            "\nTry it: `cargo xtask demo --scenario reach --robot {0}` or `ros2 launch praxis reach.launch.py robot:={0}`.",
            self.folder
        ));
        say("Then put the data sheet's accelerations and jerks into joint_limits.yaml.".to_owned());
        text
    }
}
