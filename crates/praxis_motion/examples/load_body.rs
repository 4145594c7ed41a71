//! Loads a robot and tells how it is filled: `load_body robot.urdf robot.srdf`.

use std::time::Instant;

use praxis_motion::Body;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [urdf, srdf] = files.as_slice() else { return Err("usage: load_body URDF SRDF".into()) };
    let (urdf, srdf) = (std::fs::read_to_string(urdf)?, std::fs::read_to_string(srdf)?);
    let begun = Instant::now();
    let body = Body::from_urdf_srdf(&urdf, &srdf)?;
    println!("{}: {} spheres in {:?}", body.name(), body.sphere_count(), begun.elapsed());
    Ok(())
}
