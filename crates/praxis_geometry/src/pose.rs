use nalgebra::{Isometry3, Translation3, UnitQuaternion};

/// A rigid transform, named `target_from_source`; metres.
pub type Pose = Isometry3<f64>;

/// Pose from a translation in metres and fixed-axis roll, pitch, yaw in radians
/// (URDF and SDF order: `R = Rz(yaw) Ry(pitch) Rx(roll)`).
pub fn pose_from_xyz_rpy(xyz_m: [f64; 3], rpy_rad: [f64; 3]) -> Pose {
    let [roll, pitch, yaw] = rpy_rad;
    Pose::from_parts(
        Translation3::new(xyz_m[0], xyz_m[1], xyz_m[2]),
        UnitQuaternion::from_euler_angles(roll, pitch, yaw),
    )
}

/// Heading of the pose's x axis about the vertical, in radians within (-π, π].
pub fn yaw_rad(pose: &Pose) -> f64 {
    let x_axis = pose.rotation * nalgebra::Vector3::x();
    x_axis.y.atan2(x_axis.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaw_survives_a_round_trip() {
        let pose = pose_from_xyz_rpy([1.0, 2.0, 3.0], [0.0, 0.0, 0.7]);
        assert!((yaw_rad(&pose) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn euler_angles_are_applied_about_fixed_axes() {
        let pose = pose_from_xyz_rpy([0.0; 3], [0.3, -0.2, 0.9]);
        let expected = UnitQuaternion::from_axis_angle(&nalgebra::Vector3::z_axis(), 0.9)
            * UnitQuaternion::from_axis_angle(&nalgebra::Vector3::y_axis(), -0.2)
            * UnitQuaternion::from_axis_angle(&nalgebra::Vector3::x_axis(), 0.3);
        assert!(pose.rotation.angle_to(&expected) < 1e-12);
    }
}
