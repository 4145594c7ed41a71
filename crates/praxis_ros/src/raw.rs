//! What needs `unsafe`: sharing publishers between threads, reading pixels in place.
#![allow(unsafe_code)]

use std::sync::Arc;

use r2r::WrappedTypesupport;

/// A publisher that threads share.
pub(crate) struct SharedPublisher<T: WrappedTypesupport>(Arc<r2r::Publisher<T>>);

// SAFETY: `r2r::Publisher` is a weak handle to an `rcl_publisher_t`. rcl documents `rcl_publish` and
// the count of subscribers as thread-safe on one publisher, and r2r only reads through the handle
// in `publish` and `get_inter_process_subscription_count`, the two calls made through this type.
unsafe impl<T: WrappedTypesupport> Send for SharedPublisher<T> {}
// SAFETY: as above.
unsafe impl<T: WrappedTypesupport> Sync for SharedPublisher<T> {}

impl<T: WrappedTypesupport> SharedPublisher<T> {
    #[allow(clippy::arc_with_non_send_sync, reason = "this type is what makes it shareable")]
    pub(crate) fn new(publisher: r2r::Publisher<T>) -> Self {
        Self(Arc::new(publisher))
    }

    pub(crate) fn get(&self) -> &r2r::Publisher<T> {
        &self.0
    }
}

impl<T: WrappedTypesupport> Clone for SharedPublisher<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

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
