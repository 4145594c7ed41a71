//! A library that is missing or something else is an error, not a panic. A file of its own: a
//! process can load one ONNX Runtime only.

use praxis_inference::{InferenceConfig, LoadError, OrtNetwork, library_path};

#[test]
fn a_wrong_library_is_a_clean_error() {
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/mean.onnx");
    let garbage = std::env::temp_dir().join(format!("praxis_garbage_{}.so", std::process::id()));
    std::fs::write(&garbage, b"no library").unwrap();
    for library in [garbage.clone(), "/nowhere/libonnxruntime.so".into(), std::env::temp_dir()] {
        let config = InferenceConfig {
            library: library.clone(),
            providers: Vec::new(),
            intra_op_threads: 1,
        };
        let error = OrtNetwork::load_model(&model, &config).err().unwrap();
        assert!(matches!(&error, LoadError::Library { path, .. } if *path == library), "{error}");
    }
    std::fs::remove_file(&garbage).unwrap();
    assert_eq!(library_path("/a/lib.so").unwrap(), std::path::PathBuf::from("/a/lib.so"));
}
