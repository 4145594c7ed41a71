//! Lets the node find the physics library without an environment variable: where it was built, and
//! where the ament package puts it.

fn main() {
    println!("cargo::rerun-if-env-changed=MUJOCO_DYNAMIC_LINK_DIR");
    if let Ok(folder) = std::env::var("MUJOCO_DYNAMIC_LINK_DIR") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../share/praxis/.ros/lib");
}
