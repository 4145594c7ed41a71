use praxis_geometry::{NamedJoints, Stamp};
use r2r::NativeMsg;
use r2r::sensor_msgs::msg;

use super::{ConvertError, FromMsg};

impl FromMsg<msg::JointState> for NamedJoints {
    fn from_msg(message: &msg::JointState) -> Result<Self, ConvertError> {
        Ok(Self::new(message.name.clone(), message.position.clone())?)
    }
}

/// A joint state with all that it carries: one entry a joint in each list.
#[derive(Clone, Debug, PartialEq)]
pub struct JointStateValues {
    /// When it was measured.
    pub stamp: Stamp,
    /// Names and positions.
    pub positions: NamedJoints,
    /// Velocities, if given; zeros never stand in for what was not measured.
    pub velocities: Option<Vec<f64>>,
    /// Efforts, if given.
    pub efforts: Option<Vec<f64>>,
}

impl FromMsg<msg::JointState> for JointStateValues {
    fn from_msg(message: &msg::JointState) -> Result<Self, ConvertError> {
        let positions = NamedJoints::from_msg(message)?;
        let optional = |field: &str, list: &[f64]| {
            if list.is_empty() {
                Ok(None)
            } else if list.len() != message.name.len() {
                Err(ConvertError::Length {
                    field: field.to_owned(),
                    found: list.len(),
                    expected: message.name.len(),
                })
            } else if list.iter().any(|value| !value.is_finite()) {
                Err(ConvertError::NotFinite { field: field.to_owned() })
            } else {
                Ok(Some(list.to_vec()))
            }
        };
        Ok(Self {
            stamp: Stamp::from_msg(&message.header.stamp)?,
            positions,
            velocities: optional("velocity", &message.velocity)?,
            efforts: optional("effort", &message.effort)?,
        })
    }
}

/// An image as it lies in the middleware's memory; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// Optical frame.
    pub frame: &'a str,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub step: usize,
    /// As in `sensor_msgs/image_encodings.hpp`.
    pub encoding: &'a str,
    /// Most significant byte first.
    pub is_bigendian: bool,
    /// `step * height` bytes.
    pub data: &'a [u8],
}

/// Encodings that can be read, and bytes a pixel.
const ENCODINGS: &[(&str, usize)] = &[
    ("rgb8", 3),
    ("bgr8", 3),
    ("rgba8", 4),
    ("bgra8", 4),
    ("mono8", 1),
    ("16UC1", 2),
    ("mono16", 2),
    ("32FC1", 4),
];
const ENCODING_NAMES: &[&str] =
    &["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "16UC1", "mono16", "32FC1"];
const MAX_SIDE: usize = 16_384;

impl<'a> ImageView<'a> {
    /// Checks that the data is as long as size, step and encoding say.
    pub fn read(message: &'a NativeMsg<msg::Image>) -> Result<Self, ConvertError> {
        let stamp = Stamp {
            nanoseconds: i64::from(message.header.stamp.sec) * 1_000_000_000
                + i64::from(message.header.stamp.nanosec),
        };
        let view = Self {
            stamp,
            frame: message.header.frame_id.to_str(),
            width: message.width as usize,
            height: message.height as usize,
            step: message.step as usize,
            encoding: message.encoding.to_str(),
            is_bigendian: message.is_bigendian != 0,
            data: crate::raw::image_bytes(message),
        };
        view.check()?;
        Ok(view)
    }

    fn check(&self) -> Result<(), ConvertError> {
        let value =
            |field: &str, problem: String| ConvertError::Value { field: field.to_owned(), problem };
        if self.width == 0 || self.height == 0 {
            return Err(value("image", format!("is empty ({} x {})", self.width, self.height)));
        }
        if self.width > MAX_SIDE || self.height > MAX_SIDE {
            return Err(value(
                "image",
                format!("of {} x {} pixels is absurd", self.width, self.height),
            ));
        }
        let bytes =
            ENCODINGS.iter().find(|(name, _)| *name == self.encoding).map(|(_, bytes)| *bytes);
        let bytes = bytes.ok_or_else(|| ConvertError::Encoding {
            encoding: self.encoding.to_owned(),
            known: ENCODING_NAMES,
        })?;
        if self.step < self.width * bytes {
            return Err(value(
                "step",
                format!("is {}, less than a row of {} bytes", self.step, self.width * bytes),
            ));
        }
        if self.data.len() != self.step * self.height {
            return Err(ConvertError::Length {
                field: "data".to_owned(),
                found: self.data.len(),
                expected: self.step * self.height,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(
        width: usize,
        height: usize,
        step: usize,
        encoding: &'a str,
        data: &'a [u8],
    ) -> ImageView<'a> {
        ImageView {
            stamp: Stamp::ZERO,
            frame: "c",
            width,
            height,
            step,
            encoding,
            is_bigendian: false,
            data,
        }
    }

    #[test]
    fn images_must_be_as_long_as_they_say() {
        assert!(view(2, 2, 8, "rgb8", &[0; 16]).check().is_ok());
        assert!(view(0, 0, 0, "rgb8", &[]).check().is_err());
        assert!(view(2, 2, 5, "rgb8", &[0; 10]).check().is_err());
        assert!(view(2, 2, 6, "rgb8", &[0; 11]).check().is_err());
        assert!(view(2, 2, 6, "yuv", &[0; 12]).check().is_err());
        assert!(view(60_000, 60_000, 60_000, "mono8", &[]).check().is_err());
    }

    #[test]
    fn what_was_read_has_every_row_that_it_says() {
        const EDGES: [usize; 6] = [0, 1, 3, 16_384, 16_385, u32::MAX as usize];
        let data = [7; 600];
        let mut read = 0;
        for round in 0..30_000usize {
            // Every field runs through its values at a pace of its own.
            let any = |pace: usize, small: usize| match round / pace % (small + 1) {
                0 => EDGES[round % EDGES.len()],
                value => value,
            };
            let (width, height, step) = (any(1, 7), any(7, 6), any(3, 30));
            let encoding = ENCODING_NAMES[round % ENCODING_NAMES.len()];
            let exact = step.saturating_mul(height);
            let length = if round % 3 == 0 { round % 600 } else { exact.min(600) };
            let view = view(width, height, step, encoding, &data[..length]);
            if view.check().is_ok() {
                let bytes = ENCODINGS.iter().find(|(name, _)| *name == encoding).unwrap().1;
                assert!((0..height).all(|row| data.get(row * step + width * bytes - 1).is_some()));
                assert_eq!(length, step * height);
                read += 1;
            }
        }
        assert!(read > 100, "only {read} of the images could be read");
    }

    #[test]
    fn joint_states_with_odd_lengths_are_refused() {
        let message = msg::JointState {
            name: vec!["a".into()],
            position: vec![0.0],
            velocity: vec![0.0, 1.0],
            ..Default::default()
        };
        assert!(JointStateValues::from_msg(&message).is_err());
        let message = msg::JointState { position: vec![0.0], ..Default::default() };
        assert!(NamedJoints::from_msg(&message).is_err());
    }
}
