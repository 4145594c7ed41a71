use praxis_geometry::Pose;

use crate::material::Material;
use crate::mesh::Mesh;

/// One drawn thing; `Frame::instance` holds its index plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstanceId(pub usize);

/// What stands where and looks how.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub(crate) instances: Vec<Instance>,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) mesh: Mesh,
    pub(crate) material: Material,
    pub(crate) world_from_mesh: Pose,
    pub(crate) visible: bool,
}

impl Scene {
    /// Adds a thing.
    pub fn add(&mut self, mesh: Mesh, material: Material, world_from_mesh: Pose) -> InstanceId {
        self.instances.push(Instance { mesh, material, world_from_mesh, visible: true });
        InstanceId(self.instances.len() - 1)
    }

    /// Moves a thing.
    pub fn set_pose(&mut self, id: InstanceId, world_from_mesh: Pose) {
        self.instances[id.0].world_from_mesh = world_from_mesh;
    }

    /// Changes a thing's look.
    pub fn set_material(&mut self, id: InstanceId, material: Material) {
        self.instances[id.0].material = material;
    }

    /// Shows or hides a thing.
    pub fn set_visible(&mut self, id: InstanceId, visible: bool) {
        self.instances[id.0].visible = visible;
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }
}
