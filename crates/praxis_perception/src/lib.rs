//! Image to tensor to detections to poses to tracks.
