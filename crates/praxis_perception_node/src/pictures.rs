//! Messages → pictures.

use praxis_geometry::Stamp;
use praxis_perception::{ColourImage, DepthImage, PerceptionError};
use praxis_ros::convert::{FromMsg, ImageView};
use praxis_ros::r2r::NativeMsg;
use praxis_ros::r2r::sensor_msgs::msg::{CompressedImage, Image};

/// A picture, when it was taken and in which frame.
pub struct Picture<T> {
    pub stamp: Stamp,
    pub frame: String,
    pub image: T,
}

/// A colour picture out of the middleware's memory.
pub fn raw_colour(message: &NativeMsg<Image>) -> Result<Picture<ColourImage>, String> {
    let view = ImageView::read(message).map_err(|error| error.to_string())?;
    let (width, height, step) = (view.width, view.height, view.step);
    let image = ColourImage::new(width, height, step, view.encoding, view.data.to_vec())
        .map_err(|error| error.to_string())?;
    Ok(Picture { stamp: view.stamp, frame: view.frame.to_owned(), image })
}

/// A depth picture out of the middleware's memory.
pub fn raw_depth(message: &NativeMsg<Image>) -> Result<Picture<DepthImage>, String> {
    let view = ImageView::read(message).map_err(|error| error.to_string())?;
    let (width, height, step) = (view.width, view.height, view.step);
    let image = DepthImage::new(width, height, step, view.encoding, view.is_bigendian, view.data)
        .map_err(|error| error.to_string())?;
    Ok(Picture { stamp: view.stamp, frame: view.frame.to_owned(), image })
}

/// A picture that image_transport compressed; `read` knows which kind.
pub fn compressed_image<T>(
    message: &CompressedImage,
    read: impl Fn(&str, &[u8]) -> Result<T, PerceptionError>,
) -> Result<Picture<T>, String> {
    let stamp = Stamp::from_msg(&message.header.stamp).map_err(|error| error.to_string())?;
    let image = read(&message.format, &message.data).map_err(|error| error.to_string())?;
    Ok(Picture { stamp, frame: message.header.frame_id.clone(), image })
}
