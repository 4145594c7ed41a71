"""A problem as RoboPlan's scene."""

import itertools

import numpy as np

GROUP = "benchmark"


class Scene:
    """RoboPlan's scene with the robot; the obstacles of one problem at a time."""

    def __init__(self, core, asked):
        self.core, self.joints = core, asked["joints"]
        self.scene = core.Scene("benchmark", core.loadUrdfSceneDescriptionFromXml(asked["urdf"]))
        self.scene.importSrdf(asked["srdf"])
        self.scene.allowAdjacentLinkCollisions()
        self.scene.addGroup(GROUP, self.joints)
        self.root = "universe"
        self.placed = []

    def place(self, obstacles):
        for name in self.placed:
            self.scene.removeGeometry(name)
        self.placed = []
        for ball in obstacles["spheres"]:
            self.add_ball(ball["center"], ball["radius"])
        for rod in obstacles["capsules"]:
            # RoboPlan has no capsules: a cylinder and a ball at each end are one.
            a, b = np.array(rod["a"]), np.array(rod["b"])
            length = float(np.linalg.norm(b - a))
            if length > 1e-6:
                cylinder = self.core.Cylinder(rod["radius"], length)
                self.add(self.scene.addCylinderGeometry, cylinder, 0.5 * (a + b), frame_along(b - a))
            self.add_ball(a, rod["radius"])
            self.add_ball(b, rod["radius"])
        for block in obstacles["cuboids"]:
            box = self.core.Box(*(2.0 * half for half in block["half_extents"]))
            self.add(self.scene.addBoxGeometry, box, block["center"], np.array(block["axes"]).T)
        # Obstacles stand in one another, which RoboPlan would take for a collision of the robot's.
        self.scene.setCollisions(list(itertools.combinations(self.placed, 2)), False)

    def add_ball(self, center, radius):
        self.add(self.scene.addSphereGeometry, self.core.Sphere(radius), center, np.eye(3))

    def add(self, method, shape, center, rotation):
        tform = np.eye(4, order="F")
        tform[:3, :3], tform[:3, 3] = rotation, center
        name = f"obstacle_{len(self.placed)}"
        method(name, self.root, shape, tform, np.array([0.5, 0.5, 0.5, 1.0]))
        self.placed.append(name)

    def configuration(self, q):
        return self.core.JointConfiguration(self.joints, np.array(q, dtype=float))


def frame_along(way):
    """A rotation whose third column points along `way`."""
    z = way / np.linalg.norm(way)
    x = np.cross(z, [1.0, 0.0, 0.0] if abs(z[0]) < 0.9 else [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(z, x), z])
