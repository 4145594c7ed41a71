//! The Network trait by ONNX Runtime.
