use nalgebra::{Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use r2r::geometry_msgs::msg;

use super::{ConvertError, FromMsg, ToMsg};

/// Quaternions from other programs are often rounded to single precision.
const NORM_TOLERANCE: f64 = 1e-3;

fn finite3(field: &str, x: f64, y: f64, z: f64) -> Result<[f64; 3], ConvertError> {
    if [x, y, z].iter().all(|value| value.is_finite()) {
        Ok([x, y, z])
    } else {
        Err(ConvertError::NotFinite { field: field.to_owned() })
    }
}

impl FromMsg<msg::Point> for Point3<f64> {
    fn from_msg(message: &msg::Point) -> Result<Self, ConvertError> {
        finite3("point", message.x, message.y, message.z).map(Self::from)
    }
}

impl ToMsg<msg::Point> for Point3<f64> {
    fn to_msg(&self) -> msg::Point {
        msg::Point { x: self.x, y: self.y, z: self.z }
    }
}

impl FromMsg<msg::Vector3> for Vector3<f64> {
    fn from_msg(message: &msg::Vector3) -> Result<Self, ConvertError> {
        finite3("vector", message.x, message.y, message.z).map(Self::from)
    }
}

impl ToMsg<msg::Vector3> for Vector3<f64> {
    fn to_msg(&self) -> msg::Vector3 {
        msg::Vector3 { x: self.x, y: self.y, z: self.z }
    }
}

impl FromMsg<msg::Quaternion> for UnitQuaternion<f64> {
    fn from_msg(message: &msg::Quaternion) -> Result<Self, ConvertError> {
        let quaternion = Quaternion::new(message.w, message.x, message.y, message.z);
        let norm = quaternion.norm();
        if !norm.is_finite() {
            return Err(ConvertError::NotFinite { field: "orientation".to_owned() });
        }
        if (norm - 1.0).abs() > NORM_TOLERANCE {
            return Err(ConvertError::NotUnit { field: "orientation".to_owned(), norm });
        }
        Ok(Self::from_quaternion(quaternion))
    }
}

impl ToMsg<msg::Quaternion> for UnitQuaternion<f64> {
    fn to_msg(&self) -> msg::Quaternion {
        msg::Quaternion { x: self.i, y: self.j, z: self.k, w: self.w }
    }
}

impl FromMsg<msg::Pose> for Pose {
    fn from_msg(message: &msg::Pose) -> Result<Self, ConvertError> {
        let position = Point3::from_msg(&message.position)?;
        let rotation = UnitQuaternion::from_msg(&message.orientation)?;
        Ok(Self::from_parts(Translation3::from(position), rotation))
    }
}

impl ToMsg<msg::Pose> for Pose {
    fn to_msg(&self) -> msg::Pose {
        msg::Pose {
            position: Point3::from(self.translation.vector).to_msg(),
            orientation: self.rotation.to_msg(),
        }
    }
}

impl FromMsg<msg::Transform> for Pose {
    fn from_msg(message: &msg::Transform) -> Result<Self, ConvertError> {
        let translation = Vector3::from_msg(&message.translation)?;
        let rotation = UnitQuaternion::from_msg(&message.rotation)?;
        Ok(Self::from_parts(Translation3::from(translation), rotation))
    }
}

impl ToMsg<msg::Transform> for Pose {
    fn to_msg(&self) -> msg::Transform {
        msg::Transform {
            translation: self.translation.vector.to_msg(),
            rotation: self.rotation.to_msg(),
        }
    }
}
