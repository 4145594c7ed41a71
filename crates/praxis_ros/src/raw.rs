//! Reading pixels in place.
#![allow(unsafe_code)]

/// The pixels of an image as they lie in the middleware's memory.
pub(crate) fn image_bytes(image: &r2r::NativeMsg<r2r::sensor_msgs::msg::Image>) -> &[u8] {
    let sequence = &image.data;
    if sequence.data.is_null() || sequence.size == 0 {
        return &[];
    }
    // SAFETY: the message owns `size` initialised bytes at `data` as long as it lives, and nothing
    // changes them while it is borrowed.
    unsafe { std::slice::from_raw_parts(sequence.data, sequence.size) }
}
