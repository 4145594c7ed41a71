use nalgebra::Point3;

use super::{Ahead, Monitor};

/// Moments of the braking time at which the robot is drawn, as shares of it.
const MOMENTS: [f64; 3] = [0.0, 0.5, 1.0];

/// What people need to see of a motion: where it could come to rest, and what is nearest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Balls of the robot and of what it holds on its way through the braking time at its present rate,
    /// root frame, centres and radii in metres: a brake takes the motion no farther along.
    pub braking: Vec<(Point3<f64>, f64)>,
    /// A place on the robot's surface and the nearest person or unknown point, root frame, metres.
    pub nearest: Option<[Point3<f64>; 2]>,
}

impl Monitor {
    /// The outlook of a motion; `state` of the whole robot.
    pub fn outlook(&mut self, ahead: &Ahead<'_>, state: &[f64]) -> Outlook {
        let mut outlook = Outlook::default();
        for share in MOMENTS.into_iter().rev() {
            let position = if share == 0.0 {
                ahead.commanded.position.clone()
            } else {
                ahead.trajectory.sample(ahead.time_s + share * ahead.rate * ahead.stop_s).position
            };
            let whole = self.whole(&position, state);
            self.body.place(&whole, &self.scene.attached, &self.robot);
            outlook.braking.extend(self.body.links().iter().chain(self.body.held()));
        }
        // The body now stands where the arm does. What is held counts for people, not for points, as
        // in the separation that the speed follows.
        let (links, held) = (self.body.links(), self.body.held());
        let people = self.people.iter().map(|person| {
            let top = person.position.z + person.height_m;
            (person.position, top, person.radius_m, held)
        });
        let points = self.points.iter().map(|point| {
            let at = point.cast::<f64>();
            (at, at.z, 0.0, &held[..0])
        });
        let mut least_m = f64::INFINITY;
        for (foot, top, radius_m, held) in people.chain(points) {
            for (centre, ball_m) in links.iter().chain(held) {
                let there = Point3::new(foot.x, foot.y, centre.z.clamp(foot.z, top.max(foot.z)));
                let away = there - centre;
                let between_m = away.norm() - ball_m - radius_m;
                if between_m < least_m && away.norm() > 0.0 {
                    least_m = between_m;
                    let towards = away.normalize();
                    outlook.nearest =
                        Some([centre + *ball_m * towards, there - radius_m * towards]);
                }
            }
        }
        outlook
    }
}
