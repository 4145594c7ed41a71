//! Triangle scenes to colour, depth and segmentation images, on a CPU.
//!
//! In: meshes, where they stand, what they look like, a light and a pinhole [`Camera`].
//! Out: a [`Frame`] with colour, metric depth and the instance seen at every pixel.
//! Visibility is solved once by a z-buffer; shading then touches every pixel once, with a shadow
//! map of the light. Physics and sensor noise are left to others.

mod camera;
mod error;
mod frame;
mod light;
mod material;
mod mesh;
mod primitive;
mod raster;
mod render;
mod scene;
mod stl;

pub use self::camera::Camera;
pub use self::error::RenderError;
pub use self::frame::Frame;
pub use self::light::Light;
pub use self::material::{Material, Texture};
pub use self::mesh::Mesh;
pub use self::render::Renderer;
pub use self::scene::{InstanceId, Scene};
pub use self::stl::load_stl;
