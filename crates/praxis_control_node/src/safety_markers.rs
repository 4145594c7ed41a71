//! What the monitor sees, as markers, for people.

use std::collections::BTreeMap;

use nalgebra::Point3;
use praxis_control::{Outlook, Verdict};
use praxis_ros::r2r::builtin_interfaces::msg::Duration;
use praxis_ros::r2r::geometry_msgs::msg::{Point, Vector3};
use praxis_ros::r2r::std_msgs::msg::ColorRGBA;
use praxis_ros::r2r::visualization_msgs::msg::{Marker, MarkerArray};

const LINE_LIST: i32 = 5;
const SPHERE_LIST: i32 = 7;
const TEXT_VIEW_FACING: i32 = 9;
/// Markers that are not renewed vanish after this long: nothing moves any more.
const LIFETIME: Duration = Duration { sec: 0, nanosec: 400_000_000 };
/// Balls of one list share a diameter: theirs, rounded up to this, metres.
const DIAMETER_STEP_M: f64 = 0.02;
const LINE_WIDTH_M: f64 = 0.006;
const LETTER_M: f64 = 0.05;
/// How high above the root frame the text stands, metres.
const TEXT_M: f64 = 1.2;

/// The way through the braking time, the nearest person or unknown point, and the speed with its reason.
/// Green as planned, amber slowed down, red braking.
pub fn markers(root: &str, verdict: &Verdict, outlook: &Outlook, reason: &str) -> MarkerArray {
    let solid = match verdict {
        _ if verdict.must_brake || verdict.rate == 0.0 => colour(0.90, 0.10, 0.10),
        _ if verdict.rate < 1.0 => colour(1.00, 0.65, 0.05),
        _ => colour(0.20, 0.75, 0.30),
    };
    let marker = |ns: &str, id: usize, kind: i32| {
        let mut marker =
            Marker { ns: ns.to_owned(), id: id as i32, type_: kind, ..Marker::default() };
        root.clone_into(&mut marker.header.frame_id);
        marker.pose.orientation.w = 1.0;
        marker.lifetime = LIFETIME;
        marker.color = solid.clone();
        marker
    };
    let mut markers = Vec::new();
    for (id, (diameter_m, centres)) in by_diameter(&outlook.braking).into_iter().enumerate() {
        let mut balls = marker("braking_volume", id, SPHERE_LIST);
        balls.scale = Vector3 { x: diameter_m, y: diameter_m, z: diameter_m };
        balls.color.a = 0.25;
        balls.points = centres;
        markers.push(balls);
    }
    if let Some([from, to]) = outlook.nearest {
        let mut line = marker("separation", 0, LINE_LIST);
        line.scale.x = LINE_WIDTH_M;
        line.points = vec![point(from), point(to)];
        markers.push(line);
        let mut label = marker("separation", 1, TEXT_VIEW_FACING);
        label.pose.position = point(nalgebra::center(&from, &to));
        label.scale.z = LETTER_M;
        label.text = format!("{:.2} m", verdict.separation_m);
        markers.push(label);
    }
    let mut speed = marker("speed", 0, TEXT_VIEW_FACING);
    speed.pose.position.z = TEXT_M;
    speed.scale.z = LETTER_M;
    speed.text = format!("{:.0} % speed: {reason}", 1e2 * verdict.rate);
    markers.push(speed);
    MarkerArray { markers }
}

/// Centres of balls by their diameter, rounded up: many balls, few markers.
fn by_diameter(balls: &[(Point3<f64>, f64)]) -> Vec<(f64, Vec<Point>)> {
    let mut lists: BTreeMap<u32, Vec<Point>> = BTreeMap::new();
    for &(centre, radius_m) in balls {
        let steps = (2.0 * radius_m / DIAMETER_STEP_M).ceil() as u32;
        lists.entry(steps).or_default().push(point(centre));
    }
    lists.into_iter().map(|(steps, at)| (f64::from(steps) * DIAMETER_STEP_M, at)).collect()
}

fn point(at: Point3<f64>) -> Point {
    Point { x: at.x, y: at.y, z: at.z }
}

fn colour(r: f32, g: f32, b: f32) -> ColorRGBA {
    ColorRGBA { r, g, b, a: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowed_motion_is_amber_and_says_why_and_how_near() {
        let verdict = Verdict {
            motion: 1,
            rate: 0.4,
            must_brake: false,
            threat: None,
            separation_m: 0.23,
            is_blind: false,
        };
        let at = |x: f64| Point3::new(x, 0.0, 0.0);
        let outlook = Outlook {
            braking: vec![(at(0.0), 0.05), (at(0.1), 0.049), (at(0.2), 0.08)],
            nearest: Some([at(0.3), at(0.53)]),
        };
        let drawn = markers("base", &verdict, &outlook, "something is near").markers;
        let balls: Vec<&Marker> = drawn.iter().filter(|m| m.type_ == SPHERE_LIST).collect();
        let lists: Vec<(usize, f64)> = balls.iter().map(|m| (m.points.len(), m.scale.x)).collect();
        assert_eq!(lists, [(2, 0.1), (1, 0.16)]);
        assert!(drawn.iter().all(|m| m.header.frame_id == "base" && m.lifetime == LIFETIME));
        assert!(drawn.iter().any(|m| m.text == "0.23 m"));
        let speed = drawn.iter().find(|m| m.ns == "speed").unwrap();
        assert_eq!(speed.text, "40 % speed: something is near");
        assert!(speed.color.r > 0.9 && speed.color.g > 0.5, "amber");
    }
}
