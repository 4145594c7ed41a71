//! One message → what perception needs of it.

use byteorder::{BigEndian, LittleEndian};
use nalgebra::{Quaternion, Translation3, UnitQuaternion};
use praxis_geometry::{Pose, Stamp};
use praxis_perception::{CameraModel, ColourImage, DepthImage};
use serde::Deserialize;

use crate::messages::{
    CameraInfo, CompressedImage, Header, Image, Text, Time, TransformMessage, TransformStamped,
};

/// A picture, when it was taken and in which frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture<T> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The optical frame.
    pub frame: String,
    /// The picture.
    pub image: T,
}

/// Where one frame stood in another.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// When.
    pub stamp: Stamp,
    /// The frame it stands in.
    pub parent: String,
    /// The frame that stands there.
    pub child: String,
    /// Where.
    pub parent_from_child: Pose,
    /// Whether it holds for ever.
    pub is_static: bool,
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A colour picture.
    Colour(Picture<ColourImage>),
    /// A depth picture.
    Depth(Picture<DepthImage>),
    /// The camera of both.
    Camera(CameraModel),
    /// Transforms.
    Transforms(Vec<Transform>),
    /// The robot's URDF.
    Description(String),
}

/// How a topic's messages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Colour,
    CompressedColour,
    Depth,
    CompressedDepth,
    Camera,
    Transforms { are_static: bool },
    Description,
}

impl Kind {
    /// The message type that it must be.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Colour | Self::Depth => "sensor_msgs/msg/Image",
            Self::CompressedColour | Self::CompressedDepth => "sensor_msgs/msg/CompressedImage",
            Self::Camera => "sensor_msgs/msg/CameraInfo",
            Self::Transforms { .. } => "tf2_msgs/msg/TFMessage",
            Self::Description => "std_msgs/msg/String",
        }
    }

    /// Reads one message; the reason if that fails.
    pub fn read(self, bytes: &[u8]) -> Result<Told, String> {
        match self {
            Self::Colour => {
                let message: Image<'_> = decoded(bytes)?;
                let (width, height) = (message.width as usize, message.height as usize);
                let (step, data) = (message.step as usize, message.data.to_vec());
                let image = ColourImage::new(width, height, step, &message.encoding, data);
                picture(message.header, image).map(Told::Colour)
            }
            Self::CompressedColour => {
                let message: CompressedImage<'_> = decoded(bytes)?;
                let image = ColourImage::from_compressed(&message.format, message.data);
                picture(message.header, image).map(Told::Colour)
            }
            Self::Depth => {
                let message: Image<'_> = decoded(bytes)?;
                let (width, height) = (message.width as usize, message.height as usize);
                let (step, big) = (message.step as usize, message.is_bigendian != 0);
                let encoding = &message.encoding;
                let image = DepthImage::new(width, height, step, encoding, big, message.data);
                picture(message.header, image).map(Told::Depth)
            }
            Self::CompressedDepth => {
                let message: CompressedImage<'_> = decoded(bytes)?;
                let image = DepthImage::from_compressed(&message.format, message.data);
                picture(message.header, image).map(Told::Depth)
            }
            Self::Camera => {
                let CameraInfo { width, height, distortion_model, d, k, .. } = decoded(bytes)?;
                CameraModel::new(width as usize, height as usize, &k, &distortion_model, &d)
                    .map(Told::Camera)
                    .map_err(|error| error.to_string())
            }
            Self::Transforms { are_static } => {
                let message: TransformMessage = decoded(bytes)?;
                let all = message.transforms.into_iter().map(|one| transform(one, are_static));
                all.collect::<Result<_, _>>().map(Told::Transforms)
            }
            Self::Description => decoded(bytes).map(|text: Text| Told::Description(text.data)),
        }
    }
}

/// A message behind the four bytes that say how it is encoded.
fn decoded<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let wrong = |error: cdr_encoding::Error| error.to_string();
    match bytes {
        [0, 0, _, _, body @ ..] => cdr_encoding::from_bytes::<T, BigEndian>(body).map_err(wrong),
        [0, 1, _, _, body @ ..] => cdr_encoding::from_bytes::<T, LittleEndian>(body).map_err(wrong),
        [a, b, _, _, ..] => Err(format!("encapsulation {a:#04x} {b:#04x} is not plain CDR")),
        _ => Err(format!("only {} bytes", bytes.len())),
    }
    .map(|(message, _)| message)
}

fn picture<T>(
    header: Header,
    image: Result<T, praxis_perception::PerceptionError>,
) -> Result<Picture<T>, String> {
    let image = image.map_err(|error| error.to_string())?;
    Ok(Picture { stamp: stamp(header.stamp), frame: bare(&header.frame_id), image })
}

fn stamp(time: Time) -> Stamp {
    Stamp { nanoseconds: i64::from(time.sec) * 1_000_000_000 + i64::from(time.nanosec) }
}

fn bare(frame: &str) -> String {
    frame.trim_start_matches('/').to_owned()
}

fn transform(message: TransformStamped, is_static: bool) -> Result<Transform, String> {
    let TransformStamped { header, child_frame_id, translation, rotation } = message;
    let [x, y, z, w] = rotation;
    let turn = Quaternion::new(w, x, y, z);
    let finite = translation.iter().chain(&rotation).all(|value| value.is_finite());
    if !finite || (turn.norm() - 1.0).abs() > 1e-3 {
        return Err(format!("the transform of '{child_frame_id}' is no rotation and translation"));
    }
    let parent_from_child =
        Pose::from_parts(Translation3::from(translation), UnitQuaternion::from_quaternion(turn));
    Ok(Transform {
        stamp: stamp(header.stamp),
        parent: bare(&header.frame_id),
        child: bare(&child_frame_id),
        parent_from_child,
        is_static,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [Kind; 7] = [
        Kind::Colour,
        Kind::CompressedColour,
        Kind::Depth,
        Kind::CompressedDepth,
        Kind::Camera,
        Kind::Transforms { are_static: false },
        Kind::Description,
    ];

    #[test]
    fn a_message_is_read_byte_by_byte() {
        // Written out by hand: header, stamp 1 s + 5 ns, frame "c", an rgb8 picture of one pixel.
        let mut bytes = vec![0, 1, 0, 0];
        for word in [1_u32, 5, 2] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"c\0\0\0");
        for word in [1_u32, 1, 5] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"rgb8\0");
        bytes.push(0); // is_bigendian
        bytes.extend([0, 0]); // padding
        for word in [3_u32, 3] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([10, 20, 30]);
        let Ok(Told::Colour(picture)) = Kind::Colour.read(&bytes) else { panic!("no picture") };
        assert_eq!((picture.stamp.nanoseconds, picture.frame.as_str()), (1_000_000_005, "c"));
        assert_eq!(picture.image.to_rgb8(), [10, 20, 30]);
        assert!(Kind::Colour.read(&bytes[..bytes.len() - 1]).is_err());
        assert!(Kind::Colour.read(&[0, 7, 0, 0, 1, 2, 3]).unwrap_err().contains("plain CDR"));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_message_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..300), whole in any::<bool>(),
        ) {
            let bytes = if whole { [&[0, 1, 0, 0][..], &bytes].concat() } else { bytes };
            for kind in KINDS {
                if let Ok(Told::Transforms(transforms)) = kind.read(&bytes) {
                    for transform in transforms {
                        let matrix = transform.parent_from_child.to_homogeneous();
                        prop_assert!(matrix.iter().all(|value| value.is_finite()));
                    }
                }
            }
        }
    }
}
