use std::path::Path;

use praxis_render::{
    Camera, Frame, InstanceId, Light, Material, Mesh, RenderError, Renderer, Scene,
};
use praxis_world::{World, WorldError};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::label::{Label, label};
use crate::objects::random_objects;
use crate::panda::{PandaMeshes, Posture};
use crate::random::{Split, chance, object_material};
use crate::surroundings::{add_distractors, add_surroundings};
use crate::view::{mounted_camera, random_camera, random_light};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The robot's meshes cannot be read.
    #[error(transparent)]
    Mesh(#[from] RenderError),
    /// The world file cannot be read, or its objects find no room.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// What is true of a picture.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it was seen from.
    pub camera: Camera,
    /// The robot in view; none in a part of the pictures.
    pub robot: Option<Posture>,
    /// The objects of which anything shows.
    pub labels: Vec<Label>,
}

/// Share of the pictures with the robot in view.
const ROBOT_SHARE: f64 = 0.75;

/// Draws one table after another.
pub struct Tables {
    world: World,
    panda: PandaMeshes,
    renderer: Renderer,
    robot_share: f64,
}

impl Tables {
    /// Reads the world file and the folder of the Panda's meshes.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn read(world: &Path, meshes: &Path) -> Result<Self, SceneError> {
        Ok(Self {
            world: World::read(world)?,
            panda: PandaMeshes::read(meshes)?,
            renderer: Renderer::default(),
            robot_share: ROBOT_SHARE,
        })
    }

    /// The same tables with no robot in any picture.
    pub fn without_robot(self) -> Self {
        Self { robot_share: 0.0, ..self }
    }

    /// Draws the table of a seed into `frame`, at the resolution of the world's camera.
    ///
    /// # Errors
    /// When the demo's layout finds no room for its objects.
    pub fn draw(
        &mut self,
        split: Split,
        seed: u64,
        frame: &mut Frame,
    ) -> Result<Table, SceneError> {
        let Self { world, panda, renderer, robot_share } = self;
        // The demo's layouts are those of its own seeds; the other splits never share one.
        let own_seed = if split == Split::HeldOut { seed + (1 << 40) } else { seed };
        let mut rng = ChaCha8Rng::seed_from_u64(own_seed);
        let rng = &mut rng;
        let mut scene = Scene::default();
        let standard = split == Split::Demo;
        add_surroundings(world, standard, &mut scene, rng);
        let robot = chance(rng, *robot_share).then(|| panda.add_to(&mut scene, rng));
        let tool = robot.as_ref().map(|posture| posture.world_from_tool);

        let objects =
            if standard { world.layout(seed)? } else { random_objects(world, split, tool, rng) };
        let mut instances: Vec<Vec<InstanceId>> = Vec::new();
        for object in &objects {
            let material =
                if standard { Material::plain(object.colour) } else { object_material(rng, split) };
            let mut add = |part: &praxis_world::Part| {
                let pose = object.world_from_object * part.object_from_part;
                scene.add(Mesh::of_shape(&part.shape), material, pose)
            };
            instances.push(object.parts.iter().map(&mut add).collect());
        }
        if !standard {
            add_distractors(&objects, &mut scene, rng);
        }

        let camera = if standard { mounted_camera(world) } else { random_camera(world, rng) };
        let light =
            if standard || chance(rng, 0.15) { Light::default() } else { random_light(rng) };
        renderer.render(&scene, &light, &camera, frame);
        let labels = objects
            .iter()
            .zip(&instances)
            .filter_map(|(object, instances)| {
                let class = world.classes.iter().find(|class| class.name == object.class);
                let turn = class.and_then(|class| class.shape.symmetry_rad());
                let order = turn.map_or(0, |turn| (std::f64::consts::TAU / turn).round() as u32);
                label(object, order, instances, &camera, frame)
            })
            .collect();
        Ok(Table { camera, robot, labels })
    }
}
